"""CEM: classification EM (Celeux and Govaert 1992, Comput. Statist. Data Anal. 14, 315-332)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mixcompare.estimators.ascent import ROUNDINGS, Look, ascend, check_limits
from mixcompare.estimators.base import Estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta


@dataclass(frozen=True)
class CEM(Estimator):
    """EM with a classification step: each observation goes whole to its most probable component.

    Maximises the classification log-likelihood sum_i max_k log(w_k f_k(x_i)), which never falls and,
    there being finitely many partitions, stops growing after finitely many iterations. Its maximum is
    no maximum of the likelihood: CEM is inconsistent for mixtures, and a start for other methods. The
    trajectory shows the log-likelihood. Ties go to the first component.

    Parameters
    ----------
    max_iter : int
        Iterations at most. n iterations cost n + 1 passes.
    tol : float
        Nats still to be gained; 0 means exactly `max_iter` iterations.
    """

    max_iter: int = 10000
    tol: float = 1e-9

    name: ClassVar[str] = "cem"

    def __post_init__(self) -> None:
        check_limits(self.max_iter, self.tol)

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Every family has an M-step."""
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""

        def look(theta: Theta) -> Look:
            value, partition = problem.anneal(theta, np.inf)
            bound = ROUNDINGS * problem.rounding(theta, value)
            return Look(value, problem.weigh(partition, theta), bound)

        def step(theta: Theta, statistics: np.ndarray) -> Theta:
            return problem.maximise(statistics)

        target = "classification log-likelihood"
        claim = ascend(problem, start, self.max_iter, self.tol, look, step, "CEM", target)
        note = f"the target was the {target}, not the likelihood"
        return replace(claim, notes=(*claim.notes, note))
