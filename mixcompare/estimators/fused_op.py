"""The compiled pass of an exponential family as an Op of a PyMC graph: log-likelihood and derivatives in one.

With a_k (log weights in it) and eta_k the natural parameters of log f_k(x) = a_k + eta_k . T(x), the
derivatives of sum_i c_i log sum_k exp(a_k + eta_k . T(x_i)) by a_k and eta_k are the expected sums of 1
and T(x): what one pass (families/kernel.py) gives with the value. So the gradient needs no second node.

This module imports pytensor: import it where a graph is made, not at the top of others.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph import Apply, Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from mixcompare.families.core import made
from mixcompare.families.kernel import DEAD, block_size, sweep
from mixcompare.numerics import SOURCES, compiled

N_CONSTANT = 4
"""The first inputs are data, by which nothing is differentiated."""


class FusedLikelihood(Op):
    """Log-likelihood (nats, without base measure), its gradient by a (K,), and by eta (K, M).

    Inputs: x (m, N) as `ExponentialFamily.encode` gives it, counts (N,) or none at all for ones, centre
    and scale (d,) of the frame, a (K,) with the log weights, eta (K, M); all float64. The value is nan
    where it is not finite. There are no second derivatives: asking for them raises NullTypeGradError.

    Parameters
    ----------
    statistics : str
        "module:name" of the family's `Core.statistics`: all that families differ in here.
    """

    __props__ = ("statistics",)

    def __init__(self, statistics: str) -> None:
        self.statistics = statistics

    @classmethod
    def of(cls, statistics: Callable[..., None]) -> FusedLikelihood:
        """The Op for a module's own function."""
        return cls(f"{statistics.__module__}:{statistics.__qualname__}")

    @property
    def function(self) -> Any:
        """The compiled function of the six inputs."""
        module, name = self.statistics.split(":")
        return made(make_likelihood, getattr(importlib.import_module(module), name))

    def make_node(self, *inputs: Any) -> Apply:
        """One node; see the class for its inputs."""
        given = [pt.as_tensor(value, dtype="float64") for value in inputs]
        a, eta = given[N_CONSTANT:]
        return Apply(self, given, [pt.dscalar(), a.type(), eta.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any) -> None:
        """For linkers other than numba's: the same compiled function."""
        for storage, value in zip(output_storage, self.function(*inputs), strict=True):
            storage[0] = value

    def pullback(
        self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]
    ) -> list[Any]:
        """The node's own other outputs; refused for derivatives of those outputs, which it doesn't know."""
        second = any(not isinstance(c.type, DisconnectedType) for c in cotangents[1:])
        return [
            grad_not_implemented(self, i, value)
            if second or i < N_CONSTANT
            else cotangents[0] * outputs[i - N_CONSTANT + 1]
            for i, value in enumerate(inputs)
        ]


@register_funcify_default_op_cache_key(FusedLikelihood)
def _funcify(op: FusedLikelihood, **given: Any) -> tuple[Any, int]:
    """The compiled function, and what makes cached machine code of other sources another's."""
    return op.function, int(SOURCES, 16)


def make_likelihood(statistics: Callable[..., None]) -> Any:
    """The function behind the Op, compiled for one family's statistics.

    Several threads may sample at once, so that every call has a workspace of its own: one allocation.
    """

    def likelihood(x, counts, centre, scale, a, eta):  # type: ignore[no-untyped-def]
        K, M = eta.shape
        even, rows = K + K % 2, M + M % 2
        points = min(block_size(even, rows), (x.shape[1] + 31) // 32 * 32)
        raw = np.zeros((even + rows + 3) * points + 8)
        at = -raw.ctypes.data % 64 // 8  # as `aligned` has it
        held = raw[at : at + (even + rows + 3) * points].reshape(even + rows + 3, points)
        T, r = held[:rows], held[rows : rows + even]
        work = (T, held[rows + even], r, held[rows + even + 1], held[rows + even + 2])
        # the padding, as in `FusedPass`
        a_even, eta_even, S = (
            np.full(even, DEAD),
            np.zeros((even, rows)),
            np.empty((even, 1 + rows)),
        )
        a_even[:K] = a
        eta_even[:K, :M] = eta
        value = sweep(statistics, x, counts, centre, scale, a_even, eta_even, S, work)
        return np.asarray(value), S[:K, 0].copy(), S[:K, 1 : 1 + M].copy()

    return compiled(likelihood)
