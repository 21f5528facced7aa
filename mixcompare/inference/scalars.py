"""The scalars of the reporting scale as functions of the coordinates in which profiles are followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mixcompare.inference.base import STEP, Place, jacobian
from mixcompare.mixture import MixtureModel
from mixcompare.verify.surface import Surface


@dataclass(frozen=True)
class Scalar:
    """One scalar of the reporting scale as a function of scaled coordinates.

    `support` are the coordinates it depends on; `linear` says whether it does so linearly.
    """

    place: Place
    value: Callable[[np.ndarray], float]
    support: np.ndarray
    linear: bool

    def slope(self, delta: np.ndarray) -> np.ndarray:
        """Gradient (q,)."""

        def part(values: np.ndarray) -> np.ndarray:
            at = delta.copy()
            at[self.support] = values
            return np.array([self.value(at)])

        gradient = np.zeros(delta.size)
        gradient[self.support] = jacobian(part, delta[self.support])[0]
        return gradient

    def bend(self, delta: np.ndarray) -> np.ndarray:
        """Second derivatives (q, q), by central differences of gradients; none for a linear scalar."""
        matrix = np.zeros((delta.size, delta.size))
        if self.linear:
            return matrix
        for i in self.support:
            step = np.zeros(delta.size)
            step[i] = STEP
            matrix[i] = (self.slope(delta + step) - self.slope(delta - step)) / (2 * STEP)
        return (matrix + matrix.T) / 2


def scalars(model: MixtureModel, surface: Surface, wanted: list[Place]) -> list[Scalar]:
    """The scalars at these places, with the coordinates they depend on."""
    everything = np.arange(surface.free.size)
    trials = 0.3 * np.random.default_rng(0).standard_normal((2, everything.size))
    trials = np.vstack([np.zeros(everything.size), trials])

    def at(place: Place) -> Callable[[np.ndarray], float]:
        name, index = place

        def value(delta: np.ndarray) -> float:
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                return float(model.report_scale(surface.theta(delta))[name][index])

        return value

    found = []
    for place in wanted:
        scalar = Scalar(place, at(place), everything, True)
        slopes = np.array([scalar.slope(delta) for delta in trials])
        error = (
            1e-3 * np.abs(slopes).max()
        )  # coarse, for locations far from zero in the data's units
        linear = bool(np.abs(slopes - slopes[0]).max() <= error)
        support = np.flatnonzero(np.abs(slopes).max(axis=0) > 1e-6 * error)
        found.append(Scalar(place, at(place), support, linear))
    return found


def twins(made: list[Scalar], size: int) -> list[int]:
    """For each scalar the first one that is the same function (a tied parameter is written K times)."""
    trials = 0.3 * np.random.default_rng(1).standard_normal((3, size))
    first: dict[tuple[float, ...], int] = {}
    found = []
    for i, scalar in enumerate(made):
        signature = (*(scalar.value(delta) for delta in trials),)
        found.append(first.setdefault(signature, i))
    return found
