"""What an exponential family says, and gets for it: one compiled pass that everything follows from.

log f(x) = log h(x) + a(theta) + eta(theta) . T(x). A family says T, its M-step, its natural parameters and
its unconstrained coordinates as plain functions that compiled code may call (`Core`). The pass (kernel.py),
the E-step, the M-step, the exact gradient and whole runs of EM in compiled code follow from these.

In compiled code the parameters of all components are one table P (K, p): the natural parameters of a
component, raveled and side by side in the order of `Family.shapes`, in the frame's units.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mixcompare.blocks import blocks
from mixcompare.data import Dataset
from mixcompare.families.base import (
    Family,
    Frame,
    Parameters,
    Pass,
    posterior_probabilities,
)
from mixcompare.families.kernel import DEAD, NONE, make_pass, padded, sweep, workspace
from mixcompare.families.maps import to_log_weights
from mixcompare.families.tangent import make_product
from mixcompare.numerics import compiled
from mixcompare.theta import Theta


class Core(NamedTuple):
    """The functions of an exponential family that compiled code calls (marked `inlinable`).

    `layout` holds what they must know of the model, as whole numbers: see the family.
    """

    statistics: Callable[..., None]
    """(x, start, n, centre, scale, T): fills T[:M, :n] from columns of x (d, N)."""
    maximise: Callable[..., None]
    """(S, layout, P): the M-step, from expected sums S (K, 1 + M) of (1, T); nan where one is empty."""
    natural: Callable[..., float]
    """(P, layout, a, eta): fills a (K,), without weights, and eta (K, M); nan outside the domain.

    Returns the smallest spread (see `Family.spread`), or a bound from below that is never less than a
    d-th of its square; inf if nothing collapses.
    """
    to_free: Callable[..., None]
    """(P, layout, z): fills the family's unconstrained coordinates; infinite at an edge."""
    to_natural: Callable[..., None]
    """(z, layout, P): the inverse."""
    score: Callable[..., None]
    """(P, S, layout, g): fills the gradient of the log-likelihood in the same coordinates, nats, from the
    expected sums S at the same point (Fisher's identity); linear in S, whatever S holds."""


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
        a, eta = self.natural(_stacked(self.to_frame(parameters, frame)))
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
        P = np.empty((len(statistics), _width(self.shapes(d))))
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
        P = np.empty((n_components, _width(self.shapes(n_features))))
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
        self.P = np.empty((n_components, _width(family.shapes(data.n_features))))
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
        P = family.table(family.ordered(_stacked(parameters)))
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


_RUN: dict[Any, Any] = {}
_MADE: dict[Any, Any] = {}


def run(function: Callable[..., Any]) -> Any:
    """A function of a `Core`, compiled for calls from Python; made once."""
    if function not in _RUN:
        _RUN[function] = compiled(function)
    return _RUN[function]


def made(factory: Callable[..., Any], *functions: Any) -> Any:
    """What a factory of compiled code makes of these functions of a `Core`; made once."""
    key = (factory, *functions)
    if key not in _MADE:
        _MADE[key] = factory(*functions)
    return _MADE[key]


def _n_features(parameters: Parameters) -> int:
    first = next(iter(parameters.values()))
    return first.shape[1] if first.ndim > 1 else 1


def _stacked(parameters: Parameters) -> dict[str, np.ndarray]:
    """Arrays (M, K, ...) as (M K, ...)."""
    return {name: array.reshape(-1, *array.shape[2:]) for name, array in parameters.items()}


def _width(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes.values())
