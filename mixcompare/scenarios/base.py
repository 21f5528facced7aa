"""The protocol of a scenario: parameters, and data drawn from a truth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.seeds import stream


@dataclass(frozen=True)
class Scenario(ABC):
    """A way to simulate data. Final subclasses are frozen dataclasses whose fields are the parameters.

    The data of replicate r of the scenario that a study calls `name` come from `rng(root, name, r)`, so no
    method, start or other data set can move them.
    """

    name: ClassVar[str]

    def rng(self, root: int, name: str, replicate: int) -> np.random.Generator:
        """The generator that one replicate is drawn by: `seeds.stream(root, "data", name, replicate)`."""
        return stream(root, "data", name, replicate)

    @abstractmethod
    def draw(self, rng: np.random.Generator, name: str = "") -> Dataset:
        """One data set, with its `truth` and `labels`, under the given name (the scenario's own if empty)."""


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


def whole(value: Any, least: int) -> bool:
    """Whether a parameter is a whole number of at least so much."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_whole and bool(value >= least)
