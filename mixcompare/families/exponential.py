"""Waiting times: a mixture of exponential distributions.

Density: log f(x) = log r - r x for x >= 0. Statistics: T(x) = x. Unconstrained coordinates: log r. Where an
observation is exactly 0, the likelihood has no bound: a component whose mean 1 / r goes to 0 collapses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Edge, Frame, Parameters
from mixcompare.families.conjugate.rates import draw_exponential
from mixcompare.families.core import Core
from mixcompare.families.fused import ExponentialFamily
from mixcompare.families.maps import from_log, lesser, to_log
from mixcompare.families.priors.base import ComponentPrior, Seen
from mixcompare.families.priors.rates import GammaRates
from mixcompare.families.refusals import one_feature, refuse
from mixcompare.numerics import inlinable

LEAST = 1e-290
"""Mean of a component that rests on zeros alone: its rate stays finite, and its end a collapse by name."""


@inlinable
def statistics(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
    """T = x in units of the scale."""
    v, u, s = x[0, start : start + n], T[0], 1.0 / scale[0]
    for j in range(n):
        u[j] = v[j] * s


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """One over the weighted mean; 1e290 where that is 0."""
    for k in range(P.shape[0]):
        mean = S[k, 1] / S[k, 0]
        P[k, 0] = 1.0 / (LEAST if mean < LEAST else mean)


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = -r, a = log r."""
    least = np.inf
    for k in range(P.shape[0]):
        rate = P[k, 0] if P[k, 0] > 0 else np.nan
        a[k] = math.log(rate)
        eta[k, 0] = -rate
        least = lesser(least, 1.0 / rate)
    return least


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """N - r S_1."""
    for k in range(P.shape[0]):
        g[k] = S[k, 0] - S[k, 1] * P[k, 0]


CORE = Core(statistics, maximise, natural, to_log, from_log, score)


@dataclass(frozen=True)
class Exponential(ExponentialFamily):
    """Exponential components, `rates` (K,), one over the means; data are numbers >= 0 in one column."""

    name: ClassVar[str] = "exponential"
    discrete: ClassVar[bool] = False
    univariate: ClassVar[bool] = True

    # -- the data ---------------------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Raise DataError at the first negative value, or for several columns."""
        one_feature(self, data)
        advice = "Choose a column of waiting times, or another family."
        refuse(data, data.x < 0, self, "numbers >= 0", advice)

    def frame(self, data: Dataset) -> Frame:
        """In units of the mean, 1 if that is 0; zero stays zero."""
        mean = data.moments[0]
        return Frame(np.zeros(1), np.where(mean > 0, mean, 1.0))

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """See `Family`."""
        return {"rates": ()}

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """K."""
        return n_components

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """See `Family`."""
        return [f"log rate {k}" for k in components]

    def coordinate_units(self, n_components: int, frame: Frame) -> np.ndarray:
        """Ones: a unit only shifts logarithms."""
        return np.ones(n_components)

    def to_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {"rates": parameters["rates"] * frame.scale[0]}

    def from_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {"rates": parameters["rates"] / frame.scale[0]}

    def outside(self, parameters: Parameters) -> str:
        """Rates must be > 0."""
        rates = parameters["rates"]
        if (rates > 0).all():
            return ""
        k = int(np.argmax(~(rates > 0)))
        return f"rate {rates[k]:.6g} of component {k + 1} is not positive"

    def edges(self, parameters: Parameters) -> list[Edge]:
        """None: a mean of zero is collapse, and one of infinity has no density anywhere."""
        return []

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By the rates, the longest mean first."""
        return parameters["rates"][:, None]

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """`log_rates` (K,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"log_rates": np.log(parameters["rates"])}

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`; -inf for negative x."""
        rates = np.where(parameters["rates"] > 0, parameters["rates"], np.nan)
        density: np.ndarray = np.where(x >= 0, np.log(rates) - rates * x, -np.inf)
        return density

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """See `Family`."""
        return (rng.standard_exponential(labels.size) / parameters["rates"][labels])[:, None]

    # -- the likelihood ---------------------------------------------------------------------------

    def core(self, n_features: int) -> Core:
        """See `ExponentialFamily`."""
        return CORE

    def n_statistics(self, n_features: int) -> int:
        """1."""
        return 1

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `ExponentialFamily`."""
        import pytensor.tensor as pt

        rates = parameters["rates"]
        return pt.log(rates), -rates[:, None]

    # -- degenerate and narrow components ---------------------------------------------------------

    def spread(self, parameters: Parameters) -> np.ndarray:
        """The mean 1 / r, which is the sd too; inf for a rate of zero."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / np.abs(parameters["rates"]))

    def extent(self, parameters: Parameters) -> np.ndarray:
        """The same."""
        return self.spread(parameters)

    def contraction(
        self, data: Dataset, parameters: Parameters, responsibilities: np.ndarray
    ) -> np.ndarray:
        """(next mean / mean)^2."""
        r = responsibilities * data.weights[:, None]
        N = np.maximum(r.sum(axis=0), np.finfo(float).tiny)
        ratio: np.ndarray = (data.x[:, 0] @ r / N * parameters["rates"]) ** 2
        return ratio

    def narrow_limits(self, n_features: int) -> tuple[float, float]:
        """Never narrow: a component with a small mean is held up by many observations, or collapses."""
        return 0.0, 0.0

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Means near the observation, by a share 1 / (K + 1) towards the overall mean, so as to be > 0."""
        mean, K = self.frame(data).scale[0], len(rows)
        return {"rates": (K + 1) / (K * rows[:, 0] + mean)}

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Means from a two-hundredth to five times that of the data, uniform in their logarithms.

        An optimum may have a component of a few small values only, out of reach of starts less wide.
        """
        ratios = np.exp(rng.uniform(np.log(0.005), np.log(5.0), n_components))
        return {"rates": 1.0 / (self.frame(data).scale[0] * ratios)}

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """The rate of each component."""
        return ["rates"] * n_components

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        return parameters["rates"].copy()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {"rates": raw.copy()}

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """`expon.pdf(x, scale=1 / r)`: nan for a negative rate."""
        from scipy import stats

        density: np.ndarray = stats.expon.pdf(x, scale=1.0 / raw)
        return density

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """Rates from a tenth to a thousand times that of one component."""
        rate = 1.0 / float(self.frame(data).scale[0])
        return {"rates": (0.1 * rate, 1e3 * rate)}

    # -- the posterior ----------------------------------------------------------------------------

    prior_forms: ClassVar[tuple[str, ...]] = ("weak",)

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """See `Family`."""
        return GammaRates(_rate, "{} m", draw_exponential)

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """See `Family`."""
        import pytensor.tensor as pt

        rates = parameters["rates"]
        return pt.log(rates) - x * rates

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """1 / r and 1 / r^2."""
        means = 1.0 / parameters["rates"][..., None]
        return means, means**2


def _rate(seen: Seen, K: int) -> np.ndarray:
    """The rate of one component."""
    return 1 / seen.mean
