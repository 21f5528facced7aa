"""What a fit on simulated data is measured by, and the protocol by which measurements are summarised.

Measuring happens once, when a fit ends (`compute_metrics`): it needs the truth and fresh points, and its
numbers are stored in the row. Summarising over replicates (a `Metric`) happens whenever rows are read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from scipy.optimize import linear_sum_assignment

from mixcompare.draws import Draws
from mixcompare.metrics.fresh import Truth, divergence, predictive
from mixcompare.mixture import MixtureModel
from mixcompare.seeds import stream
from mixcompare.theta import Theta

Bounds = Mapping[str, tuple[Any, Any]]
"""Name -> (lower, upper), arrays over components, on the reporting scale."""

MATCH_POINTS = 500
"""Points of each true component at which components are compared for matching."""


def compute_metrics(
    model: MixtureModel,
    theta: Theta | None,
    intervals: Mapping[str, Bounds],
    truth: Theta | None,
    seed: int,
    data_name: str,
    replicate: int = 0,
    draws: Draws | None = None,
) -> dict[str, Any]:
    """The distances of one end from a known truth, ready for JSON (no nan or infinity: None instead).

    Parameters
    ----------
    model : MixtureModel
    theta : Theta or None
        The end, in full shapes and canonical order.
    intervals : mapping
        Kind ("wald", "posterior", ...) -> name -> (lower, upper) on the reporting scale, arrays over
        components as in `theta`; may be empty.
    truth : Theta or None
        Of the same family; its number of components may differ from the model's.
    seed : int
        Root seed of the study.
    data_name : str
        The scenario: with the seed it fixes the fresh points, the same for all methods.
    replicate : int
        With both it fixes those of the predictive density.
    draws : Draws or None
        Of a posterior, whose mean is `theta`.

    Returns
    -------
    dict
        Empty if there is no end in the parameter space, no truth, or a truth of another family. Else
        `kl`, nats per observation, and `kl_mcse`, the standard error of its integration; `predictive` and
        `predictive_mcse`, the log predictive density less that of the truth (see fresh.py); and, where the
        numbers of components agree, `match` (the component of theta that answers to each true one),
        `errors` name -> (K, ...), estimate minus truth on `model.report_scale`, in the order of the truth;
        `intervals` kind -> {`covered`, `width`}, each name -> (K, ...), 1 or 0 and upper - lower.
    """
    if theta is None or truth is None or model.outside(theta) or not _same_family(theta, truth):
        return {}
    known = Truth(model.family, truth)
    kl, mcse = divergence(model, theta, known, seed, data_name)
    found: dict[str, Any] = {"kl": jsonable(kl), "kl_mcse": jsonable(mcse)}
    gains, errors = predictive(model, theta, draws, known, seed, data_name, replicate)
    found["predictive"] = {name: jsonable(value) for name, value in gains.items()}
    found["predictive_mcse"] = {name: jsonable(value) for name, value in errors.items()}
    if truth.n_components != theta.n_components:
        return found
    match = match_components(model, theta, truth, seed, data_name)
    true_model = MixtureModel(model.family, truth.n_components)
    true, ours = true_model.report_scale(truth), model.report_scale(theta.take(match))
    found["match"] = match.tolist()
    with np.errstate(invalid="ignore"):
        found["errors"] = {name: jsonable(ours[name] - true[name]) for name in true}
    found["intervals"] = {
        kind: _held(bounds, match, true) for kind, bounds in intervals.items() if bounds
    }
    return found


def _held(bounds: Bounds, match: np.ndarray, true: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Whether intervals hold the truth, and their widths."""
    covered, width = {}, {}
    for name, (lower, upper) in bounds.items():
        low = np.asarray(lower, dtype=float)[match]
        high = np.asarray(upper, dtype=float)[match]
        inside = np.where(np.isnan(low + high), np.nan, (low <= true[name]) & (true[name] <= high))
        covered[name], width[name] = jsonable(inside), jsonable(high - low)
    return {"covered": covered, "width": width}


