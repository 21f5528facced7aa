"""EM for the posterior mode under the family's conjugate prior: a target of its own, and said so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mixcompare.estimators.ascent import ROUNDINGS, Look, ascend, check_limits, likelihood
from mixcompare.estimators.base import Estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import EPS, Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta


@dataclass(frozen=True)
class PenalisedEM(Estimator):
    """Maximises log-likelihood + log prior, where the likelihood alone may be unbounded.

    The prior is the family's conjugate one (`Family.conjugate_prior` says which), independent over
    components; weights have none. Its hyperparameters come from the data: for normal components those
    of Fraley and Raftery (2007, J. Classif. 24, 155-181), for others one pseudo-observation a
    component. The trajectory shows the log-likelihood, which may fall; the sum may not. The end is in
    general no stationary point of the likelihood: what the verifier says of it, it says of the
    likelihood. Stops as `EM` does, in gains of the sum.

    Parameters
    ----------
    max_iter : int
        Iterations at most. n iterations cost n + 1 passes.
    tol : float
        Nats still to be gained; 0 means exactly `max_iter` iterations.
    """

    max_iter: int = 10000
    tol: float = 1e-9

    name: ClassVar[str] = "em[penalised]"
    kind: ClassVar[str] = "em"
    target: ClassVar[str] = "penalised"

    def __post_init__(self) -> None:
        check_limits(self.max_iter, self.tol)

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Families that state a conjugate prior."""
        if model.family.conjugate_prior:
            return ""
        return f"the {model.family.name} family states no conjugate prior"

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        family, frame = problem.model.family, problem.frame
        overall = problem.weigh(np.ones((problem.n_rows, 1)))
        prior = family.conjugate(overall, problem.model.n_components)

        def penalty(theta: Theta) -> float:
            return family.log_conjugate(family.to_frame(theta.parameters, frame), prior)

        def look(theta: Theta) -> Look:
            seen, extra = likelihood(problem, theta), penalty(theta)
            rounding = seen.rounding + ROUNDINGS * EPS * abs(extra)
            return replace(seen, value=seen.value + extra, rounding=rounding)

        def step(theta: Theta, statistics: np.ndarray) -> Theta:
            weights = statistics[:, 0] / statistics[:, 0].sum()
            return Theta(weights, **family.from_frame(family.mode(statistics, prior), frame))

        target = "penalised log-likelihood"
        claim = ascend(problem, start, self.max_iter, self.tol, look, step, "penalised EM", target)
        assert claim.theta is not None
        note = (
            f"the target was log-likelihood + log prior, not the likelihood; prior: "
            f"{family.conjugate_prior}; log prior at the end {penalty(claim.theta):.6g} nats, up to a "
            f"constant"
        )
        return replace(claim, notes=(*claim.notes, note))
