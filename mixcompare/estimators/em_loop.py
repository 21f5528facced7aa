"""Whole runs of EM in compiled code, for exponential families; squarem_loop.py has those of SQUAREM.

A run holds its point in the frame: parameters P (K, p) and log weights (K,), the same for the point after
the next M-step, and the sums S that belong to its last pass. An iteration of EM is S -> maximise -> natural
-> sweep -> S. `run_compiled` (runs.py) calls these loops, again where `values` was full, and books their
passes; what ends a run is one of the codes below.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mixcompare.estimators.stopping import GAIN, VALUE, fresh, note, remaining, settled
from mixcompare.families.core import Core
from mixcompare.families.kernel import sweep
from mixcompare.numerics import compiled, inlinable
from mixcompare.runs import PAUSED

PREDICTED, ROUNDED, EXHAUSTED, NON_FINITE, LOST, DESCENT, SPENT = range(PAUSED + 1, PAUSED + 8)
"""Nothing left to gain by prediction; no gain beyond rounding (both as in stopping.py); `max_iter`; a
log-likelihood that is not finite; an empty or collapsed component after an M-step; a descent beyond
rounding; `values` is full and there are no more passes to be had."""

COLLAPSE = 1e-8
"""Spread, in sds of the data, below which a run stops: the next step only divides smaller numbers."""

EPS = float(np.finfo(float).eps)

ROUNDINGS = 8
"""Roundings that a term of the log-likelihood goes through: statistics, parameters, product, exp, sum."""

CLOCK, BOUND, LEFT = 6, 7, 8
"""In a run's state, after its progress: number of the present iteration, rounding of the last value, and
gain still to come (nats)."""


def fresh_em(runs: int) -> np.ndarray:
    """State (runs, 9) of runs of EM that have not begun."""
    return np.column_stack([fresh(runs), np.zeros((runs, 2)), np.full(runs, np.inf)])


@inlinable
def evaluate(statistics, data, S, state, log_weights):  # type: ignore[no-untyped-def]
    """One pass at the natural parameters in a (without weights) and eta: the log-likelihood, nats."""
    x, counts, centre, scale, a, eta, work, constant, fixed = data
    K = log_weights.size
    for k in range(K):
        a[k] += log_weights[k]
    value = sweep(statistics, x, counts, centre, scale, a, eta, S, work) + constant
    cancelled = abs(value) + fixed
    for k in range(K):
        cancelled += S[k, 0] * abs(a[k]) if S[k, 0] > 0 else 0.0
        for m in range(eta.shape[1]):
            cancelled += abs(eta[k, m] * S[k, 1 + m])
    state[BOUND] = ROUNDINGS * EPS * cancelled
    return value


@inlinable
def m_step(maximise, S, layout, P, log_weights):  # type: ignore[no-untyped-def]
    """The M-step from S into P and the log weights; False if a component is empty."""
    K, total, full = log_weights.size, 0.0, True
    for k in range(K):
        total += S[k, 0]
    for k in range(K):
        full = full and S[k, 0] > 0
        log_weights[k] = math.log(S[k, 0] / total)
    maximise(S, layout, P)
    return full


@inlinable
def move(Q, next_weights, P, log_weights):  # type: ignore[no-untyped-def]
    """P = Q and the weights with it, in plain loops: slices compile with checks that take seconds."""
    for k in range(P.shape[0]):
        log_weights[k] = next_weights[k]
        for i in range(P.shape[1]):
            P[k, i] = Q[k, i]


@inlinable
def climb(statistics, maximise, natural, data, layout, run, values, max_iter, tol):  # type: ignore[no-untyped-def]
    """EM until it ends or `values` is full: its code and the passes used."""
    P, log_weights, Q, next_weights, S, state = run
    a, eta, used = data[4], data[5], 0
    natural(P, layout, a, eta)
    while used < values.size:
        value = evaluate(statistics, data, S, state, log_weights)
        values[used] = value
        used += 1
        if not math.isfinite(value):
            state[VALUE] = value
            return NON_FINITE, used
        note(state, value)
        if state[GAIN] < -state[BOUND]:
            return DESCENT, used
        state[LEFT] = remaining(state)
        why = settled(state, state[LEFT], tol)
        if why:
            return why, used
        if state[CLOCK] >= max_iter:
            return EXHAUSTED, used
        state[CLOCK] += 1
        full = m_step(maximise, S, layout, Q, next_weights)
        if not (natural(Q, layout, a, eta) >= COLLAPSE and full):
            return LOST, used
        move(Q, next_weights, P, log_weights)
    return PAUSED, used


def make_em(core: Core) -> Any:
    """The compiled loop of EM for one family; settings: (max_iter, tol)."""
    statistics, maximise, natural = core.statistics, core.maximise, core.natural

    def em(data, layout, runs, settings):  # type: ignore[no-untyped-def]
        P, log_weights, Q, next_weights, S, state, values, capacity, last, code, used = runs
        for i in range(code.size):
            if code[i] != PAUSED:
                continue
            run = (P[i], log_weights[i], Q[i], next_weights[i], S[i], state[i])
            room = values[i, : capacity[i]]
            code[i], used[i] = climb(
                statistics, maximise, natural, data, layout, run, room, settings[0], settings[1]
            )
            if code[i] == PAUSED and last[i]:
                code[i] = SPENT

    return compiled(em)
