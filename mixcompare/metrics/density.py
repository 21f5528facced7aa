"""How well the density is recovered, whatever the components are called."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.metrics.base import Metric, mean_mcse


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
