"""The weak priors of the posterior, in closed form: densities in unconstrained coordinates, and spreads.

What `Family.pymc_components` declares to PyMC is said here once more in numpy, because a verifier needs
it without compiling anything; a test holds the two together. Logarithms and logits are the coordinates,
so every density below includes the derivative of its parameter.
"""

from __future__ import annotations

import math

import numpy as np

MEAN_SD = 1.5
"""Prior sd of a location, in sds of the data."""

LOG_SD = 0.8
"""Prior sd of the logarithm of a scale; its median is that of the data over K."""

LKJ_ETA = 2.0
"""Shape of the prior on correlation matrices (Lewandowski, Kurowicka, Joe 2009, J. Multivar. Anal. 100)."""

BETA = 1.5
"""Both shapes of the Beta prior on a probability, and every one of the Dirichlet prior on several."""

GAMMA = 1.5
"""Shape of the Gamma prior on a rate; its mean is that of one component fitted to all the data."""

DF = (2.0, 0.1)
"""Shape and rate of the Gamma prior on degrees of freedom."""


def log_normal_density(x: np.ndarray, mean: np.ndarray, sd: np.ndarray | float) -> float:
    """sum of log N(x; mean, sd^2)."""
    z = (x - mean) / sd
    return float(np.sum(-0.5 * z**2 - np.log(sd) - 0.5 * math.log(2 * math.pi)))


def log_beta_density(p: np.ndarray) -> float:
    """sum over p of the log-density of logit p, where p ~ Beta(1.5, 1.5)."""
    constant = math.lgamma(2 * BETA) - 2 * math.lgamma(BETA)
    with np.errstate(divide="ignore"):
        return float(np.sum(BETA * (np.log(p) + np.log1p(-p)) + constant))


def log_dirichlet_density(p: np.ndarray) -> float:
    """log-density of p (..., L) ~ Dirichlet(1.5), with respect to log-ratios or continuation logits.

    Both maps have the Jacobian prod_l p_l.
    """
    L = p.shape[-1]
    constant = math.lgamma(BETA * L) - L * math.lgamma(BETA)
    with np.errstate(divide="ignore"):
        return float((BETA * np.log(p)).sum() + constant * (p.size // L)) if L > 1 else 0.0


def log_gamma_density(rates: np.ndarray, mean: float) -> float:
    """sum over rates of the log-density of log r, where r ~ Gamma(1.5, 1.5 / mean)."""
    with np.errstate(divide="ignore"):
        scaled = np.log(GAMMA * rates / mean)
    return float(np.sum(GAMMA * scaled - np.exp(scaled) - math.lgamma(GAMMA)))


def log_rate_sd() -> float:
    """Standard deviation of log r, where r ~ Gamma(1.5, b) for any b."""
    from scipy.special import polygamma  # a quarter of a second to import

    return float(np.sqrt(polygamma(1, GAMMA)))


def log_df_density(df: np.ndarray) -> float:
    """sum over df of the log-density of log df, where df ~ Gamma(2, 0.1)."""
    shape, rate = DF
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sum(shape * np.log(rate * df) - rate * df - math.lgamma(shape)))


def log_df_sd() -> float:
    """Standard deviation of log df, where df ~ Gamma(2, 0.1)."""
    from scipy.special import polygamma  # a quarter of a second to import

    return float(np.sqrt(polygamma(1, DF[0])))


def log_factor_density(factor: np.ndarray, log_scale: np.ndarray) -> float:
    """log-density of a Cholesky factor L (d, d), its diagonal as logarithms.

    Where S = L L' has log sds ~ N(log_scale, 0.8^2) and correlations ~ LKJ(2). With s_i the length of
    row i, c = L / s its direction and a = d - i + 2 eta - 2, row i contributes the density of s_i, that
    of c, c_ii^a Gamma(a/2 + 1 + (i-1)/2) / (pi^((i-1)/2) Gamma(a/2 + 1)), and the Jacobian
    c_ii s_i^(1-i) L_ii (i from 1; LKJ 2009, section 3.2, for the densities).
    """
    d = len(factor)
    sds = np.sqrt((factor**2).sum(axis=1))
    total = log_normal_density(np.log(sds), log_scale, LOG_SD)
    for i in range(1, d):
        a = d - 1 - i + 2 * LKJ_ETA - 2
        log_c = math.log(factor[i, i] / sds[i])
        total += math.lgamma(a / 2 + 1 + i / 2) - math.lgamma(a / 2 + 1) - i / 2 * math.log(math.pi)
        # log N above is the density of log s, so one s of the Jacobian is spent: L_ii / s = c_ii.
        total += (a + 2) * log_c - i * math.log(sds[i])
    return total


def logit_sd(a: float, b: float) -> float:
    """Standard deviation of logit p, where p ~ Beta(a, b)."""
    from scipy.special import polygamma  # a quarter of a second to import

    return float(np.sqrt(polygamma(1, a) + polygamma(1, b)))


def correlation_sd(d: int) -> float:
    """Standard deviation of Fisher's z of one correlation, where the matrix (d, d) ~ LKJ(2).

    (1 + r) / 2 ~ Beta(b, b), b = eta - 1 + d / 2, and atanh r is half its logit.
    """
    b = LKJ_ETA - 1 + d / 2
    return logit_sd(b, b) / 2
