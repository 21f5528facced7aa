"""The multivariate t distribution in formulas: density and latent precisions.

x = m + L e / sqrt(u) with L L' = S, e standard normal and u ~ Gamma(v / 2, v / 2): given u, x is normal. With
D = (x - m)' S^-1 (x - m), the log-density is

    log Gamma((v + d) / 2) - log Gamma(v / 2) - (d log(pi v) + log |S| + (v + d) log(1 + D / v)) / 2.

Source: Liu and Rubin (1995), Statistica Sinica 5, 19-39; mixtures: Peel and McLachlan (2000), Statistics
and Computing 10, 339-348.
"""

from __future__ import annotations

import numpy as np

from mixcompare.families.covariance.base import cholesky

MOST = 200.0
"""Free degrees of freedom at most: see `StudentT`."""

FEW = 10.0
"""Free degrees of freedom of a start."""


def distances(
    x: np.ndarray, means: np.ndarray, scales: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """D (n, K), residuals taken about each component's own mean; half log |S| (K,). nan: no scale matrix."""
    D, half = np.empty((x.shape[0], len(means))), np.empty(len(means))
    for k, (mean, factor) in enumerate(zip(means, cholesky(scales), strict=True)):
        half[k] = np.log(np.diag(factor)).sum()
        if np.isnan(half[k]):
            D[:, k] = np.nan
        elif len(mean) == 1:
            D[:, k] = ((x[:, 0] - mean[0]) / factor[0, 0]) ** 2
        else:
            D[:, k] = (np.linalg.solve(factor, (x - mean).T) ** 2).sum(axis=0)
    return D, half


def log_constant(half: np.ndarray, df: np.ndarray, d: int) -> np.ndarray:
    """(K,) nats at x = m; nan where df is not positive."""
    v = np.where(df > 0, df, np.nan)
    return np.asarray(log_gamma_ratio(v / 2, d / 2) - d / 2 * np.log(np.pi * v) - half)


def log_density(D: np.ndarray, half: np.ndarray, df: np.ndarray, d: int) -> np.ndarray:
    """(n, K) nats, from `distances`; nan where df is not positive."""
    return np.asarray(log_constant(half, df, d) - (df + d) / 2 * np.log1p(D / df))


def precision(D: np.ndarray, df: np.ndarray, d: int) -> np.ndarray:
    """E(u | x) = (v + d) / (v + D)."""
    return np.asarray((df + d) / (df + D))


def excess(u: np.ndarray, df: np.ndarray, d: int) -> np.ndarray:
    """E(log u - u + 1 | x), from E(u | x): log E u + psi((v + d) / 2) - log((v + d) / 2) - E u + 1."""
    return np.asarray(np.log(u) - u + 1 - log_minus_psi((df + d) / 2))


def log_gamma_ratio(a: np.ndarray, b: float) -> np.ndarray:
    """log Gamma(a + b) - log Gamma(a), without the cancellation of two large numbers.

    From Stirling's series (Abramowitz and Stegun 6.1.41) where a >= 10: its error is below 1e-16 there.
    """
    from scipy.special import gammaln  # a quarter of a second to import

    large = np.where(a >= 10, a, 10.0)
    series = (large - 0.5) * np.log1p(b / large) + b * np.log(large + b) - b
    series += _stirling(large + b) - _stirling(large)
    return np.where(a >= 10, series, gammaln(a + b) - gammaln(a))


def _stirling(a: np.ndarray) -> np.ndarray:
    """log Gamma(a) beyond (a - 1 / 2) log a - a + log(2 pi) / 2."""
    total, square = np.zeros_like(a), 1 / a**2
    for term in (1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12):
        total = term + square * total
    return total / a


def log_minus_psi(a: np.ndarray) -> np.ndarray:
    """log a - psi(a): falls from infinity to 0; between 1 / (2 a) and 1 / a."""
    from scipy.special import psi

    return np.asarray(np.log(a) - psi(a))
