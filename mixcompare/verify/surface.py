"""The log-likelihood around an end, in coordinates fit for judging it.

Coordinates: the model's unconstrained ones in units of the data's own spread, each further scaled so that
its curvature is at most one nat per observation (a mean is thus measured in sds of its component).
Coordinates at an edge (infinite) are held there. The component of largest weight is put last, because
log-ratios of weights are taken to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta

STEP = 1e-5
"""Of central differences of the exact gradient, in scaled coordinates: error about 1e-10 of the curvature."""

IGNORED_SLOPE = 1e-6
"""Nats per unit step: a slope below this in a flat direction is taken for rounding."""


LOST = 1e-10
"""Spread, in sds of the data, below which a polish stops: the likelihood has no bound there."""


@dataclass(frozen=True)
class Quadratic:
    """Value, gradient and curvature at one point, in the eigenbasis of the negative Hessian."""

    value: float
    gradient: np.ndarray
    curvature: np.ndarray
    basis: np.ndarray
    noise: float
    """Largest asymmetry of the differenced Hessian: what its eigenvalues are uncertain by."""


class Surface:
    """The log-likelihood of a model on data, around a point of the parameter space.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset
    theta : Theta
        In the domain, no empty component; coordinates exactly at an edge are held there.
    """

    def __init__(self, model: MixtureModel, data: Dataset, theta: Theta) -> None:
        self.model, self.data = model, data
        self.problem = Problem(model, data)
        top = int(np.argmax(theta.weights))
        self.order = np.array([k for k in range(model.n_components) if k != top] + [top], dtype=int)
        self.origin = model.to_unconstrained(theta.take(self.order), self.problem.frame)
        self.free = np.flatnonzero(np.isfinite(self.origin))
        self.scale = np.ones(self.free.size)
        rough = np.abs(np.diag(self._differences(np.zeros(self.free.size), 1e-6)))
        with np.errstate(divide="ignore"):
            self.scale = np.minimum(1.0, np.sqrt(data.n / np.maximum(rough, 1e-300)))

    @property
    def names(self) -> list[str]:
        """Names of the free coordinates, components numbered as in the given point."""
        every = self.model.coordinate_names(self.data.columns, [int(k) + 1 for k in self.order])
        return [every[i] for i in self.free]

    def theta(self, delta: np.ndarray) -> Theta:
        """The point at scaled coordinates `delta` (0 is the given one), components in the given order."""
        point = self.model.to_natural(self._z(delta), self.problem.n_features, self.problem.frame)
        return point.take(np.argsort(self.order))

    def delta(self, theta: Theta) -> np.ndarray:
        """Scaled coordinates of a point: the inverse of `theta`, but for coordinates held at an edge."""
        z = self.model.to_unconstrained(theta.take(self.order), self.problem.frame)
        return (z - self.origin)[self.free] / self.scale

    def value(self, delta: np.ndarray) -> float:
        """Log-likelihood, nats; one pass."""
        return self.problem.value(self._z(delta))

    def gradient(self, delta: np.ndarray) -> np.ndarray:
        """Nats per unit; one pass."""
        return self.problem.value_and_score(self._z(delta))[1][self.free] * self.scale

    def quadratic(self, delta: np.ndarray) -> Quadratic:
        """Second-order picture at `delta`; 2 q + 1 passes. nan where the log-likelihood is not smooth."""
        value, gradient = self.problem.value_and_score(self._z(delta))
        hessian = self._differences(delta, STEP)
        if not np.isfinite(hessian).all():
            q = delta.size
            return Quadratic(value, np.full(q, np.nan), np.full(q, np.nan), np.eye(q), 0.0)
        curvature, basis = np.linalg.eigh(-(hessian + hessian.T) / 2)
        noise = float(np.abs(hessian - hessian.T).max()) if hessian.size else 0.0
        return Quadratic(
            value, basis.T @ (gradient[self.free] * self.scale), curvature, basis, noise
        )

    def lost(self, delta: np.ndarray) -> bool:
        """Whether a component has collapsed there."""
        with np.errstate(over="ignore", invalid="ignore"):
            parameters = self.model.split(self._z(delta), self.problem.n_features)[1]
        return bool((self.model.family.spread(parameters) < LOST).any())

    def _z(self, delta: np.ndarray) -> np.ndarray:
        z = self.origin.copy()
        z[self.free] += self.scale * delta
        return z

    def _differences(self, delta: np.ndarray, step: float) -> np.ndarray:
        rows = []
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(delta.size):
                up, down = delta.copy(), delta.copy()
                up[i] += step
                down[i] -= step
                rows.append((self.gradient(up) - self.gradient(down)) / (2 * step))
        return np.array(rows).reshape(delta.size, delta.size)


def polish(
    surface: Surface, start: np.ndarray, flat: float, steps: int, held: np.ndarray
) -> np.ndarray:
    """Guarded trust-region Newton ascent from `start`; returns the best point found.

    Directions in the columns of `held` are not moved along: a saddle's own directions of ascent, which
    are judged apart. Each step maximises the local quadratic model within a radius (More and Sorensen
    1983, SIAM J. Sci. Stat. Comput. 4, 553-572, solved in the eigenbasis) and is taken only if the
    log-likelihood rises; the radius follows the ratio of the actual to the predicted gain. It ends where a
    component has collapsed, or the picture is not finite.
    """
    point, radius = start, 1.0
    project = np.eye(start.size) - held @ held.T
    local = surface.quadratic(point)
    for _ in range(steps):
        if surface.lost(point) or not np.isfinite(local.curvature).all():
            return point
        step, predicted = _bounded_step(local, flat, radius, project)
        if predicted < 1e-10:
            return point
        gain = surface.value(point + step) - local.value
        if gain > 0:
            point = point + step
            local = surface.quadratic(point)
        ratio = gain / predicted if np.isfinite(gain) else -1.0
        length = float(np.linalg.norm(step))
        if ratio < 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.9 * radius:
            radius = min(4.0 * radius, 10.0)
        if radius < 1e-9:
            return point
    return point


def _bounded_step(
    local: Quadratic, flat: float, radius: float, project: np.ndarray
) -> tuple[np.ndarray, float]:
    gradient, curvature = (
        local.basis.T @ (project @ (local.basis @ local.gradient)),
        local.curvature,
    )
    still = (np.abs(curvature) <= flat) & (np.abs(gradient) < IGNORED_SLOPE)
    gradient = np.where(still, 0.0, gradient)
    if not gradient.any():
        return np.zeros_like(gradient), 0.0

    def step(shift: float) -> np.ndarray:
        return np.where(
            gradient == 0, 0.0, gradient / np.where(gradient == 0, 1.0, curvature + shift)
        )

    active = curvature[gradient != 0]
    low = max(0.0, -float(active.min()) + 1e-12 * max(1.0, float(np.abs(active).max())))
    shift = low
    if low > 0 or np.linalg.norm(step(0.0)) > radius:
        high = max(2 * low, 1e-12) + float(np.linalg.norm(gradient)) / radius
        while np.linalg.norm(step(high)) > radius:
            high *= 2
        for _ in range(100):
            shift = (low + high) / 2
            low, high = (shift, high) if np.linalg.norm(step(shift)) > radius else (low, shift)
        shift = high
    move = step(shift)
    predicted = float(gradient @ move - 0.5 * (curvature * move) @ move)
    return project @ (local.basis @ move), predicted
