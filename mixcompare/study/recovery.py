"""Learned against true parameters: components paired once, and every parameter carried along with its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.metrics.base import entries
from mixcompare.mixture import MixtureModel
from mixcompare.study.ends import CASE, NO_END, each, parse
from mixcompare.theta import Theta

RECOVERY_COLUMNS = [
    *CASE,
    *("method", "start_index", "key", "sound", "answer"),
    *("parameter", "component", "index", "truth", "estimate"),
]

DatasetOf = Callable[[str, int], Dataset | None]
ModelOn = Callable[[str, Dataset | None], MixtureModel | None]


def pair(rows: pd.DataFrame, dataset_of: DatasetOf, model_on: ModelOn) -> pd.DataFrame:
    """One line a parameter of every end that was measured against a fixed truth with as many components.

    Each component of an end is paired with the true one that it was matched with when it was measured
    (`metrics.base.match_components`), once for all its parameters: sorting means and spreads apart would
    pair the mean of one component with the spread of another.

    Parameters
    ----------
    rows : DataFrame
        Of `relate`.
    dataset_of : callable(name, replicate) -> Dataset or None
        Of another replicate if need be: the truth is the same. Where it is drawn anew in every replicate
        there are no lines.
    model_on : callable(name, dataset) -> MixtureModel or None

    Returns
    -------
    DataFrame
        data, replicate, model, method, start_index, key, `sound`; `answer`: the end that one would take of
        all fits to that replicate, which is the highest that is not narrow (of point estimates, else of
        posterior means); `parameter` ("weights", "means", "sds", ...: see `MixtureModel.readable`),
        `component` from 1 in the order of the truth, `index` within it ("" if it is one number), `truth`
        and `estimate`.
    """
    lines: list[tuple[Any, ...]] = []
    for _, part in rows[_READ].groupby(CASE, sort=False):
        measured = [(row, parse(row.metrics) or {}) for row in each(part)]
        measured = [(row, cell) for row, cell in measured if cell.get("match") is not None]
        if not measured:
            continue
        first = measured[0][0]
        dataset = dataset_of(first.data, first.replicate)
        model = model_on(first.model, dataset)
        if dataset is None or model is None or dataset.truth is None or dataset.prior is not None:
            continue
        answer = _answer([row for row, _ in measured])
        for row, cell in measured:
            fit = (row.data, row.replicate, row.model, row.method, row.start_index, row.key)
            theta = Theta.from_dict(parse(row.theta)).take(cell["match"])
            lines += [
                (*fit, row.sound, row.key == answer, *line)
                for line in _lines(theta, dataset.truth, model)
            ]
    return pd.DataFrame(lines, columns=RECOVERY_COLUMNS)


_READ = [
    *(*CASE, "method", "start_index", "key", "sampler"),
    *("finding", "sound", "narrow", "loglik", "theta", "metrics"),
]
"""Columns that are looked at: to sort out all the others takes long."""


def _answer(rows: list[Any]) -> str | None:
    """The key of the end to take; None without any that is an estimate."""
    usable = [row for row in rows if row.finding not in NO_END and np.isfinite(row.loglik)]
    points = [row for row in usable if not row.sampler] or usable
    best = max(points, key=lambda row: (not row.narrow, row.loglik), default=None)
    return None if best is None else str(best.key)


def _lines(theta: Theta, truth: Theta, model: MixtureModel) -> Iterator[tuple[Any, ...]]:
    ours, true = model.readable(theta), model.readable(truth)
    for parameter, values in true.items():
        for (component, *index), value in entries(values.tolist()):
            place = (component - 1, *(i - 1 for i in index))
            shown = ",".join(map(str, index)) if values[0].size > 1 else ""
            yield parameter, component, shown, value, float(ours[parameter][place])
