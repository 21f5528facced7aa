"""Point estimates and posteriors with all their intervals, components numbered alike throughout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.draws import Draws, from_tree
from mixcompare.metrics.base import match_components
from mixcompare.mixture import MixtureModel
from mixcompare.report import words
from mixcompare.report.figures.posterior import Estimate, Parameter
from mixcompare.report.view import Case, View
from mixcompare.study.parameter_words import label
from mixcompare.study.words import listed
from mixcompare.theta import Theta

MOST = 24
"""Parameters drawn at most; a table holds the rest."""


def parameters(view: View, case: Case) -> list[Parameter | None]:
    """One entry a parameter on the reporting scale, methods in the study's order; first replicate.

    Of each method its best end: the highest log-likelihood among sound ends, else among all with a
    point. One numbering of components is shared by all methods: that of the best sound point estimate,
    to which the components of every other end, and of a posterior's mean with all its draws, are matched
    (`match_components`). Sound point estimates that agree stand together. Weights of two components
    mirror each other, so the first stands for both; with two components None fills the places of a grid
    two wide.
    """
    model, dataset = case.model, case.dataset
    if model is None or dataset is None:
        return []
    found = {method: best_end(case.first, method) for method in case.methods}
    rows = {method: row for method, row in found.items() if row is not None}
    if not rows:
        return []
    first = reference(case)
    ends = [_End(method, row, model, dataset, first) for method, row in rows.items()]
    for end in ends:
        end.draw(model, draws_of(view, case, end.row))
    groups = _groups(ends)
    truth = _truth(model, case.truth)
    places: list[Parameter | None] = []
    for name, index in _indices(model, ends[0].values):
        estimates = [one for group in groups for one in _estimates(group, name, index)]
        true = float(truth[name][index]) if name in truth else np.nan
        shape = ends[0].values[name].shape
        title = label(name, index, dataset.columns, shape, words.PARAMETERS)
        places.append(Parameter(title, estimates, true))
        if name == "logit_weights" and model.n_components == 2:
            places.append(None)
    return places


def reference(case: Case) -> Theta | None:
    """The end whose numbering of components all others take: the best sound point estimate, if any."""
    model, dataset = case.model, case.dataset
    points = case.first[~case.first["sampler"] & ~case.first["narrow"]]
    points = points[(points["sound"] == True) & points["end"].notna()]  # noqa: E712 - None is not True
    if model is None or dataset is None or points.empty:
        return None
    best = points.sort_values("loglik", ascending=False, kind="stable").iloc[0]
    return model.conform(best["end"], dataset.n_features)


def numbering(model: MixtureModel, theta: Theta, first: Theta | None) -> np.ndarray:
    """The component of theta (K,) that answers to each of the reference; as they are without one."""
    if first is None or model.n_components == 1 or model.outside(theta):
        return np.arange(model.n_components)
    return match_components(model, theta, first, 0, "report")


def refusals(case: Case) -> list[str]:
    """Why methods' best ends have no further intervals, each reason once; first replicate."""
    kinds: dict[str, dict[str, str]] = {}
    for cell in case.first["intervals"]:
        for kind, found in (cell or {}).items():
            if found["refused"]:
                kinds.setdefault(found["refused"].removeprefix(kind), {})[kind] = found["refused"]
    return [
        f"No {listed(list(reasons))} intervals: {next(iter(reasons.values()))}."
        for reasons in kinds.values()
    ]


