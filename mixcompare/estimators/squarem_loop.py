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
    move,
    step,
)
from mixcompare.estimators.stopping import GAIN, VALUE, note, settled
from mixcompare.families.fused import Core
from mixcompare.numerics import compiled, inlinable
from mixcompare.runs import PAUSED

LIMIT, RECENT = 9, 10
"""In a run's state, after that of EM: limit of the steps, and the last five steps."""


def fresh_squarem(runs: int) -> np.ndarray:
    """State (runs, 15) of runs that have not begun."""
    own = np.tile([1.0, *np.zeros(5)], (runs, 1))
    return np.column_stack([fresh_em(runs), own])


@inlinable
def look(statistics, data, S, state, log_weights):  # type: ignore[no-untyped-def]
    """`evaluate`, compiled once for all its callers."""
    return evaluate(statistics, data, S, state, log_weights)


@inlinable
def advance(maximise, natural, data, layout, S, P, log_weights):  # type: ignore[no-untyped-def]
    """`step`, compiled once for all its callers."""
    return step(maximise, natural, data, layout, S, P, log_weights)


@inlinable
def coordinates(to_free, P, log_weights, layout, z):  # type: ignore[no-untyped-def]
    """The unconstrained coordinates of a point: log-ratios of the weights to the last, then the family's."""
    K = log_weights.size
    for k in range(K - 1):
        z[k] = log_weights[k] - log_weights[K - 1]
    to_free(P, layout, z[K - 1 :])


@inlinable
def point(to_natural, z, layout, P, log_weights):  # type: ignore[no-untyped-def]
    """The inverse of `coordinates`."""
    K, top, total = log_weights.size, 0.0, 0.0
    for k in range(K):
        log_weights[k] = z[k] if k < K - 1 else 0.0
        top = max(top, log_weights[k])
    for k in range(K):
        total += math.exp(log_weights[k] - top)
    for k in range(K):
        log_weights[k] -= top + math.log(total)
    to_natural(z[K - 1 :], layout, P)


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
def cycle(core, data, layout, run, values, used, scheme, scratch):  # type: ignore[no-untyped-def]
    """Two EM steps, and on from there if that does not descend: (code, passes used, value)."""
    statistics, maximise, natural, to_free, to_natural = core
    P, log_weights, Q, next_weights, S, state = run
    a, eta, K = data[4], data[5], log_weights.size
    z0, z1, z2, X, far_weights = scratch
    coordinates(to_free, P, log_weights, layout, z0)
    if not advance(maximise, natural, data, layout, S, Q, next_weights):
        return LOST, used, 0.0
    if used == values.size:
        return PAUSED, used, 0.0
    first = look(statistics, data, S, state, next_weights)
    values[used] = first
    used += 1
    gain = first - state[VALUE]
    if not math.isfinite(first) or gain < -state[BOUND]:
        state[GAIN], state[VALUE] = gain, first
        return DESCENT if math.isfinite(first) else NON_FINITE, used, first
    move(Q, next_weights, P, log_weights)
    if not advance(maximise, natural, data, layout, S, Q, next_weights):
        return LOST, used, first
    coordinates(to_free, P, log_weights, layout, z1)
    coordinates(to_free, Q, next_weights, layout, z2)
    length, reached = lengthen(z0, z1, z2, gain, scheme, state)
    if length > 1.0:
        point(to_natural, z2, layout, X, far_weights)
        if natural(X, layout, a, eta) >= COLLAPSE and math.isfinite(a[:K].sum()):
            if used == values.size:
                return PAUSED, used, first
            far = look(statistics, data, S, state, far_weights)
            values[used] = far
            used += 1
            if far >= first:
                state[LIMIT] *= 4.0 if reached else 1.0
                move(X, far_weights, P, log_weights)
                return PAUSED, used, far
            state[LIMIT] = max(1.0, state[LIMIT] / 4.0) if reached else state[LIMIT]
        natural(Q, layout, a, eta)
    if used == values.size:
        return PAUSED, used, first
    second = look(statistics, data, S, state, next_weights)
    values[used] = second
    used += 1
    if not math.isfinite(second) or second - first < -state[BOUND]:
        state[GAIN], state[VALUE] = second - first, second
        return DESCENT if math.isfinite(second) else NON_FINITE, used, second
    move(Q, next_weights, P, log_weights)
    return PAUSED, used, second


@inlinable
def climb(core, data, layout, run, values, last, settings):  # type: ignore[no-untyped-def]
    """SQUAREM until it ends, or `values` has no room for another cycle: its code and the passes used."""
    statistics, natural = core[0], core[2]
    P, log_weights, S, state = run[0], run[1], run[4], run[5]
    a, eta, used = data[4], data[5], 0
    max_iter, tol, scheme, scratch = settings
    if state[VALUE] == -math.inf:
        if used == values.size:
            return PAUSED, used
        natural(P, layout, a, eta)
        value = look(statistics, data, S, state, log_weights)
        values[used] = value
        used += 1
        if not math.isfinite(value):
            state[VALUE] = value
            return NON_FINITE, used
        note(state, value)
    while last or values.size - used >= 3:
        if state[CLOCK] >= max_iter:
            return EXHAUSTED, used
        if used == values.size:
            return PAUSED, used
        code, used, value = cycle(core, data, layout, run, values, used, scheme, scratch)
        if code != PAUSED or (last and used == values.size):
            return code, used
        state[CLOCK] += 1
        note(state, value)
        why = settled(state, state[LEFT], tol)
        if why:
            return why, used
    return PAUSED, used


def make_squarem(core: Core) -> Any:
    """The compiled loop of SQUAREM for one family; settings: (max_iter, tol, scheme, scratch).

    `scratch`: three points in unconstrained coordinates (q,), a table like P (K, p), log weights (K,).
    """
    statistics, maximise, natural, to_free, to_natural = core

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
