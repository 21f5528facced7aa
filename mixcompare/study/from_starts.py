"""How long each method took from each of its starts, and from which it never got there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.study import ends, words
from mixcompare.study.answer_faults import faults
from mixcompare.study.ends import NO_END, parse_theta
from mixcompare.study.parameter_words import label

TOLERANCES = (1.0, 0.01, 1e-4)
"""Nats below the best known value."""

COLUMNS = [
    *("data", "model", "replicate", "method", "start_index", "start", "finding", "loglik", "gap"),
    *("steps", *(f"within_{tolerance:g}" for tolerance in TOLERANCES)),
]

SLOWER = 3.0
"""Ratio of the longest way to the shortest from which on both are told."""


def from_starts(results: Any) -> pd.DataFrame:
    """One row a fit whose history was kept.

    Returns
    -------
    DataFrame
        `start`: in words, what distinguishes it from the other starts; `steps`: iterations (evaluations, of
        methods that count none) of the whole fit; `within_1` and so on: those until it was that near the
        best known value (nats), nan where it never was, or ended where there is no estimate.
    """
    rows = results.rows
    kept = rows[rows["key"].isin(set(results.histories["key"]))]
    lines = []
    for names, group in kept.groupby(["data", "model", "replicate"], sort=False):
        starts = _named(results, group)
        for _, row in group.iterrows():
            history = results.history(row["key"])
            best = np.nan if row["finding"] in NO_END else row["best_known"]
            reached = [_first(history, best - tolerance) for tolerance in TOLERANCES]
            lines.append(
                (
                    *(*names, row["method"], row["start_index"], starts[row["start_index"]]),
                    *(row["finding"], row["loglik"], row["gap"], history.steps[-1], *reached),
                )
            )
    return pd.DataFrame(lines, columns=COLUMNS)


def _first(history: Any, limit: float) -> float:
    """The first step whose log-likelihood is at least the limit; nan if none is."""
    at = np.flatnonzero(history.loglik >= limit)
    return float(history.steps[at[0]]) if at.size else np.nan


def _named(results: Any, rows: pd.DataFrame) -> dict[int, str]:
    """Number of a start -> the numbers in which starts differ, in words; "" where there is one start."""
    first = rows.drop_duplicates("start_index")
    dataset = results.dataset(rows["data"].iloc[0], int(rows["replicate"].iloc[0]))
    model = results.model_on(rows["model"].iloc[0], dataset)
    found: dict[int, dict[str, float]] = {}
    for _, row in first.iterrows():
        theta = parse_theta(row["start"])
        if theta is None or model is None or dataset is None:
            return {int(index): "" for index in first["start_index"]}
        full = model.conform(theta, dataset.n_features)
        found[int(row["start_index"])] = {
            label(name, place, dataset.columns, array.shape): float(value)
            for name, array in model.readable(full).items()
            for place, value in np.ndenumerate(array)
        }
    differ = [
        name for name in next(iter(found.values())) if len({v[name] for v in found.values()}) > 1
    ]
    return {
        index: ", ".join(f"{name} = {values[name]:.4g}" for name in differ)
        for index, values in found.items()
    }


def summed(results: Any) -> Iterator[str]:
    """For the answer to the study's question: starts from which methods, right ones, ended at a saddle."""
    lines = results.from_starts()
    wrong = set(results.rows["method"][faults(results.rows) != ""])
    held = lines[
        (lines["finding"] == "saddle")
        & lines["gap"].notna()
        & ~lines["method"].isin(wrong)
        & (lines["start"] != "")
    ]
    for case, rows in held.groupby(ends.CASE, sort=False):
        if rows["replicate"].iloc[0] == 0:
            every = lines[(lines[ends.CASE] == list(case)).all(axis=1)]
            yield from _held(rows["data"].iloc[0], rows, every["start_index"].nunique())


def _held(data: str, rows: pd.DataFrame, n_starts: int) -> Iterator[str]:
    """The same methods in one sentence, from however many starts."""
    methods: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for _, own in rows.groupby("start_index", sort=False):
        methods.setdefault(tuple(own["method"]), []).append(own)
    for names, group in methods.items():
        numbers = [str(own["start_index"].iloc[0]) for own in group]
        where = f"{group[0]['start'].iloc[0]} ({data})"
        if len(group) > 1:
            starts = words.of(len(group), n_starts)
            where = f"{starts} starts ({data}, {words.listed(numbers)})"
        below = max(float(gap) for own in group for gap in own["gap"])
        yield (
            f"From {where} {words.listed([words.quoted(name) for name in names])} "
            f"{'ends' if len(names) == 1 else 'end'} at a saddle, "
            f"{'' if len(group) == 1 else 'up to '}{words.gap(below)} nats below the best known optimum."
        )


def tell(lines: pd.DataFrame) -> Iterator[str]:
    """Sentences about the starts of one data set and model: who never arrives, and how long others take."""
    nearest = f"within_{TOLERANCES[-1]:g}"
    for name, rows in lines.groupby("method", sort=False):
        if len(rows) < 2:
            continue
        method = words.quoted(str(name))
        lost = rows[rows[nearest].isna() & (rows["gap"] > TOLERANCES[-1])]
        if len(lost):
            yield f"{method} does not reach the best known optimum from {_lost(lost, len(rows))}."
        arrived = rows[rows[nearest].notna()].sort_values(nearest, kind="stable")
        if len(arrived) < 2:
            continue
        fast, slow = arrived.iloc[0], arrived.iloc[-1]
        if slow[nearest] >= SLOWER * max(fast[nearest], 1.0):
            yield (
                f"{method} needs {fast[nearest]:,.0f} steps to come within {TOLERANCES[-1]:g} nats of the "
                f"best known optimum from {_start(fast)}, and {slow[nearest]:,.0f} from {_start(slow)}."
            )


def _lost(rows: pd.DataFrame, n: int) -> str:
    """From which starts, and where it ends; the numbers of each start are in the table."""
    gaps = [words.gap(gap) for gap in sorted(rows["gap"])]
    span = gaps[0] if gaps[0] == gaps[-1] else f"{gaps[0]} to {gaps[-1]}"
    what = words.listed([words.finding(name) for name in dict.fromkeys(rows["finding"])])
    several = f"any of {n} starts" if len(rows) == n else f"{words.of(len(rows), n)} starts"
    where = _start(rows.iloc[0]) if len(rows) == 1 else several
    return f"{where}: it ends {span} nats below it ({what})"


def _start(row: pd.Series) -> str:
    name = f"start {row['start_index']}"
    return f"{name} ({row['start']})" if row["start"] else name
