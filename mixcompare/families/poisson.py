"""Counts: a mixture of Poisson distributions.

Density: log f(x) = x log r - r - log x!. Statistics: T(x) = x. Unconstrained coordinates: log r. A rate of
zero, where a component gives zeros only, is an edge: the likelihood is bounded there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Edge, Parameters
from mixcompare.families.conjugate.rates import draw_poisson
from mixcompare.families.core import Core
from mixcompare.families.discrete import DiscreteFamily
from mixcompare.families.kernel import identity
from mixcompare.families.maps import from_log, log_of_share, to_log
from mixcompare.families.priors.base import ComponentPrior, Seen
from mixcompare.families.priors.rates import GammaRates
from mixcompare.families.refusals import one_feature, refuse
from mixcompare.numerics import inlinable


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """Weighted mean."""
    for k in range(P.shape[0]):
        P[k, 0] = S[k, 1] / S[k, 0]


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = log r, a = -r."""
    for k in range(P.shape[0]):
        rate = P[k, 0] if P[k, 0] >= 0 else np.nan
        a[k] = -rate
        eta[k, 0] = log_of_share(rate)
    return np.inf


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """S_1 - N r."""
    for k in range(P.shape[0]):
        g[k] = S[k, 1] - S[k, 0] * P[k, 0]


CORE = Core(identity, maximise, natural, to_log, from_log, score)


@dataclass(frozen=True)
class Poisson(DiscreteFamily):
    """Poisson components, `rates` (K,); data are whole numbers >= 0 in one column."""

    name: ClassVar[str] = "poisson"
    univariate: ClassVar[bool] = True

    # -- the data ---------------------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Raise DataError at the first value that is no whole number >= 0, or for several columns."""
        one_feature(self, data)
        refuse(
            data,
            (data.x < 0) | (data.x != np.floor(data.x)),
            self,
            "whole numbers from 0",
            "Choose the column of counts, or another family.",
        )

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

    def outside(self, parameters: Parameters) -> str:
        """Rates must be >= 0."""
        rates = parameters["rates"]
        if not (rates < 0).any():
            return ""
        k = int(np.argmax(rates < 0))
        return f"rate {rates[k]:.6g} of component {k + 1} is negative"

    def edges(self, parameters: Parameters) -> list[Edge]:
        """Every rate, with 0."""
        return [Edge(f"rate {k + 1}", k, "rates", (), 0.0) for k in range(parameters["rates"].size)]

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By the rates."""
        return parameters["rates"][:, None]

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """`log_rates` (K,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"log_rates": np.log(parameters["rates"])}

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`; a rate of zero gives zeros with certainty."""
        from scipy.special import gammaln, xlogy  # a quarter of a second to import

        rates = np.where(parameters["rates"] >= 0, parameters["rates"], np.nan)
        density: np.ndarray = xlogy(x, rates) - rates - gammaln(x + 1)
        return density

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """See `Family`."""
        return rng.poisson(parameters["rates"][labels]).astype(float)[:, None]

    # -- the likelihood ---------------------------------------------------------------------------

    def core(self, n_features: int) -> Core:
        """See `ExponentialFamily`."""
        return CORE

    def n_statistics(self, n_features: int) -> int:
        """1."""
        return 1

    def base_measure(self, data: Dataset) -> float:
        """-sum_i c_i log x_i!."""
        from scipy.special import gammaln

        return -float(data.total(gammaln(data.x[:, 0] + 1)))

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `ExponentialFamily`."""
        import pytensor.tensor as pt

        rates = parameters["rates"]
        return -rates, pt.log(rates)[:, None]

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Near the observation, by a share 1 / (K + 1) towards the overall mean, so as to be off the edge."""
        mean, K = data.weights @ data.x[:, 0] / data.n, len(rows)
        return {"rates": (K * rows[:, 0] + mean) / (K + 1)}

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Uniform over the range of the data, at least a twentieth of its mean."""
        mean = data.weights @ data.x[:, 0] / data.n
        return {"rates": rng.uniform(max(data.x.min(), mean / 20), data.x.max(), n_components)}

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
        """`poisson.pmf(x, r)`: nan for a negative rate."""
        from scipy import stats

        return np.asarray(stats.poisson.pmf(x, raw))

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """Rates from a thousandth of the largest count to that count."""
        top = max(float(data.x.max()), 1.0)
        return {"rates": (1e-3 * top, top)}

    # -- the posterior ----------------------------------------------------------------------------

    prior_forms: ClassVar[tuple[str, ...]] = ("weak",)

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """See `Family`."""
        return GammaRates(_mean, "{} / m", draw_poisson)

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """See `Family`."""
        import pytensor.tensor as pt

        rates = parameters["rates"]
        return x * pt.log(rates) - rates - pt.gammaln(x + 1)

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """r and r."""
        rates = parameters["rates"][..., None]
        return rates, rates


def _mean(seen: Seen, K: int) -> np.ndarray:
    """The rate of one component."""
    return seen.mean
