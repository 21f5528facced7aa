"""Posteriors of small Poisson mixtures by sums over a grid: what samplers have to come back with."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp

from mixcompare.data import Dataset

SHAPE, CONCENTRATION = 1.5, 2.0
"""Of the Gamma prior on the rates, and of the Dirichlet prior on two weights."""


def one_rate(data: Dataset, mean: float) -> tuple[float, float, float]:
    """Of one component: log marginal likelihood, mean and sd of log rate; by the closed form.

    The posterior of the rate is Gamma(shape + sum x, shape / mean + n).
    """
    from scipy.special import polygamma

    x, counts = data.x[:, 0], data.weights
    total, n, b = float(counts @ x), float(counts.sum()), SHAPE / mean
    a_post, b_post = SHAPE + total, b + n
    evidence = SHAPE * np.log(b) - gammaln(SHAPE) + gammaln(a_post) - a_post * np.log(b_post)
    evidence -= float(counts @ gammaln(x + 1))
    moments = polygamma(0, a_post) - np.log(b_post), np.sqrt(polygamma(1, a_post))
    return float(evidence), float(moments[0]), float(moments[1])


def two_rates(data: Dataset, mean: float, size: int = 160) -> tuple[float, np.ndarray, np.ndarray]:
    """Of two: log marginal likelihood, and the rates (2, ...) in order at all points of the grid; masses."""
    logit, log_rate = np.linspace(-6, 6, 61), np.linspace(np.log(0.03), np.log(90), size)
    w, r = 1 / (1 + np.exp(-logit)), np.exp(log_rate)
    first, second = np.log(w)[:, None, None], np.log1p(-w)[:, None, None]
    b = SHAPE / mean
    prior = SHAPE * np.log(b * r) - b * r - gammaln(SHAPE)
    log_p = CONCENTRATION * (first + second) + gammaln(2 * CONCENTRATION)
    log_p = log_p - 2 * gammaln(CONCENTRATION) + prior[:, None] + prior
    for x, count in zip(data.x[:, 0], data.weights, strict=True):
        density = x * log_rate - r - gammaln(x + 1)
        log_p = log_p + count * np.logaddexp(first + density[:, None], second + density)
    log_p += np.log((logit[1] - logit[0]) * (log_rate[1] - log_rate[0]) ** 2)
    evidence = float(logsumexp(log_p))
    pair = np.stack([np.minimum(r[:, None], r), np.maximum(r[:, None], r)])
    return evidence, np.broadcast_to(pair[:, None], (2, *log_p.shape)), np.exp(log_p - evidence)
