"""What compiled code must know of gamma components: the statistics (u, u - 1 - log u), see gamma.py."""

from __future__ import annotations

import math

import numpy as np

from mixcompare.families.core import Core
from mixcompare.families.kernel import identity
from mixcompare.families.maps import lesser
from mixcompare.families.special import (
    inverse_log_less_digamma,
    log_deficit,
    log_less_digamma,
    log_peak,
)
from mixcompare.numerics import inlinable

MOST = 1e30
"""Shape of a component that rests on tied observations alone: finite, so its end is a collapse by name."""

ROUNDING = 8 * float(np.finfo(float).eps)
"""Relative error of the two terms whose difference is log mean - mean log."""


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """log a - psi(a) = log mean - mean log, and the mean a / b; a = 1e30 where all are tied to rounding."""
    for k in range(P.shape[0]):
        mean = S[k, 1] / S[k, 0]
        deficit = log_deficit(mean, mean - 1.0)
        gap = S[k, 2] / S[k, 0] - deficit
        # nan, an empty component's, stays nan
        tied = gap <= ROUNDING * (deficit + abs(mean - 1.0))
        P[k, 0] = MOST if tied else inverse_log_less_digamma(gap)
        P[k, 1] = P[k, 0] / mean


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = (a - b - 1, 1 - a), constant log_peak(a) + 1 - a log(a / b).

    Near the mean of the data all are of the order of 1 / spread, where those of (x, log x) are its square.
    """
    least = np.inf
    for k in range(P.shape[0]):
        shape = P[k, 0] if P[k, 0] > 0 else np.nan
        rate = P[k, 1] if P[k, 1] > 0 else np.nan
        v = (shape - rate) / rate
        log_mean = math.log1p(v) if abs(v) < 0.5 else math.log(shape / rate)
        a[k] = log_peak(shape) + 1.0 - shape * log_mean
        eta[k, 0] = (shape - rate) - 1.0
        eta[k, 1] = 1.0 - shape
        least = lesser(least, 1.0 / math.sqrt(shape))
    return least


@inlinable
def to_free(P, layout, z):  # type: ignore[no-untyped-def]
    """Log means, then log shapes."""
    K = P.shape[0]
    for k in range(K):
        z[k] = math.log(P[k, 0] / P[k, 1])
        z[K + k] = math.log(P[k, 0])


@inlinable
def to_natural(z, layout, P):  # type: ignore[no-untyped-def]
    """The inverse."""
    K = P.shape[0]
    for k in range(K):
        P[k, 0] = math.exp(z[K + k])
        P[k, 1] = P[k, 0] / math.exp(z[k])


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """By log mean b S_1 - a N; by log shape a (N (log a - psi(a) - d(b / a)) - (S_1 - N) (b / a - 1) - S_2).

    d(y) = y - 1 - log y: every term is of the order of the component's variance, so nothing cancels.
    """
    K = P.shape[0]
    for k in range(K):
        shape, rate, N = P[k, 0], P[k, 1], S[k, 0]
        v = (rate - shape) / shape
        spare = log_less_digamma(shape) - log_deficit(1.0 + v, v)
        g[k] = rate * S[k, 1] - shape * N
        g[K + k] = shape * (N * spare - (S[k, 1] - N) * v - S[k, 2])


CORE = Core(identity, maximise, natural, to_free, to_natural, score)


@inlinable
def deficits(x, mean, u, w):  # type: ignore[no-untyped-def]
    """Fills u = x / mean and w = u - 1 - log u."""
    for j in range(x.size):
        u[j] = x[j] / mean
        w[j] = log_deficit(u[j], (x[j] - mean) / mean)


@inlinable
def peaks(shapes, results):  # type: ignore[no-untyped-def]
    """`log_peak` of each shape."""
    for k in range(shapes.size):
        results[k] = log_peak(shapes[k])
