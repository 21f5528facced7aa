"""EM with variances about the previous means, as many programs written by hand have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare.estimators.ascent import ascend, check_limits, likelihood
from mixcompare.estimators.base import Estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta


@dataclass(frozen=True)
class OldMeansEM(Estimator):
    """An ECM: the scales are maximised given the previous locations, then the locations.

    Since the locations that maximise do not depend on the scales, both conditional steps use the same
    responsibilities, and S = sum_i r_i (x_i - m_old)(x_i - m_old)' / N. Each step raises the expected
    complete-data log-likelihood, so the log-likelihood never falls, and the fixed points are those of
    EM (Meng and Rubin 1993, Biometrika 80, 267-278); the path, and the optimum reached, may differ.
    Stops as `EM` does.

    Parameters
    ----------
    max_iter : int
        Iterations at most. n iterations cost n + 1 passes.
    tol : float
        Nats still to be gained; 0 means exactly `max_iter` iterations.
    """

    max_iter: int = 10000
    tol: float = 1e-9

    name: ClassVar[str] = "em[old-means]"
    kind: ClassVar[str] = "em"

    def __post_init__(self) -> None:
        check_limits(self.max_iter, self.tol)

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Families with free scales beside their locations."""
        if model.family.has_scales:
            return ""
        return f"the {model.family.name} family has no variance to take about the previous mean"

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        family = problem.model.family

        def step(theta: Theta, statistics: np.ndarray) -> Theta:
            previous = family.to_frame(theta.parameters, problem.frame)
            weights = statistics[:, 0] / statistics[:, 0].sum()
            parameters = family.mle_about(statistics, previous)
            return Theta(weights, **family.from_frame(parameters, problem.frame))

        return ascend(
            problem,
            start,
            self.max_iter,
            self.tol,
            look=lambda theta: likelihood(problem, theta),
            step=step,
            method="EM with old means",
        )
