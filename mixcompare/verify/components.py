"""Components that are no proper ones: collapsed, coinciding, empty, or resting on a few rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mixcompare.blocks import blocks
from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta
from mixcompare.verify.policy import Policy

FAR = 600.0
"""Nats between two densities from where the larger stands for their sum; exp of it is still finite."""


def collapsed(model: MixtureModel, data: Dataset, theta: Theta, policy: Policy) -> list[int]:
    """Components whose likelihood is unbounded where they stand.

    Their spread is next to nothing, or it is small and one more M-step shrinks it further: they rest on
    tied observations (d = 1) or in a hyperplane (d >= 2). A narrow but genuine optimum, held up by two or
    more distinct observations, is stationary and stays.
    """
    return collapse(model, data, theta, policy)[0]


def collapse(
    model: MixtureModel, data: Dataset, theta: Theta, policy: Policy
) -> tuple[list[int], dict[str, float]]:
    """Components that have collapsed, and how near each test of it was (`Verdict.margins`)."""
    family = model.family
    spread = family.spread(family.to_frame(theta.parameters, family.frame(data)))
    suspects = np.flatnonzero(spread < policy.suspect)
    margins = {"suspect": float(spread.min() / policy.suspect)}
    if not suspects.size:
        return [], margins
    ratio = family.contraction(data, theta.parameters, model.responsibilities(data.x, theta))
    gone = (spread < policy.collapsed) | ((spread < policy.suspect) & (ratio < policy.contracting))
    margins["collapsed"] = nearest(spread[suspects] / policy.collapsed)
    margins["contracting"] = nearest(ratio[suspects] / policy.contracting)
    return [int(k) for k in np.flatnonzero(gone)], margins


def nearest(margins: Sequence[float] | np.ndarray) -> float:
    """Of several margins (values over their threshold) that on which a verdict hangs: the nearest to 1."""
    values = np.asarray(margins, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(np.log(np.maximum(values, 0.0)))
    return float(values[np.argmin(np.where(np.isnan(distance), np.inf, distance))])


def coinciding(
    model: MixtureModel, data: Dataset, theta: Theta, policy: Policy
) -> tuple[list[tuple[int, int]], float]:
    """Pairs of components with equal densities wherever they matter; the margin of the nearest pair.

    Compared is the root mean squared difference of log-densities over the observations, weighted by the
    two components' responsibilities: free of units, and blind to labels.
    """
    K = model.n_components
    weight, squares = np.zeros((K, K)), np.zeros((K, K))
    for rows in blocks(data.n_rows):
        x, counts = data.part(rows)
        shares = model.responsibilities(x, theta) * counts[:, None]
        log_density = model.family.log_density(x, theta.parameters)
        for j, k in zip(*np.triu_indices(K, 1), strict=True):
            both = shares[:, j] + shares[:, k]
            with np.errstate(
                invalid="ignore"
            ):  # where both exclude a point, neither has weight there
                difference = np.where(both > 0, log_density[:, j] - log_density[:, k], 0.0)
            weight[j, k] += both.sum()
            squares[j, k] += both @ difference**2
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(weight > 0, np.sqrt(squares / weight) / policy.coincide, np.inf)
    return [(int(j), int(k)) for j, k in np.argwhere(apart < 1)], float(apart.min())


def narrowness(model: MixtureModel, data: Dataset, theta: Theta) -> tuple[float, float, bool]:
    """Smallest/largest spread, expected count of the lightest component, and whether that is narrow."""
    family = model.family
    framed = family.to_frame(theta.parameters, family.yardstick(data))
    with np.errstate(invalid="ignore"):
        ratio = float(family.spread(framed).min() / family.extent(framed).max())
    count = float(data.n * theta.weights.min())
    limit, least = family.narrow_limits(data.n_features)
    return ratio, count, bool(ratio < limit or count < least)


def empty_component_gain(model: MixtureModel, data: Dataset, theta: Theta, policy: Policy) -> float:
    """Nats to be gained by giving an empty component some weight, at the best place found for it.

    Lindsay's gradient function D(f) = sum_i c_i f(x_i) / f_mix(x_i) - n (Lindsay 1983, Ann. Statist. 11,
    86-94) is climbed by EM steps of the new component alone, from up to 20 observations spread over the
    data, short of collapse; `theta` is the mixture without the empty component. 0 if no D > 0 is found.
    """
    base = model.log_density(data.x, theta)
    present = model.responsibilities(data.x, theta)
    order = np.lexsort(data.x.T[::-1])
    rows = data.x[np.unique(order[np.linspace(0, order.size - 1, 20).astype(int)])]
    return max(0.0, *(_place(model, data, theta, base, present, row, policy) for row in rows))


def _place(
    model: MixtureModel,
    data: Dataset,
    theta: Theta,
    base: np.ndarray,
    present: np.ndarray,
    row: np.ndarray,
    policy: Policy,
) -> float:
    """Best gain on the climb of one new component from one observation."""
    family, frame = model.family, model.family.frame(data)
    at = np.repeat(row[None], model.n_components + 1, axis=0)
    candidate = {name: value[-1:] for name, value in family.components_at(at, data).items()}
    there = family.to_frame(theta.parameters, frame)
    framed, best = family.to_frame(candidate, frame), 0.0
    for _ in range(30):
        density = family.log_density(data.x, candidate)[:, 0]
        best = max(best, _weight_gain(data, base, density))
        # The share is far too small to move the components that are there, shared parameters included.
        share = 1e-9 * np.exp(density - base - (density - base).max())
        every = {name: np.concatenate([there[name], framed[name]]) for name in there}
        moved = family.mle(family.sums(data, np.column_stack([present, share]), every))
        framed = {name: value[-1:] for name, value in moved.items()}
        candidate = family.from_frame(framed, frame)
        if family.outside(candidate) or family.spread(framed)[0] < policy.suspect:
            break
    return best


def _weight_gain(data: Dataset, base: np.ndarray, density: np.ndarray) -> float:
    """Best gain over weights w of (1 - w) f_mix + w f on a grid: sum_i c_i log(1 + w (f / f_mix - 1))."""
    with np.errstate(invalid="ignore"):
        above = density - base
    ratio = np.expm1(np.minimum(above, FAR))
    beyond = np.maximum(above - FAR, 0.0)  # there log(1 + w e^t) = log(1 + w e^FAR) + t - FAR
    gains = [data.weights @ (np.log1p(w * ratio) + beyond) for w in 10.0 ** np.arange(-6, 0, 0.5)]
    return float(np.nanmax(gains))
