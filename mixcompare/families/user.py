"""A user's own family: four methods of theirs, and a default for everything else.

Given are log-densities, a weighted maximum likelihood estimate, and the two maps between natural parameters
and unconstrained coordinates. Gradients are then differences of the log-likelihood, every evaluation of which
is a pass on the meter (`Problem.value_and_score`).
"""

from __future__ import annotations

import copy
import types
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import ContractError, SpecError
from mixcompare.families.base import Edge, Family, Parameters
from mixcompare.families.blockwise import BlockFamily
from mixcompare.families.unscaled import Unscaled

NEEDED = ("log_density", "weighted_mle", "to_unconstrained", "to_natural")
"""What a class must define."""

FLOOR = 0.01
"""Weight in a start of observations far from its centre, so that no estimate rests on one value."""


class Known(NamedTuple):
    """What one component's estimate from the data tells: its parameters' shapes, and its coordinates."""

    shapes: dict[str, tuple[int, ...]]
    n_coordinates: int
    n_features: int


class UserFamily(Unscaled, BlockFamily):
    """The base class of a user's own family; a class with the four methods alone will do as well.

    The four methods are log_density(x, parameters) -> (n, K) nats; weighted_mle(x, weights) -> parameters;
    to_unconstrained(parameters) -> z (K p,), component after component; to_natural(z, n_components,
    n_features) -> parameters. Here x is (n, d), weights are (n, K), parameters map names to arrays (K, ...).

    All else has a default, and can be overridden (see `Family` for what each method says): no edges, a
    likelihood that is bounded (give `spread`, `extent` and `contraction` where it is not), data of any real
    numbers (`check`), a report in natural parameters (`report_scale`), no units (`frame`, with `to_frame`,
    `from_frame`, `coordinate_units`): bring data of very large or very small numbers to a scale of about 1.
    Options are the fields of a dataclass. There is no sampling without `sample`, and no posterior without
    `prior_forms`, `component_prior` and `pymc_log_density`.
    """

    name: ClassVar[str] = ""
    discrete: ClassVar[bool] = False
    difference_step: ClassVar[float] = 1e-3

    _known: Known | None = None

    def __init_subclass__(cls, **extra: Any) -> None:
        """The name of a class that gives itself none is the path by which it is loaded."""
        super().__init_subclass__(**extra)
        if not cls.name:
            cls.name = f"{cls.__module__}:{cls.__qualname__}"

    @property
    def options(self) -> dict[str, Any]:
        """The fields of a dataclass; none otherwise."""
        return super().options if is_dataclass(self) else {}

    # -- what a user gives ------------------------------------------------------------------------

    @abstractmethod
    def weighted_mle(self, x: np.ndarray, weights: np.ndarray) -> Mapping[str, np.ndarray]:
        """Natural parameters, name -> (K, ...), that maximise sum_i w_ik log f_k(x_i) for each k.

        x (n, d), weights (n, K) >= 0 with counts applied; nan where all weights of a component are 0.
        """

    # -- what is read off the data ------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Any finite real numbers will do."""

    def on(self, data: Dataset) -> UserFamily:
        """Knows the shapes of the parameters and the number of coordinates, from one component's estimate."""
        if self._known and self._known.n_features == data.n_features:
            return self
        one = self._estimates(data.x, data.weights[:, None])
        shapes = {name: value.shape[1:] for name, value in one.items()}
        z = np.asarray(self.to_unconstrained(one), dtype=float)
        if z.ndim != 1:
            raise self._wrong("to_unconstrained", "a vector of coordinates", f"shape {z.shape}")
        bound = copy.copy(self)
        object.__setattr__(bound, "_known", Known(shapes, z.size, data.n_features))
        return bound

    def _estimates(self, x: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        """`weighted_mle`, checked."""
        with np.errstate(all="ignore"):
            found = self.weighted_mle(x, weights)
        K = weights.shape[1]
        if not isinstance(found, Mapping) or not found:
            got = f"a {type(found).__name__}"
            raise self._wrong("weighted_mle", "a mapping of parameter names to arrays", got)
        estimates = {str(name): np.asarray(value, dtype=float) for name, value in found.items()}
        for name, value in estimates.items():
            if value.ndim == 0 or len(value) != K:
                expected = f"{name} with first axis {K}, the number of components"
                raise self._wrong("weighted_mle", expected, f"shape {value.shape}")
        return estimates

    @property
    def _of_data(self) -> Known:
        if self._known is None:
            raise ContractError(
                f"the family {self.name} knows its parameters on data only: use `on`"
            )
        return self._known

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """As those of `weighted_mle`."""
        return self._of_data.shapes

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """As many for each component."""
        return n_components * self._of_data.n_coordinates

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """Numbered."""
        each = range(1, self._of_data.n_coordinates + 1)
        return [f"coordinate {i} of component {k}" for k in components for i in each]

    def outside(self, parameters: Parameters) -> str:
        """Where the unconstrained coordinates are not a number."""
        with np.errstate(all="ignore"):
            wrong = np.isnan(np.asarray(self.to_unconstrained(parameters), dtype=float))
        if not wrong.any():
            return ""
        k = int(np.argmax(wrong)) // self._of_data.n_coordinates
        return f"the parameters of component {k + 1} have no unconstrained coordinates"

    def edges(self, parameters: Parameters) -> list[Edge]:
        """None."""
        return []

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By all parameters, the first one leading."""
        return self._table(parameters)

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """The natural parameters as they are."""
        return dict(parameters)

    def _table(self, parameters: Parameters) -> np.ndarray:
        """(K, p): all parameters of a component side by side."""
        values = [np.asarray(parameters[name], dtype=float) for name in self._of_data.shapes]
        return np.hstack([value.reshape(len(value), -1) for value in values])

    def _untable(self, table: np.ndarray) -> dict[str, np.ndarray]:
        """The inverse."""
        parameters, at = {}, 0
        for name, shape in self._of_data.shapes.items():
            size = int(np.prod(shape))
            parameters[name] = table[:, at : at + size].reshape(len(table), *shape).copy()
            at += size
        return parameters

    @property
    def can_sample(self) -> bool:
        """Where the user's class has a method of its own."""
        return type(self).sample is not UserFamily.sample

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Not without a method of the user's."""
        raise self._missing("sample", "simulated data, the bootstrap and simulated scenarios")

    # -- the likelihood ---------------------------------------------------------------------------
    #
    # Statistics are (K, 1 + p): expected counts, and what `weighted_mle` makes of the responsibilities.

    def block_density(self, u: np.ndarray, parameters: Parameters) -> tuple[np.ndarray, Any]:
        """See `BlockFamily`; the user's log-densities, checked."""
        with np.errstate(all="ignore"):
            density = np.asarray(self.log_density(u, parameters), dtype=float)
        expected = (len(u), len(next(iter(parameters.values()))))
        if density.shape != expected:
            raise self._wrong("log_density", f"shape {expected}", f"{density.shape}")
        return density, None

    def block_sums(
        self, u: np.ndarray, shares: np.ndarray, known: Any, parameters: Parameters
    ) -> np.ndarray:
        """The shares themselves."""
        return shares

    def collect(self, data: Dataset, parts: Sequence[np.ndarray]) -> np.ndarray:
        """See above."""
        shares = np.concatenate(parts)
        return np.column_stack([shares.sum(axis=0), self._table(self._estimates(data.x, shares))])

    def sums(
        self,
        data: Dataset,
        responsibilities: np.ndarray,
        parameters: Parameters | None = None,
    ) -> np.ndarray:
        """See `Family`; they depend on no parameters."""
        return self.collect(data, [responsibilities * data.weights[:, None]])

    def mle(self, statistics: np.ndarray) -> dict[str, np.ndarray]:
        """See `Family`."""
        return self._untable(statistics[:, 1:])

    def score(self, parameters: Parameters, statistics: np.ndarray) -> np.ndarray:
        """Not stated: see `difference_step`."""
        raise ContractError(f"the family {self.name} states no score; take differences")

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Estimates with weights that fall off with the distance to each row, over sds of the data over K."""
        return self._around(rows, data, np.full(len(rows), 1 / len(rows)))

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """The same about observations drawn at random, over 0.1 to 2 sds of the data."""
        rows = data.x[rng.choice(data.n_rows, n_components, p=data.weights / data.n)]
        widths = np.exp(rng.uniform(np.log(0.1), np.log(2.0), n_components))
        return self._around(rows, data, widths)

    def _around(self, rows: np.ndarray, data: Dataset, widths: np.ndarray) -> dict[str, np.ndarray]:
        scale = np.maximum(data.x.std(axis=0), np.finfo(float).tiny)
        distance = np.stack([(((data.x - row) / scale) ** 2).sum(axis=1) for row in rows], axis=1)
        near = np.exp(-0.5 * distance / widths**2) + FLOOR
        return self._estimates(data.x, near * data.weights[:, None])

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """Names of the natural parameters, component after component."""
        sizes = {name: int(np.prod(shape)) for name, shape in self._of_data.shapes.items()}
        return [name for name, size in sizes.items() for _ in range(size)] * n_components

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        return self._table(parameters).ravel()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        return self._untable(raw.reshape(n_components, -1))

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """exp of the log-density, unchecked."""
        parameters = self.from_naive(raw, n_components, x.shape[1])
        return np.asarray(np.exp(self.block_density(x, parameters)[0]))

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """None."""
        return dict.fromkeys(self._of_data.shapes, (-np.inf, np.inf))

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """nan: not known."""
        first = next(iter(parameters.values()))
        ndim = len(next(iter(self._of_data.shapes.values())))
        unknown = np.full((*first.shape[: first.ndim - ndim], self._of_data.n_features), np.nan)
        return unknown, unknown

    # -- what went wrong --------------------------------------------------------------------------

    def _wrong(self, method: str, expected: str, got: str) -> ContractError:
        return ContractError(f"family {self.name}: {method} should return {expected}, got {got}")

    def _missing(self, method: str, what: str) -> SpecError:
        return SpecError(f"the family {self.name} defines no {method}: {what} cannot do without it")


def adopted(cls: Any) -> Any:
    """A class that is a Family; one with the four methods alone made into one.

    Raises SpecError, with what is missing, for anything else.
    """
    if isinstance(cls, type) and issubclass(cls, Family):
        return cls
    missing = [method for method in NEEDED if not callable(getattr(cls, method, None))]
    if not isinstance(cls, type) or missing:
        raise SpecError(
            f"a family needs a class with {', '.join(NEEDED)}: {getattr(cls, '__name__', cls)!r} has no "
            f"{', '.join(missing) or 'class'}"
        )
    return _made(cls)


@cache
def _made(cls: type) -> type[UserFamily]:
    """The user's methods first, then the defaults; pickled by the user's own class."""
    path = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    body = {**path, "__reduce__": _reduce, "user": cls}
    return types.new_class(cls.__name__, (cls, UserFamily), {}, lambda space: space.update(body))


def _reduce(self: Any) -> tuple[Any, ...]:
    return _again, (self.user, self.__dict__)


def _again(cls: type, state: dict[str, Any]) -> UserFamily:
    made = object.__new__(_made(cls))
    made.__dict__.update(state)
    return made
