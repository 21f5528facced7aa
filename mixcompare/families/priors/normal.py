"""Priors on normal components in terms of their sds and correlations: the weak one, and a flat one.

The weak prior keeps sds off zero, where the likelihood has no bound, and means near the data. The flat one
is what "let the data speak" leads to, and is there to show what it does: a component escapes to the prior.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.families.base import Parameters
from mixcompare.families.covariance.base import Kind
from mixcompare.families.priors.base import (
    ComponentPrior,
    Number,
    declare_located,
    explained,
    locate,
    located,
    squared,
    worded,
)
from mixcompare.families.priors.densities import (
    log_half_normal_density,
    log_normal_density,
    sample_lkj,
)

MEAN_SD = 1.5
"""Weak prior sd of a location, in sds of the data."""

LOG_SD = 0.8
"""Weak prior sd of the logarithm of a scale; its median is that of the data over K."""

LETTERS = {
    "m": "the sample mean of each feature",
    "s": "the sample standard deviation of each",
    "K": "the number of components",
}
"""Of the defaults in words."""

LKJ_ETA = 2.0
"""Shape of the prior on correlation matrices (Lewandowski, Kurowicka, Joe 2009, J. Multivar. Anal. 100)."""


@dataclass(frozen=True)
class NormalPrior(ComponentPrior):
    """means ~ N(mean, mean_sd^2), independent, and a prior on the matrices. Variable "mu" (K, d).

    Parameters
    ----------
    kind : Kind
        Of covariance matrices.
    tied : bool
        Whether all components have one.
    form : str
    """

    kind: Kind
    tied: bool
    form: str

    def declare(self, K: int, d: int, numbers: Mapping[str, Any], ordered: bool) -> dict[str, Any]:
        """See `ComponentPrior`; "means" (K, d), and what the kind has: "sds" or "factors"."""
        import pymc as pm

        arguments = {"mu": numbers["mean"], "sigma": numbers["mean_sd"]}
        means = declare_located("mu", pm.Normal, arguments, K, d, ordered)
        return {"means": means, **self._declare(1 if self.tied else K, d, K, numbers)}

    def from_draws(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        means = located("mu", draws)
        K, d = means.shape[-2:]
        covariances = self._matrices(draws, 1 if self.tied else K, d)
        if self.tied:
            covariances = np.repeat(covariances, K, axis=-3)
        return {"means": means, "covariances": covariances}

    def to_draws(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """See `ComponentPrior`; there are no edges."""
        own = self._own(parameters["covariances"])
        return {**locate("mu", np.asarray(parameters["means"])), **self._values(own)}

    def log_density(self, parameters: Parameters, numbers: Mapping[str, np.ndarray]) -> float:
        """See `ComponentPrior`."""
        means = parameters["means"]
        own = self._own(parameters["covariances"])
        by_mean = log_normal_density(means, numbers["mean"], numbers["mean_sd"])
        return by_mean + self._log_density(own, len(means), numbers)

    def sample(
        self,
        size: int,
        K: int,
        d: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        means = rng.normal(numbers["mean"], numbers["mean_sd"], size=(size, K, d))
        covariances = self._sample((size, 1 if self.tied else K), d, K, numbers, rng)
        if self.tied:
            covariances = np.repeat(covariances, K, axis=1)
        return {"means": means, "covariances": covariances}

    def _own(self, covariances: np.ndarray) -> np.ndarray:
        return covariances[:1] if self.tied else covariances

    @abstractmethod
    def _declare(self, m: int, d: int, K: int, numbers: Mapping[str, Any]) -> dict[str, Any]:
        """m matrices."""

    @abstractmethod
    def _matrices(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        """(..., m, d, d) from draws of them."""

    @abstractmethod
    def _values(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        """The inverse, at one point (m, d, d)."""

    @abstractmethod
    def _log_density(
        self, covariances: np.ndarray, K: int, numbers: Mapping[str, np.ndarray]
    ) -> float:
        """Of matrices (m, d, d), in the kind's coordinates."""

    @abstractmethod
    def _sample(
        self,
        shape: tuple[int, int],
        d: int,
        K: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> np.ndarray:
        """(*shape, d, d)."""


class SeparatePrior(NormalPrior):
    """sds and correlations apart: sds by the form, correlation matrices ~ LKJ(eta)."""

    def _declare(self, m: int, d: int, K: int, numbers: Mapping[str, Any]) -> dict[str, Any]:
        return self.kind.pymc_matrices(m, d, self._pymc_sds(numbers), numbers["eta"])

    def _matrices(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        return self.kind.from_draws(draws, m, d)

    def _values(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        return self.kind.to_draws(covariances)

    def _log_density(
        self, covariances: np.ndarray, K: int, numbers: Mapping[str, np.ndarray]
    ) -> float:
        log_sds, rest = self.kind.apart(covariances, float(numbers["eta"]))
        return self._log_density_of_sds(log_sds, numbers) + rest

    def _sample(
        self,
        shape: tuple[int, int],
        d: int,
        K: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> np.ndarray:
        sds = self._sample_sds((*shape, self.kind.n_sds(d)), numbers, rng)
        if not self.kind.correlated:
            return sds[..., None] ** 2 * np.eye(d)
        factors = sample_lkj(math.prod(shape), d, float(numbers["eta"]), rng).reshape(*shape, d, d)
        factors = sds[..., None] * factors
        return factors @ factors.swapaxes(-1, -2)

    @abstractmethod
    def _pymc_sds(self, numbers: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """PyMC's distribution of sds, and its arguments."""

    @abstractmethod
    def _log_density_of_sds(self, log_sds: np.ndarray, numbers: Mapping[str, np.ndarray]) -> float:
        """Of logarithms (m, d or 1)."""

    @abstractmethod
    def _sample_sds(
        self,
        shape: tuple[int, ...],
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Of that shape."""

    def _one(self, value: Any) -> Any:
        """A scale for each sd: of a kind with one sd, the root mean square over features."""
        if self.kind.own_sds:
            return value
        squares = value**2
        return squares.mean(keepdims=True) ** 0.5


@dataclass(frozen=True)
class WeakNormal(SeparatePrior):
    """means ~ N(mean, mean_sd^2), sds ~ LogNormal(log sd, log_sd^2), correlations ~ LKJ(eta)."""

    form: str = "weak"

    @property
    def numbers(self) -> tuple[Number, ...]:
        """`mean`, `mean_sd`, `sd` (the median), `log_sd`, `eta`."""
        return (
            Number("mean", lambda seen, K: seen.mean, "location", positive=False, word="m"),
            Number("mean_sd", lambda seen, K: MEAN_SD * seen.sd, "scale", word=f"{MEAN_SD:g} s"),
            Number("sd", lambda seen, K: seen.sd / K, "scale", word="s / K"),
            Number("log_sd", LOG_SD),
            Number("eta", LKJ_ETA),
        )

    def text(self, given: Mapping[str, Any]) -> str:
        """See `ComponentPrior`."""
        v = worded(self.numbers, given)
        return (
            f"means ~ Normal({v['mean']}, {squared(v['mean_sd'])}), standard deviations ~ "
            f"LogNormal(log({v['sd']}), {v['log_sd']}²), correlations, where free, ~ LKJ({v['eta']})"
            + explained(self.numbers, given, LETTERS)
        )

    def _pymc_sds(self, numbers: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        import pymc as pm
        import pytensor.tensor as pt

        return pm.LogNormal, {"mu": pt.log(self._one(numbers["sd"])), "sigma": numbers["log_sd"]}

    def _log_density_of_sds(self, log_sds: np.ndarray, numbers: Mapping[str, np.ndarray]) -> float:
        return log_normal_density(log_sds, np.log(self._one(numbers["sd"])), numbers["log_sd"])

    def _sample_sds(
        self,
        shape: tuple[int, ...],
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> np.ndarray:
        return rng.lognormal(np.log(self._one(numbers["sd"])), numbers["log_sd"], size=shape)


@dataclass(frozen=True)
class FlatNormal(SeparatePrior):
    """means ~ N(mean, mean_sd^2), sds ~ HalfNormal(sd), correlations ~ LKJ(eta).

    Vague, and no neutral choice: by default 100 sds of the data for means, and 10 for sds.
    """

    form: str = "flat"
    weights: ClassVar[float] = 1.0

    @property
    def numbers(self) -> tuple[Number, ...]:
        """`mean`, `mean_sd`, `sd` (the scale of the half-normal), `eta`."""
        return (
            Number("mean", lambda seen, K: seen.mean, "location", positive=False, word="m"),
            Number("mean_sd", lambda seen, K: 100 * seen.sd, "scale", word="100 s"),
            Number("sd", lambda seen, K: 10 * seen.sd, "scale", word="10 s"),
            Number("eta", LKJ_ETA),
        )

    def text(self, given: Mapping[str, Any]) -> str:
        """See `ComponentPrior`."""
        v = worded(self.numbers, given)
        law = (
            f"means ~ Normal({v['mean']}, {squared(v['mean_sd'])}), standard deviations ~ "
            f"HalfNormal({v['sd']}), correlations, where free, ~ LKJ({v['eta']})"
            + explained(self.numbers, given, LETTERS)
        )
        vague = {"mean_sd", "sd"}.isdisjoint(given)
        return f"{law}; vague, and shown for what it does" if vague else law

    def _pymc_sds(self, numbers: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        import pymc as pm

        return pm.HalfNormal, {"sigma": self._one(numbers["sd"])}

    def _log_density_of_sds(self, log_sds: np.ndarray, numbers: Mapping[str, np.ndarray]) -> float:
        return log_half_normal_density(log_sds, self._one(numbers["sd"]))

    def _sample_sds(
        self,
        shape: tuple[int, ...],
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> np.ndarray:
        return np.abs(rng.normal(0.0, self._one(numbers["sd"]), size=shape))
