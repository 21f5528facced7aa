"""k-means starts: one hard cluster a component."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.starts.groups import from_groups
from mixcompare.starts.one_thread import one_thread
from mixcompare.theta import Theta


class KMeans(StartScheme):
    """One run of scikit-learn's k-means on standardised data, then each cluster's own estimates.

    Different indices seed k-means differently. For what a cluster can't say see `from_groups`.
    """

    name: ClassVar[str] = "kmeans"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        K, u = model.n_components, model.family.frame(data)(data.x)
        return from_groups(model, data, _clusters(u, data.weights, K, int(rng.integers(2**32))))


def _clusters(u: np.ndarray, counts: np.ndarray, K: int, seed: int) -> np.ndarray:
    """Cluster (n,) of each row of u (n, d)."""
    from sklearn.cluster import KMeans as Clustering

    with one_thread():
        labels = Clustering(K, n_init=1, random_state=seed).fit(u, sample_weight=counts).labels_
    return np.asarray(labels)
