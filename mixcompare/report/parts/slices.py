"""Slices of the likelihood: surface and relief, paths across it, and what every start on it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mixcompare.report.document import Drawing, Items, Section, Tabular
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, findings, fixed, number, text, typeset, whole
from mixcompare.report.view import Case, View, records, slug
from mixcompare.study import slices_words
from mixcompare.study.slices import StudySlice


@dataclass(frozen=True)
class Shown:
    """A slice with what is said of it."""

    slice: StudySlice
    sentences: list[str]


def compute(view: View, case: Case) -> list[Shown]:
    """The slices of one data set and model."""
    return [
        Shown(one, [typeset(text) for text in slices_words.tell(one, case.best_known)])
        for one in view.results.slices.values()
        if one.model == case.model_name and one.data is case.dataset
    ]


def draw(case: Case, shown: list[Shown]) -> Section:
    """Make a part of each."""
    parts = [_section(case, one.slice, one.sentences) for one in shown]
    return Section(f"{case.slug}-slices", "Over two parameters", [], parts)


PART = Part(compute, draw)


def _section(case: Case, one: StudySlice, sentences: list[str]) -> Section:
    name = f"{case.slug}-slice-{slug(one.name)}"
    blocks: list[Any] = [Items(sentences), *_surface(one, name), *_paths(one, name)]
    return Section(name, f"Over two parameters: {one.name}", [*blocks, *_basins(one, name)])


def _surface(one: StudySlice, name: str) -> list[Drawing]:
    first, second = one.cut.names
    return [
        Drawing(
            f"{name}-surface",
            f"Log-likelihood over {first} and {second}, contours",
            "Contours of the log-likelihood, in nats below the highest point of the slice.",
            "surface",
            (one.landscape,),
        ),
        Drawing(
            f"{name}-relief",
            f"Log-likelihood over {first} and {second}, relief",
            "The same as a relief, cut off below where nine tenths of it lie, so that the peaks are seen.",
            "relief",
            (one.landscape,),
        ),
    ]


def _paths(one: StudySlice, name: str) -> list[Drawing]:
    if not one.paths:
        return []
    caption = (
        "The way of each method across the slice, from the star on: its evaluations that were better than "
        "all before. A dark red cross ends it where the end is not sound. Other parameters move too, so "
        "that an end need not lie on a peak of the slice; ↗ means that the way leaves the picture."
    )
    drawn = (one.landscape, one.paths)
    return [Drawing(f"{name}-paths", "Paths from the start", caption, "path-panels", drawn)]


def _basins(one: StudySlice, name: str) -> list[Any]:
    basins = one.basins
    if basins is None:
        return []
    caption = (
        "What each method reaches from every start on the slice, the start at the middle of its square. "
        "Letters mark the optima themselves, once for each numbering of their components."
    )
    blocks: list[Any] = [
        Drawing(f"{name}-basins", "Basins of attraction", caption, "basin-panels", (basins,))
    ]
    if len(basins.methods) > 1:
        caption = "How many different ends the methods reach from one and the same start."
        place, title = f"{name}-disagreement", "Where methods disagree"
        blocks.append(Drawing(place, title, caption, "disagreement", (basins,)))
    shares = records(basins.shares())
    rows = [row for row in shares if row["starts"]]
    caption = "Shares of the area: the starts of each method by what they lead to, with mean passes of a fit."
    return [*blocks, Tabular(Table(f"{name}-shares", caption, _SHARES, rows), folded=True)]


_SHARES = (
    Column("method", "method", text, number=False),
    Column("finding", "reached", findings, number=False, badge=True),
    Column("standing", "standing", text, number=False),
    Column("narrow", "narrow", text, number=False),
    Column("loglik", "log-likelihood", fixed(3)),
    Column("starts", "starts", whole),
    Column("share", "share", fixed(3)),
    Column("mean_passes", "mean passes", number(3)),
    Column("said_success", "success said", whole),
)
