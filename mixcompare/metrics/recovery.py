"""How well parameters are recovered: bias, root mean squared error, coverage and width of intervals.

All on the reporting scale (locations as they are, logarithms, logits), after the best matching of
components. Source of the standard errors: Morris, White and Crowther (2019), table 6.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mixcompare.metrics.base import Metric
from mixcompare.metrics.fresh import mean_mcse


class Bias(Metric):
    """Mean error; its Monte Carlo standard error is sd / sqrt(R)."""

    name: ClassVar[str] = "bias"
    quantity: ClassVar[str] = "errors"
    unit: ClassVar[str] = "estimate minus truth, reporting scale"

    def summarise(self, values: np.ndarray) -> tuple[float, float]:
        """See `Metric`."""
        return mean_mcse(values)


class RMSE(Metric):
    """Root mean squared error.

    Its Monte Carlo standard error by the delta method: sd(error^2) / (2 RMSE sqrt(R)).
    """

    name: ClassVar[str] = "rmse"
    quantity: ClassVar[str] = "errors"
    unit: ClassVar[str] = "reporting scale"

    def summarise(self, values: np.ndarray) -> tuple[float, float]:
        """See `Metric`; the error of an RMSE of exactly 0 is 0."""
        square, mcse = mean_mcse(values**2)
        root = np.sqrt(square)
        return float(root), float(mcse / (2 * root)) if root > 0 else 0.0 * mcse


class Coverage(Metric):
    """Share of 95 % intervals that hold the truth; binomial standard error sqrt(p (1 - p) / R)."""

    name: ClassVar[str] = "coverage"
    quantity: ClassVar[str] = "covered"
    unit: ClassVar[str] = "share of 95 % intervals that hold the truth"
    of_intervals: ClassVar[bool] = True

    def summarise(self, values: np.ndarray) -> tuple[float, float]:
        """See `Metric`."""
        share = float(values.mean())
        return share, float(np.sqrt(share * (1 - share) / values.size))


class Width(Metric):
    """Mean width of 95 % intervals; its Monte Carlo standard error is sd / sqrt(R)."""

    name: ClassVar[str] = "width"
    quantity: ClassVar[str] = "width"
    unit: ClassVar[str] = "upper minus lower end of 95 % intervals, reporting scale"
    of_intervals: ClassVar[bool] = True

    def summarise(self, values: np.ndarray) -> tuple[float, float]:
        """See `Metric`."""
        return mean_mcse(values)
