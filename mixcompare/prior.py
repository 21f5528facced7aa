"""The prior of a whole mixture: what a user asked for, and the same with its numbers on some data.

w ~ Dirichlet(a, ..., a), and the components' prior, of one of the forms that their family states
(families/priors/). Numbers that are not given are scaled by the data (empirical Bayes), so that posteriors do
not depend on units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError, nearest
from mixcompare.families.base import Frame
from mixcompare.families.priors.base import FORMS, ComponentPrior, Number, Seen
from mixcompare.mixture import MixtureModel
from mixcompare.seeds import stream

WEIGHTS = "weights"
"""The name of the concentration of the weights among the numbers of a prior."""

SAMPLED = 20_000
"""Draws from the prior that its standard deviations are computed from: they are then right to 1 %."""


@dataclass(frozen=True)
class Prior:
    """What a user asks for: a form, and numbers in the data's units in place of those scaled by the data.

    Parameters
    ----------
    form : str
        "weak", "richardson-green", "flat": one that the family states; "" for the family's first.
    given : mapping
        Number -> its value, one or one a feature. "weights" is the concentration of the weights.
    """

    form: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: Any) -> Self:
        """From what users write: None, a form, a table with "form" and numbers, or a Prior.

        Raises SpecError for anything else, and for numbers that are none.
        """
        if isinstance(spec, cls):
            return spec
        if spec is None:
            return cls()
        table = {"form": spec} if isinstance(spec, str) else spec
        if not isinstance(table, Mapping):
            raise SpecError(
                f'priors: expected a name such as "weak", or a table of a form and its numbers, got {spec!r}'
            )
        form = table.get("form", "")
        if form not in ("", *FORMS):
            raise SpecError(
                f"priors: expected one of {', '.join(FORMS)}, got {form!r}.{nearest(str(form), FORMS)}"
            )
        return cls(form, {name: _numbers(name, v) for name, v in table.items() if name != "form"})

    @property
    def spec(self) -> dict[str, Any]:
        """As `of` takes it, in plain values: what is stored."""
        return {"form": self.form, **self.given}

    def unsupported(self, model: MixtureModel, n_features: int) -> str:
        """Why there is no such prior for a model, in words; "" if there is.

        Raises SpecError if a number is not one of the form's, or is outside its domain.
        """
        forms = model.family.prior_forms
        if not forms:
            return (
                f"the {model.family.name} family states no priors: a posterior needs its prior_forms, "
                "component_prior and pymc_log_density"
            )
        if self.form and self.form not in forms:
            return (
                f'the {model.family.name} family states no prior "{self.form}": expected '
                f"{' or '.join(forms)}.{nearest(self.form, forms)}"
            )
        self._check(self._components(model, n_features), n_features)
        return ""

    def on(self, model: MixtureModel, data: Dataset) -> ModelPrior:
        """The prior on some data; the model must support it."""
        frame = model.family.frame(data)
        u, share = frame(data.x), data.weights / data.n
        mean = share @ u
        sd = np.sqrt(share @ (u - mean) ** 2)
        seen = Seen(mean, np.where(sd > 0, sd, 1.0), u.min(axis=0), u.max(axis=0))
        return self._filled(model, data.n_features, frame, seen)

    def fixed(self, model: MixtureModel, n_features: int) -> ModelPrior:
        """The prior without data, in their units; SpecError if a number would be scaled by them."""
        components = self._components(model, n_features)
        missing = [n.name for n in components.numbers if n.by_data and n.name not in self.given]
        if missing:
            raise SpecError(
                f"priors: expected a fixed prior, got one scaled by the data: give "
                f"{', '.join(missing)} of the form {components.form}"
            )
        frame = Frame(np.zeros(n_features), np.ones(n_features))
        return self._filled(model, n_features, frame, None)

    def _components(self, model: MixtureModel, n_features: int) -> ComponentPrior:
        return model.family.component_prior(self.form or model.family.prior_forms[0], n_features)

    def _check(self, components: ComponentPrior, n_features: int) -> None:
        known = {number.name: number for number in components.numbers}
        weights = Number(WEIGHTS, components.weights)
        for name, value in self.given.items():
            if name != WEIGHTS and name not in known:
                names = [WEIGHTS, *known]
                raise SpecError(
                    f'priors: unknown number "{name}" of the form {components.form}: expected '
                    f"{', '.join(names)}.{nearest(name, names)}"
                )
            number = known.get(name, weights)
            if number.positive and (np.asarray(value) <= 0).any():
                raise SpecError(f"priors, {name}: expected a positive number, got {value!r}")
            if np.ndim(value) and not number.by_feature:
                raise SpecError(f"priors, {name}: expected one number, got {value!r}")
            if np.ndim(value) and np.size(value) != n_features:
                raise SpecError(
                    f"priors, {name}: expected one number, or one for each of the data's features "
                    f"({n_features}), got {value!r}"
                )

    def _filled(
        self, model: MixtureModel, n_features: int, frame: Frame, seen: Seen | None
    ) -> ModelPrior:
        components = self._components(model, n_features)
        self._check(components, n_features)
        numbers = {}
        for number in components.numbers:
            if number.name in self.given:
                value = np.asarray(self.given[number.name], dtype=float)
                if number.by_feature:
                    value = np.broadcast_to(value, (n_features,))
                numbers[number.name] = number.framed(value, frame)
            elif callable(number.default):
                assert seen is not None
                numbers[number.name] = _default(number, seen, model.n_components)
            else:
                numbers[number.name] = np.asarray(number.default)
        concentration = float(self.given.get(WEIGHTS, components.weights))
        return ModelPrior(self, model, n_features, frame, components, numbers, concentration)


def finite_sd(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Standard deviation of the values that are finite, by entry; nan where none is.

    The logarithm of a weight or probability that has underflowed is not.
    """
    found: np.ndarray = np.ma.filled(np.ma.masked_invalid(values).std(axis=axis), np.nan)
    return found


