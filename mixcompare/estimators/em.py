"""EM: expectation-maximisation for mixtures (Dempster, Laird and Rubin 1977, JRSS B 39, 1-38)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare.estimators.ascent import ascend, check_limits, claims, likelihood
from mixcompare.estimators.base import Estimator, one
from mixcompare.estimators.em_loop import fresh_em, make_em
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.runs import compiles, run_compiled
from mixcompare.theta import Theta


@dataclass(frozen=True)
class EM(Estimator):
    """Plain EM from one start, one pass an iteration.

    Stops when the gain still to come, predicted from the last two gains as d r / (1 - r) with r their
    ratio (Aitken; Boehning et al. 1994, Ann. Inst. Statist. Math. 46, 373-388), stays below `tol` for
    three iterations, or when ten iterations brought no new best value. A plateau, where gains grow
    (r >= 1), is therefore no reason to stop. A decrease beyond the round-off bound is an error that says
    where.

    Parameters
    ----------
    max_iter : int
        Iterations at most. n iterations cost n + 1 passes: the last one evaluates the end.
    tol : float
        Nats still to be gained; 0 means exactly `max_iter` iterations, even at a fixed point.
    """

    max_iter: int = 10000
    tol: float = 1e-9

    name: ClassVar[str] = "em"
    kind: ClassVar[str] = "em"
    batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_limits(self.max_iter, self.tol)

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Every family has an M-step."""
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        if compiles(problem):
            return one(self.fit_many([problem], [start], [rng]))
        return ascend(
            problem,
            start,
            self.max_iter,
            self.tol,
            look=lambda theta: likelihood(problem, theta),
            step=lambda theta, statistics: problem.maximise(statistics),
        )

    def fit_many(
        self,
        problems: Sequence[Problem],
        starts: Sequence[Theta],
        rngs: Sequence[np.random.Generator],
    ) -> list[Claim | Exception]:
        """See `Estimator`; all in one compiled call for exponential families."""
        if not compiles(problems[0]):
            return super().fit_many(problems, starts, rngs)
        settings = (self.max_iter, self.tol)
        ends = run_compiled(problems, make_em, starts, fresh_em(len(starts)), settings)
        return claims(problems, ends, "EM")
