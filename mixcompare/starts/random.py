"""Random starts: components from a wide distribution scaled by the data."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.theta import Theta


class Random(StartScheme):
    """Components from `Family.random_components`, weights uniform on the simplex and >= 0.05 / K."""

    name: ClassVar[str] = "random"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        K = model.n_components
        weights = 0.05 / K + 0.95 * rng.dirichlet(np.ones(K))
        return Theta(weights, **model.family.random_components(K, data, rng))
