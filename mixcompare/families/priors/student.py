"""The prior on Student t components: that of normal components, and one on the degrees of freedom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.families.base import Parameters
from mixcompare.families.priors.base import ComponentPrior, Number, worded
from mixcompare.families.priors.densities import log_gamma_density
from mixcompare.families.priors.normal import NormalPrior
from mixcompare.families.t_density import MOST

DF = (2.0, 0.1)
"""Default shape and rate of the Gamma prior on degrees of freedom."""


@dataclass(frozen=True)
class StudentPrior(ComponentPrior):
    """Means and scale matrices as for normal components; df ~ Gamma(df_shape, df_rate), independent.

    The default on df is that of Juarez and Steel (2010), J. Bus. Econ. Stat. 28, 52-66; that above 200 it
    leaves 4e-8 of its mass is neglected. Variables: those of normal components, and "df" (K,).

    Parameters
    ----------
    normal : NormalPrior
    df : float, optional
        Fixed; free if None.
    """

    normal: NormalPrior
    df: float | None

    @property
    def form(self) -> str:  # type: ignore[override]
        """That of the normal part."""
        return self.normal.form

    @property
    def weights(self) -> float:  # type: ignore[override]
        """Those of the normal part."""
        return self.normal.weights

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Those of the normal part, and where df is free `df_shape`, `df_rate`."""
        if self.df is not None:
            return self.normal.numbers
        return (*self.normal.numbers, Number("df_shape", DF[0]), Number("df_rate", DF[1]))

    def text(self, given: Mapping[str, Any]) -> str:
        """See `ComponentPrior`."""
        normal = self.normal.text(given).replace("standard deviations", "scales", 1)
        if self.df is not None:
            return normal
        v = worded(self.numbers, given)
        source = "" if given.keys() & {"df_shape", "df_rate"} else " (Juarez and Steel 2010)"
        return f"{normal}; df ~ Gamma({v['df_shape']}, {v['df_rate']}){source}"

    def declare(self, K: int, d: int, numbers: Mapping[str, Any], ordered: bool) -> dict[str, Any]:
        """See `ComponentPrior`."""
        import pymc as pm
        import pytensor.tensor as pt

        declared = self.normal.declare(K, d, numbers, ordered)
        if self.df is not None:
            return {**declared, "df": pt.constant(np.full(K, self.df))}
        return {**declared, "df": pm.Gamma("df", numbers["df_shape"], numbers["df_rate"], shape=K)}

    def from_draws(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        found = _student(self.normal.from_draws(draws))
        if self.df is not None:
            return {**found, "df": np.full(found["means"].shape[:-1], self.df)}
        return {**found, "df": np.minimum(draws["df"], MOST)}

    def to_draws(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        return {**self.normal.to_draws(_normal(parameters)), "df": parameters["df"]}

    def log_density(self, parameters: Parameters, numbers: Mapping[str, np.ndarray]) -> float:
        """See `ComponentPrior`; |dv / dz| = v (1 - v / 200)."""
        total, df = self.normal.log_density(_normal(parameters), numbers), parameters["df"]
        if self.df is None:
            shape, rate = float(numbers["df_shape"]), float(numbers["df_rate"])
            with np.errstate(divide="ignore", invalid="ignore"):
                total += log_gamma_density(np.log(df), shape, rate)
                total += float(np.log1p(-df / MOST).sum())
        return total

    def sample(
        self,
        size: int,
        K: int,
        d: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        found = _student(self.normal.sample(size, K, d, numbers, rng))
        if self.df is not None:
            return {**found, "df": np.full((size, K), self.df)}
        df = rng.gamma(float(numbers["df_shape"]), 1 / float(numbers["df_rate"]), size=(size, K))
        return {**found, "df": np.minimum(df, MOST)}


def _normal(parameters: Parameters) -> dict[str, np.ndarray]:
    """Means and scale matrices under the names of normal components."""
    return {"means": parameters["means"], "covariances": parameters["scales"]}


def _student(normal: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inverse."""
    return {"means": normal["means"], "scales": normal["covariances"]}
