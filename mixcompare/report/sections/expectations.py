"""Expected numbers: reproduced, not reproduced, or not checked at this size."""

from __future__ import annotations

from typing import Any

from mixcompare.report.document import Paragraph, Section, Tabular
from mixcompare.report.tables import Column, Table, number, text, typeset
from mixcompare.report.view import View, records

MANY = 20
"""Lines beyond which the table is folded."""


def compute(view: View) -> list[dict[str, Any]]:
    """One row an expectation."""
    return records(view.results.expectations())


def draw(rows: list[dict[str, Any]]) -> Section:
    """Make the section."""
    if not rows:
        blocks: list[Any] = [Paragraph("The study states no expectations.")]
    else:
        caption = "Numbers known beforehand, their source, and what this run found."
        noted = any(row["note"] for row in rows)
        columns = [column for column in _COLUMNS if column.key != "note" or noted]
        # what was not reproduced is named at the head of the report
        blocks = [Tabular(Table("expectations", caption, columns, rows), folded=len(rows) > MANY)]
    return Section("expectations", "Expectations", blocks)


def _value(value: Any) -> str:
    return (
        number(9)(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        else typeset(value)
    )


_COLUMNS = (
    Column("status", "status", text, number=False, badge=True),
    Column("quantity", "quantity", text, number=False),
    Column("where", "where", text, number=False),
    Column("expected", "expected", _value),
    Column("found", "found", _value),
    Column("source", "source", text, number=False),
    Column("note", "note", text, number=False),
)