def _default(number: Number, seen: Seen, n_components: int) -> np.ndarray:
    """A number scaled by the data; DataError where theirs is no such number: a mean of 0 is no scale."""
    assert callable(number.default)
    with np.errstate(divide="ignore"):
        value = number.default(seen, n_components)
    if not np.isfinite(value).all() or (number.positive and (value <= 0).any()):
        raise DataError(
            f"priors: by default {number.name} is scaled by the data, and these make it "
            f"{float(np.ravel(value)[0]):g}: give {number.name} in the option priors"
        )
    return value


def _numbers(name: str, value: Any) -> float | tuple[float, ...]:
    """A number, or some."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if isinstance(value, (bool, str)) or array.ndim > 1 or not np.isfinite(array).all():
        raise SpecError(f"priors, {name}: expected a number, or one a feature, got {value!r}")
    return tuple(float(v) for v in array) if array.ndim else float(array)


@dataclass(frozen=True, eq=False)
class ModelPrior:
    """The prior of a model with its numbers filled in.

    Parameters
    ----------
    prior : Prior
    model : MixtureModel
    n_features : int
    frame : Frame
        In which `numbers` are, and the coordinates of `log_density`.
    components : ComponentPrior
    numbers : mapping
        Arrays by name, () or (d,), in the frame.
    concentration : float
        Of the Dirichlet prior on the weights.
    """

    prior: Prior
    model: MixtureModel
    n_features: int
    frame: Frame
    components: ComponentPrior
    numbers: Mapping[str, np.ndarray]
    concentration: float

    @property
    def data(self) -> dict[str, np.ndarray]:
        """All numbers by the names that they have in the PyMC model."""
        named = {f"prior_{name}": np.asarray(value) for name, value in self.numbers.items()}
        return {**named, f"prior_{WEIGHTS}": np.asarray(self.concentration)}

    @property
    def depends_on_data(self) -> bool:
        """Whether a number is scaled by the data."""
        given = self.prior.given
        return any(n.by_data and n.name not in given for n in self.components.numbers)

    @property
    def text(self) -> str:
        """The prior in one line, for readers: weights, then components."""
        K, said = self.model.n_components, [self.components.text(self.prior.given)]
        if K > 1:
            said.insert(0, f"weights ~ Dirichlet({', '.join([f'{self.concentration:g}'] * K)})")
        return ", ".join(said)

    def log_density(self, z: np.ndarray) -> float:
        """Log-density (nats) at z (q,), with respect to the unconstrained coordinates in the frame.

        Dirichlet(a) in the log-ratios: log Gamma(K a) - K log Gamma(a) + a sum_k log w_k.
        """
        weights, parameters = self.model.split(z, self.n_features)
        K, a = self.model.n_components, self.concentration
        with np.errstate(divide="ignore"):
            by_weight = math.lgamma(K * a) - K * math.lgamma(a) + a * float(np.log(weights).sum())
        by_component = self.components.log_density(parameters, self.numbers)
        return (by_weight if K > 1 else 0.0) + by_component

    def sample(
        self, size: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Draws: weights (size, K), and natural parameters in the data's units, name -> (size, K, ...)."""
        weights, framed = self._framed(size, rng)
        return weights, self.model.family.from_frame(framed, self.frame)

    @cached_property
    def sd(self) -> dict[str, np.ndarray]:
        """Standard deviations on the reporting scale of the frame, name -> (K, ...), of 20,000 draws.

        nan for the weight of K = 1, which is not estimated, and for what is padding. Draws whose matrix is
        singular in floating point, of very vague priors, have no logarithms and are left out.
        """
        weights, framed = self._framed(SAMPLED, stream(0, "prior sd"))
        values = self.model.report_scales(weights, framed)
        return {name: finite_sd(value, 0) for name, value in values.items()}

    def _framed(
        self, size: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        K = self.model.n_components
        weights = rng.dirichlet(np.full(K, self.concentration), size=size)
        return weights, self.components.sample(size, K, self.n_features, self.numbers, rng)
