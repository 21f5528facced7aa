"""Simulated data: every metric over replicates, with its Monte Carlo error and denominator."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from mixcompare.report import words
from mixcompare.report.document import Paragraph, Section, Tabular
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, number, share, text, with_error
from mixcompare.report.view import Case, View
from mixcompare.study.parameter_words import entry, label

TITLES = {
    "kl": "Kullback-Leibler divergence from the truth",
    "bias": "Bias",
    "rmse": "Root mean squared error",
    "coverage": "Coverage of 95 % intervals",
    "width": "Width of 95 % intervals",
}


WIDEST = 6
"""Parameters side by side at most: as many as a page is wide."""

_FRAME = ("method", "kind", "closed", "n_used")
"""Columns that every part of a wide table has."""

OWN = ("predictive",)
"""Metrics that have a table of another form."""

ELSEWHERE = ("rank",)
"""Metrics that have a section of their own: the calibration of samplers."""

BESIDE = {"coverage": "width"}
"""Metrics of which one means nothing without the other: printed in one cell."""


def compute(view: View, case: Case) -> list[Table]:
    """One table a metric: methods in rows, parameters of components in columns."""
    lines = [line for line in view.of("accuracy", case) if line["metric"] not in ELSEWHERE]
    if _other_size(case):
        lines = [line for line in lines if line["n_used"]]
    names = list(dict.fromkeys(line["metric"] for line in lines))
    names = [name for name in names if name not in OWN]
    ordered = [name for name in TITLES if name in names] + [
        name for name in names if name not in TITLES
    ]
    tables = {
        name: _table(case, name, [line for line in lines if line["metric"] == name])
        for name in ordered
    }
    for name, other in BESIDE.items():
        if name in tables and other in tables:
            tables[name] = _joined(tables[name], tables.pop(other))
    predicted = _predictive(case, view.of("predictive", case))
    return [*predicted, *(part for table in tables.values() for part in _parts(table))]


def _other_size(case: Case) -> bool:
    """Whether the model has another number of components than the truth: none can be matched then."""
    truth, model = case.truth, case.model
    return truth is not None and model is not None and truth.n_components != model.n_components


def draw(case: Case, tables: list[Table]) -> Section:
    """Make the section; no blocks without simulated data."""
    n = case.n_replicates
    over = f"Over {n} replicates" if n > 1 else "On one data set"
    text_ = (
        f"{over} with a known truth, after the best matching of components, "
        "on the reporting scale; ± is the Monte Carlo standard error. A method's answer on a replicate is "
        "its end of the highest log-likelihood that is an estimate at all, whether sound or not: that is "
        "what a user would have taken; of a sampler it is the mean of the relabelled draws. The last "
        "column counts replicates with a usable value."
    )
    blocks = [Paragraph(text_), *(Tabular(table) for table in tables)] if tables else []
    return Section(f"{case.slug}-accuracy", "Accuracy against the truth", blocks)


PART = Part(compute, draw)


def _table(case: Case, name: str, lines: list[dict[str, Any]]) -> Table:
    mirrored = case.model is not None and case.model.n_components == 2
    places: dict[str, str] = {}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        place = (line["parameter"], line["component"], line["index"])
        key = "_".join(str(part) for part in place if part not in ("", None)) or name
        kind = words.INTERVALS.get(line["kind"], line["kind"])
        row = rows.setdefault(
            (line["method"], kind), {"method": line["method"], "kind": kind, "n_used": None}
        )
        row["n_planned"] = line["n_planned"]
        row["n_used"] = (
            line["n_used"] if row["n_used"] is None else min(row["n_used"], line["n_used"])
        )
        if line["n_used"] == 0 or (mirrored and place[:2] == ("logit_weights", 2)):
            continue
        row[key], row[f"{key}_mcse"] = line["estimate"], line["mcse"]
        places.setdefault(key, _heading(case, place) or line["unit"])
    unit = next((line["unit"] for line in lines), "")
    columns = [
        Column("method", "method", text, number=False),
        *([Column("kind", "interval", text, number=False)] if any(k for _, k in rows) else []),
        *(
            Column(key, heading, with_error, beside=(f"{key}_mcse",))
            for key, heading in places.items()
        ),
        Column("n_used", "replicates", share, beside=("n_planned",)),
    ]
    caption = f"{TITLES.get(name, name)}: {unit}."
    return Table(f"{case.slug}-{name}", caption, columns, list(rows.values()))


def _predictive(case: Case, lines: list[dict[str, Any]]) -> list[Table]:
    """Methods and densities in rows, with the paired difference from the first point estimate."""
    if not lines:
        return []
    than = next((line["than"] for line in lines if line["than"]), "")
    columns = [
        Column("method", "method", text, number=False),
        Column("density", "density", text, number=False),
        Column("estimate", "log density, truth 0", with_error, beside=("mcse",)),
        Column("difference", f"less {than}, plug-in", _difference, beside=("difference_mcse",)),
        Column("n_pairs", "pairs", share, beside=("n_planned",)),
        Column("n_used", "replicates", share, beside=("n_planned",)),
    ]
    caption = (
        "Log predictive density on fresh data, nats per observation, less that of the truth: of the density "
        "at the estimate (plug-in), and of the mean density over the draws (posterior predictive). Every "
        "replicate has 4000 fresh points, the same for all methods; differences are paired."
    )
    kept = columns if than else [c for c in columns if c.key not in ("difference", "n_pairs")]
    rows = [{**line, "n_pairs": line["n_pairs"] if line["than"] else None} for line in lines]
    return [Table(f"{case.slug}-predictive", caption, kept, rows)]


def _difference(value: Any, mcse: Any) -> str:
    """Ends that are one up to rounding differ by less than anyone would print."""
    small = value is not None and max(abs(value), mcse or 0.0) < 1e-6
    return "< 1e−6" if small else with_error(value, mcse)


def _joined(first: Table, second: Table) -> Table:
    """Both metrics in every cell; the second one's keys are told apart by its name.

    `closed` counts the replicates on which every interval has a width at all.
    """
    what = second.name.rpartition("-")[2]
    by_method = {(row["method"], row["kind"]): row for row in second.rows}
    rows = []
    for row in first.rows:
        other = by_method.get((row["method"], row["kind"]), {})
        rows.append(
            {
                **row,
                "closed": other.get("n_used"),
                **{
                    f"{key}_{what}": value for key, value in other.items() if key in _values(second)
                },
            }
        )
    columns = [
        replace(column, show=_both, beside=_keys(column.key, what))
        if column.key in _values(first)
        else column
        for column in first.columns
    ]
    if any((row["closed"] or 0) < (row["n_used"] or 0) for row in rows):
        columns.insert(-1, Column("closed", "closed", share, beside=("n_used",)))
    caption = f"{first.caption.rstrip('.')}; in brackets the {second.caption[:1].lower()}{second.caption[1:]}"
    return Table(first.name, caption, columns, rows)


def _parts(table: Table) -> list[Table]:
    """Tables of at most `WIDEST` values in a row, kinds of parameters apart; one if it is narrow enough."""
    values = [column for column in table.columns if column.key not in _FRAME]
    if len(values) <= WIDEST:
        return [table]
    first, last = ([c for c in table.columns if c.key in keys] for keys in (_FRAME[:2], _FRAME[2:]))
    kinds = itertools.groupby(values, key=lambda column: column.heading.split(" ")[0])
    grouped = [list(kind) for _, kind in kinds]
    chunks = [kind[i : i + WIDEST] for kind in grouped for i in range(0, len(kind), WIDEST)]
    return [
        replace(
            table,
            name=f"{table.name}-{i}",
            caption=f"{table.caption.rstrip('.')} ({i} of {len(chunks)}).",
            columns=[*first, *chunk, *last],
        )
        for i, chunk in enumerate(chunks, 1)
    ]


def _values(table: Table) -> set[str]:
    return {key for c in table.columns if c.show is with_error for key in (c.key, *c.beside)}


def _keys(key: str, what: str) -> tuple[str, ...]:
    return (f"{key}_mcse", f"{key}_{what}", f"{key}_mcse_{what}")


def _both(value: Any, mcse: Any, other: Any, _: Any) -> str:
    """The second metric without its error, which the .csv has."""
    if value is None:
        return ""
    digits = f"{other:#.3g}".rstrip(".") if other and 1e-4 <= other < 1e3 else number(3)(other)
    return f"{with_error(value, mcse)} ({digits})"


def _heading(case: Case, place: tuple[Any, Any, Any]) -> str:
    parameter, component, index = place
    if not parameter:
        return ""
    inner = [int(i) - 1 for i in str(index).split(",") if i]
    columns = case.dataset.columns if case.dataset is not None else ()
    if not component:
        return f"{words.PARAMETERS.get(parameter, parameter)}{entry(parameter, inner, columns)}"
    return label(parameter, (int(component) - 1, *inner), columns, names=words.PARAMETERS)
