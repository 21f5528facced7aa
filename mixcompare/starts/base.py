"""The protocol of a start scheme, and how a start is drawn: by root seed, data and index alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.errors import DataError
from mixcompare.mixture import MixtureModel
from mixcompare.seeds import stream
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Start:
    """A starting point, and where it came from.

    `scheme` is the scheme that drew it ("given" for a Theta; within "mixed" the one whose turn it was).
    """

    theta: Theta
    scheme: str
    index: int = 0
    notes: tuple[str, ...] = ()


class StartScheme(ABC):
    """One way to draw starting points. Final subclasses take no arguments."""

    name: ClassVar[str]
    random: ClassVar[bool]
    """Whether different indices give different starts."""

    @abstractmethod
    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """A point of the parameter space for this model and data."""

    def used(self, index: int) -> str:
        """The name of the scheme that serves this index."""
        return self.name


def make_start(
    scheme: str | Theta, model: MixtureModel, data: Dataset, seed: int = 0, index: int = 0
) -> Start:
    """Start number `index` of a scheme for a model and data, under a seed; or a given Theta, checked.

    The stream depends on (seed, scheme, index) and on nothing else, never on the method that will use
    the start. Raises DataError if a given Theta is no point of the parameter space, SpecError for an
    unknown scheme.
    """
    model = model.on(data)
    if isinstance(scheme, Theta):
        return Start(model.as_start(scheme, data), "given", index, coinciding(model, scheme))
    drawer: StartScheme = registry.load("starts", scheme)()
    used = drawer.used(index)
    theta = drawer.draw(model, data, stream(seed, "start", used, index), index)
    outside = model.outside(theta)
    if outside:
        raise DataError(f"{data.name}: start {index} of scheme {used} cannot be used: {outside}")
    return Start(theta, used, index, coinciding(model, theta))


def coinciding(model: MixtureModel, theta: Theta) -> tuple[str, ...]:
    """A note for each pair of components that are equal: EM and gradients can never part them."""
    notes = []
    for j in range(model.n_components):
        for k in range(j + 1, model.n_components):
            if all(np.array_equal(value[j], value[k]) for value in theta.parameters.values()):
                notes.append(f"components {j + 1} and {k + 1} of the start coincide")
    return tuple(notes)
