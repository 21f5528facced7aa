"""Cost in passes to the best known value of one data set and model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.report.document import Drawing, Section, Tabular
from mixcompare.report.figures.steps import Curve
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, number, share, text, whole
from mixcompare.report.view import Case, View
from mixcompare.study.passes import TOLERANCES

NEAR = min(TOLERANCES)
"""Nats: the tolerance that is drawn; the tables have all of them."""


@dataclass(frozen=True)
class Cost:
    """Rows of the table, one a method, and the curves at the smallest tolerance."""

    rows: list[dict[str, Any]]
    curves: list[Curve]


def compute(view: View, case: Case) -> Cost:
    """The cost of each method on one data set and model; nothing where there is no best known value."""
    if case.rows["best_known"].isna().all():
        return Cost([], [])
    rows: dict[str, dict[str, Any]] = {}
    for line in view.of("cost", case):
        row = rows.setdefault(line["method"], {"method": line["method"], "fits": line["fits"]})
        row |= {_key(key, line["tolerance"]): line[key] for key in _VALUES}
    costs = view.results.passes_to()
    mine = (costs["data"] == case.data) & (costs["model"] == case.model_name)
    jumps = view.results.runtime_distributions([NEAR])
    jumps = jumps[(jumps["data"] == case.data) & (jumps["model"] == case.model_name)]
    return Cost(list(rows.values()), curves(jumps, "passes", costs[mine], view))


def _key(name: str, tolerance: float) -> str:
    return f"{name}_{tolerance:g}"


_VALUES = ("reached", "median_passes", "lower", "upper", "per_success")


def curves(jumps: pd.DataFrame, x: str, costs: pd.DataFrame | None, view: View) -> list[Curve]:
    """A curve a method, in the study's order; with costs also what fits spent that did not get there."""
    found = []
    for method, part in sorted(
        jumps.groupby("method", sort=False), key=lambda group: view.place(str(group[0]))
    ):
        ended = np.empty(0)
        if costs is not None:
            lost = (costs["method"] == method) & (costs["tolerance"] == NEAR)
            stopped = costs.loc[lost & costs["passes"].isna(), "spent"].to_numpy(float)
            ended = np.sort(stopped[stopped >= 1])  # a fit that was never begun spent nothing
        counts = int(part["reached"].iloc[0]), int(part["fits"].iloc[0])
        values = part[x].to_numpy(float), part["share"].to_numpy(float)
        found.append(Curve(str(method), *values, *counts, ended))
    return found


def draw(case: Case, cost: Cost) -> Section:
    """The part of one data set and model."""
    title = "Passes to the best known value"
    if not cost.rows:
        return Section(f"{case.slug}-cost", title, [])
    caption = (
        f"Passes until a fit was within {NEAR:g} nats of the best known value, as the share of all fits; "
        "small strokes mark fits that stopped without getting there, and a curve that stays below 1 tells "
        "how many did not."
    )
    name = f"{case.slug}-passes"
    table = Table(name, _CAPTION, _columns(), cost.rows)
    return Section(
        f"{case.slug}-cost",
        title,
        [
            Drawing(
                name,
                f"Passes to the best known value, {case.data}",
                caption,
                "runtime-distributions",
                (cost.curves,),
            ),
            Tabular(table),
        ],
    )


PART = Part(compute, draw)


_CAPTION = (
    "Fits that came within so many nats of the best known value on their way, the median of their passes "
    "(∞: fewer than half of all fits got there), and the passes paid per success by who starts anew until "
    "one gets there. A fit that ended nowhere (an error, a singular or narrow end, outside the parameter "
    "space) counts as never there."
)


def _columns() -> list[Column]:
    columns = [Column("method", "method", text, number=False)]
    for tolerance in TOLERANCES:
        within = f"{tolerance:g} nats" if tolerance != 1 else "1 nat"
        reached, median, paid = (
            _key(name, tolerance) for name in ("reached", "median_passes", "per_success")
        )
        columns += [
            Column(reached, f"within {within}", share, beside=("fits",)),
            Column(
                median,
                "median passes",
                _passes,
                beside=(_key("lower", tolerance), _key("upper", tolerance)),
            ),
            Column(paid, "per success", whole_or_never),
        ]
    return columns


def whole_or_never(value: Any) -> str:
    """A whole number of passes, or infinity."""
    return whole(value) if value is None or np.isfinite(value) else number()(value)


def _passes(median: Any, *_: Any) -> str:
    """The median; the quartiles are in the .csv."""
    return whole_or_never(median)
