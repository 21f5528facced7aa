"""k-means++ starts: observations far apart from each other (Arthur and Vassilvitskii 2007, SODA)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.starts.one_thread import one_thread
from mixcompare.theta import Theta


class KMeansPlusPlus(StartScheme):
    """Centres are scikit-learn's k-means++ seeds on standardised data, without k-means; equal weights.

    Each seed is drawn with probability in proportion to its frequency and its squared distance from the
    seeds before. Spread as in `Family.components_at`. The draw depends on the distinct values and their
    frequencies, not on the order of the rows nor on whether repeated rows come as counts.
    """

    name: ClassVar[str] = "kmeans++"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`."""
        from sklearn.cluster import kmeans_plusplus

        K = model.n_components
        rows, frequency = data.distinct.x, data.distinct.weights
        u = model.family.frame(data)(rows)
        with one_thread():
            _, chosen = kmeans_plusplus(
                u, K, sample_weight=frequency, random_state=int(rng.integers(2**32))
            )
        return Theta(np.full(K, 1 / K), **model.family.components_at(rows[chosen], data))
