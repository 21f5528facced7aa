"""Known groups beside the components found without them: a table, and histograms with fitted curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report.document import Drawing, Section, Tabular
from mixcompare.report.figures.groups import Component, Group, Grouped, Panel
from mixcompare.report.parts.curves import Fitted, densities
from mixcompare.report.parts.optima import as_theta, point
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, nats, number, share, with_interval
from mixcompare.report.view import Case, View
from mixcompare.study.words import of

MOST_LINES = 8
"""Optima in the table at most, the best first; the nearest to the labels always."""

MOST_GROUPS = 5
"""Groups that a histogram can show."""


@dataclass(frozen=True)
class Known:
    """Lines of `Results.groups`, and the picture where there is one feature; of one data set."""

    rows: list[dict[str, Any]]
    n: int
    picture: Grouped | None


def compute(view: View, case: Case) -> Known | None:
    """What is known of groups; None without labels, and where the study repeats over replicates."""
    rows = view.of("groups", case) if case.n_replicates == 1 else []
    optima = [row for row in rows if row["point"] == "optimum"]
    if not optima:
        return None
    kept = [row for k, row in enumerate(optima) if k < MOST_LINES or row["nearest"]]
    beside = [row for row in rows if row["point"] != "optimum"]
    return Known([*kept, *beside], len(optima), _picture(case, optima))


def pictured(view: View, case: Case) -> bool:
    """Whether the known groups are drawn as a histogram."""
    known = compute(view, case)
    return known is not None and known.picture is not None


def draw(case: Case, known: Known | None) -> Section:
    """Make the part; no blocks without labels."""
    name, title = f"{case.slug}-known-groups", "Known groups"
    if known is None:
        return Section(name, title, [])
    blocks: list[Any] = []
    if known.picture is not None:
        caption = (
            "Observations by their known group, which no method saw, and the components that were fitted "
            "without it, each times its weight; a component has the colour and line of the group that it "
            "is matched with."
        )
        head = f"Known groups and components, {case.data}"
        blocks.append(Drawing(f"{case.slug}-groups", head, caption, "groups", (known.picture,)))
    more = f" Of {known.n} optima." if len(known.rows) < known.n else ""
    caption = (
        "Agreement of the most probable component with the known group, after the matching one to one under "
        "which most observations agree, with Wilson's 95 % interval of the share. Rand: adjusted Rand index, "
        "0 by chance and 1 for the same partition. A component that is nobody's most probable one has no "
        f"group. Gap: nats below the best known value.{more}"
    )
    blocks.append(Tabular(Table(f"{case.slug}-agreement", caption, _COLUMNS, known.rows)))
    return Section(name, title, blocks)


PART = Part(compute, draw)


def _what(kind: Any, rank: Any, standing: Any, nearest: Any) -> str:
    if kind != "optimum":
        return {"labels": "estimates of the groups", "truth": "truth"}[kind]
    also = ", nearest to the groups" if nearest else ""
    return f"optimum {rank}{' (best known)' if standing == 'global' else ''}{also}"


def _matched(names: Any) -> str:
    return ", ".join(name or "–" for name in names)


_COLUMNS = (
    Column("point", "point", _what, number=False, beside=("rank", "standing", "nearest")),
    Column("loglik", "log-likelihood", number(8)),
    Column("gap", "gap", nats),
    Column("agree", "agree", share, beside=("n",)),
    Column("share", "share", with_interval, beside=("lower", "upper")),
    Column("rand", "Rand", number(3)),
    Column("matched", "group of component 1, 2, ...", _matched, number=False),
    Column("theta", "parameters", point, number=False),
)


def _picture(case: Case, optima: list[dict[str, Any]]) -> Grouped | None:
    """The best known optimum and the one nearest to the labels; None where a histogram cannot show it."""
    data, model = case.dataset, case.model
    groups = optima[0]["groups"]
    shown = [row for row in optima if row["standing"] == "global" or row["nearest"]]
    if data is None or data.labels is None or model is None or len(groups) > MOST_GROUPS:
        return None
    fitted = [Fitted("", as_theta(row["theta"]), components=True) for row in shown]
    picture = densities(model, data, fitted)
    if picture is None or picture.kind != "line":
        return None
    labels = np.unique(np.asarray(data.labels), return_inverse=True)[1]
    panels = []
    for row, curve in zip(shown, picture.curves, strict=True):
        weights = as_theta(row["theta"]).weights
        places = [groups.index(name) if name else -1 for name in row["matched"]]
        parts = [
            Component(float(weight), values, place)
            for weight, values, place in zip(weights, curve.components, places, strict=True)
        ]
        panels.append(Panel(_title(row, alone=len(shown) == 1), parts))
    members = [
        Group(name, data.x[labels == g, 0], data.weights[labels == g])
        for g, name in enumerate(groups)
    ]
    return Grouped(members, picture.grid, panels, picture.labels[0], picture.density)


def _title(row: dict[str, Any], alone: bool) -> str:
    what = "best known optimum" if row["standing"] == "global" else "nearest to the groups"
    gap = "" if alone or row["standing"] == "global" else f", {nats(row['gap'])} nats lower"
    return f"{what}{gap}: agrees with {of(int(row['agree']), int(row['n']))}"
