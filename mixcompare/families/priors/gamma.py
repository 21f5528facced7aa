"""The prior on gamma components: log-normal means and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.families.base import Parameters
from mixcompare.families.priors.base import (
    ComponentPrior,
    Number,
    Seen,
    declare_located,
    explained,
    locate,
    located,
    squared,
    worded,
)
from mixcompare.families.priors.densities import log_normal_density
from mixcompare.families.priors.normal import LOG_SD, MEAN_SD


@dataclass(frozen=True)
class LogNormalGamma(ComponentPrior):
    """means ~ LogNormal(log mean, mean_log_sd^2), shapes ~ LogNormal(log shape, shape_log_sd^2).

    Independent. By default those of the data are the median mean m, 1.5^2 log(1 + v^2) the first variance,
    (K / v)^2 the median shape and 1.6 its logarithmic sd, v being the coefficient of variation: for small v
    the priors of normal components, means ~ N(m, (1.5 s)^2), sds ~ LogNormal(log(s / K), 0.8^2). Variables:
    "mean", "shape" (K,).
    """

    form: str = "weak"

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Medians and logarithmic sds of means and shapes."""
        return (
            Number("mean", lambda seen, K: seen.mean, "scale", word="m"),
            Number(
                "mean_log_sd",
                lambda seen, K: MEAN_SD * np.sqrt(np.log1p(_cv(seen) ** 2)),
                word=f"{MEAN_SD:g} √log(1 + v²)",
            ),
            Number("shape", lambda seen, K: (K / _cv(seen)) ** 2, word="K² / v²"),
            Number("shape_log_sd", 2 * LOG_SD),
        )

    def text(self, given: Mapping[str, Any]) -> str:
        """See `ComponentPrior`."""
        v = worded(self.numbers, given)
        return (
            f"means ~ LogNormal(log({v['mean']}), {squared(v['mean_log_sd'])}), shapes ~ "
            f"LogNormal(log({v['shape']}), {v['shape_log_sd']}²)"
            + explained(self.numbers, given, _LETTERS)
        )

    def declare(self, K: int, d: int, numbers: Mapping[str, Any], ordered: bool) -> dict[str, Any]:
        """See `ComponentPrior`."""
        import pymc as pm
        import pytensor.tensor as pt

        means = {"mu": pt.log(numbers["mean"][0]), "sigma": numbers["mean_log_sd"][0]}
        log_shape = pt.log(numbers["shape"][0])
        return {
            "means": declare_located("mean", pm.LogNormal, means, K, None, ordered),
            "shapes": pm.LogNormal("shape", log_shape, numbers["shape_log_sd"], shape=K),
        }

    def from_draws(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        means, shapes = located("mean", draws, features=False), draws["shape"]
        return {"shapes": shapes, "rates": shapes / means}

    def to_draws(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """See `ComponentPrior`; there are no edges."""
        shapes = np.asarray(parameters["shapes"])
        return {**locate("mean", shapes / parameters["rates"]), "shape": shapes}

    def log_density(self, parameters: Parameters, numbers: Mapping[str, np.ndarray]) -> float:
        """See `ComponentPrior`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            log_shapes = np.log(parameters["shapes"])
            log_means = log_shapes - np.log(parameters["rates"])
        means = log_normal_density(log_means, np.log(numbers["mean"]), numbers["mean_log_sd"])
        return means + log_normal_density(
            log_shapes, np.log(numbers["shape"]), numbers["shape_log_sd"]
        )

    def sample(
        self,
        size: int,
        K: int,
        d: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        means = rng.lognormal(np.log(numbers["mean"]), numbers["mean_log_sd"], size=(size, K))
        shapes = rng.lognormal(np.log(numbers["shape"]), numbers["shape_log_sd"], size=(size, K))
        return {"shapes": shapes, "rates": shapes / means}


_LETTERS = {
    "m": "the sample mean",
    "v": "the sample coefficient of variation",
    "K": "the number of components",
}


def _cv(seen: Seen) -> np.ndarray:
    return seen.sd / seen.mean
