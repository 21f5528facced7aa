"""Whether draws can be believed: what chains agree on, which modes they visited, what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.report import words
from mixcompare.report.document import Drawing, Paragraph, Section, Tabular
from mixcompare.report.figures.mode_visits import Visited
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import (
    Column,
    Table,
    findings,
    fixed,
    number,
    share,
    text,
    whole,
)
from mixcompare.report.view import Case, View
from mixcompare.study.summaries import breakdown

STRAY = 0.01
"""Share of the draws away from their main mode from which their way is drawn."""


@dataclass(frozen=True)
class Sampled:
    """One line a sampler; of the first replicate the modes that draws visited, and their ways."""

    methods: list[dict[str, Any]]
    modes: list[dict[str, Any]]
    visited: list[Visited]


def compute(view: View, case: Case) -> Sampled:
    """Gather what is known of the draws of a case."""
    posteriors = pd.DataFrame(view.of("diagnostics", case))
    if posteriors.empty:
        return Sampled([], [], [])
    methods = [
        _line(str(method), rows) for method, rows in posteriors.groupby("method", sort=False)
    ]
    lines = view.of_first("modes", case)
    return Sampled(methods, lines, _visited(view, lines))


def draw(case: Case, sampled: Sampled) -> Section:
    """Make the part; no blocks where nothing was sampled."""
    name, title = f"{case.slug}-draws", "Draws: whether chains agree"
    if not sampled.methods:
        return Section(name, title, [])
    several = (
        " Of several data sets the worst number, and the sum of divergences."
        if case.n_replicates > 1
        else ""
    )
    caption = (
        "The largest R-hat of what no relabelling changes (log-likelihood, mean and variance of the mixture) "
        "is judged first, then that of all parameters after relabelling; raw is as sampled, where labels "
        f"may switch. The smallest effective sizes are those after relabelling.{several}"
    )
    blocks: list[Any] = [Tabular(Table(f"{name}-checks", caption, _CHECKS, sampled.methods))]
    caption = (
        "What draws cost: passes are evaluations of the likelihood, with its gradient or without, or "
        "sweeps, warm-up included; draws of an approximation are independent, which says nothing of how near "
        "it comes; "
        "compilation is apart, and shared by all fits of one process. Effective draws: the smaller of bulk "
        "and tail."
    )
    blocks.append(Tabular(Table(f"{name}-cost", caption, _COST, sampled.methods), folded=True))
    if sampled.modes:
        where = " of the first replicate" if case.n_replicates > 1 else ""
        caption = (
            f"Modes that the draws{where} visited, named from the distinct optima above: each draw belongs "
            "to the nearest one, labels aside. Mass is Laplace's, of the posterior's own mode above an "
            "optimum; crossings are moves of a chain from another optimum to it, at least."
        )
        blocks += [Paragraph(text) for text in _told(sampled.modes)]
        blocks.append(Tabular(Table(f"{name}-modes", caption, _MODES, sampled.modes)))
    if sampled.visited:
        caption = (
            "Where each chain was, draw by draw: its lanes, from the top, are the modes named at the right. "
            "A chain that stays in one lane knows nothing of the others."
        )
        head = f"Modes visited, {case.data}"
        blocks.append(Drawing(f"{name}-visits", head, caption, "mode-visits", (sampled.visited,)))
    return Section(name, title, blocks)


PART = Part(compute, draw)


def _line(method: str, rows: pd.DataFrame) -> dict[str, Any]:
    """The worst of each diagnostic over the posteriors of a method."""
    flags = [flag for cell in rows["flags"] for flag in cell]
    line: dict[str, Any] = {
        "method": method,
        "findings": breakdown(rows["finding"]) if len(rows) > 1 else rows["finding"].iloc[0],
        "flags": [
            words.finding(flag) + (f" {flags.count(flag)}" if len(rows) > 1 else "")
            for flag in dict.fromkeys(flags)
        ],
        "posteriors": len(rows),
    }
    for how, names in _WORST.items():
        for name in names:
            values = pd.to_numeric(rows[name], errors="coerce")
            line[name] = None if values.isna().all() else float(getattr(values, how)())
    return line


_WORST = {
    "max": ("rhat_label_free", "rhat", "rhat_raw", "max_depth_share", "compile_seconds"),
    "min": ("ess_bulk", "ess_tail", "bfmi"),
    "sum": ("divergences",),
    "median": ("passes", "seconds", "ess_per_kilopass", "ess_per_second"),
}


def _told(lines: list[dict[str, Any]]) -> list[str]:
    """What was missed, and between which modes no chain crossed."""
    told = []
    for method in dict.fromkeys(line["method"] for line in lines):
        named = [line for line in lines if line["method"] == method and line["rank"]]
        visited = [line for line in named if line["share"]]
        for line in named:
            if line["missed"]:
                told.append(
                    f"{method}: no draw comes near optimum {line['rank']}, above which lies a mode with "
                    f"{line['mass']:.0%} of the posterior mass; the nearest is {line['nearest']:.0f} nats "
                    "away."
                )
        if len(visited) > 1:
            crossings = sum(line["crossings"] for line in named)
            ranks = ", ".join(str(line["rank"]) for line in visited)
            told.append(
                f"{method}: the draws visited optima {ranks}; "
                + (
                    "no chain crossed from one to another, so their shares are those of the starts."
                    if not crossings
                    else f"chains crossed between them {crossings:,} times at least."
                )
            )
    return told


def _visited(view: View, lines: list[dict[str, Any]]) -> list[Visited]:
    """The ways of posteriors that were in more than one place."""
    found = []
    for key in dict.fromkeys(line["key"] for line in lines):
        mine = [line for line in lines if line["key"] == key]
        there = [line for line in mine if line["share"] or line["missed"]]
        strayed = max(line["share"] for line in mine) < 1 - STRAY
        if not (strayed or any(line["missed"] for line in mine)):
            continue
        seen = view.results.visits[key]
        names = {
            line["rank"]: f"optimum {line['rank']}" if line["rank"] else "elsewhere"
            for line in there
        }
        found.append(Visited(mine[0]["method"], np.asarray(seen.places), seen.every, names))
    return found


_CHECKS = (
    Column("method", "method", text, number=False),
    Column("rhat_label_free", "R-hat label-free", fixed(3)),
    Column("rhat", "relabelled", fixed(3)),
    Column("rhat_raw", "raw", fixed(3)),
    Column("ess_bulk", "ESS bulk", whole),
    Column("ess_tail", "tail", whole),
    Column("divergences", "divergences", whole, alarm=True),
    Column("max_depth_share", "at depth limit", number(2)),
    Column("bfmi", "E-BFMI", fixed(2)),
    Column("findings", "found to be", findings, number=False, badge=True),
    Column("flags", "flags", text, number=False),
)

_COST = (
    Column("method", "method", text, number=False),
    Column("passes", "passes", whole),
    Column("seconds", "seconds", number(2)),
    Column("compile_seconds", "compiling (s)", number(2)),
    Column("ess_per_kilopass", "effective draws per 1000 passes", number(3)),
    Column("ess_per_second", "per second", number(3)),
)

_MODES = (
    Column("method", "method", text, number=False),
    Column("rank", "optimum", lambda rank: whole(rank) if rank else "elsewhere", number=False),
    Column("standing", "standing", text, number=False),
    Column("finding", "finding", findings, number=False, badge=True),
    Column("loglik", "log-likelihood (nats)", fixed(3)),
    Column("mass", "Laplace mass", fixed(2)),
    Column("share", "share of draws", fixed(2)),
    Column("chains", "chains", share, beside=("n_chains",)),
    Column("crossings", "crossings to it", whole),
    Column("nearest", "nearest draw (nats)", number(2)),
)
