"""Direct maximisation of the likelihood by the optimisers of scipy, in one of several formulations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from mixcompare.errors import BudgetExceeded, SpecError, nearest
from mixcompare.estimators.base import Estimator
from mixcompare.estimators.formulations import RUNGS, Formulation, check_box
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim, Solver
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Direct(Estimator):
    """One solver of `scipy.optimize.minimize`, on one formulation of the likelihood.

    Where the formulation is a newcomer's, so are the settings: scipy's defaults, but for the limits of
    Nelder-Mead and Powell (10,000 iterations, 20,000 calls). Where the objective is per observation,
    each solver has tolerances that lead to an end within 1e-4 nats in total (`sharp`).

    Parameters
    ----------
    formulation : str
        A key of `RUNGS`; the name in brackets of `bfgs[naive]`, the highest without.
    max_iter : int, optional
        Iterations at most, scipy's `maxiter`.
    tol : float, optional
        scipy's `tol`, which replaces all our tolerances.
    bounds : mapping, optional
        Kind of raw parameter -> (low, high); for the formulation `bounded` only.
    options : mapping
        Handed to scipy verbatim, above everything else.
    """

    formulation: str = "scaled"
    max_iter: int | None = None
    tol: float | None = None
    bounds: Mapping[str, tuple[float, float]] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    modifiers: ClassVar[tuple[str, ...]] = tuple(RUNGS)
    solver: ClassVar[str]
    """scipy's name of the solver."""
    takes_gradient: ClassVar[bool]
    takes_bounds: ClassVar[bool]
    limits: ClassVar[Mapping[str, int]] = {}
    """Options in every formulation."""

    def __post_init__(self) -> None:
        if self.formulation not in RUNGS:
            raise SpecError(
                f'formulation: expected one of {", ".join(RUNGS)}, got "{self.formulation}".'
                f"{nearest(self.formulation, RUNGS)}"
            )
        if self.max_iter is not None and not self.max_iter >= 1:
            raise SpecError(f"max_iter: expected at least 1, got {self.max_iter}")
        if self.tol is not None and not self.tol >= 0:
            raise SpecError(f"tol: expected a number >= 0, got {self.tol}")
        if self.bounds is not None and self.formulation != "bounded":
            raise SpecError(
                f"bounds: only the formulation bounded has a box; write {self.name}[bounded], or leave "
                f"them out"
            )
        if not isinstance(self.bounds or {}, Mapping):
            raise SpecError(
                f"bounds: expected a box for each kind of parameter, such as "
                f'{{"means": (0, 1)}}, got {self.bounds!r}'
            )
        for kind, pair in (self.bounds or {}).items():
            _check_pair(kind, pair)

    @classmethod
    def modified(cls, modifiers: Sequence[str], **options: Any) -> Self:
        """See `Estimator`: the modifier is the formulation."""
        if len(modifiers) > 1 or (modifiers and "formulation" in options):
            asked = [*modifiers, *([options["formulation"]] if "formulation" in options else [])]
            raise SpecError(
                f"{cls.name}: expected one formulation, got {', '.join(map(str, asked))}"
            )
        if modifiers:
            options["formulation"] = modifiers[0]
        return cls(**options)

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """See `Estimator`. Raises SpecError if `bounds` name a kind of parameter the model has not."""
        check_box(self.bounds or {}, model, n_features)
        if self.formulation == "bounded" and not self.takes_bounds:
            return f"{self.solver} of scipy takes no bounds"
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        from scipy import optimize  # not needed to name or list methods

        minimize: Any = optimize.minimize  # its overloads want a literal method
        task = RUNGS[self.formulation](problem, start, self.takes_gradient, self.bounds or {})
        problem.read = task.to_theta
        notes = task.outside_box() if task.bounds else ()
        try:
            result = minimize(
                task.objective,
                task.x0,
                method=self.solver,
                jac=True if task.gradient else None,
                bounds=task.bounds,
                tol=self.tol,
                options=self.settings(task, problem.n),
            )
        except BudgetExceeded as stop:
            best = task.x0 if problem.best_point is None else problem.best_point
            solver = Solver(False, "budget", str(stop), {"nfev": problem.passes})
            return Claim(task.to_theta(best), solver, notes=notes)
        end = np.asarray(result.x, dtype=float)
        counts = {name: int(result[name]) for name in ("nit", "nfev", "njev") if name in result}
        return Claim(
            task.to_theta(end),
            Solver(bool(result.success), str(result.status), str(result.message), counts),
            notes=notes + (task.held(end) if task.bounds else ()),
        )

    def settings(self, task: Formulation, n: float) -> dict[str, Any]:
        """The options given to scipy."""
        sharp = self.sharp(task.x0, n) if task.per_observation and self.tol is None else {}
        iterations = {} if self.max_iter is None else {"maxiter": self.max_iter}
        return {**self.limits, **sharp, **iterations, **self.options}

    @abstractmethod
    def sharp(self, x0: np.ndarray, n: float) -> dict[str, Any]:
        """Tolerances for an objective per observation, coordinates in units of the data's spread."""


