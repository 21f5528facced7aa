"""Truths drawn from a prior, and data from each truth: what simulation-based calibration needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.mixture import MixtureModel
from mixcompare.prior import ModelPrior, Prior
from mixcompare.scenarios.base import Scenario, whole
from mixcompare.theta import Theta


@dataclass(frozen=True)
class PriorScenario(Scenario):
    """n observations of a mixture that is itself drawn from a fixed prior, anew in every replicate.

    Parameters
    ----------
    family : str
    n_components : int
    n : int
        Observations in one data set.
    priors : mapping
        A form and all its numbers, in the data's units, as a sampler's option `priors` takes them: a
        number that would be scaled by the data can't be left out, since there are none yet.
    options : mapping
        The family's options.
    n_features : int

    Raises
    ------
    SpecError
        Names the parameter, what was expected and what came.

    Notes
    -----
    A sampler is calibrated under this scenario only if its own option `priors` says the same.
    """

    family: str
    n_components: int
    n: int
    priors: Any
    options: Any = field(default_factory=dict)
    n_features: int = 1

    name: ClassVar[str] = "prior"

    def __post_init__(self) -> None:
        for key in ("n", "n_features"):
            value = getattr(self, key)
            if not whole(value, 1):
                raise _wrong(key, "a whole number of at least 1", value)
        if not isinstance(self.options, Mapping):
            raise _wrong("options", "a table of the family's options", self.options)
        model = MixtureModel(self.family, self.n_components, **self.options)
        prior = Prior.of(self.priors)
        reason = prior.unsupported(model, self.n_features)
        if reason:
            raise SpecError(f"scenario prior: {reason}")
        try:
            bound = prior.fixed(model, self.n_features)
        except SpecError as error:
            why = "truths are drawn before there are any data"
            raise SpecError(f"scenario prior: {error}; {why}") from error
        object.__setattr__(self, "_prior", bound)

    def draw(self, rng: np.random.Generator, name: str = "") -> Dataset:
        """See `Scenario`."""
        prior: ModelPrior = self.__dict__["_prior"]
        weights, parameters = prior.sample(1, rng)
        drawn = Theta(weights[0], **{key: value[0] for key, value in parameters.items()})
        theta = prior.model.conform(drawn, self.n_features)
        x, labels = prior.model.sample(theta, self.n, rng)
        source = f"simulated: {self.n} observations of a {prior.model.name} drawn from its prior"
        return Dataset(
            x,
            labels=labels,
            name=name or self.name,
            source=source,
            truth=theta,
            prior={**prior.prior.spec, "form": prior.components.form},
        )


def _wrong(key: str, expected: str, got: Any) -> SpecError:
    return SpecError(f"scenario prior, {key}: expected {expected}, got {got!r}")
