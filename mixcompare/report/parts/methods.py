"""Methods side by side: a line each, what they claimed against what was found, and pairs of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from mixcompare.records import DRAW_FINDINGS, FINDINGS, SOUND
from mixcompare.report import words
from mixcompare.report.document import Drawing, Section, Tabular
from mixcompare.report.figures.findings import Bar
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import (
    Column,
    Table,
    findings,
    fixed,
    nats,
    number,
    share,
    text,
    whole,
    with_error,
)
from mixcompare.report.view import Case, View
from mixcompare.study.ends import LIKELIHOOD
from mixcompare.study.words import number_of

MOST_PAIRS = 15
"""Pairs of methods in one table; with more of them only those with the study's first method."""


@dataclass(frozen=True)
class Methods:
    """A row a method, a row a method and word, the bars of the figure, and a row a pair of methods."""

    summary: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    bars: list[Bar]
    pairs: list[dict[str, Any]]


def compute(view: View, case: Case) -> Methods:
    """Gather what each method reached, said and cost."""
    summary, claims = view.of("summary", case), view.of("claims", case)
    return Methods(summary, claims, _bars(case), view.of("pairs", case))


def draw(case: Case, methods: Methods) -> Section:
    """Make the part."""
    fits = number_of(len(case.rows), "fit") + (
        f" on {case.n_replicates} replicates" if case.n_replicates > 1 else ""
    )
    caption = (
        f"Methods side by side, {fits}. At best known: ends within 0.001 nats of the best verified "
        "optimum. Gap: nats below it. Passes and seconds are medians of one fit."
    )
    blocks: list[Any] = []
    if methods.summary:
        blocks.append(Tabular(Table(f"{case.slug}-methods", caption, _SUMMARY, methods.summary)))
    if any(bar.said_success or bar.said_failure for bar in methods.bars):
        name, title = f"{case.slug}-findings", f"Claims and findings, {case.data}"
        drawn = (methods.bars, _ORDER, _NAMES)
        blocks.append(Drawing(name, title, message(methods.claims), "findings", drawn))
    if methods.claims:
        caption = "What each solver said against what its ends were found to be."
        table = Table(f"{case.slug}-claims", caption, _CLAIMS, methods.claims)
        blocks.append(Tabular(table, folded=True))
    if methods.pairs:
        blocks.append(Tabular(_paired(case, methods.pairs), folded=True))
    return Section(f"{case.slug}-side-by-side", "Methods side by side", blocks)


PART = Part(compute, draw)


_SUMMARY = (
    Column("method", "method", text, number=False),
    Column("at_best", "at best known", share, beside=("fits",)),
    Column("median_gap", "median gap (nats)", nats),
    Column("findings", "found to be", findings, number=False, badge=True),
    Column("false_success", "success said, wrongly", share, beside=("said_success",), alarm=True),
    Column("false_failure", "failure said, wrongly", share, beside=("said_failure",), alarm=True),
    Column("median_passes", "passes", whole),
    Column("median_seconds", "seconds", number(2)),
)

_CLAIMS = (
    Column("method", "method", text, number=False),
    Column("said", "said", text, number=False),
    Column("fits", "fits", whole),
    Column("sound", "sound", whole),
    Column("wrong", "word was wrong", whole, alarm=True),
    Column("share_wrong", "share wrong", fixed(2)),
    Column("lower", "95 % from", fixed(2)),
    Column("upper", "to", fixed(2)),
    Column("interval", "interval", text, number=False),
    Column("findings", "found to be", findings, number=False, badge=True),
)

_ORDER = list(dict.fromkeys([*SOUND, "duplicate", *reversed(FINDINGS), *DRAW_FINDINGS]))
_NAMES = {name: words.finding(name) for name in _ORDER}


# -- claims ---------------------------------------------------------------------------------------


def _bars(case: Case) -> list[Bar]:
    bars = []
    for method in case.methods:
        rows = case.rows[case.rows["method"] == method]
        judged = rows[rows["finding"] != ""]
        said = [judged["finding"][[word is what for word in judged["said"]]] for what in _SAID]
        bars.append(Bar(method, *(dict(Counter(names)) for names in said)))
    return bars


_SAID = (True, False, None)


def message(claims: list[dict[str, Any]]) -> str:
    """How often success and failure were said of the likelihood, and how often wrongly; of the figure."""
    said = []
    for word in ("success", "failure"):
        about = [row for row in claims if (row["target"], row["said"]) == (LIKELIHOOD, word)]
        fits, wrong = (int(sum(row[key] or 0 for row in about)) for key in ("fits", "wrong"))
        if fits:
            found = _found(fits, wrong, word == "success")
            said.append(f"{word} was claimed of {number_of(fits, 'end')}, {found}")
    told = f" {'; '.join(said).capitalize()}." if said else ""
    return (
        f"What solvers said against what was found.{told} Green ends are sound. Narrow bars: nothing was "
        "said, as samplers do."
    )


def _found(fits: int, wrong: int, success: bool) -> str:
    """How many ends are what the word says they are not."""
    if fits == 1:
        return "which is sound" if success == (wrong == 0) else "which is not sound"
    if wrong == 0:
        return f"{'all' if success else 'none'} of them sound"
    return f"{wrong:,} of them {'not sound' if success else 'sound'}"


# -- in pairs -------------------------------------------------------------------------------------


def _paired(case: Case, rows: list[dict[str, Any]]) -> Table:
    """Two methods from the same starts."""
    first = rows[0]["method"]
    kept = rows if len(rows) <= MOST_PAIRS else [row for row in rows if row["method"] == first]
    over = case.n_replicates > 1
    measure = (
        "Difference: share that reached it, method minus other, mean over data sets ± Monte Carlo error."
        if over
        else "p: exact McNemar test, not adjusted for the number of pairs."
    )
    left_out = (
        f" Pairs with {first} alone; all are in the results." if len(kept) < len(rows) else ""
    )
    caption = (
        "Two methods from the same starts: which of the two fits ended at the best known value. "
        f"{measure}{left_out}"
    )
    columns = [c for c in _PAIRS if c.key not in (("p_value",) if over else ("replicates",))]
    return Table(f"{case.slug}-pairs", caption, columns, kept)


_PAIRS = (
    Column("method", "method", text, number=False),
    Column("other", "other", text, number=False),
    Column("pairs", "pairs", whole),
    Column("replicates", "data sets", whole),
    Column("both", "both", share, beside=("pairs",)),
    Column("only_method", "method alone", whole),
    Column("only_other", "other alone", whole),
    Column("neither", "neither", whole),
    Column("difference", "difference", with_error, beside=("mcse",)),
    Column("p_value", "p", number(2)),
)
