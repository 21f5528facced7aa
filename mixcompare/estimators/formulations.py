"""The ladder: how one likelihood is written down for an optimiser, from a newcomer's way to the sound one.

A formulation is a set of changes to what a newcomer writes, each of which can be made without the others
(but for a box, which is on raw parameters). It turns a problem and a start into what an optimiser minimises.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.coordinates import Coordinates
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta

Box = Mapping[str, tuple[float, float]]

RUNGS = {
    "naive": "raw parameters, the logarithm of a sum of densities, differences, no domain checks",
    "bounded": "a box for every raw parameter",
    "logsumexp": "the log of the sum from log-densities, without underflow; nan outside the domain",
    "unconstrained": "log scales, log-ratios of weights, logits or Cholesky factors; no box",
    "gradient": "the exact gradient, by Fisher's identity",
    "scaled": "data standardised, objective per observation",
}
"""The ladder, lowest rung first, and the one thing that each changes."""

ROOM = float(np.cbrt(np.finfo(float).eps))
"""Half the distance of the two gradients of a differenced product, in the frame's coordinates."""


@dataclass(frozen=True)
class Formulation:
    """A start as a vector, a function of such vectors to minimise, and the way back to a Theta.

    Parameters
    ----------
    x0 : ndarray, shape (q,)
        The start.
    objective : callable
        x (q,) -> minus the log-likelihood, or (that, its gradient (q,)) if `gradient`. One call is one
        pass, two for a sum of densities with an exact gradient. nan is passed on.
    curvature : callable
        x (q,), p (q,) -> Hessian of the objective times p; two passes. Exact for exponential families in
        unconstrained coordinates (`Problem.product`). For others, and for raw coordinates, by central
        differences of the exact gradient along p, over `ROOM` on either side: about nine digits, and
        where the family states no score two times its 4 q + 1 passes.
    to_theta : callable
        x (q,) -> Theta; outside the parameter space where x is.
    changes : set of str
        What distinguishes it from a newcomer's.
    bounds : list of (low, high), or None
        A box for x.
    box : list of (low, high)
        The same in the data's own units, and `labels` the names of these coordinates, for notes.
    start : ndarray
        The start where the box is, in those units.
    """

    x0: np.ndarray
    objective: Callable[[np.ndarray], Any]
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray]
    to_theta: Callable[[np.ndarray], Theta]
    changes: Collection[str]
    bounds: list[tuple[float, float]] | None = None
    box: list[tuple[float, float]] = field(default_factory=list)
    labels: tuple[str, ...] = field(default=(), repr=False)
    start: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def gradient(self) -> bool:
        """Whether `objective` returns the gradient too; without it solvers take differences or need none."""
        return "gradient" in self.changes

    def outside_box(self) -> tuple[str, ...]:
        """A note for each coordinate of the start that the box excludes."""
        return tuple(
            f"the start has {label} = {value:.6g}, outside its box [{low:g}, {high:g}]"
            for label, value, (low, high) in zip(self.labels, self.start, self.box, strict=True)
            if value < low or value > high
        )

    def held(self, x: np.ndarray) -> tuple[str, ...]:
        """A note for each coordinate of an end that lies on the box."""
        bounds = self.bounds or [(-np.inf, np.inf)] * x.size
        sides = [
            "lower" if value <= low else "upper" if value >= high else ""
            for value, (low, high) in zip(x, bounds, strict=True)
        ][: len(self.box)]
        return tuple(
            f"the end is held by the box: {label} at its {side} bound {pair[side == 'upper']:g}"
            for label, side, pair in zip(self.labels, sides, self.box, strict=True)
            if side
        )


def resolve(formulation: str, refused: Collection[str]) -> frozenset[str]:
    """The changes that a name asks for.

    The name of a rung means it and the rungs below, without those `refused`; unconstrained coordinates
    take the place of the box. Names joined by "+" mean these changes alone.
    """
    named = formulation.split("+")
    if len(named) > 1:
        return frozenset(named) - {"naive"}
    ladder = list(RUNGS)
    below = [rung for rung in ladder[1 : ladder.index(formulation)] if rung not in refused]
    changes = {*below, formulation} - {"naive"}
    return frozenset(changes - {"bounded"} if "unconstrained" in changes else changes)


