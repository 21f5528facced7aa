"""EM, then Newton: EM for its safe first steps, a trust region for the quadratic last ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mixcompare.errors import BudgetExceeded, SpecError
from mixcompare.estimators.ascent import check_limits
from mixcompare.estimators.base import Estimator
from mixcompare.estimators.em import EM
from mixcompare.estimators.formulations import formulate, resolve
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim, Solver
from mixcompare.theta import Theta

DIFFERENCE = 1e-6
"""Step, in sds of the data, of the differences of exact gradients that give curvature."""


@dataclass(frozen=True)
class EMNewton(Estimator):
    """EM until little is left to gain, then scipy's trust-region Newton (trust-ncg) from there.

    Both stages are whole methods of their own: `EM`, and the objective of the formulation `scaled`
    with its exact gradient. Products with the Hessian are differences of gradients, one pass each, so
    that a Newton iteration never costs more than q + 1 passes. A trust region never leaves the
    likelihood lower than EM left it. If EM ends at an edge of the parameter space, where unconstrained
    coordinates are infinite, EM goes on instead, and a note says so.

    Parameters
    ----------
    max_iter : int
        Iterations at most of each stage.
    switch : float
        Predicted gain, nats, below which EM hands over.
    tol : float
        Length of the gradient per observation, in units of the data's spread, at which Newton stops.
    """

    max_iter: int = 1000
    switch: float = 1e-2
    tol: float = 1e-7

    name: ClassVar[str] = "em+newton"
    kind: ClassVar[str] = "em"

    def __post_init__(self) -> None:
        check_limits(self.max_iter, self.tol)
        if not self.switch > 0:
            raise SpecError(f"switch: expected a number of nats above 0, got {self.switch}")

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Every family has an M-step and unconstrained coordinates."""
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        claim = EM(self.max_iter, self.switch).fit(problem, start, rng)
        if claim.solver.status not in ("converged", "max_iter"):
            return claim
        assert claim.theta is not None
        theta, spent = claim.theta, dict(claim.solver.counts)
        if not np.isfinite(problem.model.to_unconstrained(theta, problem.frame)).all():
            rest = EM(self.max_iter).fit(problem, theta, rng)
            total = spent["iterations"] + rest.solver.counts["iterations"]
            note = "EM alone: Newton can't start at the edge of the parameter space"
            solver = replace(rest.solver, counts={"iterations": total})
            return replace(rest, solver=solver, notes=(*rest.notes, note))
        return self._newton(problem, theta, spent)

    def _newton(self, problem: Problem, theta: Theta, spent: dict[str, int]) -> Claim:
        from scipy import optimize  # not needed to name or list methods

        minimize: Any = optimize.minimize  # its overloads want a literal method
        task = formulate(problem, theta, resolve("scaled", ()))
        gradients: dict[bytes, np.ndarray] = {}

        def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = task.objective(x)
            gradients[x.tobytes()] = gradient
            # scipy compares values only: what is not finite must be refused, not followed
            return (value if np.isfinite(value) else np.inf), gradient

        def times_hessian(x: np.ndarray, p: np.ndarray) -> np.ndarray:
            length = float(np.linalg.norm(p))
            if length == 0:
                return np.zeros_like(p)
            h = DIFFERENCE / length
            return (task.objective(x + h * p)[1] - gradients[x.tobytes()]) / h

        try:
            result = minimize(
                objective,
                task.x0,
                method="trust-ncg",
                jac=True,
                hessp=times_hessian,
                options={"gtol": self.tol, "maxiter": self.max_iter},
            )
        except BudgetExceeded as stop:
            return Claim(_best(problem, theta), Solver(False, "budget", str(stop), spent))
        end = np.asarray(result.x, dtype=float)
        counts = {**spent, "nit": int(result.nit), "nfev": int(result.nfev)}
        solver = Solver(bool(result.success), str(result.status), str(result.message), counts)
        return Claim(task.to_theta(end), solver)


def _best(problem: Problem, theta: Theta) -> Theta:
    """The best point so far, which may be one of EM's or a vector of Newton's."""
    best = problem.best_point
    if isinstance(best, np.ndarray):
        return problem.model.to_natural(best, problem.n_features, problem.frame)
    return theta if best is None else best
