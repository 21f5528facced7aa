"""Learned against true parameters: components paired once, and every parameter carried along with its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.metrics.base import entries
from mixcompare.mixture import MixtureModel
from mixcompare.study.ends import CASE, NO_END, each, parse, parse_theta

RECOVERY_COLUMNS = [
    *CASE,
    *("method", "start_index", "key", "sound", "answer"),
    *("parameter", "component", "index", "truth", "estimate"),
]


def pair(rows: pd.DataFrame, model_of: Callable[[Any], MixtureModel | None]) -> pd.DataFrame:
    """One line a parameter of every end that was measured against a truth with as many components.

    Each component of an end is paired with the true one that it was matched with when it was measured
    (`metrics.base.match_components`), once for all its parameters: sorting means and spreads apart would
    pair the mean of one component with the spread of another.

    Parameters
    ----------
    rows : DataFrame
        Of `relate`.
    model_of : callable
        Row -> its model, as it is on its data; rows for which that is None have no lines.

    Returns
    -------
    DataFrame
        data, replicate, model, method, start_index, key, `sound`; `answer`: the end that one would take of
        all fits to that replicate, which is the highest that is not narrow (of point estimates, else of
        posterior means); `parameter` ("weights", "means", "sds", ...: see `readable`), `component` from 1
        in the order of the truth, `index` within it ("" if it is one number), `truth` and `estimate` in the
        data's units, nan where either is at an edge.
    """
    lines: list[tuple[Any, ...]] = []
    for _, part in rows.groupby(CASE, sort=False):
        measured = [(row, parse(row.metrics) or {}) for row in each(part)]
        measured = [(row, cell) for row, cell in measured if cell.get("match") is not None]
        answer = _answer([row for row, _ in measured])
        for row, cell in measured:
            model = model_of(row)
            if model is None:
                continue
            fit = (row.data, row.replicate, row.model, row.method, row.start_index, row.key)
            head = (*fit, row.sound, row.key == answer)
            lines += [(*head, *line) for line in _lines(row, cell, model)]
    return pd.DataFrame(lines, columns=RECOVERY_COLUMNS)


def readable(name: str, values: np.ndarray) -> tuple[str, np.ndarray]:
    """A parameter of the reporting scale on its natural one: logarithms, logits and Fisher's z undone."""
    with np.errstate(over="ignore", invalid="ignore"):
        if name.startswith("logit"):
            plain = name.removeprefix("logit").lstrip("_") if "_" in name else "probs"
            return plain, 1 / (1 + np.exp(-values))
        if name.startswith("log_"):
            return name.removeprefix("log_"), np.exp(values)
        if name == "correlations":
            return name, np.tanh(values)
        return name, values


def _answer(rows: list[Any]) -> str | None:
    """The key of the end to take; None without any that is an estimate."""
    usable = [row for row in rows if row.finding not in NO_END and np.isfinite(row.loglik)]
    points = [row for row in usable if not row.sampler] or usable
    best = max(points, key=lambda row: (not row.narrow, row.loglik), default=None)
    return None if best is None else str(best.key)


def _lines(row: Any, cell: Mapping[str, Any], model: MixtureModel) -> Iterator[tuple[Any, ...]]:
    theta = parse_theta(row.theta)
    if theta is None:
        return
    ours = model.report_scale(theta.take(cell["match"]))
    for name, errors in cell["errors"].items():
        error = np.array(_numbers(errors), dtype=float)
        parameter, estimate = readable(name, ours[name])
        _, truth = readable(name, ours[name] - error)
        for (component, *index), value in entries(estimate.tolist()):
            place = (component - 1, *(i - 1 for i in index))
            shown = ",".join(map(str, index)) if estimate[0].size > 1 else ""
            yield parameter, component, shown, float(truth[place]), float(value)


def _numbers(values: Any) -> Any:
    """Nested lists with nan for None."""
    if isinstance(values, list):
        return [_numbers(value) for value in values]
    return np.nan if values is None else values
