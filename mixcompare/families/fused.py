"""What an exponential family says, and gets for it: one compiled pass that everything follows from.

log f(x) = log h(x) + a(theta) + eta(theta) . T(x). A family says T, its M-step, its natural parameters and
its unconstrained coordinates as plain functions that compiled code may call (`Core`). The pass (kernel.py),
the E-step, the M-step, the exact gradient and whole runs of EM in compiled code follow from these.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from mixcompare.blocks import blocks
from mixcompare.data import Dataset
from mixcompare.families.base import Family, Frame, Parameters, posterior_probabilities
from mixcompare.families.core import Core, run
from mixcompare.families.fused_pass import FusedPass, stacked, width
from mixcompare.families.kernel import NONE, padded


class ExponentialFamily(Family):
    """A family that says its `Core`, and where there is one the base measure h.

    Statistics are held as (K, 1 + M): expected count, then expected sums of T.
    """

    @abstractmethod
    def core(self, n_features: int) -> Core:
        """The compiled functions; one object for all instances that have the same."""

    def layout(self, n_features: int) -> np.ndarray:
        """Whole numbers (int64) that the functions of `core` are given; here none that matter."""
        return np.zeros(1, dtype=np.int64)

    @abstractmethod
    def n_statistics(self, n_features: int) -> int:
        """M."""

    def encode(self, x: np.ndarray, frame: Frame) -> np.ndarray:
        """What `statistics` reads for observations x (n, d): columns (m, n); the features themselves."""
        return np.ascontiguousarray(x.T)

    def base_measure(self, data: Dataset) -> float:
        """sum_i c_i log h(x_i), nats: the part of the log-likelihood that no parameter touches."""
        return 0.0

    def begin(self, data: Dataset, n_components: int) -> FusedPass:
        """Prepare fused passes (see kernel.py)."""
        return FusedPass(self, data, n_components)

    def fused_data(self, data: Dataset) -> dict[str, Any]:
        """What a pass reads of the data, by name: all of it in distinct rows, if these are at most half.

        The log-likelihood in the frame is the pass's value plus "constant".
        """
        held, frame = data.compact, self.frame(data)
        return {
            "x": self.encode(held.x, frame),
            "counts": NONE if held.counts is None else held.counts,
            "centre": frame.centre,
            "scale": frame.scale,
            "constant": self.base_measure(held),
        }

    def classify(self, data: Dataset, weights: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`; by one product of the natural parameters with the statistics of all rows."""
        frame, (M, K) = self.frame(data), weights.shape
        T = np.empty((padded(self.n_statistics(data.n_features)), data.n_rows))
        run(self.core(data.n_features).statistics)(
            self.encode(data.x, frame), 0, data.n_rows, frame.centre, frame.scale, T
        )
        a, eta = self.natural(stacked(self.to_frame(parameters, frame)))
        p = eta @ T[: eta.shape[1]]
        p += a[:, None]
        return posterior_probabilities(p.reshape(M, K, data.n_rows), weights)

    @abstractmethod
    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """Symbolic a (K,), without weights, and eta (K, M) of the prior's symbolic parameters."""

    likelihoods: ClassVar[tuple[str, ...]] = ("fused", "graph")

    # -- between the mapping of natural parameters and the table of compiled code --------------------

    def table(self, parameters: Parameters) -> np.ndarray:
        """P (K, p)."""
        values = [np.asarray(value, dtype=float) for value in parameters.values()]
        return np.hstack([value.reshape(len(value), -1) for value in values])

    def untable(self, P: np.ndarray, n_features: int) -> dict[str, np.ndarray]:
        """The inverse of `table`."""
        parameters, at = {}, 0
        for name, shape in self.shapes(n_features).items():
            size = int(np.prod(shape))
            parameters[name] = P[:, at : at + size].reshape(len(P), *shape).copy()
            at += size
        return parameters

    def natural(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """a (K,) and eta (K, M) in the frame; nan outside the domain."""
        d, P = _n_features(parameters), self.table(self.ordered(parameters))
        a, eta = np.empty(len(P)), np.empty((len(P), self.n_statistics(d)))
        run(self.core(d).natural)(P, self.layout(d), a, eta)
        return a, eta

    def ordered(self, parameters: Parameters) -> Mapping[str, np.ndarray]:
        """The parameters in the order of `shapes`."""
        return {name: parameters[name] for name in self.shapes(_n_features(parameters))}

    def mle(self, statistics: np.ndarray) -> dict[str, np.ndarray]:
        """See `Family`; nan for an empty component."""
        d = self.dimension(statistics.shape[1] - 1)
        P = np.empty((len(statistics), width(self.shapes(d))))
        run(self.core(d).maximise)(np.ascontiguousarray(statistics, dtype=float), self.layout(d), P)
        return self.untable(P, d)

    def dimension(self, n_statistics: int) -> int:
        """d, from M; 1 here, for univariate families."""
        return 1

    def to_unconstrained(self, parameters: Parameters) -> np.ndarray:
        """See `Family`; nan outside the domain."""
        d, P = _n_features(parameters), self.table(self.ordered(parameters))
        z = np.empty(self.n_coordinates(len(P), d))
        run(self.core(d).to_free)(P, self.layout(d), z)
        return z

    def to_natural(
        self, z: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        P = np.empty((n_components, width(self.shapes(n_features))))
        run(self.core(n_features).to_natural)(
            np.ascontiguousarray(z, dtype=float), self.layout(n_features), P
        )
        return self.untable(P, n_features)

    def score(self, parameters: Parameters, statistics: np.ndarray) -> np.ndarray:
        """See `Family`."""
        d, P = _n_features(parameters), self.table(self.ordered(parameters))
        g = np.empty(self.n_coordinates(len(P), d))
        S = np.ascontiguousarray(statistics, dtype=float)
        run(self.core(d).score)(P, S, self.layout(d), g)
        return g

    # -- other targets ----------------------------------------------------------------------------

    conjugate_prior: ClassVar[str] = (
        "conjugate, worth one observation a component with the mean statistics of the data"
    )

    def conjugate(self, overall: np.ndarray, n_components: int) -> Any:
        """(K, 1 + M): one pseudo-observation a component, with the mean statistics of the data.

        For shares this is a Beta or Dirichlet prior, for rates a Gamma prior, with mode at the data's own.
        """
        return np.repeat(overall / overall[:, :1], n_components, axis=0)

    def mode(self, statistics: np.ndarray, prior: Any) -> dict[str, np.ndarray]:
        """See `Family`: the M-step from the sum of both."""
        return self.mle(statistics + prior)

    def log_conjugate(self, parameters: Parameters, prior: Any) -> float:
        """sum_k n_k a_k + eta_k . tau_k, where (n_k, tau_k) are the rows of the prior."""
        a, eta = self.natural(parameters)
        return float(prior[:, 0] @ a + (eta * prior[:, 1:]).sum())

    def sums(
        self,
        data: Dataset,
        responsibilities: np.ndarray,
        parameters: Parameters | None = None,
    ) -> np.ndarray:
        """(K, 1 + M): see `Family`; they depend on no parameters."""
        M, frame = self.n_statistics(data.n_features), self.frame(data)
        total = np.zeros((responsibilities.shape[1], 1 + M))
        for rows in blocks(data.n_rows):
            x, counts = data.part(rows)
            T = np.empty((padded(M), len(x)))
            run(self.core(data.n_features).statistics)(
                self.encode(x, frame), 0, len(x), frame.centre, frame.scale, T
            )
            r = (responsibilities[rows] * counts[:, None]).T
            total[:, 0] += r.sum(axis=1)
            total[:, 1:] += r @ T[:M].T
        return total


def _n_features(parameters: Parameters) -> int:
    first = next(iter(parameters.values()))
    return first.shape[1] if first.ndim > 1 else 1
