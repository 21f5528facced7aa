"""The multivariate t distribution in formulas: density, latent precisions, degrees of freedom.

x = m + L e / sqrt(u) with L L' = S, e standard normal and u ~ Gamma(v / 2, v / 2): given u, x is normal. With
D = (x - m)' S^-1 (x - m), the log-density is

    log Gamma((v + d) / 2) - log Gamma(v / 2) - (d log(pi v) + log |S| + (v + d) log(1 + D / v)) / 2.

Source: Liu and Rubin (1995), Statistica Sinica 5, 19-39; mixtures: Peel and McLachlan (2000), Statistics
and Computing 10, 339-348.
"""

from __future__ import annotations

import math

import numpy as np

from mixcompare.families.covariance.base import cholesky

MOST = 200.0
"""Free degrees of freedom at most: see `StudentT`."""

FEW = 10.0
"""Free degrees of freedom of a start."""

LEAST = 1e-7
"""Spread, in units of the data, below which a component is taken to have none."""

ROUNDS, SETTLED = 300, 1e-11
"""Iterations of `largest` at most, and the change, in scales or relative, at which it ends."""


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


def best_df(excess_mean: np.ndarray) -> np.ndarray:
    """(K,): df that maximise the expected log-density of u, from means of `excess`; nan for nan.

    Root of log(v / 2) - psi(v / 2) + mean = 0, in (1 / |mean|, 2 / |mean|); at most `MOST`.
    """
    from scipy.optimize import brentq

    df = np.full(len(excess_mean), np.nan)
    for k, mean in enumerate(excess_mean):
        if -mean <= log_minus_psi(np.array(MOST / 2)):
            df[k] = MOST
        elif math.isfinite(mean):
            low, high = -0.5 / mean, -1.0 / mean
            df[k] = 2 * brentq(lambda a, m=mean: log_minus_psi(a) + m, low, high, xtol=1e-14 * low)
    return df


def largest(
    x: np.ndarray, r: np.ndarray, start: float, free: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means, scale matrices and df, if free, at which the likelihood is largest, for weights r (n, K).

    EM from the normal estimates, with scale matrices over sum u rather than sum r (Kent, Tyler and Vardi
    1994, Comm. Statist. B 23, 441-453), which has the same fixed points and gets there sooner, and df by
    Newton steps on the likelihood itself. Of components without spread or weight, it is the first step.
    """
    K, d = r.shape[1], x.shape[1]
    df = np.full(K, start)
    means, scales = _moments(x, r)
    going = np.flatnonzero(_sound(scales))
    for _ in range(ROUNDS):
        if not going.size:
            break
        m, S, v, w = means[going], scales[going], df[going], r[:, going]
        D, _ = distances(x, m, S)
        df[going] = df_step(D, w, v, d) if free else v
        means[going], scales[going] = _moments(x, w * precision(D, df[going], d))
        unit = np.sqrt(np.diagonal(S, axis1=1, axis2=2))
        grown = (scales[going] - S) / (unit[:, :, None] * unit[:, None, :])
        moves = [
            (means[going] - m) / unit,
            grown.reshape(going.size, -1),
            (df[going] / v - 1)[:, None],
        ]
        change = np.abs(np.hstack(moves)).max(axis=1)
        going = going[(change > SETTLED) & _sound(scales[going])]
    return means, scales, df


def _moments(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means (K, d) and covariance matrices (K, d, d) about them; nan without weight."""
    total = w.sum(axis=0)
    means = w.T @ x / total[:, None]
    matrices = np.empty((w.shape[1], x.shape[1], x.shape[1]))
    for k, mean in enumerate(means):
        residual = x - mean
        matrices[k] = (w[:, k, None] * residual).T @ residual / total[k]
    return means, matrices


def _sound(scales: np.ndarray) -> np.ndarray:
    """(K,): whether a scale matrix has a spread in every direction."""
    finite = np.isfinite(scales).all(axis=(1, 2))
    smallest = np.linalg.eigvalsh(np.where(finite[:, None, None], scales, 0.0))[:, 0]
    return np.asarray(smallest > LEAST**2)


def df_step(D: np.ndarray, r: np.ndarray, df: np.ndarray, d: int) -> np.ndarray:
    """(K,): one Newton step in log df on the weighted log-likelihood at fixed distances; at most doubled.

    D (n, K) and weights r (n, K). Where it is not concave, df is doubled or halved, uphill.
    """
    from scipy.special import polygamma, psi

    v, N = df, r.sum(axis=0)
    share = D / (v + D)
    each = -np.log1p(D / v) + (v + d) / v * share
    slope = psi((v + d) / 2) - psi(v / 2) - d / v + (r * each).sum(axis=0) / N
    # of log(1 + D / v) and (v + d) D / (v (v + D)) in v
    bend = share / v - share * (d / v + (v + d) / (v + D)) / v
    curve = (
        0.5 * (polygamma(1, (v + d) / 2) - polygamma(1, v / 2))
        + d / v**2
        + (r * bend).sum(axis=0) / N
    )
    first, second = v * slope, v * slope + v**2 * curve  # derivatives in log v
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(second < 0, -first / second, np.sign(first))
    return np.asarray(np.minimum(v * np.exp(np.clip(step, -np.log(2), np.log(2))), MOST))
