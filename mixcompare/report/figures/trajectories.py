"""Gap to the best known log-likelihood against passes, one panel a method, every start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import style

FLOOR = 1e-6
"""Nats. Gaps are drawn with this added, so that the best known value has a place on a log axis."""

LONG = 22
"""Letters from which a title takes two lines, to leave room for the numbers beside it."""


@dataclass(frozen=True)
class Run:
    """One fit: passes spent, gap (nats below the best known value) after them, and whether its end held."""

    passes: np.ndarray
    gap: np.ndarray
    verified: bool


@dataclass(frozen=True)
class Panel:
    """Runs of one method; `counted` are its sound ends and all its fits, where not all of them are drawn."""

    method: str
    runs: Sequence[Run]
    counted: tuple[int, int] | None = None


@style.styled
def draw(panels: Sequence[Panel]) -> Any:
    """Draw one panel a method, two in a row, forms of one solver together; returns the array of axes.

    A sound end is a mark in the method's colour; a failed one a dark red cross.
    """
    places = style.paired(panels, lambda panel: panel.method)
    rows = len(places) // 2
    figure, axes = style.canvas(
        1.25 * rows + 0.35, rows, 2, sharex=True, sharey=True, squeeze=False
    )
    _limits(axes.flat[0], panels)
    for ax, panel in zip(axes.flat, places, strict=True):
        if panel is None:
            ax.set_axis_off()
        else:
            _panel(ax, panel)
    style.label_lowest(axes, places)
    style.label_all(figure, axes, places, "passes over the data (log scale)",
                    "nats below best known" if rows > 1 else "nats below\nbest known")  # fmt: skip
    return axes


def _panel(ax: Any, panel: Panel) -> None:
    look = style.look(panel.method)
    alpha = float(np.clip(4 / max(len(panel.runs), 1), 0.35, 0.9))
    for run in sorted(panel.runs, key=lambda run: run.verified):
        color = look.color if run.verified else style.FAILED
        gap = np.maximum(run.gap, 0) + FLOOR
        ax.step(run.passes, gap, where="post", color=color, lw=0.8, alpha=alpha)
        mark = {"marker": look.marker, "mfc": look.face} if run.verified else {"marker": "x"}
        ax.plot(run.passes[-1:], gap[-1:], ls="", color=color, ms=3.5, mew=0.9, zorder=3, **mark)
    sound, fits = panel.counted or (sum(run.verified for run in panel.runs), len(panel.runs))
    ax.set_title(style.broken(panel.method, LONG))
    ax.set_title(f"{sound}/{fits}", loc="right", color=style.MUTED)
    ax.axhline(FLOOR, color=style.FAINT, lw=0.6, zorder=0)


def _limits(ax: Any, panels: Sequence[Panel]) -> None:
    """On the first axes, whose scales and limits all share."""
    runs = [run for panel in panels for run in panel.runs]
    top = max((float(run.gap.max()) for run in runs), default=1.0)
    last = max((float(run.passes[-1]) for run in runs), default=10.0)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(0.8, 1.5 * max(last, 5.0))
    style.plain_ticks(ax.xaxis, last)
    ax.set_ylim(FLOOR / 4, 5 * max(top, 10 * FLOOR))
    decades = {1e-6: "≤ 1e−6", 1e-3: "0.001", 1.0: "1", 1e3: "1,000", 1e6: "1e6"}
    ticks = [tick for tick in decades if tick <= 5 * max(top, FLOOR)]
    ax.set_yticks(ticks, [decades[tick] for tick in ticks])
    ax.yaxis.minorticks_off()