@dataclass(frozen=True)
class NelderMead(Direct):
    """The simplex search of Nelder and Mead (1965, Comput. J. 7, 308-313); values only."""

    name: ClassVar[str] = "nelder-mead"
    solver: ClassVar[str] = "Nelder-Mead"
    takes_gradient: ClassVar[bool] = False
    takes_bounds: ClassVar[bool] = True
    limits: ClassVar[Mapping[str, int]] = {"maxiter": 10000, "maxfev": 20000}

    def sharp(self, x0: np.ndarray, n: float) -> dict[str, Any]:
        """Values within 1e-7 nats of each other, and a first simplex with edges of half an sd.

        scipy's own first simplex moves a coordinate of zero (an even weight, a central mean) by 0.00025
        and collapses before it has found out that the coordinate matters.
        """
        simplex = np.vstack([x0, x0 + 0.5 * np.eye(x0.size)])
        return {"xatol": 1e-3 / np.sqrt(n), "fatol": 1e-7 / n, "initial_simplex": simplex}


@dataclass(frozen=True)
class Powell(Direct):
    """Line searches along conjugate directions (Powell 1964, Comput. J. 7, 155-162); values only."""

    name: ClassVar[str] = "powell"
    solver: ClassVar[str] = "Powell"
    takes_gradient: ClassVar[bool] = False
    takes_bounds: ClassVar[bool] = True
    limits: ClassVar[Mapping[str, int]] = {"maxiter": 10000, "maxfev": 20000}

    def sharp(self, x0: np.ndarray, n: float) -> dict[str, Any]:
        """A whole round of line searches that gains less than 1e-8 nats ends it."""
        return {"xtol": 1e-6, "ftol": max(1e-8 / n, 1e-14)}


@dataclass(frozen=True)
class BFGS(Direct):
    """Quasi-Newton with a dense inverse Hessian (Nocedal and Wright 2006, ch. 6)."""

    name: ClassVar[str] = "bfgs"
    solver: ClassVar[str] = "BFGS"
    takes_gradient: ClassVar[bool] = True
    takes_bounds: ClassVar[bool] = False

    def sharp(self, x0: np.ndarray, n: float) -> dict[str, Any]:
        """Largest slope per observation: see `_slope`."""
        return {"gtol": _slope(n), "maxiter": 10000}


@dataclass(frozen=True)
class LBFGSB(Direct):
    """Quasi-Newton with limited memory and bounds (Byrd et al. 1995, SIAM J. Sci. Comput. 16, 1190)."""

    name: ClassVar[str] = "l-bfgs-b"
    solver: ClassVar[str] = "L-BFGS-B"
    takes_gradient: ClassVar[bool] = True
    takes_bounds: ClassVar[bool] = True

    def sharp(self, x0: np.ndarray, n: float) -> dict[str, Any]:
        """Largest slope as for BFGS; a relative decrease of 1e-15, where rounding begins, ends it too."""
        return {"gtol": _slope(n), "ftol": 1e-15}


def _slope(n: float) -> float:
    """Largest slope per observation g at which to stop.

    The gain still to come is n g^2 / 2h nats where the curvature is h per observation: below 1e-4 for
    any h > 5e-6. Much smaller slopes are lost in the rounding of the objective, and the solvers' line
    searches fail.
    """
    return float(min(1e-7, 3e-5 / np.sqrt(n)))


def _check_pair(kind: str, pair: Any) -> None:
    try:
        low, high = (float(value) for value in pair)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not low < high:
        raise SpecError(f"bounds, {kind}: expected two numbers, low < high, got {pair!r}")
