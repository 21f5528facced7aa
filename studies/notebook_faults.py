"""Steps that two of the source notebooks take and that are wrong, kept to show what comes of them.

Contestants for study files, as `notebook_faults:VarianceAsDeviation`; `fault` says what each does wrong,
and every table calls it wrong. Nothing here is a way to fit a mixture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare.errors import BudgetExceeded
from mixcompare.estimators.base import Estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim, Solver
from mixcompare.theta import Theta


def normal_in_one_dimension(model: MixtureModel, n_features: int) -> str:
    """Why these contestants cannot fit a model; "" for normal components on one feature."""
    if n_features == 1 and set(model.family.shapes(n_features)) == {"means", "covariances"}:
        return ""
    return "the notebook's step is written for normal components in one dimension"


@dataclass(frozen=True)
class VarianceAsDeviation(Estimator):
    """EM whose E-step hands the variances to a density that expects standard deviations.

    The M-step is right. Stops when weights, means and variances have moved by at most `tol` together
    (Euclidean; in the data's units, as the notebook has it), and calls that success.

    Two passes an iteration: one for the likelihood of the parameters, which the notebook did not look at
    and the trajectory shows, and one for the wrong E-step.

    Parameters
    ----------
    tol : float
        Euclidean change of (weights but the last, means, variances) to stop at.
    max_iter : int
        Iterations at most.
    """

    tol: float = 1e-5
    max_iter: int = 1000

    name: ClassVar[str] = "em (wrong)"
    kind: ClassVar[str] = "em"
    fault: ClassVar[str] = "its E-step takes the variance where the standard deviation belongs"

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Normal components in one dimension."""
        return normal_in_one_dimension(model, n_features)

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        theta, change, done = start, np.inf, 0
        try:
            while True:
                problem.log_likelihood(theta)
                if change <= self.tol or done == self.max_iter:
                    break
                _, statistics = problem.statistics(_as_deviation(theta), aside=True)
                successor = problem.maximise(statistics)
                change = float(np.linalg.norm(_listed(successor) - _listed(theta)))
                theta, done = successor, done + 1
        except BudgetExceeded as stop:
            return Claim(theta, Solver(False, "budget", str(stop), {"iterations": done}))
        success = change <= self.tol
        status, message = ("converged" if success else "max_iter"), f"last change {change:.1e}"
        return Claim(theta, Solver(success, status, message, {"iterations": done}))


def _as_deviation(theta: Theta) -> Theta:
    """The parameters whose density the notebook evaluates: standard deviations that are the variances."""
    return Theta(theta.weights, means=theta["means"], covariances=theta["covariances"] ** 2)


def _listed(theta: Theta) -> np.ndarray:
    parts = (theta.weights[:-1], theta["means"], theta["covariances"])
    return np.concatenate([np.ravel(part) for part in parts])


@dataclass(frozen=True)
class NotTheLogLikelihood(Estimator):
    """EM whose steps are right and whose printed "log-likelihood" is none.

    After each iteration it prints n^2 + sum_ik z_ik log N(x_i; mu_k, sigma_k), z the responsibilities
    that the iteration began with and mu, sigma the parameters that it ended with: the densities' part of
    the expected complete-data log-likelihood, with n^2 in place of the weights' part
    sum_k n_k log(w_k). At the end of an M-step squared deviations average to the variances, so the sum is
    -(n + sum_k n_k log(2 pi sigma_k^2)) / 2 with n_k = n w_k, and costs no pass.

    Parameters
    ----------
    iterations : int
        Iterations, exactly; n iterations cost n + 1 passes.
    """

    iterations: int = 20

    name: ClassVar[str] = "em, its sum (wrong)"
    kind: ClassVar[str] = "em"
    fault: ClassVar[str] = (
        "what it prints as log-likelihood is a part of the expected complete-data log-likelihood, with "
        "the square of the number of observations in place of the rest"
    )

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Normal components in one dimension."""
        return normal_in_one_dimension(model, n_features)

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        theta, printed = start, list[float]()
        try:
            _, statistics = problem.statistics(theta)
            while len(printed) < self.iterations:
                successor = problem.maximise(statistics)
                _, statistics = problem.statistics(successor)
                printed.append(_printed(successor, problem.n))
                theta = successor
        except BudgetExceeded as stop:
            return Claim(theta, _said("budget", str(stop), printed))
        return Claim(theta, _said("max_iter", f"stopped after {len(printed)} iterations", printed))


def _printed(theta: Theta, n: float) -> float:
    counts, variances = n * theta.weights, theta["covariances"].ravel()
    return float(n**2 - 0.5 * (n + counts @ np.log(2 * np.pi * variances)))


def _said(status: str, message: str, printed: list[float]) -> Solver:
    return Solver(False, status, message, {"iterations": len(printed)}, values=tuple(printed))
