"""Point estimates with Wald intervals beside posterior means with posterior intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.report import words
from mixcompare.report.figures.posterior import Estimate, Parameter
from mixcompare.report.view import Case, View
from mixcompare.theta import Theta

MOST = 24
"""Parameters drawn at most; a table holds the rest."""


def parameters(view: View, case: Case) -> list[Parameter | None]:
    """One entry a parameter on the reporting scale, methods in the study's order; first replicate.

    Of each method its best end: the highest log-likelihood among sound ends, else among all with a
    point. Sound point estimates that agree stand together. Weights of two components mirror each other,
    so the first stands for both; with two components None fills the places of a grid two wide.
    """
    model, dataset = case.model, case.dataset
    if model is None or dataset is None:
        return []
    found = {method: best_end(case.first, method) for method in case.methods}
    ends = [_End(method, row, model, dataset) for method, row in found.items() if row is not None]
    if not ends:
        return []
    for end in ends:
        end.draws = _draws(view, model, dataset.n_features, end.row)
    groups = _groups(ends)
    truth = _truth(model, case.truth)
    places: list[Parameter | None] = []
    for name, index in _indices(model, ends[0].values):
        estimates = [_estimate(group, name, index) for group in groups]
        true = float(truth[name][index]) if name in truth else np.nan
        places.append(Parameter(label(name, index, dataset.columns), estimates, true))
        if name == "logit_weights" and model.n_components == 2:
            places.append(None)
    return places


class _End:
    """A method's best end on the reporting scale."""

    def __init__(self, method: str, row: pd.Series, model: MixtureModel, dataset: Dataset) -> None:
        self.method, self.row = method, row
        self.values = model.report_scale(model.conform(row["end"], dataset.n_features))
        self.draws: dict[str, np.ndarray] = {}
        self.sound = row["sound"] is not False

    def interval(self, name: str, index: tuple[int, ...]) -> tuple[float, float]:
        """Of one parameter; nan where there is none."""
        intervals = self.row["posterior_intervals"] or self.row["wald"] or {}
        if name not in intervals:
            return np.nan, np.nan
        low, high = (
            np.array(b, dtype=float).reshape(self.values[name].shape) for b in intervals[name]
        )
        return float(low[index]), float(high[index])

    def agrees(self, other: _End) -> bool:
        """Whether both are sound points that differ by less than a hundredth of the interval's width."""
        if self.row["sampler"] or other.row["sampler"] or not (self.sound and other.sound):
            return False
        for name, values in self.values.items():
            for index in zip(*np.nonzero(~np.isnan(values)), strict=True):
                low, high = self.interval(name, index)
                near = 0.01 * (high - low) if np.isfinite(high - low) else 1e-3 * abs(values[index])
                if not abs(values[index] - other.values[name][index]) <= near:
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


def label(name: str, index: tuple[int, ...], columns: tuple[str, ...]) -> str:
    """For example "mean 2" or "mean 2, waiting"."""
    text = f"{words.PARAMETERS.get(name, name)} {index[0] + 1}"
    if len(index) > 1 and len(columns) > 1:
        inner = index[1]
        text += f", {columns[inner]}" if inner < len(columns) else f", entry {inner + 1}"
    return text + "".join(f", level {level + 1}" for level in index[2:])


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


def _estimate(group: list[_End], name: str, index: tuple[int, ...]) -> Estimate:
    end = group[0]
    low, high = end.interval(name, index)
    every = end.draws.get(name)
    drawn = (
        np.empty(0)
        if every is None
        else every.reshape(len(every), -1)[:, np.ravel_multi_index(index, every.shape[1:])]
    )
    methods = tuple(member.method for member in group)
    return Estimate(methods, float(end.values[name][index]), low, high, end.sound, drawn)


def _draws(
    view: View, model: MixtureModel, n_features: int, row: pd.Series
) -> dict[str, np.ndarray]:
    """Relabelled draws on the reporting scale, name -> (draws, K, ...); empty where there are none."""
    if not isinstance(row.get("draws"), str) or not row["draws"]:
        return {}
    tree = view.results.draws(row["draws"])
    if tree is None:
        return {}
    stored = tree["posterior"].to_dataset()
    shapes = {"weights": (), **model.family.shapes(n_features)}
    K = model.n_components
    if any(name not in stored for name in shapes):
        return {}
    natural = {
        name: np.asarray(stored[name]).reshape(-1, K, *shape) for name, shape in shapes.items()
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = natural.pop("weights")
        logits = np.log(weights) - np.log1p(-weights)
        rest = [
            model.family.report_scale({n: v[i] for n, v in natural.items()})
            for i in range(len(logits))
        ]
    return {
        "logit_weights": logits,
        **{name: np.array([r[name] for r in rest]) for name in rest[0]},
    }


def _truth(model: MixtureModel, truth: Theta | None) -> dict[str, np.ndarray]:
    if truth is None or truth.n_components != model.n_components:
        return {}
    return model.report_scale(model.canonical(truth)[0])
