"""What was asked: data, models, methods, starts, seeds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.report import words
from mixcompare.report.document import Items, Paragraph, Section, Tabular
from mixcompare.report.tables import Column, Table, text, typeset, whole
from mixcompare.report.view import View
from mixcompare.study.asked import by_label

MOST = 5
"""Models of one data set from which they share a line: they are named where a model is chosen."""


@dataclass(frozen=True)
class Asked:
    """Rows of the two tables, and the settings in words."""

    data: list[dict[str, Any]]
    methods: list[dict[str, Any]]
    settings: str


def compute(view: View) -> Asked:
    """Gather what the study planned, as the rows show it."""
    return Asked(_data(view), _methods(view), _settings(view))


def draw(asked: Asked) -> Section:
    """Make the section."""
    return Section(
        "asked",
        "What was asked",
        [
            Paragraph(asked.settings),
            Tabular(Table("data", "Data and models.", _DATA, asked.data)),
            Tabular(
                Table(
                    "methods",
                    "Methods, the formulation each was given (explained below), and the fits planned.",
                    [
                        c
                        for c in _METHODS
                        if c.key not in _RARE or any(r[c.key] for r in asked.methods)
                    ],
                    asked.methods,
                )
            ),
        ],
    )


def remarks(view: View) -> Section:
    """What the author of the study says beside its numbers; no blocks without any."""
    said = [typeset(remark) for remark in view.study.get("remarks", [])]
    head = "Written by the author of the study, not computed. Numbers can be checked among the expectations."
    return Section("remarks", "Remarks", [Paragraph(head), Items(said)] if said else [])


_DATA = (
    Column("data", "data", text, number=False),
    Column("model", "model", text, number=False),
    Column("n", "observations", whole),
    Column("columns", "columns", text, number=False),
    Column("replicates", "replicates", whole),
    Column("fits", "fits", whole),
    Column("source", "source", text, number=False),
)

_METHODS = (
    Column("method", "method", text, number=False),
    Column("formulation", "formulation", text, number=False),
    Column("options", "options", text, number=False),
    Column("fault", "wrong on purpose", text, number=False),
    Column("fits", "fits", whole),
)

_RARE = ("options", "fault")
"""Columns that are left out where they are empty."""


def _data(view: View) -> list[dict[str, Any]]:
    """A line a data set and model; one a data set where `MOST` models or more were fitted to it."""
    rows: list[dict[str, Any]] = []
    models = Counter(case.data for case in view.cases)
    for case in view.cases:
        dataset, many = case.dataset, models[case.data] >= MOST
        if many and case.data in [row["data"] for row in rows]:
            continue
        fits = view.rows[view.rows["data"] == case.data] if many else case.rows
        rows.append(
            {
                "data": case.data,
                "model": f"{models[case.data]} models" if many else case.model_name,
                "n": dataset.n if dataset is not None else None,
                "columns": _columns(dataset) if dataset is not None else None,
                "replicates": case.n_replicates,
                "fits": len(fits),
                "source": _source(case.data, dataset, view),
            }
        )
    return rows


def _columns(dataset: Dataset) -> list[str]:
    return [words.labelled(*pair) for pair in zip(dataset.columns, dataset.units, strict=True)]


def _source(name: str, dataset: Any, view: View) -> str:
    if dataset is not None and dataset.source:
        how = f", rescaled ({dataset.rescaling})" if dataset.rescaling else ""
        return f"{dataset.source}{how}"
    entry: dict[str, Any] = next(
        (e for e in view.study.get("data", []) if e.get("name") == name), {}
    )
    if "scenario" in entry:
        parameters = ", ".join(f"{k} = {v}" for k, v in entry.get("parameters", {}).items())
        return f"simulated: scenario {entry['scenario']} ({parameters})"
    return str(entry.get("file", entry.get("dataset", "")))


def _methods(view: View) -> list[dict[str, Any]]:
    if view.rows.empty:
        return []
    return [
        {
            "method": method,
            "formulation": _formulation(view.method_names.get(str(method), str(method))),
            "options": _options(view, str(method)),
            "fault": rows["fault"].iloc[0],
            "fits": len(rows),
        }
        for method, rows in sorted(
            view.rows.groupby("method", sort=False), key=lambda group: view.place(str(group[0]))
        )
    ]


def _formulation(typed: str) -> str:
    """What stands in brackets; a dash for methods that know one formulation alone."""
    name, _, modifiers = typed.partition("[")
    try:
        known = getattr(registry.load("methods", name), "modifiers", ())
    except SpecError:  # a contestant from outside that is not at hand here
        known = ()
    return modifiers.rstrip("]") or ("sound default" if known else "–")


def _options(view: View, label: str) -> str:
    return typeset(by_label(view.study).get(label, {}).get("options") or None)


def _settings(view: View) -> str:
    rows = view.rows
    if rows.empty:
        return "The study planned no fits."
    schemes = ", ".join(sorted({str(s) for s in rows["start_scheme"].dropna()}))
    starts = rows.groupby(["data", "model", "method", "replicate"], sort=False).size().max()
    made = (
        f"{len(rows):,} fits: up to {starts} start{'s' if starts > 1 else ''} a method and data set "
        f"(schemes: {schemes}), the same starts and the same data for every method."
    )
    parts = [made]
    if "seed" in view.study:
        parts.append(f"Root seed {view.study['seed']}.")
    budget = view.study.get("budget") or {}
    limits = [f"{value:g} {name}" for name, value in budget.items() if value is not None]
    if limits:
        parts.append(f"Budget of one fit: {', '.join(limits)}.")
    return " ".join(parts)
