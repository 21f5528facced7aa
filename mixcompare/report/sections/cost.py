"""Cost in passes to the best known value: of each data set and model, and profiles over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixcompare import registry
from mixcompare.report.document import Drawing, Paragraph, Section, Tabular
from mixcompare.report.figures.steps import Curve
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
    return Cost(list(rows.values()), _curves(jumps, "passes", costs[mine], view))


def _key(name: str, tolerance: float) -> str:
    return f"{name}_{tolerance:g}"


_VALUES = ("reached", "median_passes", "lower", "upper", "per_success")


def _curves(jumps: pd.DataFrame, x: str, costs: pd.DataFrame | None, view: View) -> list[Curve]:
    curves = []
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
        curves.append(Curve(str(method), *values, *counts, ended))
    return curves


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
    drawn = registry.load("figures", "runtime-distributions")(cost.curves)
    name = f"{case.slug}-passes"
    table = Table(name, _CAPTION, _columns(), cost.rows)
    return Section(
        f"{case.slug}-cost",
        title,
        [
            Drawing(name, f"Passes to the best known value, {case.data}", caption, drawn),
            Tabular(table),
        ],
    )


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


# -- over all data --------------------------------------------------------------------------------


def profiles(view: View) -> Section:
    """Performance and data profiles over all data sets and models; nothing for one method alone."""
    title = "Cost over all data"
    costs = view.results.passes_to()
    methods = costs.loc[costs["level"].notna(), "method"].unique()
    if len(methods) < 2:
        return Section("cost", title, [])
    explained = (
        "A problem is one start on one data set and model, solved by a method whose fit came within "
        f"{NEAR:g} nats of the best known value on its way. Unsolved problems stay in the denominator, and "
        "each method is judged on the problems it was given."
    )
    performance = _curves(view.results.performance_profiles([NEAR]), "ratio", None, view)
    budgets = _curves(view.results.data_profiles([NEAR]), "budget", None, view)
    blocks: list[Any] = [
        Paragraph(explained),
        Drawing(
            "performance-profiles",
            "Performance profiles",
            "Share of problems solved within so many times the passes of the cheapest method. "
            f"{_best(performance)}",
            registry.load("figures", "performance-profiles")(performance),
        ),
    ]
    if budgets:
        blocks.append(
            Drawing(
                "data-profiles",
                "Data profiles",
                "Share of problems solved with a budget of so many times q + 1 passes, which is what one "
                "gradient by forward differences costs (q free parameters).",
                registry.load("figures", "data-profiles")(budgets),
            )
        )
    return Section("cost", title, blocks)


def _best(curves: list[Curve]) -> str:
    """Who was cheapest most often, and who solved most: the two ends of the figure."""
    first = {c.method: float(c.share[0]) if c.x.size and c.x[0] <= 1 else 0.0 for c in curves}
    cheapest = max(first, key=lambda name: first[name])
    most = max(curves, key=lambda c: c.reached / max(c.fits, 1))
    if not most.reached:
        return "No problem was solved by any method."
    return (
        f"The cheapest most often was {cheapest} ({100 * first[cheapest]:.0f} % of its problems); the most "
        f"were solved by {most.method} ({most.reached} of {most.fits})."
    )
