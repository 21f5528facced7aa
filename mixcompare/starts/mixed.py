"""The default of comparisons: k-means first, then several kinds of random start in turn."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.theta import Theta

CYCLE = ("from-data", "random", "kmeans++", "quantiles", "small-em")
"""The schemes that serve indices 1, 2, ... in turn."""


class Mixed(StartScheme):
    """Index 0 is k-means; the others cycle through `CYCLE`.

    Start i is what the scheme of its turn draws at index i, so each can be drawn alone.
    """

    name: ClassVar[str] = "mixed"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        scheme: StartScheme = registry.load("starts", self.used(index))()
        return scheme.draw(model, data, rng, index)

    def used(self, index: int) -> str:
        """See `StartScheme`."""
        return "kmeans" if index == 0 else CYCLE[(index - 1) % len(CYCLE)]
