"""Failures, every one, and where the numbers came from."""

from __future__ import annotations

import re
from typing import Any

from mixcompare.report.document import Items, Paragraph, Section, Tabular
from mixcompare.report.tables import Column, Table, findings, text, typeset, whole
from mixcompare.report.view import View, records

FAILED = ("error", "unsupported", "non_finite", "out_of_domain")


def failures(view: View) -> list[dict[str, Any]]:
    """Fits that left no usable end, grouped by data, method, finding and message, numbers in it apart."""
    rows = view.rows
    rows = rows[rows["finding"].isin(FAILED) | (rows["error"].fillna("") != "")]
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    row: Any
    for row in rows.itertuples():
        message = next(
            (
                m
                for m in (row.error, row.verdict_message, row.said_message)
                if isinstance(m, str) and m
            ),
            "",
        )
        key = (
            row.data,
            row.model,
            row.method,
            row.finding,
            re.sub(r"[-+]?\d[\d.,e+-]*", "#", message),
        )
        line = found.setdefault(
            key, {"data": row.data, "model": row.model, "method": row.method, "finding": row.finding,
                  "message": message, "fits": 0, "keys": []},
        )  # fmt: skip
        line["fits"] += 1
        line["keys"].append(row.key)
    return list(found.values())


def draw_failures(rows: list[dict[str, Any]]) -> Section:
    """Make the section."""
    blocks: list[Any] = [Paragraph("None: every fit left an end inside the parameter space.")]
    if rows:
        caption = (
            "Fits that left no usable end. Messages that differ in numbers only are together, the first one "
            "shown, with the command that repeats it (DIR is the folder of these results; the table as csv "
            "has the keys of all). Nothing was redrawn or dropped: all count in every denominator above."
        )
        blocks = [Tabular(Table("failures", caption, _FAILURES, rows))]
    return Section("failures", "Failures", blocks)


def provenance(view: View) -> Section:
    """Versions, seeds and digests, as the rows hold them."""
    rows = view.rows
    items = [f"{len(rows)} rows, {rows['key'].nunique()} distinct keys."]
    if "seed" in view.study:
        items.append(f"Root seed of the study: {view.study['seed']}.")
    versions = [text(v) for v in rows["version"].dropna().unique()]
    if versions:
        items.append(f"Version of the rows: {', '.join(versions)}.")
    for name, value in _versions(view).items():
        items.append(f"{name}: {value}.")
    digests = rows.drop_duplicates(["data", "replicate"])[["data", "replicate", "digest"]]
    table = Table("digests", "Data as seen by the fits: SHA-256 of observations and counts, first 16 digits.",
                  _DIGESTS, records(digests))  # fmt: skip
    blocks: list[Any] = [Items(items)]
    if len(digests):
        blocks.append(Tabular(table, folded=True))
    return Section("provenance", "Provenance", blocks)


def _versions(view: View) -> dict[str, str]:
    """Package versions, as the run noted them."""
    found = view.study.get("run", {}).get("versions") or {}
    return {str(name): text(value) for name, value in dict(found).items()}


_FAILURES = (
    Column("data", "data", text, number=False),
    Column("method", "method", text, number=False),
    Column("finding", "finding", findings, number=False, badge=True),
    Column("fits", "fits", whole),
    Column("message", "message", typeset, number=False),
    Column("keys", "to repeat it", lambda keys: f"mixcompare replay DIR {keys[0]}", number=False),
)

_DIGESTS = (
    Column("data", "data", text, number=False),
    Column("replicate", "replicate", whole),
    Column("digest", "digest", text, number=False),
)
