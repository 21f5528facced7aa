"""Log-likelihood against iteration, plateaus marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.histories import LONG, number_steps

BAND = "#e3c878"
"""Behind the line where a run sat on a plateau."""

EARLY = 5
"""Steps that the vertical axis may leave out."""


@dataclass(frozen=True)
class Climb:
    """One run: log-likelihood (nats) at its steps, and the first and last step of each plateau."""

    method: str
    steps: np.ndarray
    loglik: np.ndarray
    plateaus: Sequence[tuple[int, int]] = ()


LEAST = 1e-3
"""Nats that the vertical axis spans at least: less is not worth a picture."""


@style.styled
def draw(climbs: Sequence[Climb], unit: str = "iteration", ax: Axes | None = None) -> Axes:
    """Draw all runs; returns the axes. The first steps of a bad start may lie below the axis."""
    ax = style.own_axes(ax, 2.4)
    last = max(float(climb.steps[-1]) for climb in climbs)
    named: set[str] = set()
    for climb in climbs:
        for k, (first, end) in enumerate(climb.plateaus):
            there = (climb.steps >= first - 1) & (climb.steps <= end)
            name = "plateau" if not k and "plateau" not in named else ""
            named.add(name)
            ax.plot(climb.steps[there], climb.loglik[there], color=BAND, lw=6, zorder=1,
                    solid_capstyle="butt", label=name)  # fmt: skip
        look = style.look(climb.method)
        name = "" if climb.method in named else climb.method
        named.add(name)
        ax.plot(climb.steps, climb.loglik, color=look.color, ls=style.line(climb.method), label=name,
                marker=look.marker, mfc=look.face, ms=4, markevery=[-1])  # fmt: skip
    number_steps(ax, last)
    limit(ax, climbs)
    ax.ticklabel_format(axis="y", useOffset=False)
    ax.set_xlabel(f"{unit}{' (log scale)' if last > LONG else ''}")
    ax.set_ylabel("log-likelihood (nats)")
    style.key_above(ax)
    return ax


def limit(ax: Axes, climbs: Sequence[Climb]) -> None:
    """Vertical limits that do not let bad starts hide everything that came after their first steps."""
    finite = [
        values for climb in climbs if (values := climb.loglik[np.isfinite(climb.loglik)]).size
    ]
    top = max(float(values.max()) for values in finite)
    lowest = min(float(values.min()) for values in finite)
    early = min(float(values[min(EARLY, values.size - 1) :].min()) for values in finite)
    low = lowest if top - lowest <= 2 * (top - early) else early - 0.25 * (top - early)
    if top - low < LEAST:
        low, lowest = top - LEAST, -np.inf
    room = 0.05 * (top - low)
    ax.set_ylim(low - room * (low == lowest), top + room)
