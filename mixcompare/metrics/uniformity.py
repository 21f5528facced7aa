"""Whether numbers between 0 and 1 are uniform: simultaneous bands of their empirical distribution function.

Source: Säilynoja, Bürkner and Vehtari (2022, Statistics and Computing 32, 32), section 2, by simulation.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import bdtr, bdtrc

LEVEL = 0.95
"""Probability with which uniform numbers stay inside their band at every point at once."""

SIMULATIONS = 20_000
"""Uniform samples by which a band is calibrated: p-values are multiples of one in so many."""


def p_value(values: np.ndarray) -> float:
    """Of the hypothesis that values (n,) are uniform and independent; nan for n < 2.

    The statistic is the smallest probability, over the points i / n, that a uniform sample has as few
    values below, or as many: p > 1 - LEVEL where the sample stays inside its simultaneous band.
    """
    n = len(values)
    if n < 2:
        return float("nan")
    tails, simulated = _null(n)
    below = np.searchsorted(np.sort(values), np.arange(1, n) / n, side="right")
    return float((simulated <= tails[below, np.arange(n - 1)].min()).mean())


def band(n: int, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points i / n (n + 1,) and the band of the ECDF of n values less x there: lower and upper; n >= 2."""
    tails, simulated = _null(n)
    inside = tails >= np.sort(simulated)[int((1 - level) * SIMULATIONS)]
    lower, upper = inside.argmax(axis=0), n - inside[::-1].argmax(axis=0)
    points = np.arange(n + 1) / n
    return (
        points,
        np.concatenate([[0], lower, [n]]) / n - points,
        np.concatenate([[0], upper, [n]]) / n - points,
    )


@lru_cache(maxsize=64)
def _null(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Tail probabilities (n + 1, n - 1) of k values below i / n, the smaller one; their smallest, simulated.

    ArviZ's simulation is not used: it leaves out the upper tail of samples without a value below 1 / n.
    """
    k, points = np.arange(n + 1)[:, None], np.arange(1, n) / n
    tails = np.minimum(
        bdtr(k, n, points), np.where(k > 0, bdtrc(np.maximum(k - 1, 0), n, points), 1)
    )
    rng, smallest = np.random.default_rng(2022), []
    for _ in range(20):  # in parts, for the sake of memory
        counts = rng.multinomial(n, np.full(n, 1 / n), size=SIMULATIONS // 20)
        below = counts.cumsum(axis=1)[:, :-1]
        smallest.append(tails[below, np.arange(n - 1)].min(axis=1))
    return tails, np.concatenate(smallest)
