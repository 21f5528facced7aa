"""Covariance matrices with one variance for all features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare.families.base import Frame
from mixcompare.families.conjugate.normal import draw_spherical
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
    ratio,
    variance,
)
from mixcompare.families.maps import lesser
from mixcompare.numerics import inlinable


@inlinable
def statistics(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
    """T = (x_i, sum_i x_i^2)."""
    centred(x, start, n, centre, scale, T)
    d = x.shape[0]
    w = T[d]
    for j in range(n):
        w[j] = 0.0
    for i in range(d):
        u = T[i]
        for j in range(n):
            w[j] += u[j] * u[j]


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """Weighted means, and the mean over features of the variances."""
    d = layout[0]
    P[:] = 0.0
    for k in range(P.shape[0]):
        square = 0.0
        for i in range(d):
            mean = S[k, 1 + i] / S[k, 0]
            P[k, i] = mean
            square += mean * mean
        for i in range(d):
            P[k, d + i * d + i] = variance(S[k, 1 + d] / S[k, 0], square) / d


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = (m / v, -1 / 2 v)."""
    d, least = layout[0], np.inf
    for k in range(P.shape[0]):
        v = P[k, d]
        v = v if v > 0 else np.nan
        total = d * (LOG_2PI + math.log(v))
        for i in range(d):
            eta[k, i] = P[k, i] / v
            total += P[k, i] * P[k, i] / v
        eta[k, d] = -0.5 / v
        least = lesser(least, v)
        a[k] = -0.5 * total
    return math.sqrt(least)


@inlinable
def to_free(P, layout, z):  # type: ignore[no-untyped-def]
    """Means, then half the logarithms of the variances."""
    K, d = P.shape[0], layout[0]
    means_to_free(P, d, z)
    for k in range(K):
        z[K * d + k] = 0.5 * math.log(P[k, d])


@inlinable
def to_natural(z, layout, P):  # type: ignore[no-untyped-def]
    """The inverse."""
    K, d = P.shape[0], layout[0]
    P[:] = 0.0
    for k in range(K):
        for i in range(d):
            P[k, i] = z[k * d + i]
            P[k, d + i * d + i] = math.exp(2.0 * z[K * d + k])


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """(S_1 - N m) / v for a mean, C / v - N d for the log sd with C the sum of squares about the means."""
    K, d = P.shape[0], layout[0]
    for k in range(K):
        v, N = P[k, d], S[k, 0]
        total = S[k, 1 + d]
        for i in range(d):
            first = S[k, 1 + i] - N * P[k, i]
            g[k * d + i] = first / v
            total -= P[k, i] * (S[k, 1 + i] + first)
        g[K * d + k] = total / v - N * d


class Spherical(Kind):
    """One variance for all features, in the data's own units, which must then be the same for all.

    Coordinate: the log sd. Prior: LogNormal, about the root mean square of the sds of the data.
    """

    core = Core(statistics, maximise, natural, to_free, to_natural, score)
    conjugate = staticmethod(draw_spherical)
    correlated = False
    own_sds = False

    def scale(self, variances: np.ndarray) -> np.ndarray:
        """The root of the mean variance, for all."""
        return np.full_like(variances, own_sd(np.atleast_1d(variances.mean()))[0])

    def dimension(self, n_statistics: int) -> int:
        """From d + 1."""
        return n_statistics - 1

    def n_second(self, d: int) -> int:
        """1."""
        return 1

    def moments(self, second: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        return second[:, :, None] / d * np.eye(d)

    def project(self, scatter: np.ndarray) -> np.ndarray:
        """The mean of its diagonal."""
        d = scatter.shape[1]
        return diagonal(scatter).mean(axis=1)[:, None, None] * np.eye(d)

    def violation(self, matrix: np.ndarray) -> str:
        """Zeros off the diagonal, and all the same on it."""
        variances = np.diag(matrix)
        off = matrix - variances[0] * np.eye(len(matrix))
        wrong = np.abs(off) > 1e-8 * np.abs(variances).max()
        return "spherical (one variance for all features)" if wrong.any() else ""

    def next_variance(self, residual: np.ndarray, r: np.ndarray, matrix: np.ndarray) -> float:
        """The same in every direction."""
        return ratio(about_mean(residual, r), float(matrix[0, 0]))

    def n_free(self, d: int) -> int:
        """1."""
        return 1

    def names(self, which: str, columns: Sequence[str]) -> list[str]:
        """See `Kind`."""
        return [f"log sd{which}"]

    def units(self, frame: Frame) -> np.ndarray:
        """One."""
        return np.ones(1)

    def naive_kinds(self, d: int) -> list[str]:
        """One sd."""
        return ["sds"]

    def to_naive(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        return np.sqrt(covariances[:, 0, :1])

    def from_naive(self, raw: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        return (raw * np.abs(raw))[:, :, None] * np.eye(d)

    def naive_density(self, x: np.ndarray, mean: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Products of `norm.pdf(x, mean, sd)`: nan for a negative sd."""
        from scipy import stats

        density: np.ndarray = stats.norm.pdf(x, mean, raw[0]).prod(axis=1)
        return density

    def pymc_matrices(
        self, m: int, d: int, sds: tuple[Any, dict[str, Any]], eta: Any
    ) -> dict[str, Any]:
        """Variable "sigma" (m, 1)."""
        distribution, arguments = sds
        return _everywhere(distribution("sigma", **arguments, shape=(m, 1)), d)

    def pymc_from_free(self, free: Any, d: int) -> dict[str, Any]:
        """See `Kind`."""
        import pytensor.tensor as pt

        return _everywhere(pt.exp(free), d)

    def pymc_distances(
        self, x: Any, means: Any, matrices: Mapping[str, Any], K: int
    ) -> tuple[Any, Any]:
        """See `Kind`."""
        return independent(x, means, matrices["sds"])

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `Kind`."""
        import pytensor.tensor as pt

        a, linear, quadratic = natural_independent(parameters["means"], parameters["sds"])
        return a, pt.concatenate([linear, quadratic[:, :1]], axis=1)

    def from_draws(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        """See `Kind`."""
        return draws["sigma"][..., None] ** 2 * np.eye(d)

    def to_draws(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        """See `Kind`."""
        return {"sigma": np.sqrt(covariances[:, 0, :1])}

    def from_free(self, free: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        return np.exp(2 * free)[..., None] * np.eye(d)

    def free(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        return log_sds(covariances)[:, :1]

    def apart(self, covariances: np.ndarray, eta: float) -> tuple[np.ndarray, float]:
        """See `Kind`; sds are all there is."""
        return self.free(covariances), 0.0


def _everywhere(sds: Any, d: int) -> dict[str, Any]:
    """One sd (m, 1) for all features."""
    import pytensor.tensor as pt

    return {"sds": pt.tile(sds, (1, d))}
