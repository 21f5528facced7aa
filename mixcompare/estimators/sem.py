"""SEM: stochastic EM (Celeux and Diebolt 1985, Comput. Statist. Quarterly 2, 73-82)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare.errors import BudgetExceeded, SpecError
from mixcompare.estimators.ascent import collapse, end
from mixcompare.estimators.base import Estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta


@dataclass(frozen=True)
class SEM(Estimator):
    """EM with a stochastic step: each observation goes to a component drawn from its responsibilities.

    The points visited are a Markov chain about the maximum, not a sequence that converges. The end is
    the mean of the points after `burn_in`, in natural parameters, as Celeux and Diebolt take it
    (Diebolt and Ip 1996, in Markov Chain Monte Carlo in Practice, ch. 15): near the maximum, at a
    distance that shrinks with n, and so as a rule not stationary. If labels switch within the chain,
    the mean is of no use. A component that is drawn empty or without spread ends the run by name.

    Parameters
    ----------
    max_iter : int
        Length of the chain; one pass an iteration, and one that evaluates the end.
    burn_in : int
        Iterations left out of the mean; a quarter of `max_iter` where it is not shorter.
    """

    max_iter: int = 1000
    burn_in: int = 200

    name: ClassVar[str] = "sem"

    def __post_init__(self) -> None:
        if self.max_iter < 1:
            raise SpecError(f"max_iter: expected at least 1, got {self.max_iter}")
        if self.burn_in < 0:
            raise SpecError(f"burn_in: expected a number of iterations >= 0, got {self.burn_in}")

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Every family has an M-step."""
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`."""
        theta, mean = start, _Mean()
        burn_in = min(self.burn_in, self.max_iter // 4)
        for iteration in range(self.max_iter):
            try:
                value, responsibilities = problem.anneal(theta, 1.0)
            except BudgetExceeded as stop:
                return mean.end(theta, iteration, False, "budget", str(stop))
            if not np.isfinite(value):
                message = f"the log-likelihood is {value} after {iteration} iterations"
                return end(theta, iteration, False, "non_finite", message)
            drawn = problem.draw(responsibilities, rng)
            successor = problem.maximise(problem.weigh(drawn, theta))
            trouble = collapse(problem, successor)
            if trouble:
                message = f"{trouble} in iteration {iteration + 1}"
                return end(theta, iteration, False, "collapsed", message)
            theta = successor
            if iteration >= burn_in:
                mean.add(theta)
        message = f"mean of the last {mean.size} of {self.max_iter} iterations"
        claim = mean.end(theta, self.max_iter, True, "finished", message)
        assert claim.theta is not None
        with contextlib.suppress(
            BudgetExceeded
        ):  # the end is one without its point on the trajectory
            problem.log_likelihood(claim.theta)
        return claim


class _Mean:
    """A running mean of points."""

    def __init__(self) -> None:
        self.size = 0
        self.total: dict[str, np.ndarray] = {}

    def add(self, theta: Theta) -> None:
        self.size += 1
        self.total = {name: self.total.get(name, 0.0) + value for name, value in theta.items()}

    def end(self, last: Theta, iterations: int, success: bool, status: str, message: str) -> Claim:
        """A claim to the mean, or to the last point where there is no mean yet."""
        if not self.size:
            return end(last, iterations, success, status, message)
        point = Theta.from_dict({name: value / self.size for name, value in self.total.items()})
        return end(point, iterations, success, status, message)
