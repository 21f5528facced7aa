"""Where every end lies below the best known value of its replicate, one strip a method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    """One row a method; ends that nearly agree are one mark with their number beside it."""
    ax = style.own_axes(ax, 0.24 * len(strips) + 0.6)
    for y, strip in enumerate(strips):
        look = style.look(strip.method)
        gaps = np.maximum(strip.gaps, 0) + FLOOR
        for sound in (True, False):
            for at, count in _heaps(gaps[strip.sound == sound]):
                _mark(ax, at, y, count, look if sound else None)
    ax.set_xscale("log")
    ax.set_ylim(len(strips) - 0.5, -0.6)
    top = max((float(s.gaps.max()) for s in strips if s.gaps.size), default=1.0)
    ax.set_xlim(FLOOR / 2, max(5 * top, 1e-2))
    ticks = [t for t in (1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4) if t <= max(5 * top, 1e-2)]
    labels = {1e-6: "≤ 1e−6", 1e-4: "1e−4", 1e-2: "0.01", 1.0: "1", 1e2: "100", 1e4: "1e4"}
    ax.set_xticks(ticks, [labels[t] for t in ticks])
    ax.xaxis.minorticks_off()
    ax.set_yticks(range(len(strips)), [strip.method for strip in strips])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("nats below the best known of the replicate (log scale)")
    return ax


def _mark(ax: Axes, at: float, y: int, count: int, look: style.Look | None) -> None:
    """One mark with its number beside it; a cross without a look."""
    color = look.color if look else style.FAILED
    marker, face = (look.marker, look.face) if look else ("x", color)
    size = min(3 + 0.5 * count**0.5, 7)
    ax.plot([at], [y], ls="", color=color, marker=marker, mfc=face, ms=size, mew=0.8)
    if count > 1:
        place: Any = {"textcoords": "offset points", "va": "center", "fontsize": 7, "color": color}
        ax.annotate(str(count), (at, y), (5, 0), **place)


def _heaps(gaps: np.ndarray, width: float = 1.0) -> list[tuple[float, int]]:
    """Marks that would cover each other as one: their median and their number, heaps `width` decades wide."""
    heaps: list[list[float]] = []
    for value in np.sort(gaps):
        if heaps and np.log10(value / heaps[-1][0]) < width:
            heaps[-1].append(float(value))
        else:
            heaps.append([float(value)])
    return [(float(np.median(heap)), len(heap)) for heap in heaps]
