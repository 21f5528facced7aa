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
    three iterations. A plateau, where gains grow (r >= 1), is therefore no reason to stop. A decrease
    beyond the round-off bound is an error that says where.

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
        theta, previous, gain, calm = start, -np.inf, np.inf, 0
        for iteration in range(self.max_iter + 1):
            try:
                loglik, statistics = problem.statistics(theta)
            except BudgetExceeded as stop:
                return _end(theta, iteration, False, "budget", str(stop))
            if not np.isfinite(loglik):
                message = f"the log-likelihood is {loglik} after {iteration} iterations"
                return _end(theta, iteration, False, "non_finite", message)
            before, gain = gain, loglik - previous
            bound = ROUNDINGS * problem.rounding(theta, loglik, statistics)
            if gain < -bound:
                raise ContractError(
                    f"EM decreased the log-likelihood by {-gain:.3g} nats in iteration {iteration}, beyond "
                    f"round-off ({bound:.3g})"
                )
            remaining = _predicted(before, gain, bound)
            calm = calm + 1 if remaining < max(self.tol, bound) else 0
            if self.tol > 0 and calm >= 3:
                message = f"predicted gain {remaining:.1e} nats after {iteration} iterations"
                return _end(theta, iteration, True, "converged", message)
            if iteration == self.max_iter:
                break
            previous = loglik
            successor = problem.maximise(statistics)
            trouble = collapse(problem, successor)
            if trouble:
                return _end(
                    theta, iteration, False, "collapsed", f"{trouble} in iteration {iteration + 1}"
                )
            theta = successor
        return _end(
            theta, self.max_iter, False, "max_iter", f"stopped after {self.max_iter} iterations"
        )


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


def _predicted(before: float, gain: float, bound: float) -> float:
    """Gain still to come if gains go on falling geometrically; inf where they don't.

    0 at a fixed point: the gain is round-off.
    """
    if not np.isfinite(before) or not np.isfinite(gain):
        return np.inf
    if gain <= bound:
        return 0.0
    ratio = gain / before if before > 0 else np.inf
    return gain * ratio / (1 - ratio) if ratio < 1 else np.inf


def _end(theta: Theta, iterations: int, success: bool, status: str, message: str) -> Claim:
    return Claim(theta, Solver(success, status, message, {"iterations": iterations}))
