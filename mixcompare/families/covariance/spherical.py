"""Covariance matrices with one variance for all features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare.families.base import Frame
from mixcompare.families.covariance.base import (
    Kind,
    about_mean,
    centred,
    diagonal,
    independent,
    log_sds,
    own_sd,
)
from mixcompare.families.priors import LOG_SD, log_normal_density
from mixcompare.numerics import compiled


def _square(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
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


square = compiled(_square)


class Spherical(Kind):
    """One variance for all features, in the data's own units, which must then be the same for all.

    Coordinate: the log sd. Prior: LogNormal, about the root mean square of the sds of the data.
    """

    statistics = square
    correlated = False

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

    def natural(self, precision: np.ndarray) -> np.ndarray:
        """-P_11 / 2."""
        return -0.5 * precision[:, :1, 0]

    def violation(self, matrix: np.ndarray) -> str:
        """Zeros off the diagonal, and all the same on it."""
        variances = np.diag(matrix)
        off = matrix - variances[0] * np.eye(len(matrix))
        wrong = np.abs(off) > 1e-8 * np.abs(variances).max()
        return "spherical (one variance for all features)" if wrong.any() else ""

    def next_variance(self, residual: np.ndarray, r: np.ndarray, matrix: np.ndarray) -> float:
        """The same in every direction."""
        return about_mean(residual, r) / float(matrix[0, 0])

    def n_free(self, d: int) -> int:
        """1."""
        return 1

    def names(self, which: str, columns: Sequence[str]) -> list[str]:
        """See `Kind`."""
        return [f"log sd{which}"]

    def units(self, frame: Frame) -> np.ndarray:
        """One."""
        return np.ones(1)

    def to_unconstrained(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        return log_sds(covariances)[:, :1]

    def to_natural(self, z: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        with np.errstate(over="ignore"):
            return np.exp(2 * z)[:, :, None] * np.eye(d)

    def score(self, covariances: np.ndarray, scatter: np.ndarray, N: np.ndarray) -> np.ndarray:
        """tr C / s^2 - N d."""
        d = covariances.shape[1]
        trace = diagonal(scatter).sum(axis=1)
        return (trace / covariances[:, 0, 0] - N * d)[:, None]

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

    def pymc_densities(self, x: Any, means: Any, shared: bool, K: int, prior: Any) -> Any:
        """Variable "sigma" (1 or K, 1)."""
        import pymc as pm
        import pytensor.tensor as pt

        log_sd = pt.log(pt.sqrt((prior["sd"] ** 2).mean()) / K)
        sigma = pm.LogNormal("sigma", log_sd, LOG_SD, shape=(1 if shared else K, 1))
        return independent(x, means, pt.tile(sigma, (1, x.type.shape[1])))

    def from_draws(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        """See `Kind`."""
        return draws["sigma"][..., None] ** 2 * np.eye(d)

    def to_draws(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        """See `Kind`."""
        return {"sigma": np.sqrt(covariances[:, 0, :1])}

    def log_prior(self, covariances: np.ndarray, sd: np.ndarray) -> float:
        """See `Kind`."""
        log_sd = np.log(np.sqrt((sd**2).mean()))
        return log_normal_density(log_sds(covariances)[:, 0], log_sd, LOG_SD)
