"""Covariance matrices without correlations."""

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


def _squares(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
    """T = (x_i, x_i^2)."""
    centred(x, start, n, centre, scale, T)
    d = x.shape[0]
    for i in range(d):
        u, w = T[i], T[d + i]
        for j in range(n):
            w[j] = u[j] * u[j]


squares = compiled(_squares)


class Diagonal(Kind):
    """A variance for each feature; for d = 1, the variance. Coordinates: log sds. Prior: LogNormal sds."""

    statistics = squares
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

    def natural(self, precision: np.ndarray) -> np.ndarray:
        """-P_ii / 2."""
        return -0.5 * diagonal(precision)

    def violation(self, matrix: np.ndarray) -> str:
        """Zeros off the diagonal."""
        scale = np.sqrt(np.abs(np.diag(matrix)))
        off = matrix - np.diag(np.diag(matrix))
        return "diagonal" if (np.abs(off) > 1e-8 * scale * scale[:, None]).any() else ""

    def next_variance(self, residual: np.ndarray, r: np.ndarray, matrix: np.ndarray) -> float:
        """See `Kind`."""
        i = int(np.argmin(np.diag(matrix)))
        return about_mean(residual[:, i : i + 1], r) / float(matrix[i, i])

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

    def to_unconstrained(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        return log_sds(covariances)

    def to_natural(self, z: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        with np.errstate(over="ignore"):
            return np.exp(2 * z)[:, :, None] * np.eye(d)

    def score(self, covariances: np.ndarray, scatter: np.ndarray, N: np.ndarray) -> np.ndarray:
        """C_ii / S_ii - N."""
        return diagonal(scatter) / diagonal(covariances) - N[:, None]

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

    def pymc_densities(self, x: Any, means: Any, shared: bool, K: int, prior: Any) -> Any:
        """Variable "sigma" (1 or K, d); log sds ~ N(log(sd / K), 0.8^2)."""
        import pymc as pm
        import pytensor.tensor as pt

        shape = (1 if shared else K, x.type.shape[1])
        sigma = pm.LogNormal("sigma", pt.log(prior["sd"] / K), LOG_SD, shape=shape)
        return independent(x, means, sigma)

    def from_draws(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        """See `Kind`."""
        return draws["sigma"][..., None] ** 2 * np.eye(d)

    def to_draws(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        """See `Kind`."""
        return {"sigma": np.sqrt(diagonal(covariances))}

    def log_prior(self, covariances: np.ndarray, sd: np.ndarray) -> float:
        """See `Kind`."""
        return log_normal_density(log_sds(covariances), np.log(sd), LOG_SD)
