"""A start scheme from outside that fails for its second start."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import DataError
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.starts.random import Random
from mixcompare.theta import Theta


class Fails(StartScheme):
    name: ClassVar[str] = "fails"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        if index == 1:
            raise DataError("no second start")
        return Random().draw(model, data, rng, index)
