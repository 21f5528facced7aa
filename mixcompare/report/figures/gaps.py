"""Where every end lies below the best known value of its replicate, one strip a method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.trajectories import FLOOR

PLACES = 12
"""Marks with their numbers that have room beside each other."""


@dataclass(frozen=True)
class Strip:
    """Gaps (nats, one an end) of one method, and which of the ends are sound."""

    method: str
    gaps: np.ndarray
    sound: np.ndarray


@style.styled
def draw(strips: Sequence[Strip], ax: Axes | None = None) -> Axes:
    """One row a method; ends that nearly agree are one mark with their number, of failed ones below it."""
    ax = style.own_axes(ax, 0.31 * len(strips) + 0.6)
    top = max((float(s.gaps.max()) for s in strips if s.gaps.size), default=1.0)
    right = max(5 * top, 1e-2)
    apart = np.log10(2 * right / FLOOR) / PLACES
    for y, strip in enumerate(strips):
        look = style.look(strip.method)
        gaps = np.maximum(strip.gaps, 0) + FLOOR
        for sound in (True, False):
            for at, count in _heaps(gaps[strip.sound == sound], apart):
                _mark(ax, at, y, count, look if sound else None)
    ax.set_xscale("log")
    ax.set_ylim(len(strips) - 0.4, -0.6)
    ax.set_xlim(FLOOR / 2, right)
    ticks = [t for t in (1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4) if t <= max(5 * top, 1e-2)]
    labels = {1e-6: "≤ 1e−6", 1e-4: "1e−4", 1e-2: "0.01", 1.0: "1", 1e2: "100", 1e4: "1e4"}
    ax.set_xticks(ticks, [labels[t] for t in ticks])
    ax.xaxis.minorticks_off()
    ax.set_yticks(range(len(strips)), [strip.method for strip in strips])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("nats below the replicate's best known")
    return ax


def _mark(ax: Axes, at: float, y: int, count: int, look: style.Look | None) -> None:
    """One mark with its number above it; a cross without a look, with its number below."""
    color = look.color if look else style.FAILED
    marker, face = (look.marker, look.face) if look else ("x", color)
    size = min(3 + 0.5 * count**0.5, 6)
    ax.plot([at], [y], ls="", color=color, marker=marker, mfc=face, ms=size, mew=0.8)
    if count > 1:
        place: Any = {"textcoords": "offset points", "ha": "center", "fontsize": 7, "color": color}
        shift, side = (0.5 * size, "bottom") if look else (-0.5 * size, "top")
        ax.annotate(str(count), (at, y), (0, shift), va=side, **place)


def _heaps(gaps: np.ndarray, apart: float) -> list[tuple[float, int]]:
    """Marks that would cover each other as one: median and number of each, medians `apart` decades apart."""
    heaps: list[list[float]] = []
    for value in np.sort(gaps):
        heaps.append([float(value)])
        while len(heaps) > 1 and np.log10(_middle(heaps[-1]) / _middle(heaps[-2])) < apart:
            last = heaps.pop()
            heaps[-1] += last
    return [(_middle(heap), len(heap)) for heap in heaps]


def _middle(heap: list[float]) -> float:
    return float(np.median(heap))
