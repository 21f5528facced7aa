"""Learned against true parameters, where the truth is known: a figure and a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mixcompare.report import words
from mixcompare.report.document import Drawing, Section, Tabular
from mixcompare.report.figures.recovery import Panel
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, number, text, whole
from mixcompare.report.view import Case, View
from mixcompare.study.parameter_words import label

MOST_REPLICATES = 100
"""Drawn at most, the first ones."""

MOST_OTHERS = 60
"""Other ends drawn at most, distinct ones, the first to be found."""

MOST_LINES = 40
"""Parameters in the table at most: beyond, the files of the results have them."""


@dataclass(frozen=True)
class Recovered:
    """Panels by kind of parameter, and a row a parameter; none of these where truths vary."""

    panels: list[Panel]
    rows: list[dict[str, Any]]
    drawn: int
    """Replicates drawn."""


def compute(view: View, case: Case) -> Recovered | None:
    """What is known of learned and true parameters; None without a truth."""
    lines = view.of("recovery", case)
    if not lines:
        return None
    table = pd.DataFrame(lines)
    answers = table[table["answer"]]
    shown = sorted(table["replicate"].unique())[:MOST_REPLICATES]
    others = _others(table) if case.n_replicates == 1 else table.iloc[:0]
    drawn = pd.concat([answers[answers["replicate"].isin(shown)], others])
    panels = [
        _panel(case, str(name), part) for name, part in drawn.groupby("parameter", sort=False)
    ]
    return Recovered(panels, _rows(case, answers), len(shown))


def draw(case: Case, recovered: Recovered | None) -> Section:
    """Make the part; no blocks without a truth."""
    name, title = f"{case.slug}-learned-and-true", "Learned against true parameters"
    if recovered is None or not recovered.panels:
        return Section(name, title, [])
    paired = (
        "Every component is paired once with a true one, and all its parameters with that one's; points on "
        "the line are right."
    )
    if case.n_replicates > 1:
        first = f" (the first {recovered.drawn})" if recovered.drawn < case.n_replicates else ""
        which = f"One point a replicate{first}: the highest end of any method."
    else:
        which = (
            "Filled: the highest end of any method; hollow: other ends, of which some may lie outside "
            "the axes."
        )
    blocks: list[Any] = [
        Drawing(
            f"{case.slug}-recovery",
            f"Learned against true, {case.data}",
            f"{paired} {which}",
            "recovery",
            (recovered.panels,),
        )
    ]
    if 0 < len(recovered.rows) <= MOST_LINES:
        over = (
            f"mean, smallest and largest over {case.n_replicates} replicates"
            if case.n_replicates > 1
            else "of the highest end of any method"
        )
        columns = _COLUMNS if case.n_replicates > 1 else _COLUMNS[:3]
        caption = f"Learned against true parameters, components paired: {over}."
        blocks.append(
            Tabular(
                Table(f"{case.slug}-learned", caption, columns, recovered.rows),
                folded=case.n_replicates > 1,
            )
        )
    return Section(name, title, blocks)


PART = Part(compute, draw)


_COLUMNS = (
    Column("parameter", "parameter", text, number=False),
    Column("truth", "true", number(4)),
    Column("estimate", "learned", number(4)),
    Column("low", "smallest", number(4)),
    Column("high", "largest", number(4)),
    Column("n", "replicates", whole),
)


def _others(table: pd.DataFrame) -> pd.DataFrame:
    """Ends that are not the answer, those that agree to four digits once."""
    rest = table[~table["answer"]]
    seen: dict[tuple[Any, ...], Any] = {}
    for key, lines in rest.groupby("key", sort=False):
        seen.setdefault(tuple(f"{value:.4g}" for value in lines["estimate"].fillna(0.0)), key)
    return rest[rest["key"].isin(list(seen.values())[:MOST_OTHERS])]


def _panel(case: Case, name: str, part: pd.DataFrame) -> Panel:
    units = set(case.dataset.units) if case.dataset is not None else set()
    unit = units.pop() if len(units) == 1 and name in _IN_UNITS else ""
    return Panel(
        words.labelled(name, unit),
        part["truth"].to_numpy(float),
        part["estimate"].to_numpy(float),
        part["component"].to_numpy(int),
        part["answer"].to_numpy(bool),
    )


_IN_UNITS = ("means", "sds", "scales")


def _rows(case: Case, answers: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a parameter; none where the truth differs from replicate to replicate."""
    rows = []
    columns = case.dataset.columns if case.dataset is not None else ()
    for place, part in answers.groupby(["parameter", "component", "index"], sort=False):
        truth, estimate = part["truth"], part["estimate"].dropna()
        if truth.max() - truth.min() > 1e-9 * truth.abs().max() or estimate.empty:
            return []
        parameter, component, index = map(str, place)
        inner = [int(i) - 1 for i in index.split(",") if i]
        rows.append(
            {
                "parameter": label(parameter, (int(component) - 1, *inner), columns),
                "truth": float(truth.iloc[0]),
                "estimate": float(estimate.mean()),
                "low": float(estimate.min()),
                "high": float(estimate.max()),
                "n": len(estimate),
            }
        )
    return rows
