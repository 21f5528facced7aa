"""The likelihood on a two-parameter slice, and the paths that methods take across it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.data import Dataset, as_dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.base import Estimator
from mixcompare.families.base import Edge
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import FitRecord
from mixcompare.study.named import named_estimators
from mixcompare.study.parameter_words import label
from mixcompare.theta import Theta

Axis = tuple[Any, ...]
"""A scalar parameter: its name, its component from 0, and what more indices it has: ("means", 0, 1)."""


@dataclass(frozen=True)
class Slice:
    """A grid of points that differ from `base` in two scalar parameters.

    A weight that moves leaves the ratios of the others as they are.

    Parameters
    ----------
    model : MixtureModel
        On its data.
    base : Theta
        In full shapes.
    axes : pair of Axis
    ranges : pair of (low, high), in the parameters' own units
    n : int
        Points along each axis.
    columns : tuple of str
        Names of the features.
    """

    model: MixtureModel
    base: Theta
    axes: tuple[Axis, Axis]
    ranges: tuple[tuple[float, float], tuple[float, float]]
    n: int
    columns: tuple[str, ...]

    @property
    def grids(self) -> tuple[np.ndarray, np.ndarray]:
        """Values (n,) along both axes."""
        first, second = (np.linspace(low, high, self.n) for low, high in self.ranges)
        return first, second

    @property
    def names(self) -> tuple[str, str]:
        """The axes in words: "mean 1", of several features "mean 1, waiting"."""
        first, second = (_name(self.base, axis, self.columns) for axis in self.axes)
        return first, second

    def point(self, index: int) -> Theta:
        """Point number `index`: the first axis runs fastest."""
        first, second = self.grids
        return self.at(first[index % self.n], second[index // self.n])

    def at(self, *values: float) -> Theta:
        """The point with these values of the two parameters."""
        theta = self.base
        for axis, value in zip(self.axes, values, strict=True):
            theta = _moved(self.model, theta, axis, float(value))
        return theta

    def project(self, theta: Theta) -> tuple[float, float]:
        """The two parameters of any point."""
        first, second = (float(theta[axis[0]][axis[1:]]) for axis in self.axes)
        return first, second


@dataclass(frozen=True)
class Landscape:
    """Log-likelihood (n, n), nats, on a slice: rows along the second axis. Not finite outside the domain."""

    slice: Slice
    loglik: np.ndarray


@dataclass(frozen=True)
class Path:
    """Where one method went from one start, projected on a slice.

    Parameters
    ----------
    method : str
    points : ndarray (m, 2)
        Every evaluation, in order; those of differences and line searches are among them.
    loglik : ndarray (m,), nats
    finding : str
        What its end was found to be.
    record : FitRecord or None
        The whole fit, where it was made for this path.
    """

    method: str
    points: np.ndarray
    loglik: np.ndarray
    finding: str
    record: FitRecord | None = None

    @property
    def steps(self) -> np.ndarray:
        """(k, 2): the evaluations that were better than all before them."""
        value = np.where(np.isfinite(self.loglik), self.loglik, -np.inf)
        best = np.maximum.accumulate(value) if value.size else value
        return self.points[best > np.append(-np.inf, best[:-1])]


def make_slice(
    model: MixtureModel,
    data: Any,
    base: Theta,
    axes: Sequence[Axis],
    ranges: Sequence[tuple[float, float]],
    n: int,
) -> Slice:
    """A slice, checked: SpecError for axes and ranges that are none, DataError for a base that is none."""
    dataset = as_dataset(data)
    bound = model.on(dataset)
    base = bound.as_start(base, dataset)
    if len(axes) != 2 or len(ranges) != 2:
        raise SpecError(
            f"axes: expected two, each with its range, got {len(axes)} axes and {len(ranges)} ranges"
        )
    full, columns = [_axis(base, axis) for axis in axes], tuple(dataset.columns)
    if full[0] == full[1]:
        raise SpecError(
            f"axes: expected two different parameters, got {_name(base, full[0], columns)} twice"
        )
    limits = [
        _range(_name(base, axis, columns), pair) for axis, pair in zip(full, ranges, strict=True)
    ]
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 2:
        raise SpecError(f"n: expected a whole number of at least 2, got {n!r}")
    return Slice(bound, base, (full[0], full[1]), (limits[0], limits[1]), int(n), columns)


def surface(
    model: MixtureModel,
    data: Any,
    base: Theta,
    axes: Sequence[Axis],
    ranges: Sequence[tuple[float, float]],
    n: int = 100,
    *,
    counts: Any = None,
) -> Landscape:
    """The log-likelihood on a two-parameter slice through `base`, n x n passes.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    base : Theta
        All other parameters.
    axes : two of (name, component from 0, further indices)
        For example ("means", 0), or ("means", 0, 1) of several features.
    ranges : two of (low, high)
    n : int
        Points along each axis.
    counts : array (n,), optional
        Multiplicities of the rows.
    """
    dataset = as_dataset(data, counts)
    cut = make_slice(model, dataset, base, axes, ranges, n)
    return evaluate(cut, dataset)


def evaluate(cut: Slice, data: Dataset) -> Landscape:
    """The log-likelihood on a slice that is there already."""
    problem = Problem(cut.model, data)
    values = np.full(cut.n * cut.n, np.nan)
    for index in range(values.size):
        theta = cut.point(index)
        if not cut.model.outside(theta):
            values[index] = problem.log_likelihood(theta)
    return Landscape(cut, values.reshape(cut.n, cut.n))


def paths(
    landscape: Landscape,
    data: Any,
    methods: Sequence[str | Estimator],
    start: Theta | None = None,
    *,
    counts: Any = None,
    seed: int = 0,
    **options: Any,
) -> list[Path]:
    """The way of every method from one start (the slice's base by default) across a landscape.

    Parameters move that the slice holds: a path is a projection, and its end need not lie on the drawn
    surface. `options` are given to each method that has them.
    """
    cut, dataset = landscape.slice, as_dataset(data, counts)
    found = []
    for name, estimator in named_estimators(methods, options).items():
        if estimator.chains:
            raise SpecError(f"methods: expected methods that go from point to point, got {name}")
        point = cut.base if start is None else start
        record = fit(cut.model, dataset, estimator, point, seed, keep_points=True)
        trajectory = record.trajectory
        points = np.array([cut.project(theta) for theta in trajectory.theta]).reshape(-1, 2)
        found.append(Path(name, points, trajectory.loglik, record.finding, record))
    return found


def _name(base: Theta, axis: Axis, columns: tuple[str, ...]) -> str:
    name, *place = axis
    return label(name, place, columns, base[name].shape)


def _moved(model: MixtureModel, theta: Theta, axis: Axis, value: float) -> Theta:
    name, component, *index = axis
    if name == "weights":
        others = np.arange(theta.n_components) != component
        weights = np.where(others, theta.weights, value)
        weights[others] *= (1.0 - value) / weights[others].sum()
        return Theta(weights, **theta.parameters)
    edge = Edge(name, component, name, tuple(index), value)
    return Theta(theta.weights, **model.family.moved(theta.parameters, edge, value))


def _axis(base: Theta, axis: Axis) -> Axis:
    """The axis with all its indices, zeros where there is no choice; SpecError if it is none."""
    names = dict(base.items())
    name = axis[0] if isinstance(axis, tuple) and axis else axis
    if name not in names:
        raise SpecError(
            f"axes: expected the name of a parameter ({', '.join(names)}) and a component, got {axis!r}."
            f"{nearest(str(name), names)}"
        )
    shape = names[name].shape
    free = [size for size in shape[1:] if size > 1]
    index = list(axis[1:])
    if len(index) == 1 and not free:
        index += [0] * (len(shape) - 1)
    whole = all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in index)
    if len(index) != len(shape) or not whole:
        raise SpecError(f"axes: expected {len(shape)} whole numbers after {name!r}, got {axis!r}")
    if any(not 0 <= i < size for i, size in zip(index, shape, strict=True)):
        raise SpecError(f"axes: expected indices from 0 within {shape} for {name!r}, got {axis!r}")
    return (name, *map(int, index))


def _range(name: str, pair: Any) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in pair)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not (np.isfinite([low, high]).all() and low < high):
        raise SpecError(f"ranges: expected two numbers, low < high, for {name}, got {pair!r}")
    return low, high
