"""Point estimates with Wald intervals beside posterior means with posterior intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mixcompare.mixture import MixtureModel
from mixcompare.report import words
from mixcompare.report.figures.posterior import Estimate, Parameter
from mixcompare.report.view import Case, View
from mixcompare.theta import Theta

MOST = 24
"""Parameters drawn at most; a table holds the rest."""


def parameters(view: View, case: Case) -> list[Parameter]:
    """One entry a parameter on the reporting scale, methods in the study's order; replicate 0.

    Of each method its best end: the highest log-likelihood among sound ends, else among all with a
    point. Weights of two components mirror each other, so the first stands for both.
    """
    model, dataset = case.model, case.dataset
    if model is None or dataset is None:
        return []
    ends = {method: best_end(case.first, method) for method in case.methods}
    ends = {method: row for method, row in ends.items() if row is not None}
    points = {method: model.conform(row["end"], dataset.n_features) for method, row in ends.items()}
    scales = {method: model.report_scale(theta) for method, theta in points.items()}
    draws = {method: _draws(view, model, dataset.n_features, row) for method, row in ends.items()}
    truth = _truth(model, case.truth)
    found = []
    for name, index in _places(model, scales):
        estimates = [
            _estimate(method, row, scales[method][name], name, index, draws[method])
            for method, row in ends.items()
        ]
        true = float(truth[name][index]) if name in truth else np.nan
        found.append(Parameter(label(name, index, dataset.columns), estimates, true))
    return found


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
    return text


def _places(model: MixtureModel, scales: dict[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    first = next(iter(scales.values()), {})
    places = []
    for name, values in first.items():
        for index in np.ndindex(values.shape):
            if name == "logit_weights" and (model.n_components == 1 or (model.n_components == 2 and index[0])):
                continue
            places.append((name, index))
    return places[:MOST]


def _estimate(
    method: str, row: pd.Series, values: np.ndarray, name: str, index: tuple[int, ...], draws: dict[str, Any]
) -> Estimate:
    intervals = row["posterior_intervals"] or row["wald"] or {}
    low, high = np.nan, np.nan
    if name in intervals:
        bounds = np.array(intervals[name], dtype=float)
        low, high = (float(np.reshape(bound, values.shape)[index]) for bound in bounds)
    drawn = draws[name][(..., *index)].ravel() if name in draws else np.empty(0)
    return Estimate(method, float(values[index]), low, high, row["sound"] is not False, drawn)


def _draws(view: View, model: MixtureModel, n_features: int, row: pd.Series) -> dict[str, np.ndarray]:
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
    natural = {name: np.asarray(stored[name]).reshape(-1, K, *shape) for name, shape in shapes.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = natural.pop("weights")
        logits = np.log(weights) - np.log1p(-weights)
        rest = [model.family.report_scale({n: v[i] for n, v in natural.items()}) for i in range(len(logits))]
    return {"logit_weights": logits, **{name: np.array([r[name] for r in rest]) for name in rest[0]}}


def _truth(model: MixtureModel, truth: Theta | None) -> dict[str, np.ndarray]:
    if truth is None or truth.n_components != model.n_components:
        return {}
    return model.report_scale(model.canonical(truth)[0])