def check(formulation: str) -> None:
    """Raise SpecError unless this is a rung, or rungs joined by "+" that go together."""
    named = str(formulation).split("+")
    for rung in named:
        if rung not in RUNGS:
            raise SpecError(
                f"formulation: expected one of {', '.join(RUNGS)}, or several joined by +, got "
                f'"{formulation}".{nearest(rung, RUNGS)}'
            )
    if len(set(named)) < len(named):
        raise SpecError(f'formulation: expected each change once, got "{formulation}"')
    if {"bounded", "unconstrained"} <= set(named):
        raise SpecError(
            f'formulation: a box is on raw parameters, and "{formulation}" has none: take out bounded or '
            f"unconstrained"
        )


def formulate(
    problem: Problem, start: Theta, changes: Collection[str], box: Box | None = None
) -> Formulation:
    """The formulation with these changes; `box` by kind of parameter, the family's own for the others."""
    scaled = "scaled" in changes
    at = Coordinates(problem.model, problem.frame, "unconstrained" in changes, scaled)
    # per observation of the standardised data, whose log-likelihood is larger by n log |scale|
    n, more = (problem.n, problem.n * problem.frame.log_volume) if scaled else (1.0, 0.0)

    def exact(x: np.ndarray) -> tuple[float, np.ndarray]:
        if at.unconstrained and at.standardised:
            return problem.value_and_score(x)
        return problem.score(*at.framed(x), x)

    def slope(x: np.ndarray) -> tuple[float, np.ndarray]:
        loglik, score = exact(x)
        return -(loglik + more) / n, _solve(at, x, -score / n, transpose=True)

    def value(x: np.ndarray) -> float:
        if "logsumexp" not in changes:
            loglik = problem.naive_log_likelihood(at.raw(x), x, standardised=scaled)
        elif at.unconstrained and at.standardised:
            loglik = problem.value(x)
        else:
            loglik = problem.value_of(*at.framed(x), x)
        return -(loglik + more) / n

    def curvature(x: np.ndarray, p: np.ndarray) -> np.ndarray:
        if at.unconstrained and problem.exact_products:
            product = problem.product(at.framed_unconstrained(x), _solve(at, x, p))
            return _solve(at, x, -product / n, transpose=True)
        size = float(np.abs(_solve(at, x, p)).max())
        if size == 0:
            return np.zeros_like(p)
        h = ROOM / size
        return (slope(x + h * p)[1] - slope(x - h * p)[1]) / (2.0 * h)

    objective: Callable[[np.ndarray], Any] = value
    if "gradient" in changes:
        # Without log-sum-exp the gradient has a pass of its own: the sum of densities has none.
        one_pass = "logsumexp" in changes
        objective = slope if one_pass else lambda x: (value(x), slope(x)[1])
    plain = Formulation(at.vector(start), objective, curvature, at.theta, changes)
    return _boxed(plain, problem, start, at, box or {}) if "bounded" in changes else plain


def _boxed(
    plain: Formulation, problem: Problem, start: Theta, at: Coordinates, box: Box
) -> Formulation:
    kinds = raw_kinds(problem.model, problem.n_features)
    limits = {**problem.naive_bounds(), **box}
    pairs = [limits[kind] for kind in kinds]
    low, high = (at.rescaled(np.array(side, dtype=float)) for side in zip(*pairs, strict=True))
    return Formulation(
        plain.x0,
        plain.objective,
        plain.curvature,
        plain.to_theta,
        plain.changes,
        bounds=list(zip(low.tolist(), high.tolist(), strict=True)),
        box=pairs,
        labels=tuple(f"{kind}[{kinds[:i].count(kind) + 1}]" for i, kind in enumerate(kinds)),
        start=Coordinates(at.model, at.frame, False, False).vector(start),
    )


def _solve(at: Coordinates, x: np.ndarray, v: np.ndarray, transpose: bool = False) -> np.ndarray:
    """J^-1 v (for a direction) or J^-T v (for a gradient), J = dx/dz; nan where there is none."""
    if at.unconstrained and at.standardised:
        return v
    J = at.jacobian(x)
    try:
        if np.isfinite(J).all():
            return np.linalg.solve(J.T if transpose else J, v)
    except np.linalg.LinAlgError:
        pass  # at the edge of the parameter space, where raw parameters have no unconstrained ones
    return np.full_like(v, np.nan)


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
