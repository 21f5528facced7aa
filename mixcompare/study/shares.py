"""Shares of fits, with errors and intervals that know that fits to the same data are not independent."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

RESAMPLES = 2000
"""Bootstrap samples of data sets."""


def share_with_error(hits: Any, sets: Any) -> tuple[float, float]:
    """A share and its Monte Carlo error: over data sets sd / sqrt(R), within one sqrt(p (1 - p) / n)."""
    hits = np.asarray(hits, dtype=float)
    if not hits.size:
        return np.nan, np.nan
    share = float(hits.mean())
    shares = pd.Series(hits).groupby(np.asarray(sets)).mean().to_numpy()
    if shares.size > 1:
        return share, float(shares.std(ddof=1) / np.sqrt(shares.size))
    return share, float(np.sqrt(share * (1 - share) / hits.size))


def share_interval(
    hits: Any, sets: Any, rng: np.random.Generator
) -> tuple[float, float, float, str]:
    """A share with its 95 % interval and the interval's kind.

    Wilson's within one data set. Over several it is a percentile bootstrap over data sets (`sets` names
    that of each hit); where all resamples agree (none or all are hits) Wilson's with data sets as the
    trials. Source: Wilson (1927); Davison & Hinkley (1997), section 3.8, for whole groups as the unit.
    """
    hits = np.asarray(hits, dtype=float)
    share = float(hits.mean())
    groups = pd.Series(hits).groupby(np.asarray(sets))
    sums, sizes = groups.sum().to_numpy(), groups.size().to_numpy()
    R = sums.size
    if R == 1:
        return share, *wilson(int(hits.sum()), hits.size), "Wilson"
    if share in (0.0, 1.0):
        return share, *wilson(int(share) * R, R), "Wilson over data sets"
    draws = rng.integers(R, size=(RESAMPLES, R))
    shares = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    lower, upper = np.quantile(shares, [0.025, 0.975])
    return share, float(lower), float(upper), "bootstrap over data sets"


@cache
def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval for the share of hits among n independent trials."""
    from scipy.stats import binomtest  # slow to import, and not needed to read a study

    interval = binomtest(hits, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(first: int, second: int) -> float:
    """Exact two-sided McNemar test: p-value of this split of the pairs that disagree; 1 if none do.

    Under equality each such pair is a fair coin. Source: McNemar (1947); the exact form is binomial.
    """
    from scipy.stats import binomtest

    n = first + second
    return float(binomtest(first, n, 0.5).pvalue) if n else 1.0
