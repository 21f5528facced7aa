"""From each start: how long each method took, for fits whose history was kept."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mixcompare.report.document import Items, Section, Tabular
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, findings, fixed, nats, text, whole
from mixcompare.report.view import Case, View, records
from mixcompare.study.from_starts import TOLERANCES, tell

MOST = 60
"""Fits in the table at most; all are in the results."""


def compute(view: View, case: Case) -> pd.DataFrame:
    """The fits of the first replicate whose history was kept (`from_starts.from_starts`)."""
    found = view.results.from_starts()
    here = (found["data"] == case.data) & (found["model"] == case.model_name)
    return found[here & (found["replicate"] == case.first["replicate"].min())]


def draw(case: Case, lines: pd.DataFrame) -> Section:
    """Make the part; no blocks where no method has two starts with a history."""
    name, title = f"{case.slug}-from-starts", "From each start"
    rows = records(lines)
    if len({row["start_index"] for row in rows}) < 2:
        return Section(name, title, [])
    left_out = f" The first {MOST} of {len(rows)} fits." if len(rows) > MOST else ""
    caption = (
        "Steps from each start until a fit was within so many nats of the best known optimum; blank: never. "
        f"A step is an iteration or, of methods that count none, an evaluation.{left_out}"
    )
    told = list(tell(lines))
    blocks: list[Any] = [Items(told)] if told else []
    blocks.append(Tabular(Table(name, caption, _COLUMNS, rows[:MOST])))
    return Section(name, title, blocks)


PART = Part(compute, draw)


_COLUMNS = (
    Column("method", "method", text, number=False),
    Column("start_index", "start", whole),
    Column("start", "where", text, number=False),
    Column("finding", "ends at", findings, number=False, badge=True),
    Column("loglik", "log-likelihood", fixed(4)),
    Column("gap", "nats below", nats),
    Column("steps", "steps", whole),
    *(Column(f"within_{t:g}", f"to {t:g} nats", whole) for t in TOLERANCES),
)
