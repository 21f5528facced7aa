"""Gaps to the best known value: along each fit, and at each end."""

from __future__ import annotations

import numpy as np

from mixcompare.report.figures.gaps import Strip
from mixcompare.report.figures.trajectories import FLOOR, Panel, Run
from mixcompare.report.view import Case, View

MOST_RUNS = 60
"""Fits of a method that are drawn, the first ones."""


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
            runs.append(Run(passes[finite][kept], gap[kept], row["sound"] is not False))
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
            sound = np.array([value is not False for value in rows["sound"]], dtype=bool)
            found.append(Strip(method, rows["gap"].to_numpy(float), sound))
    return found
