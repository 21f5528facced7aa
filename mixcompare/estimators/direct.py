"""Direct maximisation of the likelihood by the optimisers of scipy, in one of several formulations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from mixcompare.errors import BudgetExceeded, SpecError
from mixcompare.estimators.base import Estimator
from mixcompare.estimators.formulations import (
    RUNGS,
    Formulation,
    check,
    check_box,
    formulate,
    resolve,
)
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim, Solver
from mixcompare.theta import Theta

COUNTS = ("nit", "nfev", "njev", "nhev")
"""What scipy's solvers count, where they do."""


@dataclass(frozen=True)
class Direct(Estimator):
    """One solver of `scipy.optimize.minimize`, on one formulation of the likelihood.

    Settings are scipy's defaults, but for the limits of Nelder-Mead and Powell (10,000 iterations, 20,000
    calls), until the objective is per observation: from there each solver has tolerances that lead to an
    end within 1e-4 nats in total (`sharp`).

    Parameters
    ----------
    formulation : str
        What stands in brackets. A key of `RUNGS`, as in `bfgs[gradient]`: this rung and those below it
        that the solver can use; the highest without brackets. Several, as in `bfgs[naive+scaled]`: these
        changes alone.
    max_iter : int, optional
        Iterations at most, scipy's `maxiter`; where it has none, counted here and ended like a budget.
    tol : float, optional
        scipy's `tol`, which replaces all our tolerances.
    bounds : mapping, optional
        Kind of raw parameter -> (low, high); where there is a box only.
    options : mapping
        Handed to scipy verbatim, above everything else.
    """

    formulation: str = "scaled"
    max_iter: int | None = None
    tol: float | None = None
    bounds: Mapping[str, tuple[float, float]] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    modifiers: ClassVar[tuple[str, ...]] = tuple(RUNGS)
    kind: ClassVar[str] = "gradient"
    solver: ClassVar[str]
    """scipy's name of the solver."""
    takes_gradient: ClassVar[bool] = True
    takes_bounds: ClassVar[bool] = False
    takes_curvature: ClassVar[bool] = False
    """Whether it uses products with the Hessian (`Formulation.curvature`), where the gradient is exact."""
    needs_gradient: ClassVar[bool] = False
    """Whether scipy takes no differences for it."""
    compares: ClassVar[bool] = False
    """Whether it only ever compares values, so that nan would stop it without an end.

    In unconstrained coordinates, where every vector is a point and nan an overflow, it is told infinity.
    """
    takes_max_iter: ClassVar[bool] = True
    """Whether scipy ends it after so many iterations."""
    limits: ClassVar[Mapping[str, int]] = {}
    """Options in every formulation."""

    def __post_init__(self) -> None:
        check(self.formulation)
        if self.max_iter is not None and not self.max_iter >= 1:
            raise SpecError(f"max_iter: expected at least 1, got {self.max_iter}")
        if self.tol is not None and not self.tol >= 0:
            raise SpecError(f"tol: expected a number >= 0, got {self.tol}")
        if self.bounds is not None and "bounded" not in self.changes:
            raise SpecError(
                f"bounds: there is no box in {self.name}[{self.formulation}]; write {self.name}[bounded], "
                f"or leave them out"
            )
        if not isinstance(self.bounds or {}, Mapping):
            raise SpecError(
                f"bounds: expected a box for each kind of parameter, such as "
                f'{{"means": (0, 1)}}, got {self.bounds!r}'
            )
        for kind, pair in (self.bounds or {}).items():
            _check_pair(kind, pair)
        _check_options(self.options)

    @property
    def refused(self) -> dict[str, str]:
        """The rungs that the solver can't use, and why."""
        reasons = {}
        if not self.takes_bounds:
            reasons["bounded"] = f"{self.solver} of scipy takes no bounds"
        if not self.takes_gradient:
            reasons["gradient"] = f"{self.solver} of scipy uses values only, no gradient"
        return reasons

    @property
    def changes(self) -> frozenset[str]:
        """See `Estimator`."""
        return resolve(self.formulation, self.refused)

    @classmethod
    def modified(cls, modifiers: Sequence[str], **options: Any) -> Self:
        """See `Estimator`: the modifiers are the formulation."""
        if modifiers and "formulation" in options:
            raise SpecError(
                f"{cls.name}: expected the formulation in brackets or as an option, got both: "
                f"{'+'.join(modifiers)} and {options['formulation']}"
            )
        if modifiers:
            options["formulation"] = "+".join(modifiers)
        return cls(**options)

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """See `Estimator`. Raises SpecError if `bounds` name a kind of parameter the model has not."""
        check_box(self.bounds or {}, model, n_features)
        if not model.n_parameters(n_features):
            return (
                "scipy has nothing to maximise over: the model has no free parameters on these data"
            )
        for rung in self.changes & set(self.refused):
            return self.refused[rung]
        if self.needs_gradient and "gradient" not in self.changes:
            return f"{self.solver} of scipy needs an exact gradient, which [{self.formulation}] has not"
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        from scipy import optimize  # not needed to name or list methods

        minimize: Any = optimize.minimize  # its overloads want a literal method
        task = formulate(problem, start, self.changes, self.bounds or {})
        problem.read = task.to_theta
        notes = task.outside_box()
        try:
            result = minimize(
                self._told(task),
                task.x0,
                method=self.solver,
                jac=True if task.gradient else None,
                hessp=task.curvature if self.takes_curvature and task.gradient else None,
                bounds=task.bounds,
                tol=self.tol,
                callback=self._counted(),
                options=self.settings(task, problem.n),
            )
        except BudgetExceeded as stop:
            best = task.x0 if problem.best_point is None else problem.best_point
            solver = Solver(False, "budget", str(stop), {"nfev": problem.passes})
            return Claim(task.to_theta(best), solver, notes=notes + task.held(best))
        end = np.asarray(result.x, dtype=float)
        counts = {name: int(result[name]) for name in COUNTS if name in result}
        return Claim(
            task.to_theta(end),
            Solver(bool(result.success), str(result.status), str(result.message), counts),
            notes=notes + task.held(end),
        )

    def settings(self, task: Formulation, n: float) -> dict[str, Any]:
        """The options given to scipy."""
        sharp = self.sharp(task, n) if "scaled" in task.changes and self.tol is None else {}
        counted = self.takes_max_iter and self.max_iter is not None
        iterations = {"maxiter": self.max_iter} if counted else {}
        return {**self.limits, **sharp, **iterations, **self.options}

    def sharp(self, task: Formulation, n: float) -> dict[str, Any]:
        """Tolerances for an objective per observation, coordinates in units of the data's spread.

        Here those of solvers that stop by the slope alone.
        """
        return {"gtol": least_slope(n), "maxiter": 10000}

    def _counted(self) -> Callable[[np.ndarray], None] | None:
        """What ends a run after `max_iter` iterations where scipy does not."""
        if self.takes_max_iter or self.max_iter is None:
            return None
        left = itertools.count(self.max_iter - 1, -1)

        def iterated(x: np.ndarray) -> None:
            if next(left) <= 0:
                raise BudgetExceeded(f"max_iter = {self.max_iter} is used up")

        return iterated

    def _told(self, task: Formulation) -> Callable[[np.ndarray], Any]:
        """The objective as the solver is told it."""
        if not self.compares or "unconstrained" not in task.changes:
            return task.objective

        def objective(x: np.ndarray) -> Any:
            value, gradient = task.objective(x) if task.gradient else (task.objective(x), None)
            value = np.inf if np.isnan(value) else value
            return (value, gradient) if task.gradient else value

        return objective


def _check_options(options: Any) -> None:
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        raise SpecError(
            f'options: expected names and values for scipy, such as {{"gtol": 1e-6}}, got {options!r}'
        )


def _check_pair(kind: str, pair: Any) -> None:
    try:
        low, high = (float(value) for value in pair)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not low < high:
        raise SpecError(f"bounds, {kind}: expected two numbers, low < high, got {pair!r}")


def least_slope(n: float) -> float:
    """Largest slope per observation g at which to stop.

    The gain still to come is n g^2 / 2h nats where the curvature is h per observation: below 1e-4 for
    any h > 5e-6. Much smaller slopes are lost in the rounding of the objective, and the solvers' line
    searches fail.
    """
    return float(min(1e-7, 3e-5 / np.sqrt(n)))