def match_components(
    model: MixtureModel, theta: Theta, truth: Theta, seed: int, data_name: str
) -> np.ndarray:
    """The component of theta (K,) that answers to each true one: the cheapest one-to-one assignment.

    The cost of a pair is KL(true component || component) in nats, averaged over points drawn from the
    true component: it has no units, so rescaling the data changes no assignment. Weights play no part.
    Source: Kuhn (1955), by `scipy.optimize.linear_sum_assignment`.
    """
    x, own = _component_points(Truth(model.family, truth), seed, data_name)
    density = model.family.log_density(x, theta.parameters)
    shortfall = (own[:, None] - density).reshape(truth.n_components, MATCH_POINTS, -1)
    cost = np.nan_to_num(shortfall.mean(axis=1), nan=1e12, posinf=1e12, neginf=-1e12)
    return linear_sum_assignment(np.minimum(cost, 1e12))[1]


def jsonable(values: Any) -> Any:
    """Nested lists (or one number) with None for whatever is not finite."""
    if isinstance(values, np.ndarray) and values.ndim:
        return [jsonable(value) for value in values]
    return float(values) if np.isfinite(values) else None


@dataclass(frozen=True)
class Estimate:
    """One summary over replicates.

    `where` says of which quantity: () for a number of the whole fit, else (parameter, component from 1,
    index from 1, ...). `n_used` of `n_planned` replicates had a usable value.
    """

    where: tuple[Any, ...]
    estimate: float
    mcse: float
    n_used: int
    n_planned: int


class Metric(ABC):
    """A summary over replicates of one quantity of `compute_metrics`. Final subclasses take no arguments."""

    name: ClassVar[str]
    quantity: ClassVar[str]
    """The key of a row's metrics that it uses."""
    unit: ClassVar[str]
    """In words, for the report."""
    of_intervals: ClassVar[bool] = False
    """Whether the quantity belongs to intervals, one value a kind of them."""

    @property
    def within(self) -> str:
        """The key of a row's metrics under which the quantity is found."""
        return "intervals" if self.of_intervals else self.quantity

    @abstractmethod
    def summarise(self, values: np.ndarray) -> tuple[float, float]:
        """The estimate and its Monte Carlo standard error from the usable values (R,), R >= 1.

        The error is nan where one replicate cannot tell.
        """

    def aggregate(self, rows: Sequence[Mapping[str, Any]]) -> list[Estimate]:
        """One Estimate for each entry of the quantity, from one row's metrics a replicate.

        A replicate without a usable end gives an empty mapping; it and values that are None (not finite)
        are not used, but stay in the denominator `n_planned`. Nothing to use: estimate and error are
        nan; if no row shows which entries there are, one Estimate of the whole says so.
        """
        table: dict[tuple[Any, ...], list[float]] = {}
        for row in rows:
            for where, value in entries(row.get(self.quantity)):
                table.setdefault(where, [])
                if value is not None:
                    table[where].append(float(value))
        found = []
        for where, values in table.items():
            used = np.array(values)
            estimate, mcse = self.summarise(used) if used.size else (np.nan, np.nan)
            found.append(Estimate(where, float(estimate), float(mcse), used.size, len(rows)))
        return found or [Estimate((), np.nan, np.nan, 0, len(rows))]


def entries(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """The numbers of nested mappings and lists with their places, lists counted from 1."""
    if isinstance(value, Mapping):
        return [entry for name, inner in value.items() for entry in entries(inner, (*where, name))]
    if isinstance(value, (list, tuple)):
        return [e for k, inner in enumerate(value, 1) for e in entries(inner, (*where, k))]
    return [(where, value)] if where or value is not None else []


def _same_family(theta: Theta, truth: Theta) -> bool:
    """Whether both have the same parameters in the same shapes, the number of components apart."""
    return set(theta) == set(truth) and all(
        theta[name].shape[1:] == truth[name].shape[1:] for name in theta
    )


@lru_cache(maxsize=32)
def _component_points(truth: Truth, seed: int, data_name: str) -> tuple[np.ndarray, np.ndarray]:
    """MATCH_POINTS points of each true component in turn, and their log-densities under it."""
    theta = truth.theta
    labels = np.repeat(np.arange(theta.n_components), MATCH_POINTS)
    x = truth.family.sample(theta.parameters, labels, stream(seed, "match", data_name))
    own = truth.family.log_density(x, theta.parameters)[np.arange(labels.size), labels]
    return x, own
