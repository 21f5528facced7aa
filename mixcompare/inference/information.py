"""Observed information, standard errors by the delta method, Wald intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixcompare.inference.base import End, examine, flat, jacobian, refusal, shaped
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface


@dataclass(frozen=True)
class StandardErrors:
    """Standard errors of an estimate, or why there are none.

    Parameters
    ----------
    finding : str
        What the verifier found the end to be.
    refused : str
        Why there are none, in words; "" if there are. All that follows is then empty.
    natural : mapping
        Standard errors of the natural parameters and weights, in their units: name -> (K, ...) as in Theta.
    report : mapping
        Those on `model.report_scale`; nan for the weight of a single component.
    information : ndarray, shape (q, q)
        Observed information in the model's unconstrained coordinates (data's units), called `coordinates`.
    covariance : ndarray, shape (q, q)
        Its inverse.
    notes : tuple of str
        What to be wary of.
    passes : float
        Passes spent, verification included.
    """

    finding: str
    refused: str = ""
    natural: Mapping[str, np.ndarray] = field(default_factory=dict)
    report: Mapping[str, np.ndarray] = field(default_factory=dict)
    coordinates: tuple[str, ...] = ()
    information: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    covariance: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    notes: tuple[str, ...] = ()
    passes: float = 0.0


def standard_errors(
    model: MixtureModel, data: Any, theta: Theta, *, counts: Any = None
) -> StandardErrors:
    """Standard errors from the observed information at a strict maximum.

    Cov(z) = I(z)^-1 with I the negative Hessian of the log-likelihood, by central differences of its exact
    gradient, at the verifier's polished point; for any function g of z the delta method gives
    Var(g) = g' I^-1 g'. Observed rather than expected information: Efron and Hinkley (1978), Biometrika
    65, 457-487; for mixtures McLachlan and Peel (2000), Finite Mixture Models, chapter 2.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    theta : Theta
        The estimate, components in any order.
    counts : array (n,), optional
        Multiplicities of the rows.

    Returns
    -------
    StandardErrors
        With `refused` set where the theory fails: at a ridge, a singular or duplicate or boundary end,
        and at a point that is no maximum.

    Raises
    ------
    DataError
        The data do not suit the model, or the names or shapes of `theta` do not.
    """
    end = examine(model, data, theta, counts)
    model, verdict = end.model, end.verdict
    refused = refusal(verdict, "standard errors")
    if refused:
        return StandardErrors(verdict.finding, refused, passes=verdict.passes)
    surface = Surface(model, end.data, end.polished)
    origin = np.zeros(surface.free.size)
    local = surface.quadratic(origin)
    root = local.basis / np.sqrt(local.curvature)  # root @ root.T is the inverse information

    def coordinates(delta: np.ndarray) -> np.ndarray:
        return model.to_unconstrained(surface.theta(delta))

    to_model = jacobian(coordinates, origin)
    inverse = np.linalg.solve(to_model.T, local.basis * np.sqrt(local.curvature))
    return StandardErrors(
        verdict.finding,
        natural=_errors(lambda theta: dict(theta), surface, root),
        report=_errors(model.report_scale, surface, root),
        coordinates=tuple(model.coordinate_names(end.data.columns)),
        information=inverse @ inverse.T,
        covariance=(to_model @ root) @ (to_model @ root).T,
        notes=caveats(verdict.narrow),
        passes=verdict.passes + surface.problem.passes,
    )


def wald_bounds(
    end: End, quantile: float
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], float]:
    """Estimate -+ quantile standard errors on the reporting scale, name -> (lower, upper); and the passes.

    Centred at the estimate as it is, with the information at the polished point.
    """
    model = end.model
    surface = Surface(model, end.data, end.polished)
    local = surface.quadratic(np.zeros(surface.free.size))
    errors = _errors(model.report_scale, surface, local.basis / np.sqrt(local.curvature))
    bounds = {}
    with np.errstate(invalid="ignore"):
        for name, value in model.report_scale(end.theta).items():
            bounds[name] = (value - quantile * errors[name], value + quantile * errors[name])
    return bounds, surface.problem.passes


def caveats(narrow: bool) -> tuple[str, ...]:
    """What to be wary of at a strict maximum."""
    if not narrow:
        return ()
    return (
        "the optimum is narrow: it rests on a handful of observations, too few for normal theory",
    )


def _errors(values: Any, surface: Surface, root: np.ndarray) -> dict[str, np.ndarray]:
    """Standard errors of named arrays that depend on the point; `root` is a root of the covariance.

    As norms of rows, which no rounding makes negative.
    """
    origin = np.zeros(surface.free.size)
    slopes = jacobian(lambda delta: flat(values(surface.theta(delta))), origin)
    return shaped(np.linalg.norm(slopes @ root, axis=1), values(surface.theta(origin)))
