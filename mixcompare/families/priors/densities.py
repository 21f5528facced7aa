"""Densities of priors in unconstrained coordinates, in closed form.

What a prior declares to PyMC is said once more in numpy, because a verifier needs it without compiling
anything; a test holds the two together. Logarithms and logits are the coordinates, so every density below
includes the derivative of its parameter.
"""

from __future__ import annotations

import math

import numpy as np


def log_normal_density(x: np.ndarray, mean: np.ndarray | float, sd: np.ndarray | float) -> float:
    """sum of log N(x; mean, sd^2)."""
    z = (x - mean) / sd
    return float(np.sum(-0.5 * z**2 - np.log(sd) - 0.5 * math.log(2 * math.pi)))


def log_half_normal_density(log_x: np.ndarray, scale: np.ndarray | float) -> float:
    """sum of the log-density of log x, where x ~ HalfNormal(scale)."""
    z = np.exp(log_x) / scale
    return float(np.sum(0.5 * math.log(2 / math.pi) - np.log(scale) - 0.5 * z**2 + log_x))


def log_beta_density(p: np.ndarray, a: float, b: float) -> float:
    """sum over p of the log-density of logit p, where p ~ Beta(a, b)."""
    constant = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    with np.errstate(divide="ignore"):
        return float(np.sum(a * np.log(p) + b * np.log1p(-p) + constant))


def log_dirichlet_density(p: np.ndarray, a: float) -> float:
    """log-density of p (..., L) ~ Dirichlet(a, ..., a), with respect to log-ratios or continuation logits.

    Both maps have the Jacobian prod_l p_l.
    """
    L = p.shape[-1]
    constant = math.lgamma(a * L) - L * math.lgamma(a)
    with np.errstate(divide="ignore"):
        return float((a * np.log(p)).sum() + constant * (p.size // L)) if L > 1 else 0.0


def log_gamma_density(log_x: np.ndarray, shape: float, rate: np.ndarray | float) -> float:
    """sum of the log-density of log x, where x ~ Gamma(shape, rate)."""
    scaled = log_x + np.log(rate)
    return float(np.sum(shape * scaled - np.exp(scaled) - math.lgamma(shape)))


def log_lkj_density(factor: np.ndarray, eta: float) -> float:
    """log-density of the directions of the rows of a Cholesky factor L (d, d), and the whole Jacobian.

    Where S = L L' has correlations ~ LKJ(eta). With s_i the length of row i, c = L / s its direction and
    a = d - i + 2 eta - 2, row i contributes c_ii^a Gamma(a/2 + 1 + (i-1)/2) / (pi^((i-1)/2)
    Gamma(a/2 + 1)) and the Jacobian of (log s_i, c) to L with the logarithm of its diagonal,
    c_ii^2 s_i^(1-i) (i from 1; Lewandowski, Kurowicka and Joe 2009, J. Multivar. Anal. 100, section 3.2).
    """
    total, sds = 0.0, np.sqrt((factor**2).sum(axis=1))
    for i in range(1, len(factor)):
        a = len(factor) - 1 - i + 2 * eta - 2
        total += math.lgamma(a / 2 + 1 + i / 2) - math.lgamma(a / 2 + 1) - i / 2 * math.log(math.pi)
        total += (a + 2) * math.log(factor[i, i] / sds[i]) - i * math.log(sds[i])
    return total


def sample_lkj(size: int, d: int, eta: float, rng: np.random.Generator) -> np.ndarray:
    """Cholesky factors (size, d, d) of correlation matrices ~ LKJ(eta), row by row (the same source).

    The squared length of row i left of the diagonal is Beta(i / 2, eta + (d - 1 - i) / 2) (i from 0), its
    direction uniform.
    """
    factors = np.zeros((size, d, d))
    factors[:, 0, 0] = 1.0
    for i in range(1, d):
        y = rng.beta(i / 2, eta + (d - 1 - i) / 2, size=size)
        u = rng.standard_normal((size, i))
        factors[:, i, :i] = np.sqrt(y)[:, None] * u / np.linalg.norm(u, axis=1, keepdims=True)
        factors[:, i, i] = np.sqrt(1 - y)
    return factors


def log_multivariate_gamma(x: float, d: int) -> float:
    """log Gamma_d(x) = d (d - 1) / 4 log pi + sum_i log Gamma(x - i / 2), i = 0 ... d - 1."""
    return d * (d - 1) / 4 * math.log(math.pi) + sum(math.lgamma(x - i / 2) for i in range(d))


def sample_wishart(factor: np.ndarray, df: float, rng: np.random.Generator) -> np.ndarray:
    """Cholesky-like factors F (n, d, d), F F' ~ Wishart(df, C C') for C = `factor` (n, d, d).

    Bartlett's decomposition: F = C A, A lower triangular with A_ii^2 ~ chi^2(df - i) and normals below.
    """
    n, d, _ = factor.shape
    A = np.tril(rng.standard_normal((n, d, d)), -1)
    A[:, range(d), range(d)] = np.sqrt(rng.chisquare(df - np.arange(d), size=(n, d)))
    return factor @ A
