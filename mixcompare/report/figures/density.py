"""Fitted densities over the data: a histogram with curves, a plane with contours, or frequencies.

What is drawn depends on the data alone: one continuous feature, two, or distinct rows that repeat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mixcompare.distinct import distinct
from mixcompare.report import style, words

DASHES: tuple[Any, ...] = ((0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (8, 2)))
"""Of curves that would look the same, in turn."""


@dataclass(frozen=True)
class Curve:
    """One fitted density on the grid of its `Densities`, and how it is drawn."""

    label: str
    values: np.ndarray
    color: str = style.INK
    line: Any = "-"
    components: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True)
class Densities:
    """Data and the densities fitted to it.

    Parameters
    ----------
    kind : {"line", "plane", "patterns"}
    columns : names of the features
    x : ndarray (n, d)
    weights : ndarray (n,), multiplicities
    grid : ndarray; (m,) for "line", (2, m, m) for "plane", (m, d) distinct rows for "patterns"
    curves : values (m,), (m, m) or (m,): density, density, or expected share of each distinct row
    units : one a feature, "" where unknown; () if none is known
    """

    kind: str
    columns: tuple[str, ...]
    x: np.ndarray
    weights: np.ndarray
    grid: np.ndarray
    curves: Sequence[Curve]
    units: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """Names of the features with their units: "waiting (min)"."""
        units = self.units or ("",) * len(self.columns)
        return [words.labelled(*pair) for pair in zip(self.columns, units, strict=True)]

    @property
    def density(self) -> str:
        """The vertical axis: "density (1/min)" where the unit is one (no words, no function)."""
        return density_of(self.units[0] if self.units else "")


def density_of(unit: str) -> str:
    """The label of an axis of densities of what is measured in `unit`, "" where unknown."""
    if not re.fullmatch(r"[^\s()]+", unit):
        return "density"
    return f"density (1/({unit}))" if "/" in unit else f"density (1/{unit})"


@style.styled
def draw(data: Densities, ax: Axes | None = None, legend: bool = True) -> Axes:
    """Draw the densities over the data; returns the axes."""
    ax = style.own_axes(ax, 2.7)
    data = replace(data, curves=_apart(data.curves))
    _KINDS[data.kind](data, ax)
    if legend and data.curves:
        style.key_above(ax)
    return ax


@style.styled
def draw_panels(panels: Sequence[tuple[str, Densities]]) -> Any:
    """One small panel a method, two in a row: every end's density over the same data."""
    places = style.paired(panels, lambda panel: panel[0])
    rows = len(places) // 2
    figure, axes = style.canvas(1.15 * rows + 0.3, rows, 2, sharex=True, sharey=True, squeeze=False)
    for ax, place in zip(axes.flat, places, strict=True):
        if place is None:
            ax.set_axis_off()
            continue
        _line(place[1], ax, lw=0.8)
        ax.set_title(place[0])
        ax.set_xlabel("")
        ax.set_ylabel("")
    style.label_lowest(axes, places)
    style.label_all(figure, axes, places, panels[0][1].labels[0], panels[0][1].density)
    return axes


def histogram(x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights (density) and edges of a histogram.

    Bins by the rule of Freedman and Diaconis (1981), or the square root of n where that gives more:
    their rule is too coarse for two peaks far apart.
    """
    order = np.argsort(x)
    cumulative = np.cumsum(weights[order])
    n = cumulative[-1]
    low, high = np.interp([0.25 * n, 0.75 * n], cumulative, x[order])
    span = float(np.ptp(x)) or 1.0
    width = 2 * (high - low) / n ** (1 / 3) or span / 10
    bins = int(np.clip(max(np.ceil(span / width), np.sqrt(n)), 5, 50))
    heights, edges = np.histogram(x, bins=bins, weights=weights, density=True)
    return heights, edges


def _line(data: Densities, ax: Axes, lw: float = 1.3) -> None:
    heights, edges = histogram(data.x[:, 0], data.weights)
    ax.stairs(heights, edges, fill=True, color="#e6e8eb", lw=0)
    for curve in data.curves:
        for component in curve.components:
            ax.plot(data.grid, component, color=curve.color, lw=0.7, alpha=0.8, zorder=2)
        ax.plot(data.grid, curve.values, color=curve.color, ls=curve.line, lw=lw, label=curve.label)
    tallest = max(heights.max(), *(np.nanmax(_tame(c.values)) for c in data.curves), 0.0)
    ax.set_ylim(0, min(1.08 * tallest, 2.5 * heights.max()))
    ax.set_xlim(data.grid[0], data.grid[-1])
    ax.set_xlabel(data.labels[0])
    ax.set_ylabel(data.density)


def _plane(data: Densities, ax: Axes) -> None:
    ax.scatter(data.x[:, 0], data.x[:, 1], s=5, color="#9aa1a9", lw=0)
    for curve in data.curves:
        top = np.nanmax(_tame(curve.values))
        levels = top * np.array([0.02, 0.1, 0.3, 0.6, 0.9])
        ax.contour(*data.grid, curve.values, levels=levels, colors=curve.color, linewidths=0.8,
                   linestyles=[curve.line] * len(levels))  # fmt: skip
        ax.plot([], [], color=curve.color, ls=curve.line, label=curve.label)
    ax.set_xlabel(data.labels[0])
    ax.set_ylabel(data.labels[1])


def _patterns(data: Densities, ax: Axes) -> None:
    at = np.arange(len(data.grid))
    rows, total = distinct(data.x, data.weights)
    place = [int(np.argmax((rows == shown).all(axis=1))) for shown in data.grid]
    share = total[place] / data.weights.sum()
    ax.bar(at, share, width=0.62, color="#e6e8eb", label="observed")
    marks = "osD^v"
    offsets = np.linspace(-0.16, 0.16, len(data.curves)) if len(data.curves) > 1 else [0.0]
    for i, (curve, offset) in enumerate(zip(data.curves, offsets, strict=True)):
        ax.plot(at + offset, curve.values, ls="", marker=marks[i % 5], ms=4, color=curve.color,
                label=curve.label)  # fmt: skip
    names = ["".join(f"{v:g}" for v in row) if row.size > 1 else f"{row[0]:g}" for row in data.grid]
    ax.set_xticks(at, names, rotation=0 if at.size <= 12 else 90)
    what = data.labels[0] if len(data.columns) == 1 else f"pattern of {', '.join(data.columns)}"
    left_out = f" ({at.size} most frequent of {len(rows)})" if at.size < len(rows) else ""
    ax.set_xlabel(what + left_out)
    ax.set_ylabel("share of observations")
    ax.set_xlim(-0.7, at.size - 0.3)


def _apart(curves: Sequence[Curve]) -> list[Curve]:
    """Curves of one colour and line, as those of two posteriors, with lines of their own."""
    looks = [(curve.color, curve.line) for curve in curves]
    return [
        replace(curve, line=DASHES[looks[:i].count(look) % len(DASHES)])
        if looks.count(look) > 1
        else curve
        for i, (curve, look) in enumerate(zip(curves, looks, strict=True))
    ]


def _tame(values: np.ndarray) -> np.ndarray:
    """Finite values; a collapsed component's spike must not set the scale."""
    finite = values[np.isfinite(values)]
    return finite if finite.size else np.zeros(1)


_KINDS = {"line": _line, "plane": _plane, "patterns": _patterns}
