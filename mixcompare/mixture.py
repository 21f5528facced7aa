"""MixtureModel: a component family and a number of components; Theta to unconstrained and back."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from mixcompare import registry
from mixcompare.blocks import blocks
from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError, nearest
from mixcompare.families.base import Family, Frame, Parameters
from mixcompare.families.user import adopted
from mixcompare.numerics import log_softmax, logsumexp
from mixcompare.options import with_options
from mixcompare.theta import Theta


class MixtureModel:
    """K components of one family.

    Density: f(x) = sum_k w_k f_k(x), weights w on the simplex. Unconstrained coordinates z: the log-ratios
    log(w_k / w_K), k < K, then the family's own (see its file); in the data's units unless a frame is
    given.

    Parameters
    ----------
    family : str or Family
        A registered name, `module:Class`, or an instance.
    n_components : int
        K >= 1.
    **options
        The family's options, for example `covariance="tied"`.

    Raises
    ------
    SpecError
        Unknown family or option, or K not a positive integer.
    """

    def __init__(self, family: str | Family, n_components: int, **options: Any) -> None:
        if isinstance(n_components, bool) or not isinstance(n_components, (int, np.integer)):
            raise SpecError(f"n_components: expected a whole number, got {n_components!r}")
        if n_components < 1:
            raise SpecError(f"n_components: expected at least 1, got {n_components}")
        self.n_components = int(n_components)
        self.family: Family = family if isinstance(family, Family) else _make(family, options)
        self.declared: Family = self.family

    @property
    def name(self) -> str:
        """For example "gaussian K=2 full"."""
        options = " ".join(str(v) for v in self.declared.options.values() if v is not None)
        return f"{self.family.name} K={self.n_components} {options}".strip()

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.declared.options.items())
        return f'MixtureModel("{self.family.name}", n_components={self.n_components}{options})'

    def on(self, data: Dataset) -> MixtureModel:
        """The same model, checked against the data, its family knowing what it must read off them.

        Whatever takes a model and data calls this; the name stays that of the model as declared.
        Raises DataError if the model cannot be fitted to this data.
        """
        self.check(data)
        bound = copy.copy(self)
        bound.family = self.family.on(data)
        return bound

    # -- parameters -------------------------------------------------------------------------------

    def n_parameters(self, n_features: int) -> int:
        """q: free parameters, weights included."""
        return self.n_components - 1 + self.family.n_coordinates(self.n_components, n_features)

    def coordinate_names(
        self, columns: Sequence[str], components: Sequence[int] | None = None
    ) -> list[str]:
        """Names of the q unconstrained coordinates; components are called 1 to K unless numbers are given."""
        numbers = list(components or range(1, self.n_components + 1))
        weights = [f"weight {k}" for k in numbers[:-1]]
        return weights + self.family.coordinate_names(numbers, columns)

    def to_unconstrained(self, theta: Theta, frame: Frame | None = None) -> np.ndarray:
        """z (q,) of a point, in the frame's units if one is given; infinite at an edge."""
        parameters = (
            theta.parameters if frame is None else self.family.to_frame(theta.parameters, frame)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            log_weights = np.log(theta.weights)
            ratios = log_weights[:-1] - log_weights[-1]
        return np.concatenate([ratios, self.family.to_unconstrained(parameters)])

    def to_natural(self, z: np.ndarray, n_features: int, frame: Frame | None = None) -> Theta:
        """The point at z (q,); the inverse of `to_unconstrained`."""
        weights, parameters = self.split(z, n_features)
        return Theta(
            weights, **(parameters if frame is None else self.family.from_frame(parameters, frame))
        )

    def split(self, z: np.ndarray, n_features: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Weights and component parameters at z, in the units of z."""
        K = self.n_components
        weights = np.exp(log_softmax(np.append(z[: K - 1], 0.0)))
        return weights, self.family.to_natural(z[K - 1 :], K, n_features)

    def canonical(self, theta: Theta) -> tuple[Theta, tuple[int, ...]]:
        """Components in increasing order of the family's key, and the permutation that does it."""
        key = self.family.order_key(theta.parameters)
        order = np.lexsort(key.T[::-1])
        return theta.take(order), tuple(int(k) for k in order)

    def report_scale(self, theta: Theta) -> dict[str, np.ndarray]:
        """Logits of the weights and the family's scale: name -> (K, ...); see `Family.report_scale`."""
        return self.report_scales(theta.weights, theta.parameters)

    def report_scales(self, weights: np.ndarray, parameters: Parameters) -> dict[str, np.ndarray]:
        """The same for arrays of points, such as draws: weights (..., K), parameters (..., K, ...)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logits = np.log(weights) - np.log1p(-weights)
        return {"logit_weights": logits, **self.family.report_scale(parameters)}

    def readable(self, theta: Theta) -> dict[str, np.ndarray]:
        """Weights and the reporting scale with its logarithms and logits undone: name -> (K, ...).

        What people read: standard deviations `sds` and `correlations` in place of covariances, shares in
        place of logits; of matrices `scales` the roots of the diagonal. Not finite where the point is
        outside the parameter space.
        """
        found = {"weights": theta.weights}
        with np.errstate(invalid="ignore", over="ignore"):
            for name, values in self.family.report_scale(theta.parameters).items():
                if name.startswith("log_"):
                    found[name.removeprefix("log_")] = np.exp(values)
                elif name == "logits":
                    found["probs"] = theta.parameters["probs"]
                else:
                    found[name] = np.tanh(values) if name == "correlations" else values
        return found

    def as_start(self, theta: Theta, data: Dataset) -> Theta:
        """The point written out in full, or DataError if a fit can't start there.

        For one feature, parameters may be given without their axes of length one: means (K,).
        """
        bound = self.on(data)
        full = bound.conform(theta, data.n_features)
        outside = bound.outside(full)
        if outside:
            raise DataError(f"start: expected a point of the parameter space, but {outside}")
        return full

    def conform(self, theta: Theta, n_features: int) -> Theta:
        """The point with every parameter in its full shape; DataError if names or shapes don't fit."""
        if not isinstance(theta, Theta):
            raise DataError(
                f"expected a Theta, got {type(theta).__name__}: make one with Theta(weights, means=...), or "
                "of a mapping with Theta.from_dict"
            )
        shapes = self.family.shapes(n_features)
        if theta.n_components != self.n_components:
            raise DataError(
                f"Theta: expected {self.n_components} components, as the model has, got {theta.n_components}"
            )
        unknown = [name for name in theta.parameters if name not in shapes]
        missing = [name for name in shapes if name not in theta.parameters]
        if unknown or missing:
            got = ", ".join(theta.parameters) or "none"
            hint = nearest(unknown[0], shapes) if unknown else ""
            raise DataError(
                f"Theta: the {self.family.name} family expects the parameters {', '.join(shapes)}, got "
                f"{got}.{hint}"
            )
        full = {}
        for name, shape in shapes.items():
            value, expected = theta[name], (self.n_components, *shape)
            if value.shape != expected and value.size == np.prod(expected) and n_features == 1:
                value = value.reshape(expected)
            if value.shape != expected:
                raise DataError(f"Theta, {name}: expected shape {expected}, got {value.shape}")
            full[name] = value
        return Theta(theta.weights, **full)

    def outside(self, theta: Theta) -> str:
        """Why a point (in full shapes) is not in the parameter space, in words; "" if it is."""
        if not theta.is_finite:
            return "it holds values that are not finite"
        weights = theta.weights
        if (weights < 0).any() or (weights > 1).any():
            k = int(np.argmax((weights < 0) | (weights > 1)))
            return f"weight {k + 1} is {weights[k]:.6g}, not in [0, 1]"
        if abs(weights.sum() - 1) > 1e-6:
            return f"the weights sum to {weights.sum():.6g}, not to 1"
        return self.family.outside(theta.parameters)

    # -- densities --------------------------------------------------------------------------------

    def log_density(self, x: np.ndarray, theta: Theta) -> np.ndarray:
        """(n,) nats at x (n, d), by the exact and slow route."""
        return logsumexp(self.joint_log_density(x, theta), axis=1)

    def joint_log_density(self, x: np.ndarray, theta: Theta) -> np.ndarray:
        """(n, K): log w_k + log f_k(x)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(theta.weights) + self.family.log_density(x, theta.parameters)

    def log_likelihood(self, data: Dataset, theta: Theta) -> float:
        """sum_i c_i log f(x_i), nats, by the same route, in blocks."""
        total = 0.0
        for rows in blocks(data.n_rows):
            x, counts = data.part(rows)
            total += float(counts @ self.log_density(x, theta))
        return total

    def responsibilities(self, x: np.ndarray, theta: Theta) -> np.ndarray:
        """(n, K): posterior probabilities of the components at x (n, d); nan where no density is positive."""
        joint = self.joint_log_density(x, theta)
        with np.errstate(invalid="ignore"):
            return np.exp(joint - logsumexp(joint, axis=1)[:, None])

    def sample(
        self, theta: Theta, n: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """n observations (n, d) and the components (n,) they came from."""
        labels = rng.choice(self.n_components, size=n, p=theta.weights)
        return self.family.sample(theta.parameters, labels, rng), labels

    def check(self, data: Dataset) -> None:
        """Raise DataError if this model cannot be fitted to this data."""
        self.family.check(data)
        distinct = data.count_distinct(self.n_components)
        if distinct < self.n_components:
            raise DataError(
                f"{data.name}: expected at least as many distinct observations as components, got "
                f"{distinct} for K = {self.n_components}. Choose a smaller K."
            )


def require_model(model: object) -> None:
    """Raise SpecError for what a user hands over in place of a model."""
    if not isinstance(model, MixtureModel):
        raise SpecError(
            f'expected a MixtureModel, such as MixtureModel("gaussian", 2), got {type(model).__name__}'
        )


def _make(name: str, options: dict[str, Any]) -> Family:
    cls = adopted(registry.load("families", name))
    known = [field.name for field in fields(cls)] if is_dataclass(cls) else []
    for key in options:
        if key not in known:
            raise SpecError(
                f'family {name}: unknown option "{key}": expected '
                f"{', '.join(known) if known else 'no options'}.{nearest(key, known)}"
            )
    family: Family = with_options(cls, cls, options)
    return family
