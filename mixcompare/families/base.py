"""What a component family must say.

A family knows the density of its components. It knows nothing of mixing weights, of counting passes or
of randomness other than `sample`. Its methods take all K components at once, as the mapping of natural
parameters (first axis K) that `Theta` holds, because components may share parameters (tied covariances).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import ContractError

if TYPE_CHECKING:
    from mixcompare.families.passes import Pass
    from mixcompare.families.priors.base import ComponentPrior

Parameters = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Frame:
    """Affine units u = (x - centre) / scale, per feature, in which likelihoods are computed and judged."""

    centre: np.ndarray
    scale: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """x (n, d) in these units; infinite where that is beyond what numbers hold."""
        with np.errstate(over="ignore"):
            return (x - self.centre) / self.scale

    @property
    def log_volume(self) -> float:
        """sum log scale: what one observation's log-density loses in going from u to x."""
        return float(np.log(self.scale).sum())


@dataclass(frozen=True)
class Edge:
    """One scalar parameter that can reach the edge of the parameter space."""

    name: str
    component: int
    parameter: str
    index: tuple[int, ...]
    value: float
    """The edge it is nearer to."""


class Family(ABC):
    """A component family. Final subclasses are frozen dataclasses whose fields are the family's options.

    Methods marked "frame" work in standardised units, all others in the data's own units.
    """

    name: ClassVar[str]
    discrete: ClassVar[bool]
    univariate: ClassVar[bool] = False
    """Whether observations have one feature only; `check` then refuses others."""

    @property
    def options(self) -> dict[str, Any]:
        """The options in force, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    # -- the data ---------------------------------------------------------------------------------

    def on(self, data: Dataset) -> Family:
        """The family with what it must read off the data (numbers of levels) filled in; checked data."""
        return self

    @abstractmethod
    def check(self, data: Dataset) -> None:
        """Raise DataError if an observation is outside the support; say which and what was expected."""

    @abstractmethod
    def frame(self, data: Dataset) -> Frame:
        """Units in which the data have location about 0, spread about 1; identity if without units."""

    # -- the parameters ---------------------------------------------------------------------------

    @abstractmethod
    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """Natural parameters and the shape of each for one component."""

    @abstractmethod
    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """Number of free parameters of all components together, weights not included."""

    @abstractmethod
    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """A readable name for each unconstrained coordinate; `components` are the numbers to call them by."""

    @abstractmethod
    def to_unconstrained(self, parameters: Parameters) -> np.ndarray:
        """Unconstrained coordinates (n_coordinates,) of natural parameters; inf at an edge."""

    @abstractmethod
    def to_natural(
        self, z: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """The inverse of `to_unconstrained`."""

    @abstractmethod
    def coordinate_units(self, n_components: int, frame: Frame) -> np.ndarray:
        """d z / d z_frame for each coordinate: how z changes with the units of the data (a diagonal map)."""

    @abstractmethod
    def to_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """Natural parameters of u = (x - centre) / scale."""

    @abstractmethod
    def from_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """The inverse of `to_frame`."""

    @abstractmethod
    def outside(self, parameters: Parameters) -> str:
        """Which parameter is outside its domain, in words; "" if none is. Edges belong to the domain."""

    @abstractmethod
    def edges(self, parameters: Parameters) -> list[Edge]:
        """Every scalar parameter that has an edge, with the edge it is nearer to; collapse is not an edge."""

    def moved(self, parameters: Parameters, edge: Edge, value: float) -> dict[str, np.ndarray]:
        """The parameters with that of an edge set to a value, the others kept or made to fit."""
        new = {name: array.copy() for name, array in parameters.items()}
        new[edge.parameter][(edge.component, *edge.index)] = value
        return new

    def from_edge(self, parameters: Parameters, edge: Edge) -> float:
        """How far the parameter of an edge is from it, on the scale on which it is judged there; 0 at it."""
        value = parameters[edge.parameter][(edge.component, *edge.index)]
        return float(abs(value - edge.value))

    def inside(self, edge: Edge, distance: float) -> float:
        """The value of a parameter at a distance (see `from_edge`) inside its edge."""
        return abs(edge.value - distance)

    @abstractmethod
    def order_key(self, parameters: Parameters) -> np.ndarray:
        """(K, m): components are put in canonical order by the columns, the first one leading."""

    @abstractmethod
    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """Parameters on the scale on which intervals and errors are compared: name -> (K, ...).

        Locations as they are, positive numbers as logarithms, probabilities as logits.
        """

    # -- one component's density ------------------------------------------------------------------

    @abstractmethod
    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """(n, K) nats, exact and slow, for x (n, d); nan for components outside the domain."""

    @property
    def can_sample(self) -> bool:
        """Whether `sample` can be called."""
        return True

    @abstractmethod
    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """One observation a label: (n, d) from components `labels` (n,)."""

    def classify(self, data: Dataset, weights: np.ndarray, parameters: Parameters) -> np.ndarray:
        """(M, K, n): probabilities of the components at every row, of M points.

        weights (M, K), parameters name -> (M, K, ...).
        """
        p = np.empty((*weights.shape, data.n_rows))
        for t in range(len(weights)):
            point = {name: array[t] for name, array in parameters.items()}
            p[t] = self.log_density(data.x, point).T
        return posterior_probabilities(p, weights)

    # -- the likelihood ---------------------------------------------------------------------------

    @abstractmethod
    def begin(self, data: Dataset, n_components: int) -> Pass:
        """Prepare passes over this data."""

    @abstractmethod
    def sums(
        self,
        data: Dataset,
        responsibilities: np.ndarray,
        parameters: Parameters | None = None,
    ) -> np.ndarray:
        """Statistics (frame), as `mle` takes them, for responsibilities (n, K); counts are applied here.

        Where they are expectations that depend on the parameters, those at `parameters` (frame); without
        them, at the point where each component's weighted likelihood is largest, which `mle` gives back.
        """

    @abstractmethod
    def mle(self, statistics: np.ndarray) -> dict[str, np.ndarray]:
        """M-step (frame): natural parameters that maximise the expected complete-data log-likelihood."""

    @abstractmethod
    def score(self, parameters: Parameters, statistics: np.ndarray) -> np.ndarray:
        """Gradient (frame) of the log-likelihood in the unconstrained coordinates (n_coordinates,), nats.

        `statistics` are the expected ones at the same parameters (Fisher's identity).
        """

    difference_step: ClassVar[float] = 0.0
    """Step, in unconstrained coordinates, of the differences that stand in for `score`; 0 if it is stated."""

    # -- other targets than the likelihood, and other steps (all in the frame) ---------------------

    conjugate_prior: ClassVar[str] = ""
    """The conjugate prior of `conjugate`, in words; "" if the family states none."""

    def conjugate(self, overall: np.ndarray, n_components: int) -> Any:
        """The conjugate prior with its numbers filled in, as `mode` and `log_conjugate` take it.

        `overall` (1, ...) are the statistics of all data in one component: what the prior is scaled by.
        """
        raise ContractError(f"the {self.name} family states no conjugate prior")

    def mode(self, statistics: np.ndarray, prior: Any) -> dict[str, np.ndarray]:
        """M-step under the conjugate prior: maximises the expected log-likelihood + `log_conjugate`."""
        raise ContractError(f"the {self.name} family states no conjugate prior")

    def log_conjugate(self, parameters: Parameters, prior: Any) -> float:
        """Log-density of the conjugate prior at natural parameters, nats, up to a constant."""
        raise ContractError(f"the {self.name} family states no conjugate prior")

    has_scales: ClassVar[bool] = False
    """Whether the family has scales beside its locations: `mle_about` then works."""

    def mle_about(self, statistics: np.ndarray, previous: Parameters) -> dict[str, np.ndarray]:
        """M-step whose scales are maximised at the previous locations: the two steps of an ECM."""
        raise ContractError(f"the {self.name} family has no scales beside its locations")

    # -- degenerate and narrow components ---------------------------------------------------------

    @abstractmethod
    def spread(self, parameters: Parameters) -> np.ndarray:
        """(K,): smallest sd of each component (frame), in any direction; inf if the family can't collapse."""

    @abstractmethod
    def extent(self, parameters: Parameters) -> np.ndarray:
        """(K,): largest sd of each component (frame), in any direction; inf if the family can't collapse."""

    @abstractmethod
    def contraction(
        self, data: Dataset, parameters: Parameters, responsibilities: np.ndarray
    ) -> np.ndarray:
        """(K,): next variance / variance in each component's narrowest direction after one M-step.

        About 1 at a stationary point, about 0 where a component is collapsing on tied observations; nan
        if the family can't collapse. Computed about the component's own centre, without cancellation.
        """

    def yardstick(self, data: Dataset) -> Frame:
        """Units in which spreads are compared to call an optimum narrow."""
        return self.frame(data)

    @abstractmethod
    def narrow_limits(self, n_features: int) -> tuple[float, float]:
        """(smallest/largest spread, expected count) below which an optimum is called narrow."""

    # -- starts -----------------------------------------------------------------------------------

    @abstractmethod
    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Components centred at the given observations (K, d), with the spread of the data over K."""

    @abstractmethod
    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Components drawn from a wide distribution scaled by the data."""

    # -- what a newcomer writes -------------------------------------------------------------------

    @abstractmethod
    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """Kind of each raw parameter, component after component ("means", "sds", ...)."""

    @abstractmethod
    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """The raw parameters, in that order."""

    @abstractmethod
    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """Natural parameters; a raw value outside its domain (a negative sd) stays recognisable as such."""

    @abstractmethod
    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """(n, K): densities by `scipy.stats`, unchecked: nan, 0 or an exception are the newcomer's own."""

    @abstractmethod
    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """A box for each kind, from the data."""

    # -- the posterior ----------------------------------------------------------------------------

    prior_forms: ClassVar[tuple[str, ...]] = ()
    """The forms of priors on the components (families/priors/), the default first; none: no posterior."""

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """The prior of one form."""
        raise ContractError(f"the {self.name} family states no priors")

    likelihoods: ClassVar[tuple[str, ...]] = ("graph",)
    """How its log-likelihood can be written into a PyMC model (estimators/likelihoods.py), default first."""

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """Symbolic log-densities (n, K) of symbolic x (n, d), in the frame.

        `parameters` are the symbolic ones that the priors of the family declare.
        """
        raise ContractError(f"the {self.name} family states no priors")

    @abstractmethod
    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of each feature under each component, (..., K, d) both."""


def posterior_probabilities(log_densities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Probabilities (M, K, n) of the components, from what they are overwriting; weights (M, K)."""
    p = log_densities
    with np.errstate(divide="ignore"):
        p += np.log(weights)[:, :, None]
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p
