"""Hierarchical starts: agglomerative clusters by Ward's criterion (Ward 1963, JASA 58, 236-244)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.starts.groups import from_groups
from mixcompare.theta import Theta

LARGEST = 2000
"""Observations whose tree is built; of more, so many are taken at even steps through the sorted rows."""


class Hierarchical(StartScheme):
    """The K clusters of Ward's tree on standardised data, then each cluster's own estimates.

    Deterministic: every index gives the same start. Repeated rows count as often as they occur.
    """

    name: ClassVar[str] = "hierarchical"
    random: ClassVar[bool] = False

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        K = model.n_components
        held = data.distinct
        u = model.family.frame(data)(held.x)
        chosen = _sample(held.weights)
        if len(np.unique(chosen)) < K:  # a few values make up nearly all the data
            chosen = np.linspace(0, len(u) - 1, min(len(u), LARGEST)).round().astype(int)
        return from_groups(model, held, _clusters(u, chosen, K))


def _sample(frequency: np.ndarray) -> np.ndarray:
    """Indices (at most LARGEST) of rows, each as often as it occurs or in proportion to that."""
    total = np.cumsum(frequency)
    size = int(min(np.ceil(total[-1]), LARGEST))
    return np.searchsorted(total, (np.arange(size) + 0.5) / size * total[-1])


def _clusters(u: np.ndarray, chosen: np.ndarray, K: int) -> np.ndarray:
    """Cluster (m,) of each row of u (m, d): of those chosen by the tree, of others the nearest centre."""
    from scipy.cluster import hierarchy

    if K == 1:
        return np.zeros(len(u), dtype=int)
    tree = hierarchy.linkage(u[chosen], method="ward")
    leaves = hierarchy.cut_tree(tree, n_clusters=[K])[:, 0]
    centres = np.stack([u[chosen[leaves == k]].mean(axis=0) for k in range(K)])
    # sum of squares as one product: (m, K), never (m, K, d)
    distance = (centres**2).sum(axis=1) - 2 * u @ centres.T
    labels = distance.argmin(axis=1)
    labels[chosen] = leaves
    return labels
