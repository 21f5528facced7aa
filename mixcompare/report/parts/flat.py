"""Where the likelihood is flat: the parameters that a ridge runs through, and how high it is around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.inference.base import Place, flat, jacobian, places
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.report.figures.ridge import Points, Ridge, Slice
from mixcompare.report.parts.intervals import numbering
from mixcompare.report.view import Case
from mixcompare.study.parameter_words import label
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface

INVOLVED = 0.3
"""Part of a parameter's gradient that must lie along flat directions for the ridge to run through it."""

MOST_DRAWS = 600
"""Draws shown of a posterior."""

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Quantiles of the third parameter at which the likelihood is shown."""

FINE, COARSE, MANY = 61, 31, 500
"""Points of the grid along each axis, fewer of them above so many distinct rows."""


def picture(
    case: Case,
    ridges: Mapping[str, pd.Series],
    first: Theta | None,
    draws: Mapping[str, Draws],
) -> Ridge | None:
    """What to draw of the ridge on which methods' best ends lie; None without two parameters to draw.

    `first` gives the numbering of components. Every end of the first replicate that is as good as the best
    is shown, and draws by method.
    """
    model, dataset = case.model, case.dataset
    if model is None or dataset is None or not ridges:
        return None
    row = max(ridges.values(), key=lambda one: float(one["loglik"]))
    theta = _numbered(model, dataset, row["end"], first)
    chosen = involved(model, dataset, theta, len(row["null_directions"] or []))
    if len(chosen) < 2:
        return None
    points = [
        Points(method, _values(ends, chosen))
        for method in case.methods
        if (ends := _ends(case, method, first))
    ]
    for method, of in draws.items():
        order = numbering(model, of.mean(), first)
        drawn = [one.take(order) for one in of.spread(MOST_DRAWS)]
        points.append(Points(method, _values(drawn, chosen), drawn=True))
    names = [label(name, index, dataset.columns, theta[name].shape) for name, index in chosen]
    at = np.concatenate([p.at for p in points])
    x, y = (_span(at[:, i], dataset) for i in (0, 1))
    slices = _slices(model, dataset, theta, chosen, x, y, at)
    below = np.concatenate([slice_.below.ravel() for slice_ in slices])
    near = float(np.nanquantile(below, 0.03)) if np.isfinite(below).any() else 0.0
    return Ridge(names, points, x, y, slices, float(f"{max(near, 0.01):.1g}"))


def involved(model: MixtureModel, dataset: Dataset, theta: Theta, n_flat: int) -> list[Place]:
    """At most three natural parameters that the ridge at theta runs through, most of all first two.

    By the part of a parameter's gradient that lies along the `n_flat` flattest directions, which does not
    depend on units. Parameters of components come before a weight, of which there is one at most.
    """
    surface = Surface(model, dataset, theta)
    origin = np.zeros(surface.free.size)
    local = surface.quadratic(origin)
    null = local.basis[:, np.argsort(np.abs(local.curvature))[:n_flat]]
    slopes = jacobian(lambda delta: flat(dict(surface.theta(delta))), origin)
    length = np.linalg.norm(slopes, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(length > 0, np.linalg.norm(slopes @ null, axis=1) / length, 0.0)
    every = [
        (float(part), place)
        for part, place in zip(share, places(dict(theta)), strict=True)
        if part > INVOLVED and not _mirrored(place)
    ]
    every.sort(
        key=lambda pair: -round(pair[0], 6)
    )  # the first of those that only rounding tells apart
    inner = [place for _, place in every if place[0] != "weights"]
    weights = [place for _, place in every if place[0] == "weights"][:1]
    plane = sorted([*inner, *weights][:2], key=lambda place: (place[0] == "weights", *place))
    third = [place for _, place in every if place in [*inner, *weights] and place not in plane][:1]
    return plane + third


def _mirrored(place: Place) -> bool:
    """An entry of a symmetric matrix above its diagonal."""
    _, index = place
    return len(index) == 3 and index[2] > index[1]


def _numbered(model: MixtureModel, dataset: Dataset, end: Theta, first: Theta | None) -> Theta:
    theta = model.conform(end, dataset.n_features)
    return theta.take(numbering(model, theta, first))


def _ends(case: Case, method: str, first: Theta | None) -> list[Theta]:
    rows = case.first[(case.first["method"] == method) & (case.first["reached"] == True)]  # noqa: E712
    model, dataset = case.model, case.dataset
    if model is None or dataset is None:
        return []
    return [_numbered(model, dataset, end, first) for end in rows["end"] if end is not None]


def _values(points: Sequence[Theta], chosen: Sequence[Place]) -> np.ndarray:
    return np.array([[theta[name][index] for name, index in chosen] for theta in points])


def _span(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """A grid over nearly all the points."""
    low, high = np.quantile(values, 0.005), np.quantile(values, 0.995)
    pad = 0.05 * (high - low) or 0.05 * abs(low) or 0.5
    size = FINE if dataset.distinct.n_rows <= MANY else COARSE
    return np.linspace(low - pad, high + pad, size)


def _slices(
    model: MixtureModel,
    dataset: Dataset,
    theta: Theta,
    chosen: Sequence[Place],
    x: np.ndarray,
    y: np.ndarray,
    at: np.ndarray,
) -> list[Slice]:
    """Nats below the log-likelihood of theta on the grid, at some values of the third parameter."""
    problem = Problem(model, dataset)
    best = problem.log_likelihood(theta)
    thirds = np.unique(np.quantile(at[:, 2], LEVELS)) if len(chosen) > 2 else [np.nan]
    found = []
    for third in thirds:
        below = np.full((y.size, x.size), np.nan)
        for i, j in np.ndindex(below.shape):
            point = _moved(theta, chosen, (float(x[j]), float(y[i]), float(third)))
            if not model.outside(point):
                below[i, j] = best - problem.log_likelihood(point)
        found.append(Slice(below, float(third)))
    return found


def _moved(theta: Theta, chosen: Sequence[Place], values: Sequence[float]) -> Theta:
    """The point with some parameters set; the other weights keep their proportions."""
    arrays = {name: value.copy() for name, value in theta.items()}
    for (name, index), value in zip(chosen, values, strict=False):
        arrays[name][index] = value
        if len(index) == 3:
            arrays[name][index[0], index[2], index[1]] = value
        if name == "weights":
            others = np.arange(theta.n_components) != index[0]
            arrays[name][others] *= (1 - value) / arrays[name][others].sum()
    return Theta(arrays.pop("weights"), **arrays)
