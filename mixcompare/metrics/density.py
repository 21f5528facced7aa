"""How well the density is recovered, whatever the components are called."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.metrics.base import Metric
from mixcompare.metrics.fresh import mean_mcse


class KullbackLeibler(Metric):
    """Mean divergence KL(truth || estimate); its Monte Carlo standard error is sd / sqrt(R).

    The noise of the integration is beside each row's value (`kl_mcse`). The fresh points are the same
    for all rows, so it cancels when methods are compared, and is not part of this standard error.
    """

    name: ClassVar[str] = "kl"
    quantity: ClassVar[str] = "kl"
    unit: ClassVar[str] = "nats per observation"

    def summarise(self, values: np.ndarray) -> tuple[float, float]:
        """See `Metric`."""
        return mean_mcse(values)


class PredictiveDensity(Metric):
    """Mean log predictive density on fresh data, less that of the truth; its standard error is sd / sqrt(R).

    Of a point estimate the density at it ("plug-in"); of a posterior that at the mean of its relabelled
    draws, and the mean density over the draws ("posterior predictive"). Every replicate has fresh data of
    its own, the same for all methods, so that differences are paired.
    """

    name: ClassVar[str] = "predictive"
    quantity: ClassVar[str] = "predictive"
    unit: ClassVar[str] = "nats per observation, 0 for the truth"

    def summarise(self, values: np.ndarray) -> tuple[float, float]:
        """See `Metric`."""
        return mean_mcse(values)
