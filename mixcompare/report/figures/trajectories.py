"""Gap to the best known log-likelihood against passes, one panel a method, every start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import style

FLOOR = 1e-6
"""Nats. Gaps are drawn with this added, so that the best known value has a place on a log axis."""


@dataclass(frozen=True)
class Run:
    """One fit: passes spent, gap (nats below the best known value) after them, and whether its end held."""

    passes: np.ndarray
    gap: np.ndarray
    verified: bool


@dataclass(frozen=True)
class Panel:
    """All runs of one method."""

    method: str
    runs: Sequence[Run]


@style.styled
def draw(panels: Sequence[Panel], columns: int = 2) -> Any:
    """Draw one panel a method; returns the array of axes.

    A sound end is a mark in the method's colour; a failed one a dark red cross.
    """
    rows = -(-len(panels) // columns)
    figure, axes = style.canvas(
        1.25 * rows + 0.35, rows, columns, sharex=True, sharey=True, squeeze=False
    )
    for ax, panel in zip(axes.flat, panels, strict=False):
        _panel(ax, panel)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for column in range(columns):
        last = max((i for i in range(len(panels)) if i % columns == column), default=0)
        axes.flat[last].tick_params(labelbottom=True)
    _limits(axes, panels)
    figure.supxlabel("passes over the data (log scale)", fontsize=8)
    figure.supylabel("nats below the best known log-likelihood (log scale)", fontsize=8)
    return axes


def _panel(ax: Any, panel: Panel) -> None:
    look = style.look(panel.method)
    alpha = float(np.clip(4 / max(len(panel.runs), 1), 0.35, 0.9))
    for run in panel.runs:
        color = look.color if run.verified else style.FAILED
        gap = np.maximum(run.gap, 0) + FLOOR
        ax.step(run.passes, gap, where="post", color=color, lw=0.8, alpha=alpha, ls="-")
        mark = {"marker": look.marker, "mfc": look.face} if run.verified else {"marker": "x"}
        ax.plot(run.passes[-1:], gap[-1:], ls="", color=color, ms=4, mew=0.9, zorder=3, **mark)
    sound = sum(run.verified for run in panel.runs)
    ax.set_title(f"{panel.method}   {sound} of {len(panel.runs)} sound")


def _limits(axes: Any, panels: Sequence[Panel]) -> None:
    runs = [run for panel in panels for run in panel.runs if run.gap.size]
    top = max((float(run.gap.max()) for run in runs), default=1.0)
    last = max((float(run.passes[-1]) for run in runs), default=10.0)
    for ax in axes.flat:
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(0.8, 1.5 * last)
        ax.set_ylim(FLOOR / 3, 5 * max(top, 10 * FLOOR))
        decades = [1e-6, 1e-3, 1.0, 1e3, 1e6]
        ticks = [t for t in decades if t <= 5 * top + FLOOR]
        ax.set_yticks(ticks, ["≤ 1e-6", "0.001", "1", "1000", "1e6"][: len(ticks)])
        ax.yaxis.minorticks_off()
        ax.axhline(FLOOR, color=style.FAINT, lw=0.6, zorder=0)
