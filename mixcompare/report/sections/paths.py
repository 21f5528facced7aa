"""Gaps to the best known value: along each fit, and at each end."""

from __future__ import annotations

import numpy as np

from mixcompare.report.figures.gaps import Strip
from mixcompare.report.figures.trajectories import Panel, Run
from mixcompare.report.view import Case, View


def panels(view: View, case: Case) -> list[Panel]:
    """One panel a method that left trajectories, forms of one solver side by side; a run a fit.

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
            runs.append(Run(passes[finite], gap, row["sound"] is not False))
        if runs:
            found.append(Panel(method, runs))
    return found


def strips(case: Case) -> list[Strip]:
    """One strip a method: the gap at each end that has one."""
    found = []
    for method in case.methods:
        rows = case.rows[(case.rows["method"] == method) & case.rows["gap"].notna() & ~case.rows["narrow"]]
        if len(rows):
            sound = np.array([value is not False for value in rows["sound"]], dtype=bool)
            found.append(Strip(method, rows["gap"].to_numpy(float), sound))
    return found
