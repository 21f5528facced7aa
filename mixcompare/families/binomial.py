"""Successes in a fixed number of trials: a mixture of binomial distributions.

Density: log f(x) = x log p + (m - x) log(1 - p) + log C(m, x), m trials. Statistics: T(x) = x. Unconstrained
coordinates: logits. Identified for 2 K - 1 <= m only (Teicher 1963, Ann. Math. Statist. 34, 1265-1269).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError
from mixcompare.families.base import Edge, Parameters
from mixcompare.families.core import Core
from mixcompare.families.discrete import DiscreteFamily
from mixcompare.families.kernel import identity
from mixcompare.families.maps import from_logit, log_of_share, to_logit
from mixcompare.families.priors.base import ComponentPrior
from mixcompare.families.priors.probabilities import BetaProbabilities
from mixcompare.families.refusals import one_feature, refuse
from mixcompare.numerics import inlinable, logit


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """Weighted share of successes."""
    for k in range(P.shape[0]):
        share = S[k, 1] / (layout[0] * S[k, 0])
        P[k, 0] = 1.0 if share > 1.0 else share


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = logit p, a = m log(1 - p)."""
    for k in range(P.shape[0]):
        p = P[k, 0] if 0 <= P[k, 0] <= 1 else np.nan
        log_q = log_of_share(1.0 - p)
        a[k] = layout[0] * log_q
        eta[k, 0] = log_of_share(p) - log_q
    return np.inf


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """S_1 - N m p."""
    for k in range(P.shape[0]):
        g[k] = S[k, 1] - layout[0] * S[k, 0] * P[k, 0]


CORE = Core(identity, maximise, natural, to_logit, from_logit, score)


@dataclass(frozen=True)
class Binomial(DiscreteFamily):
    """Binomial components, `probs` (K,); data are numbers of successes in one column.

    Parameters
    ----------
    n_trials : int
        Trials behind every observation, the same for all. Must be given: the data cannot tell.
    """

    n_trials: int | None = None

    name: ClassVar[str] = "binomial"
    univariate: ClassVar[bool] = True

    def __post_init__(self) -> None:
        m = self.n_trials
        whole = isinstance(m, (int, np.integer)) and not isinstance(m, bool)
        if m is not None and not (whole and m >= 1):
            raise SpecError(f"n_trials: expected a whole number of at least 1, got {m!r}")

    @property
    def _m(self) -> int:
        if self.n_trials is None:
            raise SpecError("n_trials: the binomial family cannot be used without it")
        return self.n_trials

    # -- the data ---------------------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Raise DataError at the first value that is not in 0, 1, ..., n_trials, or for several columns."""
        one_feature(self, data)
        wrong = (data.x < 0) | (data.x != np.floor(data.x))
        if self.n_trials is None:
            refuse(data, wrong, self, "whole numbers from 0", "Choose the column of successes.")
            raise DataError(
                f"{data.name}: the binomial family expects the option n_trials, the number of trials behind "
                f"each observation, got none. Give it, for example n_trials = {max(data.x.max(), 1):.0f}."
            )
        refuse(
            data,
            wrong | (data.x > self.n_trials),
            self,
            f"whole numbers from 0 to n_trials = {self.n_trials}",
            "Choose the column of successes, or another n_trials.",
        )

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """See `Family`."""
        return {"probs": ()}

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """K."""
        return n_components

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """See `Family`."""
        return [f"probability {k}" for k in components]

    def outside(self, parameters: Parameters) -> str:
        """Probabilities must lie in [0, 1]."""
        p = parameters["probs"]
        wrong = (p < 0) | (p > 1)
        k = int(np.argmax(wrong))
        return (
            f"probability {p[k]:.6g} of component {k + 1} is not in [0, 1]" if wrong.any() else ""
        )

    def edges(self, parameters: Parameters) -> list[Edge]:
        """Every probability, with 0 or 1."""
        return [
            Edge(f"probability {k + 1}", k, "probs", (), float(np.round(p)))
            for k, p in enumerate(parameters["probs"])
        ]

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By the probabilities."""
        return parameters["probs"][:, None]

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """`logits` (K,)."""
        return {"logits": logit(parameters["probs"])}

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        from scipy.special import xlog1py, xlogy  # a quarter of a second to import

        p = _proper(parameters["probs"])
        density: np.ndarray = xlogy(x, p) + xlog1py(self._m - x, -p) + _log_choose(self._m, x)
        return density

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """See `Family`."""
        return rng.binomial(self._m, parameters["probs"][labels]).astype(float)[:, None]

    # -- the likelihood ---------------------------------------------------------------------------

    def core(self, n_features: int) -> Core:
        """See `ExponentialFamily`."""
        return CORE

    def layout(self, n_features: int) -> np.ndarray:
        """The number of trials."""
        return np.array([self._m])

    def n_statistics(self, n_features: int) -> int:
        """1."""
        return 1

    def base_measure(self, data: Dataset) -> float:
        """sum_i c_i log C(m, x_i)."""
        return float(data.total(_log_choose(self._m, data.x[:, 0])))

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `ExponentialFamily`."""
        import pytensor.tensor as pt

        p = parameters["probs"]
        log_q = pt.log1p(-p)
        return self._m * log_q, (pt.log(p) - log_q)[:, None]

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Near the observed share, by 1 / (K + 1) towards the overall one, kept off the edge."""
        mean, K = data.weights @ data.x[:, 0] / data.n, len(rows)
        share = (K * rows[:, 0] + mean) / (K + 1) / self._m
        return {"probs": np.clip(share, 0.1 / self._m, 1 - 0.1 / self._m)}

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Uniform over the range of the observed shares, kept off the edge."""
        low, high = data.x.min() / self._m, data.x.max() / self._m
        share = rng.uniform(low, high, n_components)
        return {"probs": np.clip(share, 0.1 / self._m, 1 - 0.1 / self._m)}

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """The probability of each component."""
        return ["probs"] * n_components

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        return parameters["probs"].copy()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {"probs": raw.copy()}

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """`binom.pmf(x, m, p)`: nan for p outside [0, 1]."""
        from scipy import stats

        return np.asarray(stats.binom.pmf(x, self._m, raw))

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """Probabilities from 0.001 to 0.999."""
        return {"probs": (0.001, 0.999)}

    # -- the posterior ----------------------------------------------------------------------------

    prior_forms: ClassVar[tuple[str, ...]] = ("weak",)

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """See `Family`."""
        return BetaProbabilities(features=False)

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """See `Family`."""
        import pytensor.tensor as pt

        m, p = self._m, parameters["probs"]
        choose = math.lgamma(m + 1) - pt.gammaln(x + 1) - pt.gammaln(m - x + 1)
        return x * pt.log(p) + (m - x) * pt.log1p(-p) + choose

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """m p and m p (1 - p)."""
        p = parameters["probs"][..., None]
        return self._m * p, self._m * p * (1 - p)


def _proper(p: np.ndarray) -> np.ndarray:
    """Probabilities, nan where they are none."""
    return np.where((p >= 0) & (p <= 1), p, np.nan)


def _log_choose(m: int, x: np.ndarray) -> np.ndarray:
    """log C(m, x)."""
    from scipy.special import gammaln

    value: np.ndarray = gammaln(m + 1) - gammaln(x + 1) - gammaln(m - x + 1)
    return value
