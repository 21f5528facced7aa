"""k-means starts: one hard cluster a component."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.theta import Theta

FLAT = 1e-6
"""Spread of a cluster, in sds of the data, below which it can't be a component's own."""


class KMeans(StartScheme):
    """One run of scikit-learn's k-means on standardised data, then each cluster's own estimates.

    Different indices seed k-means differently. What a cluster can't say is taken from
    `Family.components_at` its centre: all of a component whose cluster has no spread, and parameters at
    the edge of the parameter space (a share of exactly 0 or 1), which no method could leave.
    """

    name: ClassVar[str] = "kmeans"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        family, K = model.family, model.n_components
        labels = _clusters(family.frame(data)(data.x), data.weights, K, int(rng.integers(2**32)))
        hard = (labels[:, None] == np.arange(K)).astype(float)
        size = data.weights @ hard
        centres = (hard * data.weights[:, None]).T @ data.x / size[:, None]
        estimates = family.mle(family.sums(data, hard))
        substitute = family.components_at(centres, data)
        parameters = {
            name: value.copy()
            for name, value in family.from_frame(estimates, family.frame(data)).items()
        }
        for edge in family.edges(parameters):
            at = (edge.component, *edge.index)
            if parameters[edge.parameter][at] == edge.value:
                parameters[edge.parameter][at] = substitute[edge.parameter][at]
        flat = family.spread(estimates) < FLAT
        for name, value in parameters.items():
            value[flat] = substitute[name][flat]
        return Theta(size / data.n, **parameters)


def _clusters(u: np.ndarray, counts: np.ndarray, K: int, seed: int) -> np.ndarray:
    """Cluster (n,) of each row of u (n, d).

    One thread: how many would change the order of sums, and with it the last digits of the centres.
    """
    from sklearn.cluster import KMeans as Clustering
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        labels = Clustering(K, n_init=1, random_state=seed).fit(u, sample_weight=counts).labels_
    return np.asarray(labels)
