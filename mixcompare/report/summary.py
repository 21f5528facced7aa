"""What an index needs to know of a report: `summary.json`, written beside it and read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mixcompare.errors import StoreError
from mixcompare.report.tables import typeset
from mixcompare.report.view import records
from mixcompare.study import answer
from mixcompare.study.quantities import QUANTITIES

FILE = "summary.json"


@dataclass(frozen=True)
class Expected:
    """One [[expect]] block beside what was found, if anything."""

    quantity: str
    where: dict[str, Any]
    expected: str
    found: Any
    status: str
    source: str
    note: str


@dataclass(frozen=True)
class Summary:
    """A report in short: one sentence on what was found, sizes, the first figure, expectations.

    `quantities` says what each of those that are expected is.
    """

    title: str
    question: str
    found: str
    quick: bool
    fits: int
    data_sets: int
    methods: Sequence[str]
    figure: str
    quantities: dict[str, str]
    expectations: Sequence[Expected]


EMBLEMS = (*("basins", "calibration", "criteria", "ridge", "visits", "groups", "ascent"),)
"""Kinds of figures that stand for a study, before the first of all: what few studies have tells most."""

OF_ALL = 3
"""The first kinds of them, which need not be about the first data set."""


def emblem(figures: Sequence[str], first: str) -> str:
    """The figure that stands for a study, "" without any; `first` begins the names of its first data's."""
    for place, kind in enumerate(EMBLEMS):
        for name in figures:
            if name.endswith(f"-{kind}") and (place < OF_ALL or name.startswith(first)):
                return name
    return figures[0] if figures else ""


def text(results: Any, figure: str) -> str:
    """The summary of a Results as JSON; `figure` is the name of a figure that stands for it, or ""."""
    rows, study = results.rows, results.study
    expected = [
        Expected(**{f.name: line[f.name] for f in fields(Expected)})
        for line in records(results.expectations())
    ]
    made = Summary(
        title=study.get("title") or "Comparison",
        question=study.get("question", ""),
        found=typeset(answer.headline(results)),
        quick=bool(results.quick),
        fits=len(rows),
        data_sets=len(rows[["data", "replicate"]].drop_duplicates()),
        methods=list(dict.fromkeys(rows["method"])),
        figure=figure,
        quantities={one.quantity: QUANTITIES[one.quantity].doc for one in expected},
        expectations=expected,
    )
    return json.dumps(asdict(made), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read(path: Path) -> Summary:
    """The summary in a file; StoreError where it is not one."""
    try:
        return TypeAdapter(Summary).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise StoreError(
            f"{path}: expected the summary of a report, got something else ({f'{where}: ' if where else ''}"
            f"{first['msg']}): write the report again with mixcompare report"
        ) from error
