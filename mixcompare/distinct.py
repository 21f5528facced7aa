"""Distinct rows with counts: discrete and rounded data cost what they hold, not how often they hold it.

Rows of whole numbers with few possible values are counted in a table, others are sorted; both in blocks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mixcompare.blocks import blocks

SAMPLE = 4000
"""Rows that are looked at before all of them are."""

LARGEST = 2**17
"""Distinct rows at most in `compress`: a table of more is no longer small beside the data."""

BLOCK = 2**16
"""Rows that are sorted at a time."""

CELLS = 2**20
"""Possible rows at most that are counted in a table."""

Counted = tuple[np.ndarray, np.ndarray]
"""Distinct rows (m, d) in lexicographic order, and the summed counts (m,) of each."""


def compress(x: np.ndarray, counts: np.ndarray | None) -> Counted | None:
    """Distinct rows of x (n, d) if there are at most half as many, and no more than LARGEST, else None.

    A sample says first whether that is likely, so that data without repetitions cost next to nothing.
    Memory: that of the result, and of a few blocks.
    """
    n = len(x)
    most = min(n // 2, LARGEST)
    if n > SAMPLE:
        rows = np.random.default_rng(0).choice(n, SAMPLE, replace=False, shuffle=False)
        if _expected(_sorted(x[rows], None)[1], n) > most:
            return None
    return _distinct(x, counts, most)


def distinct(x: np.ndarray, counts: np.ndarray | None) -> Counted:
    """All distinct rows of x (n, d)."""
    found = _distinct(x, counts, len(x))
    assert found is not None
    return found


def count_distinct(x: np.ndarray, most: int) -> int:
    """Number of distinct rows of x (n, d), counted no further than `most`: looks at as few as will do."""
    size = 4 * most
    while size < len(x) and _distinct(x[:size], None, most - 1) is not None:
        size *= 8
    found = _distinct(x[:size], None, most - 1)
    return most if found is None else len(found[0])


def _expected(occurrences: np.ndarray, n: int) -> float:
    """Distinct rows to be expected among n, from how often each one occurs in a random sample.

    Extrapolation of Chao et al. (2014, Ecol. Monogr. 84, 45-67), equation 9, from Chao's estimate of the
    number of rows not seen.
    """
    size, seen = occurrences.sum(), len(occurrences)
    once, twice = (occurrences == 1).sum(), (occurrences == 2).sum()
    unseen = once * (once - 1) / (2 * (twice + 1))
    if unseen == 0:
        return float(seen)
    return float(seen - unseen * np.expm1((n - size) * np.log1p(-once / (size * unseen + once))))


def _distinct(x: np.ndarray, counts: np.ndarray | None, most: int) -> Counted | None:
    """Distinct rows, or None if there are more than `most`."""
    low, high = _along(np.min, x), _along(np.max, x)
    with np.errstate(over="ignore"):
        cells = np.prod(high - low + 1)
    if cells <= min(CELLS, 4 * len(x)) and _whole(x):
        return _tabled(x, counts, low, (high - low + 1).astype(np.int64), most)
    rows, total = np.empty((0, x.shape[1])), np.empty(0)
    for block in blocks(len(x), BLOCK):
        found = _sorted(x[block], None if counts is None else counts[block])
        if len(rows):
            found = _sorted(np.vstack([rows, found[0]]), np.concatenate([total, found[1]]))
        rows, total = found
        if len(rows) > most:
            return None
    return rows, total


def _along(extreme: Callable[..., np.ndarray], x: np.ndarray) -> np.ndarray:
    """np.min or np.max of each column: long rows are folded first, since numpy is slow on short ones."""
    wide = max(1, 512 // x.shape[1])
    m = len(x) // wide * wide
    folded = [x[m:]]
    if m:
        folded += [extreme(x[:m].reshape(-1, wide * x.shape[1]), axis=0).reshape(wide, -1)]
    return extreme(np.vstack(folded), axis=0)


def _whole(x: np.ndarray) -> bool:
    """Whether all values are whole numbers."""
    return all(bool((x[block] == np.rint(x[block])).all()) for block in blocks(len(x)))


def _tabled(
    x: np.ndarray, counts: np.ndarray | None, low: np.ndarray, sizes: np.ndarray, most: int
) -> Counted | None:
    """Each row's place in a table of all possible rows, and the counts that fall there."""
    steps = np.append(np.cumprod(sizes[:0:-1])[::-1], 1).astype(float)
    table = np.zeros(sizes.prod())
    for block in blocks(len(x)):
        place = ((x[block] - low) @ steps).astype(np.int64)
        weights = None if counts is None else counts[block]
        found = np.bincount(place, weights=weights)
        table[: found.size] += found
    cells = np.flatnonzero(table)
    if cells.size > most:
        return None
    return np.column_stack(np.unravel_index(cells, sizes)) + low, table[cells]


def _sorted(x: np.ndarray, counts: np.ndarray | None) -> Counted:
    """By sorting; all counts are one where they are None."""
    if x.shape[1] == 1 and counts is None:
        rows = np.sort(x, axis=0)
    else:
        order = np.argsort(x[:, 0]) if x.shape[1] == 1 else np.lexsort(x.T[::-1])
        rows = x[order]
    differs = np.ones(len(rows), dtype=bool)
    differs[1:] = rows[1:, 0] != rows[:-1, 0]
    for j in range(1, x.shape[1]):
        differs[1:] |= rows[1:, j] != rows[:-1, j]
    first = np.flatnonzero(differs)
    if counts is None:
        return rows[first], np.diff(first, append=len(x)).astype(float)
    return rows[first], np.add.reduceat(counts[order], first)