class _End:
    """A method's best end on the reporting scale, components numbered as in the reference."""

    def __init__(
        self,
        method: str,
        row: pd.Series,
        model: MixtureModel,
        dataset: Dataset,
        first: Theta | None,
    ) -> None:
        self.method, self.row = method, row
        theta = model.conform(row["end"], dataset.n_features)
        self.match = numbering(model, theta, first)
        self.values = model.report_scale(theta.take(self.match))
        self.draws: dict[str, np.ndarray] = {}
        self.sound = row["sound"] is not False

    def draw(self, model: MixtureModel, draws: Draws | None) -> None:
        """Take draws (draws, K, ...) on the reporting scale, numbered like their mean."""
        if draws is not None:
            order = np.broadcast_to(self.match, draws.weights.shape)
            ours = draws.relabelled(order)
            scaled = model.report_scales(ours.weights, ours.parameters)
            self.draws = {n: v.reshape(-1, *v.shape[2:]) for n, v in scaled.items()}

    @property
    def kinds(self) -> dict[str, Mapping[str, Any]]:
        """Intervals by kind; the first is the method's own."""
        drawn, wald = self.row["posterior_intervals"] or {}, self.row["wald"] or {}
        own = {"posterior": drawn} if drawn else {"wald": wald} if wald else {"": {}}
        further = self.row["intervals"] or {}
        return own | {kind: found["bounds"] for kind, found in further.items() if found["bounds"]}

    def interval(
        self, name: str, index: tuple[int, ...], kind: str | None = None
    ) -> tuple[float, float]:
        """Of one parameter, by default the method's own; nan where there is none."""
        kinds = self.kinds
        bounds = kinds[next(iter(kinds)) if kind is None else kind]
        if name not in bounds:
            return np.nan, np.nan
        low, high = (
            np.array(b, dtype=float).reshape(self.values[name].shape)[self.match]
            for b in bounds[name]
        )
        return float(low[index]), float(high[index])

    def agrees(self, other: _End) -> bool:
        """Whether both are sound points that differ by less than a hundredth of the interval's width."""
        if self.row["sampler"] or other.row["sampler"] or not (self.sound and other.sound):
            return False
        for name, values in self.values.items():
            for index in zip(*np.nonzero(~np.isnan(values)), strict=True):
                low, high = self.interval(name, index)
                known = np.isfinite(low) and np.isfinite(high)
                near = 0.01 * (high - low) if known else 1e-3 * abs(values[index])
                mine, theirs = values[index], other.values[name][index]
                if not (mine == theirs or abs(mine - theirs) <= near):  # equal infinities agree
                    return False
        return True


def _groups(ends: list[_End]) -> list[list[_End]]:
    groups: list[list[_End]] = []
    for end in ends:
        group = next((group for group in groups if group[0].agrees(end)), None)
        if group is None:
            groups.append([end])
        else:
            group.append(end)
    return groups


def best_end(rows: pd.DataFrame, method: str) -> pd.Series | None:
    """The row of a method's best end, or None if it has none."""
    mine = rows[(rows["method"] == method) & rows["end"].notna() & np.isfinite(rows["loglik"])]
    if mine.empty:
        return None
    sound = mine[(mine["sound"] == True) & ~mine["narrow"]]  # noqa: E712 - None is not True
    chosen = sound if len(sound) else mine
    return chosen.loc[chosen["loglik"].idxmax()]


def _indices(model: MixtureModel, values: dict[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    """Parameters in order, those of equal meaning side by side, components running fastest."""
    places = []
    for name, array in values.items():
        inner = sorted(np.ndindex(array.shape), key=lambda index: (index[1:], index[0]))
        inner = [index for index in inner if not np.isnan(array[index])]  # no padding
        mirrored = name == "logit_weights" and model.n_components <= 2
        places += [
            (name, index) for index in (inner[: model.n_components - 1] if mirrored else inner)
        ]
    return places[:MOST]


def _estimates(group: list[_End], name: str, index: tuple[int, ...]) -> list[Estimate]:
    """The estimate of ends that agree, with the interval of each kind."""
    end = group[0]
    every = end.draws.get(name)
    drawn = np.empty(0) if every is None else np.moveaxis(every, 0, -1)[index]
    methods, value = tuple(member.method for member in group), float(end.values[name][index])
    return [
        Estimate(
            methods,
            value,
            *end.interval(name, index, kind),
            end.sound,
            np.empty(0) if i else drawn,
            words.INTERVALS.get(kind, kind),
            further=i > 0,
        )
        for i, kind in enumerate(end.kinds)
    ]


def draws_of(view: View, case: Case, row: pd.Series) -> Draws | None:
    """The relabelled draws behind a row; None where there are none, or not all parameters."""
    model, dataset = case.model, case.dataset
    if model is None or dataset is None or not isinstance(row.get("draws"), str):
        return None
    tree = view.results.draws(row["draws"]) if row["draws"] else None
    names = ("weights", *model.family.shapes(dataset.n_features))
    if tree is None or any(name not in tree["posterior"] for name in names):
        return None
    return from_tree(model, dataset.n_features, tree)


def _truth(model: MixtureModel, truth: Theta | None) -> dict[str, np.ndarray]:
    if truth is None or truth.n_components != model.n_components:
        return {}
    return model.report_scale(model.canonical(truth)[0])
