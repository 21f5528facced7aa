"""The restarts of notebook 001 as a start scheme: `scheme = "notebook_starts:FourClasses"`."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import StartScheme
from mixcompare.theta import Theta

VARIANCES = (15.407626, 15.636187, 15.510475, 15.283516)
"""Of the notebook's start, recovered from what it printed (reference: 001-first-step)."""


class FourClasses(StartScheme):
    """Means uniform on (0, largest observation), variances as in the notebook's first start, weights 1/4.

    Start i takes draws 4 i to 4 i + 3 of `numpy.random.default_rng(0)`, whatever the study's seed, so that
    counts over these starts can be compared with those of other programs.
    """

    name: ClassVar[str] = "notebook"
    random: ClassVar[bool] = True

    def draw(
        self, model: MixtureModel, data: Dataset, rng: np.random.Generator, index: int
    ) -> Theta:
        """See `StartScheme`; for four normal components with free variances, of one feature."""
        fixed = np.random.default_rng(0)
        means = fixed.uniform(0.0, data.x.max(), (index + 1, 4))[-1]
        K = len(VARIANCES)
        return Theta(
            np.full(K, 1 / K),
            means=means[:, None],
            covariances=np.reshape(VARIANCES, (K, 1, 1)),
        )
