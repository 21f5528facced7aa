"""What a prior on the components of a mixture must say, of one form and for one family.

The form fixes the PyMC graph, and so what is compiled; the numbers are data to it. Everything here is in
the family's frame. Nothing here knows of mixing weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from mixcompare.errors import ContractError
from mixcompare.families.base import Frame, Parameters

FORMS = ("weak", "richardson-green", "flat")
"""What forms may be called; a family states some of them."""


@dataclass(frozen=True)
class Seen:
    """What a prior that is scaled by the data sees of them, in the frame; each (d,)."""

    mean: np.ndarray
    sd: np.ndarray
    """1 for a constant feature."""
    low: np.ndarray
    high: np.ndarray

    @property
    def range(self) -> np.ndarray:
        """Of each feature, 1 if it is constant."""
        width = self.high - self.low
        return np.where(width > 0, width, 1.0)


@dataclass(frozen=True)
class Number:
    """A number of a prior: its name as a user types it, what it is by default, and its unit.

    Parameters
    ----------
    name : str
    default : float or callable
        A constant, or what it is of the data seen and the number of components, (d,).
    unit : {"none", "location", "scale", "rate", "precision"}
        How a number in the data's units becomes one in the frame.
    positive : bool
        Whether it must be.
    word : str
        How its default reads if that is of the data: "1.5 s".
    """

    name: str
    default: float | Callable[[Seen, int], np.ndarray]
    unit: Literal["none", "location", "scale", "rate", "precision"] = "none"
    positive: bool = True
    word: str = ""

    @property
    def by_data(self) -> bool:
        """Whether it is scaled by the data unless it is given."""
        return callable(self.default)

    @property
    def by_feature(self) -> bool:
        """Whether there is one for each feature."""
        return self.by_data or self.unit != "none"

    def framed(self, value: np.ndarray, frame: Frame) -> np.ndarray:
        """A value given in the data's units, in the frame; one a feature if it has a unit."""
        if self.unit == "none":
            return value
        if self.unit == "location":
            return (value - frame.centre) / frame.scale
        return value * frame.scale ** {"scale": -1, "rate": 1, "precision": 2}[self.unit]


class ComponentPrior(ABC):
    """The prior of one form on the parameters of all K components of one family; exchangeable over them.

    Final subclasses are frozen dataclasses. `numbers` below are arrays by name, () or (d,), symbolic in
    `declare`.
    """

    form: str
    """One of `FORMS`."""
    weights: ClassVar[float] = 2.0
    """Concentration of the Dirichlet prior on the mixing weights that belongs to this form.

    At 1 or below, overfitted mixtures empty components.
    """

    @property
    @abstractmethod
    def numbers(self) -> tuple[Number, ...]:
        """What it can be given, and what it takes by default."""

    @abstractmethod
    def text(self, given: Mapping[str, Any]) -> str:
        """The prior in one line, for readers, with the numbers given and the defaults of the others."""

    unordered: ClassVar[str] = ""
    """Why components cannot be declared in order, if they cannot."""

    @property
    def conjugate(self) -> Callable[..., None] | None:
        """The draw from full conditionals (families/conjugate/base.py); None if they have no known law."""
        return None

    def packed(self, d: int, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
        """The numbers as `conjugate` takes them."""
        raise ContractError(f"the prior {self.form} is not conjugate")

    @abstractmethod
    def declare(self, K: int, d: int, numbers: Mapping[str, Any], ordered: bool) -> dict[str, Any]:
        """Declare the parameters in the open PyMC model; the symbolic ones, as the density takes them.

        `ordered`: their first location in increasing order, by PyMC's transform.
        """

    @abstractmethod
    def from_draws(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Natural parameters (..., K, ...) from draws of the variables declared."""

    @abstractmethod
    def to_draws(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """Values of the variables declared at natural parameters, kept off the edges; in either order."""

    @abstractmethod
    def log_density(self, parameters: Parameters, numbers: Mapping[str, np.ndarray]) -> float:
        """Log-density (nats) with respect to the family's unconstrained coordinates."""

    @abstractmethod
    def sample(
        self,
        size: int,
        K: int,
        d: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        """Draws of the natural parameters (size, K, ...)."""


def worded(numbers: Iterable[Number], given: Mapping[str, Any]) -> dict[str, str]:
    """How each number reads: as given, or else its default."""
    default = {n.name: n.word if callable(n.default) else f"{n.default:g}" for n in numbers}
    return default | {name: said(given[name]) for name in default if name in given}


def said(value: Any) -> str:
    """A number, or one a feature in brackets, as readers see it."""
    return f"{value:g}" if np.ndim(value) == 0 else f"({', '.join(f'{v:g}' for v in value)})"


def explained(
    numbers: Iterable[Number], given: Mapping[str, Any], letters: Mapping[str, str]
) -> str:
    """The clause that explains the letters of the defaults that are of the data; "" if none is left."""
    words = " ".join(n.word for n in numbers if n.by_data and n.name not in given)
    *first, last = [f"{letter} is {of}" for letter, of in letters.items() if letter in words] or [
        ""
    ]
    listed = f"{', '.join(first)} and {last}" if first else last
    return f", where {listed} (empirical Bayes)" if listed else ""


def squared(word: str) -> str:
    """In brackets if it is more than one number or letter."""
    return f"({word})²" if " " in word and not word.startswith("(") else f"{word}²"


ORDERED = "_first"
"""What the name of a location ends in that is declared in order; the other features' ends in "_rest"."""


def declare_located(
    name: str,
    make: Callable[..., Any],
    arguments: Mapping[str, Any],
    K: int,
    d: int | None,
    ordered: bool,
) -> Any:
    """A location (K, d), or (K,) if d is None, as one variable, or as two if in order: the first feature's.

    `make` is a distribution of PyMC, `arguments` its parameters, () or (d,).
    """
    import pytensor.tensor as pt

    if not ordered:
        return make(name, **arguments, shape=K if d is None else (K, d))
    from pymc.distributions.transforms import ordered as increasing

    def part(value: Any, features: slice | int) -> Any:
        return value[features] if np.ndim(value) or getattr(value, "ndim", 0) else value

    if d is None:
        return make(name + ORDERED, **arguments, shape=K, transform=increasing)
    first = {key: part(value, 0) for key, value in arguments.items()}
    columns = [make(name + ORDERED, **first, shape=K, transform=increasing)[:, None]]
    if d > 1:
        rest = {key: part(value, slice(1, None)) for key, value in arguments.items()}
        columns.append(make(f"{name}_rest", **rest, shape=(K, d - 1)))
    return pt.concatenate(columns, axis=1)


def located(name: str, draws: Mapping[str, np.ndarray], features: bool = True) -> np.ndarray:
    """Draws (..., K, d), or (..., K) without features, of what `declare_located` declared."""
    if name in draws:
        return draws[name]
    first = draws[name + ORDERED]
    if not features:
        return first
    rest = draws.get(f"{name}_rest", np.empty((*first.shape, 0)))
    return np.concatenate([first[..., None], rest], axis=-1)


def locate(name: str, value: np.ndarray) -> dict[str, np.ndarray]:
    """Values of what it may have declared, at one point (K, d) or (K,)."""
    first = value if value.ndim == 1 else value[:, 0]
    return {
        name: value,
        name + ORDERED: first,
        f"{name}_rest": value[:, 1:] if value.ndim > 1 else value,
    }
