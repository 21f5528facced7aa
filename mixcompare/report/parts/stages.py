"""The fitted density on the way to the end: which steps are shown, as panels and as a film."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mixcompare.data import Dataset
from mixcompare.report.figures.animation import Film
from mixcompare.report.figures.ascent import Climb
from mixcompare.report.figures.stages import Stage
from mixcompare.report.parts.curves import Fitted, densities
from mixcompare.report.view import Case
from mixcompare.study.iterations import Run, plateaus

MOST_STAGES, MOST_STAGED = 9, 3
"""Panels of a figure of stages, and such figures, at most."""

MOST_FRAMES, SEEN = 60, 1e-3
"""Frames of a film, and the nats below the end from which nothing more is seen to move."""


def climb(run: Run) -> Climb:
    """The way up of a run."""
    shown = run.shown
    steps, loglik = run.history.steps[shown], run.history.loglik[shown]
    found = [(plateau.first, plateau.last) for plateau in plateaus(run.history, run.unit)]
    kept = np.isfinite(loglik)
    return Climb(run.method, steps[kept], loglik[kept], found)


def staged(case: Case, kept: Sequence[Run], asked: Run | None) -> list[tuple[Run, list[Stage]]]:
    """Of the run in motion, else of the first starts of the first method."""
    mine = [asked] if asked is not None else [r for r in kept if r.method == kept[0].method]
    found = []
    for run in mine[:MOST_STAGED]:
        shown = run.shown
        steps = run.history.steps[shown]
        wanted = _milestones(run.last, case.dataset)
        near = np.unique([int(np.abs(steps - step).argmin()) for step in wanted])
        stages = [stage for place in shown[near] if (stage := _stage(case, run, int(place)))]
        if stages:
            found.append((run, stages))
    return found


def _milestones(last: int, dataset: Dataset | None) -> list[int]:
    """Steps to be shown: of a plane every tenth; of a line, and of long runs, 0, 1, 2, 5, 10, 20, ..."""
    tens = [*range(0, last - 4, 10), last]
    if dataset is not None and dataset.n_features > 1 and len(tens) <= MOST_STAGES:
        return tens
    for widths in ((1, 2, 5), (1, 3), (1,)):
        steps = [0, *(w * 10**k for k in range(12) for w in widths if w * 10**k < last), last]
        if len(steps) <= MOST_STAGES:
            return steps
    return steps


def _stage(case: Case, run: Run, place: int) -> Stage | None:
    """None where the point is outside the parameter space, or data and model have no such picture."""
    if case.model is None or case.dataset is None:
        return None
    theta = case.model.conform(run.history.theta[place], case.dataset.n_features)
    if case.model.outside(theta):
        return None
    picture = densities(case.model, case.dataset, [Fitted(run.method, theta, components=True)])
    if picture is None or picture.kind == "patterns":
        return None
    return Stage(int(run.history.steps[place]), float(run.history.loglik[place]), picture)


def film(case: Case, run: Run) -> Film | None:
    """Every step until nothing more is seen to move, and the last; fewer where they are many."""
    shown = run.shown
    loglik = run.history.loglik[shown]
    moving = int(np.argmax(loglik >= loglik[-1] - SEEN))
    wanted = np.unique(np.linspace(0, moving, min(moving + 1, MOST_FRAMES - 1)).astype(int))
    at = np.unique(np.append(wanted, shown.size - 1))
    stages = [stage for place in shown[at] if (stage := _stage(case, run, int(place)))]
    return Film(run.method, run.unit, stages, climb(run)) if len(stages) > 1 else None
