"""The fits whose parameters were kept, iteration by iteration: tables, figures, and a film if asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.report import words
from mixcompare.report.document import Drawing, Moving, Paragraph, Section, Tabular
from mixcompare.report.figures import animation
from mixcompare.report.figures.animation import Film
from mixcompare.report.figures.ascent import Climb
from mixcompare.report.figures.histories import Histories, Line, Panel
from mixcompare.report.figures.stages import MOST, Stage
from mixcompare.report.film import develop
from mixcompare.report.parts.part import Part
from mixcompare.report.parts.stages import climb, film, staged
from mixcompare.report.tables import Column, Table, fixed, number, typeset, whole
from mixcompare.report.view import Case, View, slug
from mixcompare.study.ends import NO_END
from mixcompare.study.iterations import Run, places, printed, runs
from mixcompare.study.iterations_words import denial
from mixcompare.study.parameter_words import entry, label
from mixcompare.study.words import listed, number_of, quoted

MOST_STEPS, MOST_TABLES, MOST_COLUMNS = 60, 12, 24
"""Lines of a table, tables, and parameters in a table at most."""

MOST_METHODS, MOST_PANELS, MOST_POINTS = 4, 12, 150
"""Figures of histories, panels in one, and points of a line at most."""

UNITED = ("means", "sds", "scales")
"""Parameters in the units of the data."""


@dataclass(frozen=True)
class Iterations:
    """What is shown of one case's histories; `left_out` counts fits without a table.

    `followers`: a method -> those that went the same way but not as far.
    """

    tables: Sequence[Table]
    left_out: int
    histories: Sequence[Histories]
    followers: Mapping[str, Sequence[str]]
    climbs: Sequence[Climb]
    unit: str
    stages: Sequence[tuple[Run, Sequence[Stage]]]
    film: Film | None


def compute(view: View, case: Case) -> Iterations | None:
    """Gather the fits of a case whose parameters were kept; None where there are none."""
    kept = runs(view.results, case.rows)
    if not kept:
        return None
    columns = case.dataset.columns if case.dataset is not None else ()
    ends = [r for r in kept if r.row["finding"] not in NO_END and r.history.better().any()]
    asked = _asked(view, case, ends)
    alone = [run for run in ends if not any(_begins(run, other) for other in ends)]
    units = {run.unit for run in ends}
    return Iterations(
        tables=[_table(case, run, columns) for run in kept[:MOST_TABLES]],
        left_out=max(len(kept) - MOST_TABLES, 0),
        histories=_histories(alone, case.dataset),
        followers=_followers(alone, ends),
        climbs=[climb(run) for run in ends],
        unit=units.pop()
        if len(units) == 1
        else "iteration (of EM), or evaluation of the likelihood",
        stages=staged(case, alone, asked),
        film=film(case, asked) if asked is not None else None,
    )


def _asked(view: View, case: Case, kept: Sequence[Run]) -> Run | None:
    """The run that the study wants to see in motion, if it is one of these."""
    wanted = view.study.get("animate")
    if not wanted or wanted["data"] != case.data:
        return None
    if wanted.get("model") not in (None, case.model_name):
        return None
    who = wanted["method"], wanted.get("start", 0)
    return next((run for run in kept if (run.method, run.start) == who), None)


def _begins(run: Run, other: Run) -> bool:
    """Whether the other went the same way, and on from where this one ended."""
    mine, longer = run.history, other.history
    m = mine.steps.size
    return (
        (run.start, run.row["replicate"]) == (other.start, other.row["replicate"])
        and longer.steps.size > m
        and np.array_equal(longer.steps[:m], mine.steps)
        and np.allclose(longer.loglik[:m], mine.loglik, rtol=1e-9, atol=0, equal_nan=True)
    )


def _followers(alone: Sequence[Run], ends: Sequence[Run]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for run in alone:
        mine = found.setdefault(run.method, [])
        mine += [r.method for r in ends if _begins(r, run) and r.method not in mine]
    return found


# -- tables ---------------------------------------------------------------------------------------


def chosen(steps: np.ndarray) -> np.ndarray:
    """Places of at most `MOST_STEPS` steps: all, else the first ten, every tenth (or more), the last."""
    if steps.size <= MOST_STEPS:
        return np.arange(steps.size)
    for stride in (width * 10**k for k in range(1, 12) for width in (1, 2, 5)):
        kept = (np.arange(steps.size) <= 10) | (steps % stride == 0)
        kept[-1] = True
        if kept.sum() <= MOST_STEPS:
            return np.flatnonzero(kept)
    return np.append(np.arange(11), steps.size - 1)


def _table(case: Case, run: Run, columns: Sequence[str]) -> Table:
    history = run.history
    places_ = run.shown
    loglik = history.loglik[places_]
    gain = np.append(np.nan, np.diff(loglik))
    at = chosen(history.steps[places_])
    parameters = [(name, index) for name, array in run.values.items() for index in places(array)]
    rows = []
    for i, place in zip(at, places_[at], strict=True):
        row: dict[str, Any] = {
            "step": int(history.steps[place]),
            "passes": float(history.passes[place]),
            "loglik": float(loglik[i]),
            "gain": float(gain[i]),
            "said": float(history.said[place]),
        }
        row |= {_key(name, ix): float(run.values[name][(place, *ix)]) for name, ix in parameters}
        rows.append(row)
    heads = [
        Column("step", run.unit, whole),
        Column("passes", "passes", whole),
        Column("loglik", "log-likelihood", fixed(5)),
        Column("gain", "gain", number(3)),
    ]
    if np.isfinite(history.said).any():
        heads.append(Column("said", "it printed", fixed(5)))
    heads += [
        Column(_key(name, ix), label(name, ix, columns, run.values[name].shape[1:]), number(6))
        for name, ix in parameters[:MOST_COLUMNS]
    ]
    name = f"{case.slug}-iterations-{slug(run.method)}-{run.start}"
    if run.row["replicate"]:
        name += f"-{run.row['replicate']}"
    return Table(name, _caption(run, len(at), len(parameters)), heads, rows)


def _key(name: str, index: tuple[int, ...]) -> str:
    return "_".join([name, *(str(i + 1) for i in index)])


def _caption(run: Run, n_shown: int, n_parameters: int) -> str:
    n = number_of(run.last, run.unit)
    replicate = f", replicate {run.row['replicate']}" if run.row["replicate"] else ""
    end = words.finding(run.row["finding"]) or "not verified"
    parts = [f"{run.method} from start {run.start}{replicate}: {n}; the end: {end}."]
    if run.unit != "iteration":
        parts.append("Evaluations that were better than all before.")
    said = printed(run.history)
    if said is not None and said.what == "same":
        parts.append("What it printed is the log-likelihood.")
    elif said is not None:
        parts.append(f"What it printed {denial(said, run.unit)}.")
    if n_shown < len(run.shown):
        parts.append(f"{n_shown} of {len(run.shown):,} lines.")
    if n_parameters > MOST_COLUMNS:
        parts.append(f"The first {MOST_COLUMNS} of {n_parameters} parameters.")
    return typeset(" ".join(parts))


# -- figures --------------------------------------------------------------------------------------


def _thin(steps: np.ndarray, most: int) -> np.ndarray:
    """Places of at most `most` steps, spread evenly over the logarithm; all where they are few."""
    if steps.size <= most:
        return np.arange(steps.size)
    wanted = np.geomspace(1, steps[-1] + 1, most) - 1
    return np.unique(np.searchsorted(steps, wanted).clip(max=steps.size - 1))


def _histories(kept: Sequence[Run], dataset: Dataset | None) -> list[Histories]:
    """One a method, every start of it; parameters that are not in the same panel have other units."""
    methods: dict[str, list[Run]] = {}
    for run in kept:
        methods.setdefault(run.method, []).append(run)
    return [
        Histories(method, group[0].unit, _panels(group, dataset)[:MOST_PANELS])
        for method, group in list(methods.items())[:MOST_METHODS]
    ]


def _panels(group: Sequence[Run], dataset: Dataset | None) -> list[Panel]:
    columns = dataset.columns if dataset is not None else ()
    units = dict(zip(columns, dataset.units, strict=True)) if dataset is not None else {}
    panels: dict[str, list[Line]] = {}
    for run in group:
        shown = run.shown
        shown = shown[_thin(run.history.steps[shown], MOST_POINTS)]
        for name, array in run.values.items():
            if name == "weights" and array.shape[1] == 1:
                continue  # which is always 1
            for index in places(array):
                title = f"{words.NATURAL.get(name, name)}{entry(name, index[1:], columns, array.shape[2:])}"
                unit = (
                    units.get(columns[index[1] if len(columns) > 1 else 0], "")
                    if name in UNITED and columns
                    else ""
                )
                line = Line(index[0], run.start, run.history.steps[shown], array[(shown, *index)])
                panels.setdefault(words.labelled(title, unit), []).append(line)
    return [Panel(name, lines) for name, lines in panels.items()]


# -- the part of the report -----------------------------------------------------------------------


def draw(case: Case, data: Iterations | None) -> Section:
    """Make the part; no blocks where no parameters were kept."""
    name, title = f"{case.slug}-iterations", "Iteration by iteration"
    if data is None:
        return Section(name, title, [])
    blocks: list[Any] = _ascent(case, data)
    blocks += [_history(case, one, data.followers[one.method]) for one in data.histories]
    blocks += [_stages_of(case, run, stages) for run, stages in data.stages]
    if data.film is not None:
        blocks.append(_moving(case, data.film))
    blocks += [Tabular(table, folded=True) for table in data.tables]
    if data.left_out:
        n = number_of(data.left_out, "more fit")
        blocks.append(Paragraph(f"Of {n} every step is in the folder histories of the results."))
    return Section(name, title, blocks)


PART = Part(compute, draw)


def _ascent(case: Case, data: Iterations) -> list[Drawing]:
    if not data.climbs:
        return []
    sat = sum(bool(climb.plateaus) for climb in data.climbs)
    message = (
        f"{number_of(sat, 'run')} of {len(data.climbs)} sat on a plateau: each step there gained less than "
        "1 % of what was still to come, and later steps far more."
        if sat
        else "No run sat on a plateau."
    )
    caption = (
        f"Log-likelihood on the way to the end, every start whose parameters were kept. {message}"
    )
    name, title = f"{case.slug}-ascent", f"Ascent, {case.data}"
    return [Drawing(name, title, caption, "ascent", (data.climbs, data.unit))]


def _history(case: Case, one: Histories, followers: Sequence[str]) -> Drawing:
    starts = len({line.start for panel in one.panels for line in panel.lines})
    who = "it" if len(followers) == 1 else "they"
    also = (
        f" {listed([quoted(name) for name in followers])} went the same way as far as {who} went."
        if followers
        else ""
    )
    caption = (
        f"Parameters of {one.method} at each {one.unit}, {number_of(starts, 'start')}; marks are where it "
        f"began and ended. Components are numbered as at the end of each run.{also}"
    )
    name = f"{case.slug}-histories-{slug(one.method)}"
    title = f"Histories of {one.method}, {case.data}"
    return Drawing(name, title, caption, "histories", (one,))


def _stages_of(case: Case, run: Run, stages: Sequence[Stage]) -> Drawing:
    what = {
        "line": "The weighted components over a histogram of the data, their sum grey",
        "plane": f"The components over {_drawn(stages[0])}, each where its density is 0.61 and 0.14 of its "
        "highest (for normal components: one and two sds)",
    }[stages[0].picture.kind]
    caption = f"{what}: {run.method} from start {run.start} at chosen {run.unit}s."
    name = f"{case.slug}-stages-{slug(run.method)}-{run.start}"
    title = f"Stages of {run.method}, {case.data}"
    return Drawing(name, title, caption, "stages", (stages, run.method, run.unit))


def _drawn(stage: Stage) -> str:
    n = len(stage.picture.x)
    every = -(-n // MOST)
    return "the data" if every == 1 else f"{-(-n // every)} of the {n:,} rows of the data"


def _moving(case: Case, one: Film) -> Moving:
    caption = (
        f"{one.method} in motion, {number_of(len(one.stages), 'frame')}; below, the log-likelihood, where "
        "the mark is the frame shown."
    )
    return Moving(
        f"{case.slug}-animation",
        f"{one.method} on {case.data}, {one.unit} by {one.unit}",
        caption,
        develop(animation.frames(one)),
        [one.title(stage) for stage in one.stages],
    )
