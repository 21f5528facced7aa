"""Theta: one point of the parameter space of a mixture, in natural parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mixcompare.errors import DataError


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Theta(Mapping[str, np.ndarray]):
    """Weights (K,) and named component parameters, each with K as its first axis.

    Shapes are checked and nothing else: a point outside the parameter space is a legitimate Theta,
    because saying so is the verifier's work. Arrays are float64 copies and read-only.

    Parameters
    ----------
    weights : array_like, shape (K,)
        Mixing proportions.
    **parameters : array_like, shape (K, ...)
        The family's natural parameters by name, for example `means=` (K, d), `covariances=` (K, d, d).

    Raises
    ------
    DataError
        If an array is not numeric or its first axis is not K.
    """

    weights: np.ndarray
    parameters: dict[str, np.ndarray]

    def __init__(self, weights: ArrayLike, **parameters: ArrayLike) -> None:
        values = {
            name: _array(name, value) for name, value in {"weights": weights, **parameters}.items()
        }
        if values["weights"].ndim != 1 or not values["weights"].size:
            raise DataError(
                f"weights: expected one number a component, shape (K,), got {values['weights'].shape}"
            )
        size = values["weights"].size
        for name, value in values.items():
            if value.ndim == 0 or value.shape[0] != size:
                raise DataError(
                    f"{name}: expected {size} entries on the first axis, as many as weights, "
                    f"got shape {value.shape}"
                )
        object.__setattr__(self, "weights", values.pop("weights"))
        object.__setattr__(self, "parameters", values)

    @property
    def n_components(self) -> int:
        """K."""
        return self.weights.size

    def __getitem__(self, name: str) -> np.ndarray:
        return self.weights if name == "weights" else self.parameters[name]

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("__") or name == "parameters" or name not in self.parameters:
            raise AttributeError(name)
        return self.parameters[name]

    def __iter__(self) -> Iterator[str]:
        yield "weights"
        yield from self.parameters

    def __len__(self) -> int:
        return 1 + len(self.parameters)

    def __eq__(self, other: object) -> bool:
        """Equal to the last bit, nan equal to nan."""
        return (
            isinstance(other, Theta)
            and list(self) == list(other)
            and all(np.array_equal(self[name], other[name], equal_nan=True) for name in self)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        inside = ", ".join(
            f"{name}={np.array2string(value, precision=6)}" for name, value in self.items()
        )
        return f"Theta({inside})"

    def take(self, order: ArrayLike) -> Theta:
        """The same mixture with its components in the given order (K,), or a subset of them."""
        index = np.asarray(order, dtype=int)
        return Theta(
            self.weights[index], **{name: value[index] for name, value in self.parameters.items()}
        )

    @property
    def is_finite(self) -> bool:
        """Whether every number is finite."""
        return all(bool(np.isfinite(value).all()) for value in self.values())

    def to_dict(self) -> dict[str, Any]:
        """Nested lists under the same keys, ready for JSON."""
        return {name: value.tolist() for name, value in self.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Theta:
        """The inverse of `to_dict`; DataError if there is no key `weights`."""
        if "weights" not in values:
            raise DataError(
                f'expected a key "weights" in a Theta, got {", ".join(values) or "no keys"}'
            )
        return cls(**values)


def _array(name: str, value: ArrayLike) -> np.ndarray:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: expected an array of numbers, got {value!r} ({error})") from error
    array.flags.writeable = False
    return array
