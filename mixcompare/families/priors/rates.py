"""The conjugate prior on rates: Gamma."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.families.base import Parameters
from mixcompare.families.priors.base import (
    ComponentPrior,
    Number,
    Seen,
    declare_located,
    locate,
    located,
    worded,
)
from mixcompare.families.priors.densities import log_gamma_density

SHAPE = 1.5
"""Default shape: weakly informative, and zero at the edge."""


@dataclass(frozen=True)
class GammaRates(ComponentPrior):
    """rates (K,) ~ Gamma(shape, shape / mean), independent. Variable "rate".

    Parameters
    ----------
    overall : callable
        The rate of one component fitted to all the data, which is the default mean, of what is `Seen`.
    said : str
        The default second parameter in words, for the shape put into it, m being the mean of the data.
    draw : callable
        `conjugate`, which is the family's own: what counts and what adds up differ.
    """

    overall: Callable[[Seen, int], np.ndarray]
    said: str
    draw: Callable[..., None]
    form: str = "weak"

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The shape, and the prior mean of a rate."""
        return (Number("shape", SHAPE), Number("mean", self.overall, "rate"))

    def text(self, given: Mapping[str, Any]) -> str:
        """See `ComponentPrior`."""
        v = worded(self.numbers, given)
        if "mean" in given:
            rate = float(given.get("shape", SHAPE)) / float(np.ravel(given["mean"])[0])
            return f"rates ~ Gamma({v['shape']}, {rate:g})"
        rate_of_data = self.said.format(v["shape"])
        return f"rates ~ Gamma({v['shape']}, {rate_of_data}), where m is the sample mean (empirical Bayes)"

    @property
    def conjugate(self) -> Callable[..., None]:
        """See `ComponentPrior`."""
        return self.draw

    def packed(self, d: int, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
        """See `ComponentPrior`."""
        shape = float(numbers["shape"])
        return np.array([shape, shape / float(numbers["mean"][0])])

    def declare(self, K: int, d: int, numbers: Mapping[str, Any], ordered: bool) -> dict[str, Any]:
        """See `ComponentPrior`."""
        import pymc as pm

        arguments = {"alpha": numbers["shape"], "beta": numbers["shape"] / numbers["mean"][0]}
        return {"rates": declare_located("rate", pm.Gamma, arguments, K, None, ordered)}

    def from_draws(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        return {"rates": located("rate", draws, features=False)}

    def to_draws(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        return locate("rate", np.maximum(parameters["rates"], 1e-6))

    def log_density(self, parameters: Parameters, numbers: Mapping[str, np.ndarray]) -> float:
        """See `ComponentPrior`."""
        shape = float(numbers["shape"])
        with np.errstate(divide="ignore"):
            log_rates = np.log(parameters["rates"])
        return log_gamma_density(log_rates, shape, shape / float(numbers["mean"][0]))

    def sample(
        self,
        size: int,
        K: int,
        d: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        shape = float(numbers["shape"])
        return {"rates": rng.gamma(shape, float(numbers["mean"][0]) / shape, size=(size, K))}
