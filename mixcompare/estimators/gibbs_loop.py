"""Sweeps of data augmentation in compiled code, for exponential families with a conjugate core.

A sweep is one pass: component densities of every distinct row, the components of its observations drawn
from the responsibilities, the sums of the statistics that this makes, weights and parameters drawn given
those. A row of count c draws how many of its c observations go to each component, which is multinomial.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mixcompare.families.core import Core
from mixcompare.families.kernel import add_statistics, block, copy
from mixcompare.numerics import compiled, inlinable

FEW = 8
"""Observations up to which a binomial draw is quicker one by one."""

TAKEN = 2.0
"""What is left of a point's uniform once its component is drawn: more than any share."""


@inlinable
def choose(rng, n, full, K, r, tot, left):  # type: ignore[no-untyped-def]
    """r (K, n) of one block becomes 1 for the component drawn for each point, 0 for the others."""
    for j in range(n):
        left[j] = rng.random()
    for k in range(K - 1):
        rk = r[k]
        for j in range(full):
            rest = left[j] - rk[j] * tot[j]
            rk[j] = 1.0 if rest < 0.0 else 0.0
            left[j] = TAKEN if rest < 0.0 else rest
    rk = r[K - 1]
    for j in range(full):
        rk[j] = 1.0 if left[j] < 1.0 else 0.0


@inlinable
def draw_number(rng, n, p):  # type: ignore[no-untyped-def]
    """Binomial(n, p) for a whole n."""
    if n > FEW:
        return float(rng.binomial(int(n), p))
    found = 0.0
    for _ in range(int(n)):
        found += 1.0 if rng.random() < p else 0.0
    return found


@inlinable
def divide(rng, n, K, c, r, tot):  # type: ignore[no-untyped-def]
    """r (K, n) becomes how many of the c observations of each row go to each component."""
    for j in range(n):
        left = rest = c[j]
        for k in range(K - 1):
            expected = r[k, j] * tot[j]
            number = left if expected >= rest else draw_number(rng, left, expected / rest)
            r[k, j] = number
            left -= number
            rest -= expected
        r[K - 1, j] = left


@inlinable
def allocate(statistics, rng, K, data, S):  # type: ignore[no-untyped-def]
    """One pass at the natural parameters in data: S (K, 1 + M) becomes sums over drawn allocations.

    Returns the log-likelihood, nats; where it is not finite, nan, and S is of no use.
    """
    x, counts, centre, scale, a, eta, work, constant, _ = data
    N, B = x.shape[1], work[1].size
    T, c, r, tot, left = work
    unit = counts.size == 0
    S[:] = 0.0
    total = constant
    for start in range(0, N, B):
        n = min(B, N - start)
        full = (n + 31) // 32 * 32
        statistics(x, start, n, centre, scale, T)
        if not unit:
            copy(counts[start : start + n], c)
        part = np.nan
        for careful in (False, True):
            part = block(n, full, work, a, eta, unit, careful)
            if part == part:
                break
        if part != part:
            return np.nan
        if unit:
            choose(rng, n, full, K, r, tot, left)
        else:
            divide(rng, n, K, c, r, tot)
        for j in range(n):
            tot[j] = 1.0
        add_statistics(full, T, r, tot, S)
        total += part
    return total


@inlinable
def draw_weights(rng, S, concentration, log_weights):  # type: ignore[no-untyped-def]
    """Logarithms of weights ~ Dirichlet(concentration + observations of each component)."""
    K, total = log_weights.size, 0.0
    for k in range(K):
        log_weights[k] = rng.standard_gamma(concentration + S[k, 0])
        total += log_weights[k]
    for k in range(K):
        log_weights[k] = math.log(log_weights[k] / total)


def make_gibbs(core: Core, draw: Callable[..., None]) -> Any:
    """The compiled sampler of one family and its conjugate core.

    gibbs(rng, data, layout, prior, state, S, kept, thin): prior (concentration, numbers), state (P, log
    weights), which moves on by m * thin sweeps; kept gets points (m, K, p), log weights (m, K) and
    log-likelihoods (m,) of the last in every thin sweeps, at the point from which it draws. Ends at a
    log-likelihood that is not finite, which is then the last in kept; returns the entries in kept.
    """
    statistics, natural = core.statistics, core.natural

    def gibbs(rng, data, layout, prior, state, S, kept, thin):  # type: ignore[no-untyped-def]
        concentration, numbers = prior
        P, log_weights = state
        points, weights, values = kept
        a, eta, K = data[4], data[5], log_weights.size
        for sweep in range(values.size * thin):
            t = sweep // thin
            if sweep % thin == thin - 1:
                for k in range(K):
                    weights[t, k] = log_weights[k]
                    for i in range(P.shape[1]):
                        points[t, k, i] = P[k, i]
            natural(P, layout, a, eta)
            for k in range(K):
                a[k] += log_weights[k]
            value = allocate(statistics, rng, K, data, S)
            if sweep % thin == thin - 1 or not math.isfinite(value):
                values[t] = value
            if not math.isfinite(value):
                return t + 1
            draw_weights(rng, S, concentration, log_weights)
            draw(rng, S, numbers, layout, P)
        return values.size

    return compiled(gibbs)
