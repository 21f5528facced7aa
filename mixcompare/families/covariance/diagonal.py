"""Covariance matrices without correlations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare.families.base import Frame
from mixcompare.families.conjugate.normal import draw_diagonal
from mixcompare.families.core import Core
from mixcompare.families.covariance.base import (
    LOG_2PI,
    Kind,
    about_mean,
    centred,
    diagonal,
    independent,
    log_sds,
    means_to_free,
    natural_independent,
    own_sd,
    pool,
    ratio,
    variance,
)
from mixcompare.families.maps import lesser
from mixcompare.numerics import inlinable


@inlinable
def statistics(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
    """T = (x_i, x_i^2)."""
    centred(x, start, n, centre, scale, T)
    d = x.shape[0]
    for i in range(d):
        u, w = T[i], T[d + i]
        for j in range(n):
            w[j] = u[j] * u[j]


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """Weighted means and variances; pooled variances if tied."""
    d = layout[0]
    P[:] = 0.0
    for k in range(P.shape[0]):
        for i in range(d):
            mean = S[k, 1 + i] / S[k, 0]
            P[k, i] = mean
            P[k, d + i * d + i] = variance(S[k, 1 + d + i] / S[k, 0], mean * mean)
    if layout[1]:
        pool(S, P, d)


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = (m / v, -1 / 2 v)."""
    d, least = layout[0], np.inf
    for k in range(P.shape[0]):
        total = d * LOG_2PI
        for i in range(d):
            m, v = P[k, i], P[k, d + i * d + i]
            v = v if v > 0 else np.nan
            eta[k, i] = m / v
            eta[k, d + i] = -0.5 / v
            total += math.log(v) + m * m / v
            least = lesser(least, v)
        a[k] = -0.5 * total
    return math.sqrt(least)


@inlinable
def to_free(P, layout, z):  # type: ignore[no-untyped-def]
    """Means, then half the logarithms of the variances."""
    K, d = P.shape[0], layout[0]
    means_to_free(P, d, z)
    for k in range(1 if layout[1] else K):
        for i in range(d):
            z[K * d + k * d + i] = 0.5 * math.log(P[k, d + i * d + i])


@inlinable
def to_natural(z, layout, P):  # type: ignore[no-untyped-def]
    """The inverse."""
    K, d = P.shape[0], layout[0]
    P[:] = 0.0
    for k in range(K):
        at = K * d + (0 if layout[1] else k * d)
        for i in range(d):
            P[k, i] = z[k * d + i]
            P[k, d + i * d + i] = math.exp(2.0 * z[at + i])


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """(S_1 - N m) / v for a mean, C / v - N for a log sd with C the sum of squares about m."""
    K, d = P.shape[0], layout[0]
    g[K * d :] = 0.0
    for k in range(K):
        at = K * d + (0 if layout[1] else k * d)
        for i in range(d):
            m, v, N = P[k, i], P[k, d + i * d + i], S[k, 0]
            first = S[k, 1 + i] - N * m
            g[k * d + i] = first / v
            g[at + i] += (S[k, 1 + d + i] - m * (S[k, 1 + i] + first)) / v - N


class Diagonal(Kind):
    """A variance for each feature; for d = 1, the variance. Coordinates: log sds."""

    core = Core(statistics, maximise, natural, to_free, to_natural, score)
    conjugate = staticmethod(draw_diagonal)
    correlated = False

    def scale(self, variances: np.ndarray) -> np.ndarray:
        """Each feature's own sd."""
        return own_sd(variances)

    def dimension(self, n_statistics: int) -> int:
        """From 2 d."""
        return n_statistics // 2

    def n_second(self, d: int) -> int:
        """d."""
        return d

    def moments(self, second: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        return second[:, :, None] * np.eye(d)

    def project(self, scatter: np.ndarray) -> np.ndarray:
        """Its diagonal."""
        return scatter * np.eye(scatter.shape[1])

    def violation(self, matrix: np.ndarray) -> str:
        """Zeros off the diagonal."""
        scale = np.sqrt(np.abs(np.diag(matrix)))
        off = matrix - np.diag(np.diag(matrix))
        return "diagonal" if (np.abs(off) > 1e-8 * scale * scale[:, None]).any() else ""

    def next_variance(self, residual: np.ndarray, r: np.ndarray, matrix: np.ndarray) -> float:
        """See `Kind`."""
        i = int(np.argmin(np.diag(matrix)))
        return ratio(about_mean(residual[:, i : i + 1], r), float(matrix[i, i]))

    def n_free(self, d: int) -> int:
        """d."""
        return d

    def names(self, which: str, columns: Sequence[str]) -> list[str]:
        """See `Kind`."""
        if len(columns) == 1:
            return [f"log sd{which}"]
        return [f"log sd{which} of {column}" for column in columns]

    def units(self, frame: Frame) -> np.ndarray:
        """Ones."""
        return np.ones(frame.scale.size)

    def naive_kinds(self, d: int) -> list[str]:
        """An sd for each feature."""
        return ["sds"] * d

    def to_naive(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        return np.sqrt(diagonal(covariances))

    def from_naive(self, raw: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        return (raw * np.abs(raw))[:, :, None] * np.eye(d)

    def naive_density(self, x: np.ndarray, mean: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Products of `norm.pdf(x, mean, sd)`: nan for a negative sd."""
        from scipy import stats

        density: np.ndarray = stats.norm.pdf(x, mean, raw).prod(axis=1)
        return density

    def pymc_matrices(
        self, m: int, d: int, sds: tuple[Any, dict[str, Any]], eta: Any
    ) -> dict[str, Any]:
        """Variable "sigma" (m, d)."""
        distribution, arguments = sds
        return {"sds": distribution("sigma", **arguments, shape=(m, d))}

    def pymc_from_free(self, free: Any, d: int) -> dict[str, Any]:
        """See `Kind`."""
        import pytensor.tensor as pt

        return {"sds": pt.exp(free)}

    def pymc_distances(
        self, x: Any, means: Any, matrices: Mapping[str, Any], K: int
    ) -> tuple[Any, Any]:
        """See `Kind`."""
        return independent(x, means, matrices["sds"])

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `Kind`."""
        import pytensor.tensor as pt

        a, linear, quadratic = natural_independent(parameters["means"], parameters["sds"])
        return a, pt.concatenate([linear, quadratic], axis=1)

    def from_draws(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        """See `Kind`."""
        return draws["sigma"][..., None] ** 2 * np.eye(d)

    def to_draws(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        """See `Kind`."""
        return {"sigma": np.sqrt(diagonal(covariances))}

    def from_free(self, free: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        return np.exp(2 * free)[..., None] * np.eye(d)

    def free(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        return log_sds(covariances)

    def apart(self, covariances: np.ndarray, eta: float) -> tuple[np.ndarray, float]:
        """See `Kind`; sds are all there is."""
        return log_sds(covariances), 0.0
