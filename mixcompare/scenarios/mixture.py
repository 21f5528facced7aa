"""Data from a mixture of any family, at one truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError
from mixcompare.mixture import MixtureModel
from mixcompare.scenarios.base import Scenario, whole
from mixcompare.theta import Theta


@dataclass(frozen=True)
class MixtureScenario(Scenario):
    """n observations of a mixture.

    Parameters
    ----------
    family : str
    truth : mapping
        A Theta as nested lists: `weights`, and the natural parameters of the family.
    n : int
        Observations in one data set; labels are drawn with the weights.
    options : mapping
        The family's options.

    Raises
    ------
    SpecError
        Names the parameter, what was expected and what came.
    """

    family: str
    truth: Any
    n: int
    options: Any = field(default_factory=dict)

    name: ClassVar[str] = "mixture"

    def __post_init__(self) -> None:
        if not whole(self.n, 1):
            raise _wrong("n", "a whole number of at least 1", self.n)
        if not isinstance(self.options, Mapping):
            raise _wrong("options", "a table of the family's options", self.options)
        if not isinstance(self.truth, Mapping) or "weights" not in self.truth:
            raise _wrong("truth", "a table of weights and the family's parameters", self.truth)
        try:
            given = Theta.from_dict(dict(self.truth))
            model = MixtureModel(self.family, given.n_components, **self.options)
            first = next(iter(given.parameters.values()), np.empty(0))
            theta = model.conform(given, first.shape[1] if first.ndim > 1 else 1)
        except DataError as error:
            raise SpecError(f"scenario mixture, truth: {error}") from error
        outside = model.outside(theta)
        if outside:
            raise SpecError(
                f"scenario mixture, truth: expected a point of the model, but {outside}"
            )
        object.__setattr__(self, "_drawn_from", (model, theta))

    def draw(self, rng: np.random.Generator, name: str = "") -> Dataset:
        """See `Scenario`."""
        model, theta = self.__dict__["_drawn_from"]
        x, labels = model.sample(theta, self.n, rng)
        source = f"simulated: {self.n} observations of a {model.name}"
        return Dataset(x, labels=labels, name=name or self.name, source=source, truth=theta)


def _wrong(key: str, expected: str, got: Any) -> SpecError:
    return SpecError(f"scenario mixture, {key}: expected {expected}, got {got!r}")
