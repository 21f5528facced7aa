"""DAEM: deterministic annealing (Ueda and Nakano 1998, Neural Networks 11, 271-282)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mixcompare.errors import SpecError
from mixcompare.estimators.ascent import ROUNDINGS, Look, ascend, check_limits
from mixcompare.estimators.base import Estimator
from mixcompare.estimators.em import EM
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta


@dataclass(frozen=True)
class DAEM(Estimator):
    """EM on a sequence of likelihoods at falling temperature 1 / b, the last of them the true one.

    At each b < 1 the responsibilities are r_ik proportional to (w_k f_k(x_i))^b, and the iteration
    raises sum_i log(sum_k (w_k f_k(x_i))^b) / b, minus the free energy, which never falls. b starts at
    `first` and grows by `factor`; at b = 1 plain EM ends the run. Heat melts components into one, and
    equal components never part again by themselves, so each new temperature begins with a small random
    displacement (as in Rose 1998, Proc. IEEE 86, 2210-2239). The trajectory shows the log-likelihood,
    which may fall while b < 1.

    Parameters
    ----------
    max_iter : int
        Iterations at most of EM at b = 1; each temperature before it has at most `per_temperature`.
    tol : float
        Nats still to be gained at b = 1; 0 means exactly `max_iter` iterations there.
    first : float
        b at the start, in (0, 1).
    factor : float
        Ratio of each b to the one before, above 1.
    per_temperature : int
        Iterations at most at each b < 1, which ends sooner where less than 1e-3 nats are left to gain.
    jitter : float
        Sd of the displacement in unconstrained coordinates, in units of the data's spread.
    """

    max_iter: int = 10000
    tol: float = 1e-9
    first: float = 0.5
    factor: float = 1.2
    per_temperature: int = 50
    jitter: float = 1e-2

    name: ClassVar[str] = "daem"

    def __post_init__(self) -> None:
        check_limits(self.max_iter, self.tol)
        if not 0 < self.first < 1:
            raise SpecError(f"first: expected a number between 0 and 1, got {self.first}")
        if not self.factor > 1:
            raise SpecError(f"factor: expected a number above 1, got {self.factor}")
        if self.per_temperature < 1:
            raise SpecError(f"per_temperature: expected at least 1, got {self.per_temperature}")
        if not self.jitter >= 0:
            raise SpecError(f"jitter: expected a number >= 0, got {self.jitter}")

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Every family has an M-step."""
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` draws the displacements."""
        theta, spent, power = start, 0, self.first
        while power < 1:
            claim = self._anneal(problem, theta, power)
            spent += claim.solver.counts["iterations"]
            assert claim.theta is not None
            if claim.solver.status not in ("converged", "max_iter"):
                return _counted(claim, spent, f"at b = {power:.3g}: {claim.solver.message}")
            theta = self._displaced(problem, claim.theta, rng)
            power *= self.factor
        claim = EM(self.max_iter, self.tol).fit(problem, theta, rng)
        return _counted(claim, spent + claim.solver.counts["iterations"], claim.solver.message)

    def _anneal(self, problem: Problem, start: Theta, power: float) -> Claim:
        def look(theta: Theta) -> Look:
            value, responsibilities = problem.anneal(theta, power)
            bound = ROUNDINGS * problem.rounding(theta, value)
            return Look(value, problem.weigh(responsibilities, theta), bound)

        def step(theta: Theta, statistics: np.ndarray) -> Theta:
            return problem.maximise(statistics)

        target = f"annealed log-likelihood at b = {power:.3g}"
        return ascend(problem, start, self.per_temperature, 1e-3, look, step, "DAEM", target)

    def _displaced(self, problem: Problem, theta: Theta, rng: np.random.Generator) -> Theta:
        """A point next to this one; what is at an edge (infinite coordinates) stays there."""
        model, frame = problem.model, problem.frame
        z = model.to_unconstrained(theta, frame)
        moved = z + self.jitter * rng.standard_normal(z.size)
        with np.errstate(all="ignore"):
            near = model.to_natural(moved, problem.n_features, frame)
        return theta if model.outside(near) else near


def _counted(claim: Claim, iterations: int, message: str) -> Claim:
    solver = replace(claim.solver, message=message, counts={"iterations": iterations})
    return replace(claim, solver=solver)
