"""The local solvers of `scipy.optimize.minimize`: what each can use, and tolerances that suit a likelihood.

Method                takes a gradient   Hessian products   bounds
nelder-mead, powell   no                 no                 yes
cg, bfgs              yes                no                 no
l-bfgs-b, tnc, slsqp  yes                no                 yes
newton-cg, trust-ncg  needs it           yes                no
trust-constr          yes                yes                yes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.estimators.direct import Direct, least_slope
from mixcompare.estimators.formulations import Formulation


@dataclass(frozen=True)
class NelderMead(Direct):
    """The simplex search of Nelder and Mead (1965, Comput. J. 7, 308-313); values only."""

    name: ClassVar[str] = "nelder-mead"
    kind: ClassVar[str] = "search"
    solver: ClassVar[str] = "Nelder-Mead"
    takes_gradient: ClassVar[bool] = False
    takes_bounds: ClassVar[bool] = True
    limits: ClassVar[Mapping[str, int]] = {"maxiter": 10000, "maxfev": 20000}

    def sharp(self, task: Formulation, n: float) -> dict[str, Any]:
        """Values within 1e-7 nats of each other, and a first simplex with edges of half an sd.

        scipy's own first simplex moves a coordinate of zero (an even weight, a central mean) by 0.00025
        and collapses before it has found out that the coordinate matters. Raw parameters, which half an
        sd may take out of their domain, keep it.
        """
        tolerances: dict[str, Any] = {"xatol": 1e-3 / np.sqrt(n), "fatol": 1e-7 / n}
        if "unconstrained" in task.changes:
            edges = 0.5 * np.eye(task.x0.size)
            tolerances["initial_simplex"] = np.vstack([task.x0, task.x0 + edges])
        return tolerances


@dataclass(frozen=True)
class Powell(Direct):
    """Line searches along conjugate directions (Powell 1964, Comput. J. 7, 155-162); values only."""

    name: ClassVar[str] = "powell"
    kind: ClassVar[str] = "search"
    solver: ClassVar[str] = "Powell"
    takes_gradient: ClassVar[bool] = False
    takes_bounds: ClassVar[bool] = True
    limits: ClassVar[Mapping[str, int]] = {"maxiter": 10000, "maxfev": 20000}

    def sharp(self, task: Formulation, n: float) -> dict[str, Any]:
        """A whole round of line searches that gains less than 1e-8 nats ends it."""
        return {"xtol": 1e-6, "ftol": max(1e-8 / n, 1e-14)}


@dataclass(frozen=True)
class CG(Direct):
    """Conjugate gradients of Polak and Ribiere, restarted (Nocedal and Wright 2006, section 5.2)."""

    name: ClassVar[str] = "cg"
    solver: ClassVar[str] = "CG"


@dataclass(frozen=True)
class BFGS(Direct):
    """Quasi-Newton with a dense inverse Hessian (Nocedal and Wright 2006, ch. 6)."""

    name: ClassVar[str] = "bfgs"
    solver: ClassVar[str] = "BFGS"


@dataclass(frozen=True)
class LBFGSB(Direct):
    """Quasi-Newton with limited memory and bounds (Byrd et al. 1995, SIAM J. Sci. Comput. 16, 1190)."""

    name: ClassVar[str] = "l-bfgs-b"
    solver: ClassVar[str] = "L-BFGS-B"
    takes_bounds: ClassVar[bool] = True

    def sharp(self, task: Formulation, n: float) -> dict[str, Any]:
        """Largest slope as for BFGS; a relative decrease of 1e-15, where rounding begins, ends it too."""
        return {"gtol": least_slope(n), "ftol": 1e-15}


@dataclass(frozen=True)
class TNC(Direct):
    """Truncated Newton, products with the Hessian by its own differences (Nash 1984, SINUM 21, 770-788)."""

    name: ClassVar[str] = "tnc"
    solver: ClassVar[str] = "TNC"
    takes_bounds: ClassVar[bool] = True
    takes_max_iter: ClassVar[bool] = False

    def sharp(self, task: Formulation, n: float) -> dict[str, Any]:
        """Largest slope as for BFGS; neither small steps nor a small decrease end it; 100,000 calls."""
        return {"gtol": least_slope(n), "ftol": 0.0, "xtol": 0.0, "maxfun": 100_000}


@dataclass(frozen=True)
class SLSQP(Direct):
    """Sequential least squares programming (Kraft 1988, DFVLR-FB 88-28), here with bounds alone."""

    name: ClassVar[str] = "slsqp"
    solver: ClassVar[str] = "SLSQP"
    takes_bounds: ClassVar[bool] = True

    def sharp(self, task: Formulation, n: float) -> dict[str, Any]:
        """A predicted decrease of 1e-8 nats, or of 1e-15 per observation, ends it."""
        return {"ftol": max(1e-8 / n, 1e-15), "maxiter": 10000}


@dataclass(frozen=True)
class NewtonCG(Direct):
    """Line search along truncated Newton directions (Nocedal and Wright 2006, section 7.1)."""

    name: ClassVar[str] = "newton-cg"
    solver: ClassVar[str] = "Newton-CG"
    needs_gradient: ClassVar[bool] = True
    takes_curvature: ClassVar[bool] = True

    def sharp(self, task: Formulation, n: float) -> dict[str, Any]:
        """A mean step of 1e-7, in units of the data's spread, ends it."""
        return {"xtol": float(min(1e-7, 1e-4 / np.sqrt(n))), "maxiter": 10000}


@dataclass(frozen=True)
class TrustNCG(Direct):
    """Newton in a trust region, by conjugate gradients (Nocedal and Wright 2006, algorithm 7.2)."""

    name: ClassVar[str] = "trust-ncg"
    solver: ClassVar[str] = "trust-ncg"
    needs_gradient: ClassVar[bool] = True
    takes_curvature: ClassVar[bool] = True
    compares: ClassVar[bool] = True


@dataclass(frozen=True)
class TrustConstr(Direct):
    """Trust region, interior point for bounds (Byrd, Hribar and Nocedal 1999, SIAM J. Optim. 9, 877)."""

    name: ClassVar[str] = "trust-constr"
    solver: ClassVar[str] = "trust-constr"
    takes_bounds: ClassVar[bool] = True
    takes_curvature: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def sharp(self, task: Formulation, n: float) -> dict[str, Any]:
        """Largest slope as for BFGS; a trust region of radius 1e-12 ends it too."""
        return {"gtol": least_slope(n), "xtol": 1e-12, "maxiter": 10000}
