"""Where every end lies below the best known value of its replicate, one strip a method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.trajectories import FLOOR


@dataclass(frozen=True)
class Strip:
    """Gaps (nats, one an end) of one method, and which of the ends are sound."""

    method: str
    gaps: np.ndarray
    sound: np.ndarray


@style.styled
def draw(strips: Sequence[Strip], ax: Axes | None = None) -> Axes:
    """One row a method, one mark an end; equal gaps are stacked so that every end is seen."""
    ax = style.own_axes(ax, 0.24 * len(strips) + 0.6)
    for y, strip in enumerate(strips):
        look = style.look(strip.method)
        gaps = np.maximum(strip.gaps, 0) + FLOOR
        rise = _stacked(np.log10(gaps))
        for sound in (True, False):
            mine = strip.sound == sound
            mark = {"marker": look.marker, "mfc": look.face} if sound else {"marker": "x"}
            ax.plot(
                gaps[mine], y - rise[mine], ls="", ms=3.2, mew=0.7,
                color=look.color if sound else style.FAILED, **mark,
            )  # fmt: skip
    ax.set_xscale("log")
    ax.set_ylim(len(strips) - 0.5, -0.6)
    top = max((float(s.gaps.max()) for s in strips if s.gaps.size), default=1.0)
    ax.set_xlim(FLOOR / 2, max(5 * top, 1e-2))
    ticks = [t for t in (1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4) if t <= max(5 * top, 1e-2)]
    labels = {1e-6: "≤ 1e-6", 1e-4: "1e-4", 1e-2: "0.01", 1.0: "1", 1e2: "100", 1e4: "1e4"}
    ax.set_xticks(ticks, [labels[t] for t in ticks])
    ax.xaxis.minorticks_off()
    ax.set_yticks(range(len(strips)), [strip.method for strip in strips])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("nats below the best known log-likelihood of the replicate (log scale)")
    return ax


def _stacked(at: np.ndarray, near: float = 0.12) -> np.ndarray:
    """A small rise for each mark that would cover another, in decades; at most a fifth of a row."""
    rise = np.zeros(at.size)
    order = np.argsort(at, kind="stable")
    for i, j in zip(order[:-1], order[1:], strict=True):
        if np.isfinite(at[j] - at[i]) and at[j] - at[i] < near:
            rise[j] = rise[i] + 0.035
    return np.minimum(rise, 0.45)
