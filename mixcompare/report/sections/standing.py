"""How ends were judged, and what each method was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mixcompare.records import DRAW_FINDINGS, FINDINGS
from mixcompare.report import words
from mixcompare.report.document import Paragraph, Section, Tabular, Terms
from mixcompare.report.tables import Column, Table, findings, number, text, whole
from mixcompare.report.view import View, records
from mixcompare.study.margins import NEAR


@dataclass(frozen=True)
class Judged:
    """Findings and flags that occur, and the thresholds by which verdicts were reached."""

    findings: list[str]
    flags: list[str]
    thresholds: dict[str, str]
    near: list[dict[str, Any]]


def compute(view: View) -> Judged:
    """Read the findings and thresholds off the rows; thresholds that differ are listed together."""
    rows = view.rows
    values: dict[str, list[str]] = {}
    for cell in rows["thresholds"]:
        for name, value in (cell or {}).items():
            shown = number(4)(value)
            if shown not in values.setdefault(name, []):
                values[name].append(shown)
    flags = {flag for cell in rows["flags"] for flag in (cell or [])} & set(words.FLAGS)
    if rows["narrow"].any():
        flags.add("narrow")
    present = set(rows["finding"])
    every = dict.fromkeys((*FINDINGS, *DRAW_FINDINGS))
    return Judged(
        [name for name in every if name in present],
        sorted(flags),
        {name: ", ".join(shown) for name, shown in values.items()},
        _near(view),
    )


def _near(view: View) -> list[dict[str, Any]]:
    """Verdicts near a threshold, the nearest of those alike with their number."""
    table = view.results.near_thresholds()
    alike = table.groupby(["data", "model", "method", "finding", "test"], sort=False)
    nearest = alike.first().reset_index()
    return records(nearest.assign(fits=alike.size().to_numpy()))


def draw(judged: Judged) -> Section:
    """Make the section."""
    blocks = [
        Paragraph(
            "Every end was judged from the data and the estimate alone, by one verifier in one "
            "parametrisation, whatever the solver said. The headline is the first finding that holds, in the "
            "order from unsupported to maximum (for draws, to verified)."
        ),
        Terms([(name, words.FINDINGS.get(name, "")) for name in judged.findings], badge=True),
        Terms([(name.replace("_", " "), words.FLAGS[name]) for name in judged.flags]),
    ]
    others = [name for name in words.FINDINGS if name not in judged.findings]
    parts = [
        Section(
            "legend",
            "Findings that do not occur here",
            [Terms([(name, words.FINDINGS[name]) for name in others], badge=True)],
        )
    ]
    if judged.thresholds:
        rows = [
            {"name": name, "value": value, "meaning": words.THRESHOLDS.get(name, "")}
            for name, value in judged.thresholds.items()
        ]
        table = Table(
            "thresholds", "Thresholds in force, as stored with the verdicts.", _THRESHOLDS, rows
        )
        parts.append(Section("limits", "Thresholds", [Tabular(table)]))
    if judged.near:
        table = Table("near", _NEAR_CAPTION, _NEAR, judged.near)
        parts.append(Section("margins", "Verdicts near a threshold", [Tabular(table)]))
    return Section("judged", "How ends were judged", [b for b in blocks if _full(b)], parts)


def formulations(view: View) -> Section:
    """What each method that was run was asked to do, in words."""
    typed = dict.fromkeys(view.method_names.get(method, method) for method in view.rows["method"])
    used = dict.fromkeys(
        part
        for method in typed
        for part in method.partition("[")[2].rstrip("]").split("+")
        if part in words.FORMULATIONS
    )
    terms = [("sound default", words.PLAIN), *((part, words.FORMULATIONS[part]) for part in used)]
    note = "A formulation in brackets after a method's name changes the problem it is given, not the method."
    return Section(
        "formulations", "What each method was asked to do", [Paragraph(note), Terms(terms)]
    )


def _full(block: Any) -> bool:
    return not isinstance(block, Terms) or bool(block.terms)


_NEAR_CAPTION = (
    f"Verdicts of which some judged value lay within a factor of {NEAR:g} of its threshold: with another "
    "threshold the finding might be another. Margin: judged value over threshold, of the fit nearest to 1, "
    "whose key is given."
)

_NEAR = (
    Column("data", "data", text, number=False),
    Column("model", "model", text, number=False),
    Column("method", "method", text, number=False),
    Column("finding", "finding", findings, number=False, badge=True),
    Column("test", "threshold", text, number=False),
    Column("threshold", "its value", number()),
    Column("margin", "margin", number(3)),
    Column("fits", "fits", whole),
    Column("key", "key", text, number=False),
)

_THRESHOLDS = (
    Column("name", "threshold", text, number=False),
    Column("value", "value", text),
    Column("meaning", "meaning", text, number=False),
)
