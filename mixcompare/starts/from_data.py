"""Starts from data: every component is centred at an observation of its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.theta import Theta


class FromData(StartScheme):
    """Centres are K distinct observations drawn by frequency; equal weights.

    Spread as in `Family.components_at`. The draw depends on the distinct values and their frequencies,
    not on the order of the rows nor on whether repeated rows come as counts.
    """

    name: ClassVar[str] = "from-data"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        K = model.n_components
        rows, frequency = data.distinct.x, data.distinct.weights
        chosen = rng.choice(len(rows), size=K, replace=False, p=frequency / frequency.sum())
        return Theta(np.full(K, 1 / K), **model.family.components_at(rows[chosen], data))
