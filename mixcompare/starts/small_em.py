"""Starts from short runs of EM (Biernacki, Celeux, Govaert 2003, Comput. Statist. Data Anal. 41, 561)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.starts.base import StartScheme
from mixcompare.starts.from_data import FromData
from mixcompare.theta import Theta

RUNS = 10
"""Short runs a start."""

LONGEST = 50
"""Iterations at most of a short run."""

ENOUGH = 0.01
"""A short run stops when an iteration brings less than this part of all it has gained."""


class SmallEM(StartScheme):
    """The best end of ten short runs of EM from random observations as centres.

    "Short": until the last gain is below 1 % of the total gain, as in the paper. A run that comes near
    a collapse (a spread or count below `Family.narrow_limits`) ends one step before and is chosen only if all
    do. The passes are the start's own: no fit is charged for them.
    """

    name: ClassVar[str] = "small-em"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        return max(short_runs(Problem(model, data), data, rng, index), key=lambda run: run[:2])[2]


def short_runs(
    problem: Problem, data: Dataset, rng: np.random.Generator, index: int
) -> list[tuple[bool, float, Theta]]:
    """The short runs behind a start: whether each stayed clear of collapse, log-likelihood, point."""
    drawn = [FromData().draw(problem.model, data, rng, index) for _ in range(RUNS)]
    return [_short(problem, start) for start in drawn]


def _short(problem: Problem, theta: Theta) -> tuple[bool, float, Theta]:
    """One short run: whether it stayed clear of collapse, log-likelihood and point of its end."""
    loglik, statistics = problem.statistics(theta)
    first = loglik
    for _ in range(LONGEST):
        successor = problem.maximise(statistics)
        if not _sound(problem, successor, statistics):
            return False, loglik, theta
        before, theta = loglik, successor
        loglik, statistics = problem.statistics(theta)
        if loglik - before < ENOUGH * (loglik - first):
            break
    return True, loglik, theta


def _sound(problem: Problem, theta: Theta, statistics: np.ndarray) -> bool:
    """Whether a point is interior, and none of its components narrow or nearly empty."""
    model, family = problem.model, problem.model.family
    if not theta.is_finite or not np.isfinite(model.to_unconstrained(theta)).all():
        return False
    parameters = family.to_frame(theta.parameters, problem.frame)
    ratio, count = family.narrow_limits(problem.n_features)
    limit = ratio * family.extent(parameters).max() if ratio else 0.0
    narrow = (family.spread(parameters) < limit).any() or (statistics[:, 0] < count).any()
    return not narrow
