"""Gaps to the best known value: along each fit, and at each end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixcompare.report.document import Drawing, Section
from mixcompare.report.figures.gaps import Strip
from mixcompare.report.figures.trajectories import FLOOR, Panel, Run
from mixcompare.report.parts.part import Part
from mixcompare.report.view import Case, View

MOST_RUNS = 60
"""Fits of a method that are drawn, the first ones."""


@dataclass(frozen=True)
class Paths:
    """A panel a method, and of several replicates a strip of end gaps a method."""

    panels: list[Panel]
    ends: list[Strip]


def compute(view: View, case: Case) -> Paths:
    """Gaps of every fit whose trajectory was kept, and of every end."""
    return Paths(panels(view, case), strips(case) if case.n_replicates > 1 else [])


def draw(case: Case, paths: Paths) -> Section:
    """Make the part; no blocks where no fit left a trajectory."""
    blocks = []
    if paths.panels:
        good = _good(case, [panel.method for panel in paths.panels])
        cut = any(panel.counted and panel.counted[1] > len(panel.runs) for panel in paths.panels)
        which = f"the first {MOST_RUNS} fits" if cut else "every start"
        caption = (
            f"Nats below the best known value against passes over the data, {which}, one panel a "
            f"method, with the number of {good}. A dark red cross marks any other end; "
            "one on the lowest line has gone above every proper optimum, outside the parameter space or "
            "where the likelihood has no bound."
        )
        name, title = f"{case.slug}-trajectories", f"Trajectories, {case.data}"
        blocks.append(Drawing(name, title, caption, "trajectories", (paths.panels,)))
    if paths.ends:
        good = _good(case, [strip.method for strip in paths.ends])
        caption = (
            f"Where every end of the {case.n_replicates} replicates lies below the best known value of "
            f"its own replicate. Numbers count ends that nearly agree; crosses are all but the {good}. "
            "Ends that are no estimate have no place here."
        )
        name, title = f"{case.slug}-gaps", f"End gaps over replicates, {case.data}"
        blocks.append(Drawing(name, title, caption, "gaps", (paths.ends,)))
    return Section(f"{case.slug}-paths", "Log-likelihood against passes", blocks)


PART = Part(compute, draw)


def _good(case: Case, methods: Sequence[str]) -> str:
    """What is no cross, in words."""
    sampled = " (of samplers: draws that are sound)" if set(methods) & set(case.samplers) else ""
    return f"ends at an optimum{sampled}"


def panels(view: View, case: Case) -> list[Panel]:
    """One panel a method that left trajectories, forms of one solver side by side; its first fits.

    Gaps are to the best known value of the fit's own replicate; where there is none, to the highest
    value of an end that is an estimate.
    """
    found = []
    for method in case.methods:
        runs = []
        for _, row in case.rows[case.rows["method"] == method].iterrows():
            passes, loglik = view.trajectory(row["key"])
            finite = np.isfinite(loglik)
            if not finite.any() or not np.isfinite(row["reference"]):
                continue
            gap = row["reference"] - loglik[finite]
            kept = _visible(gap)
            runs.append(Run(passes[finite][kept], gap[kept], not row["failed"]))
        if runs:
            counted = sum(run.verified for run in runs), len(runs)
            found.append(Panel(method, runs[:MOST_RUNS], counted))
    return found


def _visible(gap: np.ndarray, step: float = 0.1) -> np.ndarray:
    """Where a falling gap has moved by a visible step since the last kept; both ends too.

    `step` is in decades; the figure draws one less high than its lines are thick.
    """
    height = np.log10(np.maximum(gap, 0) + FLOOR)
    kept = [0]
    for i in range(1, height.size):
        if height[kept[-1]] - height[i] >= step:
            kept.append(i)
    if kept[-1] != height.size - 1:
        kept.append(height.size - 1)
    return np.array(kept)


def strips(case: Case) -> list[Strip]:
    """One strip a method: the gap at each end that has one."""
    found = []
    for method in case.methods:
        rows = case.rows[
            (case.rows["method"] == method) & case.rows["gap"].notna() & ~case.rows["narrow"]
        ]
        if len(rows):
            failed = rows["failed"].to_numpy(bool)
            found.append(Strip(method, rows["gap"].to_numpy(float), ~failed))
    return found
