"""Compiled passes of an exponential family over one data set: see kernel.py for how one goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Parameters
from mixcompare.families.core import Core, made, run
from mixcompare.families.kernel import DEAD, make_pass, padded, sweep, workspace
from mixcompare.families.maps import to_log_weights
from mixcompare.families.passes import Pass
from mixcompare.families.tangent import make_product
from mixcompare.numerics import compiled
from mixcompare.theta import Theta

if TYPE_CHECKING:
    from mixcompare.families.fused import ExponentialFamily


class FusedPass(Pass):
    """Compiled passes of an exponential family over one data set."""

    exact_products: ClassVar[bool] = True

    def __init__(self, family: ExponentialFamily, data: Dataset, n_components: int) -> None:
        self.family = family
        self.frame = family.frame(data)
        held = family.fused_data(data)
        self.x, self.counts = held["x"], held["counts"]
        self.constant = held["constant"] - data.n * self.frame.log_volume
        M = family.n_statistics(data.n_features)
        rows, even = padded(M), n_components + n_components % 2
        self.K, self.M = n_components, M
        self.layout = family.layout(data.n_features)
        self.core = family.core(data.n_features)
        self.accumulate = made(make_pass, self.core.statistics)
        self.score = made(make_score, self.core)
        self.product = made(
            make_product,
            self.core.statistics,
            self.core.natural,
            self.core.to_natural,
            self.core.score,
        )
        self.n = data.n
        self.P = np.empty((n_components, width(family.shapes(data.n_features))))
        self.log_weights = np.empty(n_components)
        self.work = workspace(n_components, M)
        self.slopes = np.zeros_like(self.work[2])
        self.a, self.eta = np.full(even, DEAD), np.zeros((even, rows))
        self.S = np.zeros((even, 1 + rows))
        # Nats that every evaluation adds up beside what the parameters make of the data.
        fixed = data.n * (1 + abs(self.frame.log_volume)) + abs(self.constant)
        self.data = (
            self.x,
            self.counts,
            self.frame.centre,
            self.frame.scale,
            self.a,
            self.eta,
            self.work,
            self.constant,
            fixed,
        )
        """What compiled loops take of it."""

    def table(self, parameters: Parameters) -> np.ndarray:
        """P (K, p) of natural parameters in the data's units."""
        family = self.family
        return family.table(family.ordered(family.to_frame(parameters, self.frame)))

    def theta(self, weights: np.ndarray, P: np.ndarray) -> Theta:
        """The point, in the data's units, of a table in the frame's."""
        parameters = self.family.untable(P, self.frame.scale.size)
        return Theta(weights, **self.family.from_frame(parameters, self.frame))

    def __call__(self, weights: np.ndarray, parameters: Parameters) -> tuple[float, np.ndarray]:
        """See `Pass`."""
        P = self.family.table(self.family.ordered(parameters))
        run(self.core.natural)(P, self.layout, self.a[: self.K], self.eta[: self.K])
        with np.errstate(divide="ignore", invalid="ignore"):
            self.a[: self.K] += np.log(weights)
        return self.accumulate(self.data, self.S), self.S[: self.K, : 1 + self.M].copy()

    def values(self, weights: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Pass`; the natural parameters of all in one compiled call."""
        (M, K), family = weights.shape, self.family
        P = family.table(family.ordered(stacked(parameters)))
        a, eta = np.empty(M * K), np.empty((M * K, self.M))
        run(self.core.natural)(P, self.layout, a, eta)
        with np.errstate(divide="ignore"):
            a = a.reshape(M, K) + np.log(weights)
        eta, found = eta.reshape(M, K, self.M), np.empty(M)
        for t in range(M):
            self.a[:K], self.eta[:K, : self.M] = a[t], eta[t]
            found[t] = self.accumulate(self.data, self.S)
        return found

    def value_and_score(
        self, z: np.ndarray, generic: Callable[[np.ndarray], tuple[float, np.ndarray]]
    ) -> tuple[float, np.ndarray]:
        """See `Pass`; in one compiled call."""
        return self._at(z)

    def value_at(
        self, z: np.ndarray, split: Callable[[np.ndarray], tuple[np.ndarray, Parameters]]
    ) -> float:
        """The same call."""
        return self._at(z)[0]

    def _at(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = np.empty(z.size)
        here = (self.P, self.log_weights, self.S)
        value = self.score(
            np.ascontiguousarray(z, dtype=float), self.n, self.data, self.layout, here, gradient
        )
        return value, gradient

    def value_and_product(self, z: np.ndarray, v: np.ndarray) -> tuple[float, np.ndarray]:
        """See `Pass`; exact over the data (tangent.py), in one compiled call."""
        product = np.empty(z.size)
        da, deta, d_sums = np.zeros_like(self.a), np.zeros_like(self.eta), np.empty_like(self.S)
        room = (self.P, self.log_weights, self.S, da, deta, d_sums, self.slopes)
        at, along = (np.ascontiguousarray(vector, dtype=float) for vector in (z, v))
        value = self.product(at, along, self.n, self.data, self.layout, room, product)
        return value, product

    def magnitude(self, statistics: np.ndarray) -> float:
        """sum_k N_k |a_k| + |eta_k| . |S_k|: large where a narrow component is far from the centre."""
        a, eta = self.a[: self.K], self.eta[: self.K, : self.M]
        by_constant = (
            abs(self.constant) + np.abs(np.where(np.isfinite(a), a, 0.0)) @ statistics[:, 0]
        )
        return float(by_constant + (np.abs(eta) * np.abs(statistics[:, 1:])).sum())


def make_score(core: Core) -> Any:
    """One pass from unconstrained coordinates to the log-likelihood and its gradient, compiled."""
    statistics, natural, to_natural, family_score = (
        core.statistics,
        core.natural,
        core.to_natural,
        core.score,
    )

    def score(z, n, data, layout, here, g):  # type: ignore[no-untyped-def]
        x, counts, centre, scale, a, eta, work, constant, _ = data
        P, log_weights, S = here
        K = log_weights.size
        to_log_weights(z, log_weights)
        to_natural(z[K - 1 :], layout, P)
        natural(P, layout, a, eta)
        for k in range(K):
            a[k] += log_weights[k]
        value = sweep(statistics, x, counts, centre, scale, a, eta, S, work)
        for k in range(K - 1):
            g[k] = S[k, 0] - n * math.exp(log_weights[k])
        family_score(P, S, layout, g[K - 1 :])
        return value + constant

    return compiled(score)


def stacked(parameters: Parameters) -> dict[str, np.ndarray]:
    """Arrays (M, K, ...) as (M K, ...)."""
    return {name: array.reshape(-1, *array.shape[2:]) for name, array in parameters.items()}


def width(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """p: columns of a table of parameters with these shapes."""
    return sum(int(np.prod(shape)) for shape in shapes.values())
