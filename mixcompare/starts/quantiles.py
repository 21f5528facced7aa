"""Quantile starts: the observations in order, cut into K groups."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.starts.groups import from_groups
from mixcompare.theta import Theta

CONCENTRATION = 4.0
"""Of the Dirichlet distribution of the groups' shares: their relative sd is about 1 / 2."""


class Quantiles(StartScheme):
    """Groups between quantiles of the data (d = 1), or of their first principal component (d > 1).

    Index 0 has groups of equal shares; the others draw the shares from a Dirichlet distribution. Then
    each group's own estimates, as in `from_groups`. The component is that of the standardised data.
    Equal values are never parted, and no group is empty.
    """

    name: ClassVar[str] = "quantiles"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        K = model.n_components
        held = data.distinct
        u, frequency = model.family.frame(data)(held.x), held.weights
        shares = np.full(K, 1 / K) if index == 0 else rng.dirichlet(np.full(K, CONCENTRATION))
        order = np.argsort(_scores(u, frequency), kind="stable")
        groups = np.empty(len(u), dtype=int)
        groups[order] = _cut(frequency[order], shares)
        return from_groups(model, held, groups)


def _scores(values: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Position (m,) of each distinct row along the first principal component; its sign is arbitrary."""
    if values.shape[1] == 1:
        return values[:, 0]
    share = frequency / frequency.sum()
    centred = values - share @ values
    _, vectors = np.linalg.eigh((centred * share[:, None]).T @ centred)
    axis = vectors[:, -1]
    return np.asarray(centred @ (axis * np.sign(axis[np.argmax(np.abs(axis))])))


def _cut(frequency: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Group (m,) of each of m rows in order, whose frequencies add up to about the given shares."""
    m, K = len(frequency), len(shares)
    middle = (np.cumsum(frequency) - frequency / 2) / frequency.sum()
    bounds = np.searchsorted(middle, np.cumsum(shares)[:-1])
    for k in range(K - 1):  # one row at least before each bound, and enough after it
        low = bounds[k - 1] + 1 if k else 1
        bounds[k] = min(max(bounds[k], low), m - (K - 1 - k))
    return np.searchsorted(bounds, np.arange(m), side="right")
