"""What is planned: data, models, methods and starts, all crossed. A study file and `compare` become one."""

from __future__ import annotations

from dataclasses import dataclass, field

from mixcompare.data import Dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.base import Estimator
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.study.landscape import Slice
from mixcompare.study.sources import Source
from mixcompare.theta import Theta

FURTHER = ("profile", "bootstrap")
"""Kinds of intervals that can be asked for."""


@dataclass(frozen=True)
class Starts:
    """`n` starts of a scheme, or the given points (then n is their number)."""

    scheme: str | tuple[Theta, ...]
    n: int

    def of(self, n_components: int) -> Starts:
        """Those of a model: all of a scheme, and the given points with as many components."""
        if isinstance(self.scheme, str):
            return self
        points = tuple(theta for theta in self.scheme if theta.n_components == n_components)
        return Starts(points, len(points))


@dataclass(frozen=True, eq=False)
class PlannedData:
    """One source of data, its replicates, its starts, and its replicate 0 as loaded for the checks."""

    source: Source
    replicates: int
    starts: Starts
    first: Dataset


@dataclass(frozen=True)
class PlannedModel:
    """A model, and the names of the data it is for."""

    model: MixtureModel
    data: frozenset[str]


@dataclass(frozen=True)
class PlannedMethod:
    """A method as its rows call it, the names of the data it is for, and its limit of replicates."""

    label: str
    estimator: Estimator
    data: frozenset[str]
    replicates: int | None = None


@dataclass(frozen=True)
class AskedIntervals:
    """Kinds of intervals that methods' best ends have besides Wald's; `replicates` of the bootstrap.

    Raises SpecError for other kinds than those of `FURTHER`, or one that is there twice.
    """

    kinds: tuple[str, ...] = ()
    replicates: int = 500

    def __post_init__(self) -> None:
        for j, kind in enumerate(self.kinds):
            twice = kind in self.kinds[:j]
            if kind not in FURTHER or twice:
                raise SpecError(
                    f"expected each of {', '.join(FURTHER)} at most once (Wald intervals come with every "
                    f'maximum), got "{kind}"{" twice" if twice else ""}.{nearest(kind, FURTHER)}'
                )


@dataclass(frozen=True, eq=False)
class PlannedSlice:
    """A slice of the likelihood of a model on data (replicate 0), and the methods started all over it.

    `paths`: of the fits that start on it and whose history is kept. `digest` says, to the last digit,
    what it is.
    """

    name: str
    data: PlannedData
    model: MixtureModel
    cut: Slice
    methods: tuple[PlannedMethod, ...]
    paths: bool
    digest: str


@dataclass(frozen=True)
class KeptHistory:
    """Fits whose parameters are kept: the first starts of the first replicates, of some methods and data."""

    starts: int
    replicates: int
    methods: frozenset[str]
    data: frozenset[str]
    points: int

    def points_of(self, data: str, replicate: int, method: PlannedMethod, start: int) -> int:
        """Evaluations that are kept of a fit at most; 0 for one that is not meant, or draws."""
        meant = (
            data in self.data
            and method.label in self.methods
            and replicate < self.replicates
            and start < self.starts
            and not method.estimator.chains
        )
        return self.points if meant else 0


@dataclass(frozen=True)
class Design:
    """Everything that is crossed with everything, under one root seed."""

    seed: int
    data: tuple[PlannedData, ...]
    models: tuple[PlannedModel, ...]
    methods: tuple[PlannedMethod, ...]
    budget: Budget = field(default_factory=Budget)
    verify: bool = True
    intervals: AskedIntervals = field(default_factory=AskedIntervals)
    history: KeptHistory | None = None
    slices: tuple[PlannedSlice, ...] = ()

    @property
    def digests(self) -> dict[str, str]:
        """Name -> digest of the data that are not simulated."""
        return {d.source.name: d.first.digest for d in self.data if not d.source.simulated}
