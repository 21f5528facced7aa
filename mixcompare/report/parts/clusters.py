"""Observations by component: a figure, and for tiny data every probability along a fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.report.document import Drawing, Section, Tabular
from mixcompare.report.figures.clusters import Clusters
from mixcompare.report.parts import groups
from mixcompare.report.parts.curves import POINTS
from mixcompare.report.parts.optima import as_theta, best_known
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, fixed, number, whole
from mixcompare.report.view import Case, View
from mixcompare.report.words import labelled
from mixcompare.study.ends import parse, parse_theta
from mixcompare.theta import Theta

MOST_POINTS = 1500
"""Distinct observations drawn at most, evenly taken from all in order."""

TINY = 30
"""Distinct observations that a table may have."""

MOST_STARTS = 3
"""Tables at most, one a start."""

MOST_COMPONENTS = 3
"""Components of which a table can show the probabilities at three points."""


@dataclass(frozen=True)
class Members:
    """The picture at the best known optimum or None, and a table for each of the first starts."""

    picture: Clusters | None
    drawn: int
    n: int
    tables: tuple[Table, ...]


def compute(view: View, case: Case) -> Members | None:
    """What is known of single observations; not drawn where a histogram by known group shows them."""
    model, data = case.model, case.dataset
    if model is None or data is None or model.n_components < 2 or case.n_replicates > 1:
        return None
    best = best_known(view, case)
    drawable = data.n_features == 2 or (data.n_features == 1 and not groups.pictured(view, case))
    picture, kept = None, np.arange(0)
    distinct = data.distinct
    if best is not None and best["finding"] in ("maximum", "boundary") and drawable:
        step = max(1, -(-distinct.n_rows // MOST_POINTS))
        kept = np.arange(0, distinct.n_rows, step)
        picture = _picture(data, model, as_theta(best["theta"]), kept)
    tables = tuple(_tables(view, case, data, model)) if distinct.n_rows <= TINY else ()
    if picture is None and not tables:
        return None
    return Members(picture, kept.size, distinct.n_rows, tables)


def draw(case: Case, members: Members | None) -> Section:
    """Make the part; no blocks where there is neither a picture nor a table."""
    name, title = f"{case.slug}-observations", "Observations by component"
    if members is None:
        return Section(name, title, [])
    blocks: list[Any] = []
    if members.picture is not None:
        how = (
            "larger where it is less sure"
            if members.picture.x.shape[1] == 2
            else "at the height of its probability; curves: the probability of every component"
        )
        some = (
            f" {members.drawn} of {members.n} distinct observations."
            if members.drawn < members.n
            else ""
        )
        caption = (
            f"Each observation as a mark of its most probable component at the best known optimum, {how}."
            f"{some}"
        )
        head = f"Observations by component, {case.data}"
        blocks.append(
            Drawing(f"{case.slug}-clusters", head, caption, "clusters", (members.picture,))
        )
    blocks += [Tabular(table, folded=i > 0) for i, table in enumerate(members.tables)]
    return Section(name, title, blocks)


PART = Part(compute, draw)


def _picture(data: Dataset, model: MixtureModel, theta: Theta, kept: np.ndarray) -> Clusters | None:
    distinct = data.distinct
    x = distinct.x[kept]
    names = [labelled(*pair) for pair in zip(data.columns, data.units, strict=True)]
    more: dict[str, np.ndarray] = {}
    if data.n_features == 1 and not model.family.discrete:
        pad = 0.06 * float(np.ptp(data.x)) or 1.0
        grid = np.linspace(data.x.min() - pad, data.x.max() + pad, POINTS)
        more = {"grid": grid, "curves": model.responsibilities(grid[:, None], theta)}
    responsibilities = model.responsibilities(x, theta)
    if not np.isfinite(responsibilities).all():
        return None
    return Clusters(x, distinct.weights[kept], responsibilities, tuple(names), **more)


# -- tables of tiny data --------------------------------------------------------------------------


def _tables(view: View, case: Case, data: Dataset, model: MixtureModel) -> Iterator[Table]:
    """One for each of the first starts, of the first method with an optimum from there, histories first."""
    kept = set(view.results.histories["key"])
    rows = case.first[case.first["optimum"] & ~case.first["sampler"] & case.first["end"].notna()]
    rows = rows.assign(kept=rows["key"].isin(kept), place=rows["method"].map(view.place))
    if "fault" in rows:
        rows = rows[rows["fault"].fillna("") == ""]
    for index in sorted(set(rows["start_index"]))[:MOST_STARTS]:
        own = rows[rows["start_index"] == index]
        row = own.sort_values(["kept", "place"], ascending=[False, True], kind="stable").iloc[0]
        points = list(_points(view, row))
        several = rows["start_index"].nunique() > 1
        start = int(index) if several else None
        yield Table(
            _name(case, start),
            _caption(row, model.n_components, start),
            *_table(data, model, points),
        )


def _points(view: View, row: Any) -> Iterator[tuple[str, str, Theta]]:
    """Key, heading and point: the start, after one iteration where that was kept, and the end."""
    start, order = parse_theta(row.get("start")), parse(row.get("permutation"))
    if start is not None:
        yield "start", "start", start.take(order) if order else start
    if row["kept"]:
        history = view.results.history(row["key"])
        first = [
            theta for step, theta in zip(history.steps, history.theta, strict=True) if step == 1
        ]
        if first:
            yield "one", "after one step", first[0]
    yield "end", "end", row["end"]


def _table(
    data: Dataset, model: MixtureModel, points: list[tuple[str, str, Theta]]
) -> tuple[list[Column], list[dict[str, Any]]]:
    """Columns and lines: observations, probabilities at the points, component and density at the last."""
    x, K = data.distinct.x, model.n_components
    shown = points if K <= MOST_COMPONENTS else points[-1:]
    components = range(1) if K == 2 else range(K)
    columns = [Column(f"x{j}", name, number(8)) for j, name in enumerate(data.columns)]
    columns.append(Column("count", "count", whole))
    lines: list[dict[str, Any]] = [
        {**{f"x{j}": float(v) for j, v in enumerate(values)}, "count": float(count)}
        for values, count in zip(x, data.distinct.weights, strict=True)
    ]
    for key, heading, theta in shown:
        point = model.conform(theta, data.n_features)
        probabilities = model.responsibilities(x, point)
        for k in components:
            columns.append(Column(f"{key}_{k + 1}", f"{heading}, {k + 1}", fixed(4)))
            for line, value in zip(lines, probabilities[:, k], strict=True):
                line[f"{key}_{k + 1}"] = float(value)
    end = model.conform(points[-1][2], data.n_features)
    density = np.exp(model.log_density(x, end))
    most = model.responsibilities(x, end).argmax(axis=1) + 1
    for line, label, value in zip(lines, most, density, strict=True):
        line |= {"label": int(label), "density": float(value)}
    columns.append(Column("label", "component", whole))
    heading = "probability" if model.family.discrete else "density"
    columns.append(Column("density", f"{heading} at the end", number(4)))
    if all(line["count"] == 1 for line in lines):
        columns = [column for column in columns if column.key != "count"]
    return columns, lines


def _name(case: Case, start: int | None) -> str:
    return f"{case.slug}-responsibilities{'' if start is None else f'-{start}'}"


def _caption(row: Any, K: int, start: int | None) -> str:
    whose = f"{row['method']}{'' if start is None else f' from start {start}'}"
    which = "of component 1 (that of component 2 is the rest)" if K == 2 else "of each component"
    return (
        f"Probabilities of the components at every observation, {whose}: {which}, components in the order of "
        "the end; the most probable component and the density of the whole mixture are those at the end."
    )
