"""The rungs: how one likelihood is written down for an optimiser, from a newcomer's way to the sound one.

A formulation turns a problem and a start into what an optimiser minimises. Adding a rung is adding a
function here and a line in `RUNGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixcompare.errors import SpecError, nearest
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta

Box = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Formulation:
    """A start as a vector, a function of such vectors to minimise, and the way back to a Theta.

    Parameters
    ----------
    x0 : ndarray, shape (q,)
        The start.
    objective : callable
        x (q,) -> minus the log-likelihood, or (that, its gradient (q,)) if `gradient`. One call is one
        pass. nan is passed on.
    to_theta : callable
        x (q,) -> Theta; outside the parameter space where x is.
    gradient : bool
        Whether `objective` returns the gradient too; without it solvers take differences or need none.
    per_observation : bool
        Whether the objective is divided by n, and coordinates are in units of the data's own spread:
        absolute tolerances then mean the same for all data.
    bounds : list of (low, high), or None
        A box for x.
    labels : tuple of str
        Names of the coordinates that have a box, for notes.
    """

    x0: np.ndarray
    objective: Callable[[np.ndarray], Any]
    to_theta: Callable[[np.ndarray], Theta]
    gradient: bool = False
    per_observation: bool = False
    bounds: list[tuple[float, float]] | None = None
    labels: tuple[str, ...] = field(default=(), repr=False)

    def outside_box(self) -> tuple[str, ...]:
        """A note for each coordinate of the start that the box excludes."""
        return tuple(
            f"the start has {label} = {value:.6g}, outside its box [{low:g}, {high:g}]"
            for label, value, (low, high) in zip(
                self.labels, self.x0, self.bounds or (), strict=True
            )
            if value < low or value > high
        )

    def held(self, x: np.ndarray) -> tuple[str, ...]:
        """A note for each coordinate of an end that lies on the box."""
        return tuple(
            f"the end is held by the box: {label} at its {'lower' if value <= low else 'upper'} bound "
            f"{value:g}"
            for label, value, (low, high) in zip(self.labels, x, self.bounds or (), strict=True)
            if value <= low or value >= high
        )


def naive(problem: Problem, start: Theta, gradient: bool, box: Box) -> Formulation:
    """What a newcomer writes: raw parameters, the log of a sum of densities, a plain sum over the data.

    Raw parameters are the family's (`Family.naive_kinds`), then the first K - 1 weights. `gradient` and
    `box` are not used: solvers that need a gradient take differences.
    """
    model, d = problem.model, problem.n_features
    K = model.n_components

    def to_theta(x: np.ndarray) -> Theta:
        raw, weights = x[: x.size - (K - 1)], x[x.size - (K - 1) :]
        with np.errstate(all="ignore"):
            return Theta(
                np.append(weights, 1.0 - weights.sum()), **model.family.from_naive(raw, K, d)
            )

    return Formulation(
        x0=np.concatenate([model.family.to_naive(start.parameters), start.weights[:-1]]),
        objective=lambda x: -problem.naive_log_likelihood(x),
        to_theta=to_theta,
    )


def bounded(problem: Problem, start: Theta, gradient: bool, box: Box) -> Formulation:
    """The same in a box: `box` by kind of parameter, and the family's default box for the others."""
    plain = naive(problem, start, gradient, box)
    limits = {**problem.naive_bounds(), **box}
    kinds = raw_kinds(problem.model, problem.n_features)
    return Formulation(
        x0=plain.x0,
        objective=plain.objective,
        to_theta=plain.to_theta,
        bounds=[limits[kind] for kind in kinds],
        labels=tuple(f"{kind}[{kinds[:i].count(kind) + 1}]" for i, kind in enumerate(kinds)),
    )


def scaled(problem: Problem, start: Theta, gradient: bool, box: Box) -> Formulation:
    """The sound one: log-sum-exp, unconstrained coordinates, standardised data, per observation.

    Coordinates are those of `MixtureModel.to_unconstrained` in the problem's frame; the gradient is exact
    (Fisher's identity) and costs nothing beyond the pass. `box` is not used.
    """
    model, d, n = problem.model, problem.n_features, problem.n

    def value(x: np.ndarray) -> float:
        return -problem.value(x) / n

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        loglik, score = problem.value_and_score(x)
        return -loglik / n, -score / n

    def to_theta(x: np.ndarray) -> Theta:
        with np.errstate(all="ignore"):
            return model.to_natural(x, d, problem.frame)

    return Formulation(
        x0=model.to_unconstrained(start, problem.frame),
        objective=value_and_gradient if gradient else value,
        to_theta=to_theta,
        gradient=gradient,
        per_observation=True,
    )


RUNGS: dict[str, Callable[[Problem, Theta, bool, Box], Formulation]] = {
    "naive": naive,
    "bounded": bounded,
    "scaled": scaled,
}
"""Name of each formulation, lowest first, and its maker: (problem, start, gradient wanted, box)."""


def raw_kinds(model: MixtureModel, n_features: int) -> list[str]:
    """Kind of each raw parameter, weights included."""
    K = model.n_components
    return model.family.naive_kinds(K, n_features) + ["weights"] * (K - 1)


def check_box(box: Box, model: MixtureModel, n_features: int) -> None:
    """Raise SpecError if a box names a kind of parameter that this model has not."""
    kinds = list(dict.fromkeys([*raw_kinds(model, n_features), "weights"]))
    for kind in box:
        if kind not in kinds:
            raise SpecError(
                f'bounds: unknown kind of parameter "{kind}" for {model.name}: expected one of '
                f"{', '.join(kinds)}.{nearest(kind, kinds)}"
            )
