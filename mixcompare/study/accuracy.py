"""Accuracy on simulated data: every registered metric, summarised over replicates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mixcompare import registry
from mixcompare.metrics.base import Metric
from mixcompare.study.ends import NO_END, parse
from mixcompare.study.summaries import METHOD

ACCURACY_COLUMNS = [
    *METHOD,
    *(
        "metric",
        "kind",
        "parameter",
        "component",
        "index",
        "estimate",
        "mcse",
        "n_used",
        "n_planned",
        "unit",
    ),
]


def measure(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per data, model, method, metric and number that it summarises.

    A method's answer on one replicate is the end with the highest log-likelihood among its starts that
    is an estimate at all (not `singular`, `out_of_domain`, `non_finite`, `error`, `unsupported`), ends
    that are not narrow first; whether it is stationary plays no part, because the user who took it would
    not have known. A replicate without any counts in `n_planned` and not in `n_used`.

    Returns
    -------
    DataFrame
        `metric`, of intervals their `kind` ("wald", "posterior", ...; else ""), of which `parameter`,
        `component` (from 1) and `index` within it ("" if it is one number), `estimate` with its Monte
        Carlo standard error `mcse`, `n_used` of `n_planned` replicates, `unit`. Only data sets on which
        some row was measured against a truth, in that way.
    """
    lines: list[tuple[Any, ...]] = []
    metrics: list[Metric] = [registry.load("metrics", name)() for name in registry.names("metrics")]
    for names, methods in answers_by_replicate(rows):
        known = _measured(rows[rows["data"] == names[0]])
        used = [metric for metric in metrics if metric.within in known]
        for method, cells in methods.items():
            lines += [(*names, method, *line) for line in _lines(used, list(cells.values()))]
    return pd.DataFrame(lines, columns=ACCURACY_COLUMNS)


def answers_by_replicate(
    rows: pd.DataFrame,
) -> Iterator[tuple[tuple[str, str], dict[str, dict[int, Mapping[str, Any]]]]]:
    """Of each data and model measured against a truth: method -> replicate -> metrics of its answer."""
    cells = pd.Series(
        [parse(cell) or {} for cell in rows["metrics"]], index=rows.index, dtype=object
    )
    measured = rows[[*METHOD, *_CHOOSING]].assign(measured=cells)
    known = {name for name, cell in zip(rows["data"], measured["measured"], strict=True) if cell}
    for names, part in measured[rows["data"].isin(known)].groupby(METHOD[:2], sort=False):
        yield (
            (str(names[0]), str(names[1])),
            {
                str(method): {
                    int(fits["replicate"].iloc[0]): answer(fits)
                    for _, fits in own.groupby("replicate", sort=False)
                }
                for method, own in part.groupby("method", sort=False)
            },
        )


_CHOOSING = ("replicate", "finding", "loglik", "narrow")
"""Columns that say which end is a method's answer, and on what: to sort out the others takes long."""


def _measured(rows: pd.DataFrame) -> set[str]:
    """The kinds of measurement on the rows of one data set."""
    return {kind for cell in rows["metrics"] for kind in parse(cell) or {}}


def _lines(metrics: Sequence[Metric], answers: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    for metric, kind in ((m, kind) for m in metrics for kind in _kinds(m, answers)):
        for found in metric.aggregate([_of_kind(cell, kind) for cell in answers]):
            parameter, component, *index = (*found.where, "", "")[: max(len(found.where), 2)]
            place = ",".join(str(k) for k in index)
            numbers = (found.estimate, found.mcse, found.n_used, found.n_planned)
            yield metric.name, kind, parameter, component, place, *numbers, metric.unit


def _kinds(metric: Metric, answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of intervals that a metric is about; one that is about none has the kind ""."""
    if not metric.of_intervals:
        return [""]
    return list(dict.fromkeys(kind for cell in answers for kind in cell.get("intervals", {}))) or [
        ""
    ]


def _of_kind(cell: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cell.get("intervals", {}).get(kind, {}) if kind else cell
    return found


def answer(fits: pd.DataFrame) -> Mapping[str, Any]:
    """The metrics of a method's answer on one replicate (see `measure`); empty if it has none."""
    usable = fits[
        ~fits["finding"].isin(NO_END) & np.isfinite(fits["loglik"]) & fits["measured"].map(bool)
    ]
    if usable.empty:
        return {}
    ranked = usable.sort_values(["narrow", "loglik"], ascending=[True, False], kind="stable")
    found: Mapping[str, Any] = ranked["measured"].iloc[0]
    return found
