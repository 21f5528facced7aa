"""When an ascent ends: the same few lines for loops in Python and in compiled code.

A run keeps its progress in one array, `fresh()`: the last and the best value, the gain before last and
the last gain (nats), iterations in a row with next to nothing left to gain and without a new best value.
"""

from __future__ import annotations

import math

import numpy as np

from mixcompare.numerics import inlinable

VALUE, BEST, BEFORE, GAIN, CALM, STALE = range(6)

PREDICTED, ROUNDED = 1, 2
"""Reasons to stop: nothing left to gain by prediction; nothing gained beyond rounding. 0 is none."""


def fresh(runs: int) -> np.ndarray:
    """Progress (runs, 6) of runs that have not begun."""
    return np.tile([-np.inf, -np.inf, np.inf, np.inf, 0.0, 0.0], (runs, 1))


@inlinable
def note(progress, value):  # type: ignore[no-untyped-def]
    """Take note of the value (nats) of one more iteration."""
    progress[BEFORE] = progress[GAIN]
    progress[GAIN] = value - progress[VALUE]
    progress[STALE] = 0.0 if value > progress[BEST] else progress[STALE] + 1.0
    progress[VALUE] = value
    progress[BEST] = max(value, progress[BEST])


@inlinable
def remaining(progress):  # type: ignore[no-untyped-def]
    """Gain still to come if gains go on falling geometrically, d r / (1 - r); inf where they don't."""
    gain, before = progress[GAIN], progress[BEFORE]
    if not math.isfinite(before):
        return math.inf
    if gain <= 0:
        return 0.0
    if gain >= before:  # a plateau is being left
        return math.inf
    return gain * gain / (before - gain)


@inlinable
def settled(progress, left, tol):  # type: ignore[no-untyped-def]
    """Whether to stop, and why: the gain left (nats) stayed below `tol` for three iterations, or ten
    iterations brought no new best value; never the latter if tol = 0.
    """
    progress[CALM] = progress[CALM] + 1.0 if left < tol else 0.0
    if progress[CALM] >= 3:
        return PREDICTED
    # In exact arithmetic every iteration gains: what is left is below the rounding of the sum.
    return ROUNDED if tol > 0 and progress[STALE] >= 10 else 0
