"""Steps of t components: statistics, M-step of the degrees of freedom, score; the largest likelihood.

Means and scale matrices go the way of normal components, whose means and covariance matrices they become
once the latent precisions are known (t_density.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from mixcompare.families import t_density
from mixcompare.families.base import Parameters
from mixcompare.families.covariance.base import Kind, cholesky
from mixcompare.families.gaussian import KINDS, Gaussian
from mixcompare.families.t_density import MOST, distances, log_minus_psi, precision

NORMAL = Gaussian()
"""What means and scale matrices share with means and covariance matrices."""

LEAST = 1e-7
"""Spread, in units of the data, below which a component is taken to have none."""

ROUNDS, SETTLED = 300, 1e-11
"""Iterations of `largest` at most, and the change, in scales or relative, at which it ends."""


def as_normal(parameters: Parameters) -> dict[str, np.ndarray]:
    """Means and scale matrices under the names of normal components."""
    return {"means": parameters["means"], "covariances": parameters["scales"]}


def as_student(normal: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inverse."""
    return {"means": normal["means"], "scales": normal["covariances"]}


def kind(n_features: int) -> Kind:
    """That of scale matrices: of one feature, every one is a square."""
    return KINDS["diag" if n_features == 1 else "full"]


def block_sums(u: np.ndarray, shares: np.ndarray, D: np.ndarray, df: np.ndarray) -> np.ndarray:
    """(K, 3 + d + second moments), as student_t.py has them, of u (b, d) with shares and distances (b, K)."""
    d = u.shape[1]
    weight = precision(D, df, d)
    excess = shares * t_density.excess(weight, df, d)
    rows, columns = np.triu_indices(d)
    T = np.column_stack([np.ones(len(u)), u, u[:, rows] * u[:, columns]])
    return np.column_stack([shares.sum(0), excess.sum(0), (shares * weight).T @ T])


def cancelled(statistics: np.ndarray, parameters: Parameters) -> float:
    """Second moments over squared spreads: large for a narrow component far from the centre; and what
    every observation loses at the centre of its component (see `BlockFamily.cancelled`).
    """
    scales, d = parameters["scales"], parameters["means"].shape[1]
    rows, columns = np.triu_indices(d)
    half = np.log(np.diagonal(cholesky(scales), axis1=1, axis2=2)).sum(axis=1)
    constant = np.abs(t_density.log_constant(half, parameters["df"], d))
    second = statistics[:, -rows.size :][:, rows == columns].sum(axis=1)
    spread = NORMAL.spread(as_normal(parameters))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((second / spread**2 + statistics[:, 0] * constant).sum())


def score(parameters: Parameters, statistics: np.ndarray, free: bool) -> np.ndarray:
    """Of df: (N (log v/2 - psi(v/2)) + excess) / 2. Of the others, that of normal components.

    Those of normal components follow from N and the sums of x - m and (x - m)(x - m)'; here they are
    given those of u (x - m) and u (x - m)(x - m)', about the mean as the origin.
    """
    means, df, d = parameters["means"], parameters["df"], parameters["means"].shape[1]
    N, U, first = statistics[:, 0], statistics[:, 2, None], statistics[:, 3 : 3 + d]
    rows, columns = np.triu_indices(d)
    m, n = means[:, rows], means[:, columns]
    scatter = statistics[:, 3 + d :] - m * first[:, columns] - n * first[:, rows] + U * m * n
    about = np.column_stack([N, first - U * means, scatter])
    z = NORMAL.score({**as_normal(parameters), "means": 0 * means}, about)
    if not free:
        return z
    by_df = 0.5 * (N * log_minus_psi(df / 2) + statistics[:, 1])
    return np.append(z, by_df * df * (1 - df / MOST))


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
