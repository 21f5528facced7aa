"""What solvers said against what was found: over all data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import words
from mixcompare.report.document import Drawing, Paragraph, Section, Tabular
from mixcompare.report.figures.claims import Rate, Word
from mixcompare.report.tables import (
    Column,
    Table,
    text,
    whole,
    with_interval,
)
from mixcompare.report.view import View, records
from mixcompare.study.claims import CLAIM_COLUMNS
from mixcompare.study.ends import LIKELIHOOD
from mixcompare.study.shares import FEW

SAID = ("success", "failure", "nothing")


@dataclass(frozen=True)
class Claims:
    """Rates, one row a method; numbers of fits, one row a method and word, and the findings counted."""

    rates: list[dict[str, Any]]
    crossed: list[dict[str, Any]]
    findings: list[str]
    sets: int


def compute(view: View) -> Claims:
    """Gather what was said on all data and models of the study, methods in its order."""
    said = records(view.results.claims(pooled=True))
    table = view.results.claimed_and_found(pooled=True)
    findings = [name for name in table.columns if name not in ("method", *CLAIM_COLUMNS)]
    crossed = records(table)
    crossed.sort(key=lambda row: (view.place(row["method"]), SAID.index(row["said"])))
    rates: dict[str, dict[str, Any]] = {}
    for row in sorted(said, key=lambda row: view.place(row["method"])):
        target = row["target"] if row["target"] != LIKELIHOOD else ""
        line = rates.setdefault(row["method"], {"method": row["method"], "target": target})
        line |= {f"{row['said']}_{key}": row[key] for key in _KEYS}
    sets = len(view.rows[["data", "replicate"]].drop_duplicates())
    return Claims(list(rates.values()), crossed, findings, sets)


_KEYS = ("fits", "wrong", "share_wrong", "lower", "upper", "interval")


def draw(claims: Claims) -> Section:
    """Make the section; no blocks where no solver said anything."""
    title = "What it said against what it was"
    if not any("success_fits" in row or "failure_fits" in row for row in claims.rates):
        return Section("claims", title, [])
    unit = _unit(claims.sets)
    about = (
        " A method that maximises something else than the likelihood is listed, but its word was not "
        "about the likelihood and is not judged by it."
        if any(row["target"] for row in claims.rates)
        else ""
    )
    explained = (
        "All data and models together. A claim of success is false if its end is not sound, a claim of "
        f"failure if its end is. {unit}{about}"
    )
    rates = Table("claims", _RATES_CAPTION, _used(_RATES, claims.rates), claims.rates)
    blocks: list[Any] = [Paragraph(explained), Tabular(rates)]
    drawn = ([_word(row) for row in claims.rates],)
    head = "Shares of words that were wrong"
    blocks.append(Drawing("claims-rates", head, _message(claims), "claims", drawn))
    crossed = Table("claims-findings", _CROSSED_CAPTION, _crossed(claims), claims.crossed)
    return Section("claims", title, [*blocks, Tabular(crossed, folded=True)])


def _unit(sets: int) -> str:
    """What the intervals are."""
    if sets == 1:
        return "Intervals are Wilson's, at 95 %."
    unit = (
        f"The unit is the data set, of which there are {sets}, because fits to the same data are not "
        "independent: "
    )
    trials = "Wilson's with data sets as trials"
    if sets < FEW:
        return f"{unit}95 % intervals are {trials}, which are too wide rather than too narrow."
    return (
        f"{unit}intervals are 95 % percentile bootstraps over data sets ({trials} where the claim was made "
        f"on fewer than {FEW}, and where none or all were wrong)."
    )


_RATES_CAPTION = "Claims of success and of failure, and the shares of them that were false."

_CROSSED_CAPTION = "Fits by what the solver said and what its end was found to be."

_RATES = (
    Column("method", "method", text, number=False),
    Column("target", "maximises", text, number=False),
    Column("success_fits", "success said", whole),
    Column("success_wrong", "falsely", whole, alarm=True),
    Column(
        "success_share_wrong",
        "false-success rate",
        with_interval,
        beside=("success_lower", "success_upper"),
    ),
    Column("failure_fits", "failure said", whole),
    Column("failure_wrong", "falsely", whole, alarm=True),
    Column(
        "failure_share_wrong",
        "false-failure rate",
        with_interval,
        beside=("failure_lower", "failure_upper"),
    ),
    Column("nothing_fits", "nothing said", whole),
)


def _used(columns: tuple[Column, ...], rows: list[dict[str, Any]]) -> list[Column]:
    """Columns that hold anything at all."""
    always = ("method", "success_fits", "failure_fits")
    return [c for c in columns if c.key in always or any(row.get(c.key) for row in rows)]


def _crossed(claims: Claims) -> list[Column]:
    counts = [Column(f, words.finding(f) or "not verified", whole) for f in claims.findings]
    names = [Column(key, key, text, number=False) for key in ("method", "said")]
    return [*names, *counts]


def _word(row: dict[str, Any]) -> Word:
    success, failure = (
        Rate(
            _nan(row.get(f"{said}_wrong")),
            row.get(f"{said}_fits") or 0,
            *(_nan(row.get(f"{said}_{key}")) for key in ("share_wrong", "lower", "upper")),
        )
        for said in SAID[:2]
    )
    return Word(row["method"], success, failure)


def _nan(value: float | None) -> float:
    return np.nan if value is None else value


def _message(claims: Claims) -> str:
    worst = max(claims.rates, key=lambda row: row.get("success_share_wrong") or 0.0)
    share_ = worst.get("success_share_wrong") or 0.0
    first = (
        f"False success is most frequent with {worst['method']}: {worst['success_wrong']:.0f} of its "
        f"{worst['success_fits']} claims."
        if share_
        else "No claim of success was false."
    )
    return (
        f"{first} Shares of claims that were wrong, with 95 % intervals; beside them the counts. A dash: "
        "never said."
    )
