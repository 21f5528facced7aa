"""What every inference stands on: an end that has been verified, and its scalars on the reporting scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.data import Dataset, as_dataset
from mixcompare.mixture import MixtureModel, require_model
from mixcompare.records import Verdict
from mixcompare.theta import Theta
from mixcompare.verify.verifier import Verifier

STEP = 1e-3
"""Of five-point differences in scaled coordinates: error 1e-12 by curvature, 1e-13 by rounding."""

Place = tuple[str, tuple[int, ...]]
"""Where a scalar stands: the array's name, and its index in it (component first, from 0)."""


@dataclass(frozen=True)
class End:
    """An estimate with its data, its model on them, and what it was found to be."""

    model: MixtureModel
    data: Dataset
    theta: Theta
    verdict: Verdict

    @property
    def polished(self) -> Theta:
        """Where the verifier's polish ended; the point itself where there was none."""
        return self.theta if self.verdict.polished is None else self.verdict.polished


def examine(model: MixtureModel, data: Any, theta: Theta, counts: Any) -> End:
    """The point in full shapes, verified; components stay in the order given.

    Raises DataError if the data do not suit the model, or the names or shapes of `theta` do not.
    """
    require_model(model)
    verifier = Verifier(model, as_dataset(data, counts))
    full = verifier.model.conform(theta, verifier.data.n_features)
    return End(verifier.model, verifier.data, full, verifier.point(full))


def refusal(verdict: Verdict, what: str) -> str:
    """Why `what` cannot be had at this end, in words; "" at a strict interior maximum."""
    if verdict.finding != "maximum":
        return (
            f"{what} need a strict maximum inside the parameter space, and this end is "
            f"{verdict.finding}: {verdict.message}"
        )
    if not verdict.intervals:
        return (
            f"{what} need a positive definite information matrix, and at this maximum the curvature "
            "vanishes along some direction"
        )
    return ""


def places(values: Mapping[str, np.ndarray]) -> list[Place]:
    """The place of every entry of named arrays, in the order of `flat`."""
    return [(name, index) for name, value in values.items() for index in np.ndindex(value.shape)]


def flat(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """All entries of named arrays in one vector."""
    return np.concatenate([value.ravel() for value in values.values()])


def shaped(vector: np.ndarray, like: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inverse of `flat`, with names and shapes of `like`."""
    found, start = {}, 0
    for name, value in like.items():
        found[name] = np.array(vector[start : start + value.size]).reshape(value.shape)
        start += value.size
    return found


def jacobian(function: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """(m, q): derivatives of a vector function by five-point differences, 4 q evaluations.

    f' = (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12 h + O(h^4) (Abramowitz and Stegun 1972, section 25.3).
    nan where the function is not finite.
    """
    columns = []
    with np.errstate(invalid="ignore"):
        for i in range(at.size):
            step = np.zeros(at.size)
            step[i] = STEP
            near = function(at + step) - function(at - step)
            far = function(at + 2 * step) - function(at - 2 * step)
            columns.append((8 * near - far) / (12 * STEP))
    return np.array(columns).T
