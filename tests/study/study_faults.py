"""A contestant that is wrong on purpose, and prints numbers; named module:Class in test studies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mixcompare.estimators.base import Estimator
from mixcompare.estimators.em import EM
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Prints(Estimator):
    name: ClassVar[str] = "prints"
    fault: ClassVar[str] = "It prints the squares of the numbers of its iterations."

    def supports(self, model: MixtureModel, n_features: int) -> str:
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        claim = EM(max_iter=4, tol=0).fit(problem, start, rng)
        return replace(claim, solver=replace(claim.solver, values=(1.0, 4.0, 9.0, 16.0)))
