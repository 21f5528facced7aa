"""Vectors of independent binary items: d = 1 is a mixture of coins, d >= 2 a latent class model.

Density: log f(x) = sum_j x_j log p_j + (1 - x_j) log(1 - p_j). Statistics: T(x) = x. Unconstrained
coordinates: logits. With d = 1 only the mixture mean is identified: every interior point of
{sum_k w_k p_k = mean} is a maximum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Edge, Parameters
from mixcompare.families.core import Core
from mixcompare.families.discrete import DiscreteFamily
from mixcompare.families.kernel import identity
from mixcompare.families.maps import from_logit, log_of_share, to_logit
from mixcompare.families.priors.base import ComponentPrior
from mixcompare.families.priors.probabilities import BetaProbabilities
from mixcompare.families.refusals import refuse
from mixcompare.numerics import inlinable, logit


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """Weighted shares of ones."""
    K, d = P.shape
    for k in range(K):
        for i in range(d):
            share = S[k, 1 + i] / S[k, 0]
            P[k, i] = 1.0 if share > 1.0 else share


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = logit p, a = sum log(1 - p)."""
    K, d = P.shape
    for k in range(K):
        a[k] = 0.0
        for i in range(d):
            p = P[k, i] if 0 <= P[k, i] <= 1 else np.nan
            log_q = log_of_share(1.0 - p)
            a[k] += log_q
            eta[k, i] = log_of_share(p) - log_q
    return np.inf


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """S_1 - N p."""
    K, d = P.shape
    for k in range(K):
        for i in range(d):
            g[k * d + i] = S[k, 1 + i] - S[k, 0] * P[k, i]


CORE = Core(identity, maximise, natural, to_logit, from_logit, score)


@dataclass(frozen=True)
class Bernoulli(DiscreteFamily):
    """Binary items, `probs` (K, d); data are zeros and ones."""

    name: ClassVar[str] = "bernoulli"

    # -- the data ---------------------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Raise DataError at the first value that is neither 0 nor 1."""
        wrong = (data.x != 0) & (data.x != 1)
        refuse(data, wrong, self, "zeros and ones", "Recode the column, or choose another family.")

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """See `Family`."""
        return {"probs": (n_features,)}

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """K d."""
        return n_components * n_features

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """See `Family`."""
        part = [""] if len(columns) == 1 else [f" of {column}" for column in columns]
        return [f"probability {k}{p}" for k in components for p in part]

    def outside(self, parameters: Parameters) -> str:
        """Probabilities must lie in [0, 1]."""
        p = parameters["probs"]
        wrong = np.argwhere((p < 0) | (p > 1))
        if not len(wrong):
            return ""
        return (
            f"probability {p[tuple(wrong[0])]:.6g} of component {wrong[0][0] + 1} is not in [0, 1]"
        )

    def edges(self, parameters: Parameters) -> list[Edge]:
        """Every probability, with 0 or 1."""
        return [
            Edge(
                f"probability {k + 1}"
                + (f" of item {j + 1}" if parameters["probs"].shape[1] > 1 else ""),
                k,
                "probs",
                (j,),
                float(np.round(p)),
            )
            for (k, j), p in np.ndenumerate(parameters["probs"])
        ]

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By the probabilities."""
        return parameters["probs"]

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """`logits` (K, d)."""
        return {"logits": logit(parameters["probs"])}

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        p = parameters["probs"]
        with np.errstate(divide="ignore", invalid="ignore"):
            log_p, log_q = np.log(p), np.log1p(-p)
        out = np.zeros((x.shape[0], p.shape[0]))
        for j in range(x.shape[1]):
            one = x[:, j, None] == 1
            out += np.where(one, log_p[:, j], log_q[:, j])
        return out

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """See `Family`."""
        p = parameters["probs"][labels]
        return (rng.random(p.shape) < p).astype(float)

    # -- the likelihood ---------------------------------------------------------------------------

    def core(self, n_features: int) -> Core:
        """See `ExponentialFamily`."""
        return CORE

    def dimension(self, n_statistics: int) -> int:
        """See `ExponentialFamily`."""
        return n_statistics

    def n_statistics(self, n_features: int) -> int:
        """d."""
        return n_features

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `ExponentialFamily`."""
        import pytensor.tensor as pt

        p = parameters["probs"]
        log_q = pt.log1p(-p)
        return log_q.sum(axis=1), pt.log(p) - log_q

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Halfway between the observation and the overall share of ones, kept off the edge."""
        share = (data.weights @ data.x) / data.n
        return {"probs": np.clip((rows + share) / 2, 0.05, 0.95)}

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Uniform on (0.1, 0.9)."""
        return {"probs": rng.uniform(0.1, 0.9, size=(n_components, data.n_features))}

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """The probabilities of each component in turn."""
        return ["probs"] * (n_components * n_features)

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        return parameters["probs"].ravel().copy()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {"probs": raw.reshape(n_components, n_features).copy()}

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """Products of `bernoulli.pmf(x, p)`: nan for p outside [0, 1]."""
        from scipy import stats

        table = raw.reshape(n_components, -1)
        return np.column_stack([np.prod(stats.bernoulli.pmf(x, p), axis=1) for p in table])

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """Probabilities from 0.001 to 0.999."""
        return {"probs": (0.001, 0.999)}

    # -- the posterior ----------------------------------------------------------------------------

    prior_forms: ClassVar[tuple[str, ...]] = ("weak",)

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """See `Family`."""
        return BetaProbabilities(features=True)

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """See `Family`."""
        import pytensor.tensor as pt

        p = parameters["probs"]
        return pt.dot(x, pt.log(p).T) + pt.dot(1 - x, pt.log1p(-p).T)

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """p and p (1 - p)."""
        p = parameters["probs"]
        return p, p * (1 - p)
