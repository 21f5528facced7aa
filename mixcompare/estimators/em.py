"""EM: expectation-maximisation for mixtures (Dempster, Laird and Rubin 1977, JRSS B 39, 1-38)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare.errors import BudgetExceeded, ContractError, SpecError
from mixcompare.estimators.base import Estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim, Solver
from mixcompare.theta import Theta

COLLAPSE = 1e-8
"""Spread, in sds of the data, below which EM stops: the next step only divides smaller numbers."""

ROUNDINGS = 8
"""Roundings that a term of the log-likelihood goes through: statistics, parameters, product, exp, sum."""


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

    def __post_init__(self) -> None:
        if self.max_iter < 1:
            raise SpecError(f"max_iter: expected at least 1, got {self.max_iter}")
        if not self.tol >= 0:
            raise SpecError(f"tol: expected a number of nats >= 0, got {self.tol}")

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Every family has an M-step."""
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        theta, progress = start, _Progress()
        for iteration in range(self.max_iter + 1):
            try:
                loglik, statistics = problem.statistics(theta)
            except BudgetExceeded as stop:
                return _end(theta, iteration, False, "budget", str(stop))
            if not np.isfinite(loglik):
                message = f"the log-likelihood is {loglik} after {iteration} iterations"
                return _end(theta, iteration, False, "non_finite", message)
            progress.add(loglik)
            bound = ROUNDINGS * problem.rounding(theta, loglik, statistics)
            if progress.gain < -bound:
                raise ContractError(
                    f"EM decreased the log-likelihood by {-progress.gain:.3g} nats in iteration "
                    f"{iteration}, beyond round-off ({bound:.3g})"
                )
            done = progress.done(self.tol)
            if done:
                return _end(
                    theta, iteration, True, "converged", f"{done} after {iteration} iterations"
                )
            if iteration == self.max_iter:
                break
            successor = problem.maximise(statistics)
            trouble = collapse(problem, successor)
            if trouble:
                message = f"{trouble} in iteration {iteration + 1}"
                return _end(theta, iteration, False, "collapsed", message)
            theta = successor
        message = f"stopped after {self.max_iter} iterations"
        return _end(theta, self.max_iter, False, "max_iter", message)


class _Progress:
    """The gains of a run so far, and whether there is more to come."""

    def __init__(self) -> None:
        self.loglik = self.best = -np.inf
        self.before = self.gain = np.inf
        self.calm = self.stale = 0
        """Iterations in a row with next to nothing to gain, and without a new best value."""

    def add(self, loglik: float) -> None:
        self.before, self.gain = self.gain, loglik - self.loglik
        self.stale = 0 if loglik > self.best else self.stale + 1
        self.loglik, self.best = loglik, max(loglik, self.best)

    def done(self, tol: float) -> str:
        """Why to stop, in words; "" to go on."""
        remaining = self._remaining()
        self.calm = self.calm + 1 if remaining < tol else 0
        if self.calm >= 3:
            return f"predicted gain {remaining:.1e} nats"
        # In exact arithmetic every iteration gains: what is left is below the rounding of the sum.
        return "no gain beyond rounding" if tol > 0 and self.stale >= 10 else ""

    def _remaining(self) -> float:
        """Gain still to come if gains go on falling geometrically; inf where they don't."""
        if not np.isfinite(self.before):
            return np.inf
        if self.gain <= 0:
            return 0.0
        ratio = self.gain / self.before if self.before > 0 else np.inf
        return self.gain * ratio / (1 - ratio) if ratio < 1 else np.inf


def collapse(problem: Problem, theta: Theta) -> str:
    """Which component EM has just lost, in words; "" if none."""
    if not theta.is_finite:
        k = int(np.argmax(~np.isfinite(theta.weights) | (theta.weights <= 0)))
        return f"component {k + 1} became empty"
    family = problem.model.family
    spread = family.spread(family.to_frame(theta.parameters, problem.frame))
    if (spread < COLLAPSE).any():
        return f"component {int(np.argmin(spread)) + 1} collapsed: its spread fell to 0"
    return ""


def _end(theta: Theta, iterations: int, success: bool, status: str, message: str) -> Claim:
    return Claim(theta, Solver(success, status, message, {"iterations": iterations}))
