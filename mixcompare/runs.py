"""Whole runs of an estimator in compiled code, booked like every other pass over the data.

A loop (estimators/loops.py) is handed the data and the points of any number of runs, and works on each until
it ends or its room for log-likelihoods is used up. Every pass of every run is put on the meter and the
trajectory of that run's own Problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.families.core import Core, made
from mixcompare.families.fused_pass import FusedPass
from mixcompare.problem import Problem
from mixcompare.theta import Theta

PAUSED = 0
"""Code of a run that has not ended; the codes of ends are the loop's own."""

ROOM = 4_000_000
"""Log-likelihoods that all runs of one call may hold before they are booked."""

QUANTUM = 1e8
"""Component log-densities and statistics between two looks at the clock: about a quarter of a second."""

LEAST = 4
"""Passes that a run is given at least, if its budget has them: more than any loop needs in one go."""


@dataclass(frozen=True)
class Ended:
    """How a compiled run ended.

    Parameters
    ----------
    code : int
        Why, in the codes of the loop.
    theta : Theta
        Where.
    beyond : Theta
        What the last M-step made of it; not a point of the parameter space if it lost a component.
    state : ndarray
        The loop's own.
    """

    code: int
    theta: Theta
    beyond: Theta
    state: np.ndarray


def compiles(problem: Problem) -> bool:
    """Whether `run_compiled` can be used: an exponential family, and no points to be kept."""
    return isinstance(problem.likelihood, FusedPass) and not problem.keep_points


def run_compiled(
    problems: Sequence[Problem],
    make: Callable[[Core], Any],
    starts: Sequence[Theta],
    state: np.ndarray,
    settings: tuple[Any, ...],
) -> list[Ended]:
    """One run from each start, each with its own Problem of the same model and data.

    `make` makes the loop of a family, called as loop(data, layout, runs, settings): see
    estimators/loops.py. `state` (runs, ...) is the loop's own. A run whose budget is used up ends with
    the code that the loop gives where `last` is set.
    """
    fused = problems[0].likelihood
    assert isinstance(fused, FusedPass)
    m, K = len(starts), fused.K
    P = np.stack([fused.table(start.parameters) for start in starts])
    with np.errstate(divide="ignore"):
        log_weights = np.log([start.weights for start in starts])
    Q, beyond = np.full_like(P, np.nan), np.full_like(log_weights, np.nan)
    S = np.zeros((m, *fused.S.shape))
    each = fused.x.shape[1] * K * (fused.M + 8) * m
    room = int(np.clip(min(ROOM / m, QUANTUM / each), LEAST, 20_000))
    values, capacity = np.empty((m, room)), np.empty(m, dtype=np.int64)
    last = np.zeros(m, dtype=np.bool_)
    code, used = np.full(m, PAUSED), np.zeros(m, dtype=np.int64)
    runs = (P, log_weights, Q, beyond, S, state, values, capacity, last, code, used)
    loop = made(make, fused.core)
    while True:
        going = np.flatnonzero(code == PAUSED).tolist()
        if not going:
            break
        for i in going:
            left = problems[i].passes_left
            capacity[i], last[i] = min(room, left), left <= room
        loop(fused.data, fused.layout, runs, settings)
        for i in going:
            problems[i].book(values[i, : used[i]])
    ended = []
    for i, problem in enumerate(problems):
        theta = fused.theta(np.exp(log_weights[i]), P[i])
        problem.best_point = theta
        ended.append(Ended(int(code[i]), theta, fused.theta(np.exp(beyond[i]), Q[i]), state[i]))
    return ended
