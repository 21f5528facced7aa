"""Whole runs of SQUAREM in compiled code, for exponential families: see em_loop.py for how a run is held.

The method, its step lengths and when it ends are said in squarem.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mixcompare.estimators.em_loop import (
    BOUND,
    CLOCK,
    COLLAPSE,
    DESCENT,
    EXHAUSTED,
    LEFT,
    LOST,
    NON_FINITE,
    SPENT,
    evaluate,
    fresh_em,
    m_step,
    move,
)
from mixcompare.estimators.stopping import GAIN, VALUE, note, settled
from mixcompare.families.core import Core
from mixcompare.families.maps import to_log_weights
from mixcompare.numerics import compiled, inlinable
from mixcompare.runs import PAUSED

LIMIT, RECENT = 9, 10
"""In a run's state, after that of EM: limit of the steps, and the last five steps."""

BEGIN, FIRST, AHEAD, FAR, SECOND = range(5)
"""What the next point is: the start; that of the first EM step; that of the second, and whether to go on
from there; the extrapolated one; that of the second EM step after all."""


def fresh_squarem(runs: int) -> np.ndarray:
    """State (runs, 15) of runs that have not begun."""
    own = np.tile([1.0, *np.zeros(5)], (runs, 1))
    return np.column_stack([fresh_em(runs), own])


@inlinable
def coordinates(to_free, P, log_weights, layout, z):  # type: ignore[no-untyped-def]
    """The unconstrained coordinates of a point: log-ratios of the weights to the last, then the family's."""
    K = log_weights.size
    for k in range(K - 1):
        z[k] = log_weights[k] - log_weights[K - 1]
    to_free(P, layout, z[K - 1 :])


@inlinable
def lengthen(z0, z1, z2, gain, scheme, state):  # type: ignore[no-untyped-def]
    """Turn z2 into the extrapolated point and return how far it goes (1: left as it is), and whether the
    limit was reached; takes note of the step and of the gain still to come.
    """
    rr = rv = vv = on = 0.0
    for i in range(z0.size):
        r, v = z1[i] - z0[i], z2[i] - 2.0 * z1[i] + z0[i]
        if math.isfinite(r) and math.isfinite(v):
            rr, rv, vv, on = rr + r * r, rv + r * v, vv + v * v, on + (r + v) * (r + v)
    asked = -rv / vv if scheme == 1 else (-rr / rv if scheme == 2 else math.sqrt(rr / vv))
    asked = max(asked, 1.0) if math.isfinite(asked) else 1.0
    longest = asked
    for i in range(RECENT, RECENT + 4):
        state[i] = state[i + 1]
        longest = max(longest, state[i])
    state[RECENT + 4] = asked
    state[LEFT] = math.inf if on > rr and gain > 0 else max(gain, 0.0) * longest
    length, reached = min(asked, state[LIMIT]), asked >= state[LIMIT]
    if length <= 1.0:
        state[LIMIT] *= 4.0 if reached else 1.0  # the EM steps themselves: always with success
        return 1.0, False
    for i in range(z0.size):
        r, v = z1[i] - z0[i], z2[i] - 2.0 * z1[i] + z0[i]
        if math.isfinite(r) and math.isfinite(v):
            z2[i] = z0[i] + 2.0 * length * r + length * length * v
    return length, reached


@inlinable
def climb(core, data, layout, run, values, last, settings):  # type: ignore[no-untyped-def]
    """SQUAREM until it ends, or `values` has no room for another cycle: its code and the passes used.

    Each turn of the loop makes one point, looks at it and decides what comes next. Everything costly to
    compile is called in one place, since each call is a copy.
    """
    statistics, maximise, natural, to_free, to_natural = core
    P, log_weights, Q, next_weights, S, state = run
    max_iter, tol, scheme, (z0, z1, z2, X, far_weights) = settings
    a, eta, K = data[4], data[5], log_weights.size
    stage = BEGIN if state[VALUE] == -math.inf else FIRST
    used, first, gain, reached, full = 0, 0.0, 0.0, False, True
    while True:
        T, weights = Q, next_weights
        if stage == BEGIN:
            T, weights = P, log_weights
        elif stage == FAR:
            T, weights = X, far_weights
        elif stage != SECOND:
            state[CLOCK] += 1.0 if stage == FIRST else 0.0
            coordinates(to_free, P, log_weights, layout, z0 if stage == FIRST else z1)
            full = m_step(maximise, S, layout, Q, next_weights)
        sound = natural(T, layout, a, eta) >= COLLAPSE
        if stage == FAR and not (sound and math.isfinite(a[:K].sum())):
            stage = SECOND
            continue
        if stage in (FIRST, AHEAD) and not (sound and full):
            return LOST, used
        if stage == AHEAD:
            coordinates(to_free, Q, next_weights, layout, z2)
            length, reached = lengthen(z0, z1, z2, gain, scheme, state)
            stage = SECOND
            if length > 1.0:
                to_log_weights(z2, far_weights)
                to_natural(z2[K - 1 :], layout, X)
                stage = FAR
            continue
        if used == values.size:
            return PAUSED, used
        value = evaluate(statistics, data, S, state, weights)
        values[used] = value
        used += 1
        if stage == BEGIN:
            if not math.isfinite(value):
                state[VALUE] = value
                return NON_FINITE, used
            note(state, value)
        elif stage == FAR and not value >= first:
            state[LIMIT] = max(1.0, state[LIMIT] / 4.0) if reached else state[LIMIT]
            stage = SECOND
            continue
        else:
            gain = value - (state[VALUE] if stage == FIRST else first)
            if not math.isfinite(value) or gain < -state[BOUND]:
                state[GAIN], state[VALUE] = gain, value
                return DESCENT if math.isfinite(value) else NON_FINITE, used
            move(T, weights, P, log_weights)
            if stage == FIRST:
                first, stage = value, AHEAD
                continue
            state[LIMIT] *= 4.0 if stage == FAR and reached else 1.0
            note(state, value)
            why = settled(state, state[LEFT], tol)
            if why:
                return why, used
        stage = FIRST
        if state[CLOCK] >= max_iter:
            return EXHAUSTED, used
        if not last and values.size - used < 3:
            return PAUSED, used


def make_squarem(core: Core) -> Any:
    """The compiled loop of SQUAREM for one family; settings: (max_iter, tol, scheme, scratch).

    `scratch`: three points in unconstrained coordinates (q,), a table like P (K, p), log weights (K,).
    """
    statistics, maximise, natural, to_free, to_natural, _ = core

    def squarem(data, layout, runs, settings):  # type: ignore[no-untyped-def]
        functions = (statistics, maximise, natural, to_free, to_natural)
        P, log_weights, Q, next_weights, S, state, values, capacity, last, code, used = runs
        for i in range(code.size):
            if code[i] != PAUSED:
                continue
            run = (P[i], log_weights[i], Q[i], next_weights[i], S[i], state[i])
            room = values[i, : capacity[i]]
            code[i], used[i] = climb(functions, data, layout, run, room, last[i], settings)
            if code[i] == PAUSED and last[i]:
                code[i] = SPENT

    return compiled(squarem)
