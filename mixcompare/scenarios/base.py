"""The protocol of a scenario: parameters, a truth, and data drawn from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.mixture import MixtureModel
from mixcompare.seeds import stream
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Scenario(ABC):
    """A way to simulate data. Final subclasses are frozen dataclasses whose fields are the parameters.

    The data of replicate r of the scenario that a study calls `name` come from `rng(root, name, r)`, so no
    method, start or other data set can move them.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def theta(self) -> Theta:
        """The truth, in full shapes."""

    def rng(self, root: int, name: str, replicate: int) -> np.random.Generator:
        """The generator that one replicate is drawn by: `seeds.stream(root, "data", name, replicate)`."""
        return stream(root, "data", name, replicate)

    @abstractmethod
    def draw(self, rng: np.random.Generator, name: str = "") -> Dataset:
        """One data set, with its `truth` and `labels`, under the given name (the scenario's own if empty)."""

    def truth(self, model: MixtureModel) -> Theta | None:
        """The truth where the model has the same parameters (of any number of components), else None."""
        d = self.theta.parameters[next(iter(self.theta.parameters))].shape[1]
        return self.theta if set(model.family.shapes(d)) == set(self.theta.parameters) else None


def make_scenario(name: str, **parameters: Any) -> Scenario:
    """The scenario of a name with its parameters.

    Raises SpecError for an unknown name or parameter (with the nearest right one), for a missing
    parameter, and for every value the scenario refuses.
    """
    cls = registry.load("scenarios", name)
    known = {field.name: field for field in fields(cls)}
    for key in parameters:
        if key not in known:
            raise SpecError(
                f'scenario {name}: unknown parameter "{key}": expected {", ".join(known)}.'
                f"{nearest(key, known)}"
            )
    missing = [
        key
        for key, field in known.items()
        if key not in parameters and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise SpecError(
            f"scenario {name}: expected a value for {', '.join(missing)}, got none; add it"
        )
    scenario: Scenario = cls(**parameters)
    return scenario
