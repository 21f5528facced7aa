"""Ranks of truths among posterior draws, one panel a quantity: distribution functions and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import style

COLUMNS = 3
BINS = 20

LINES = ("-", (0, (3.5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
"""Samplers share a hue: in these figures they differ by their line, in the study's order."""


@dataclass(frozen=True)
class Ranks:
    """Relative ranks (R,) of one quantity under one method, and whether they stay inside their band."""

    method: str
    values: np.ndarray
    inside: bool


@dataclass(frozen=True)
class Quantity:
    """One ranked quantity: methods in order, and points, lower and upper end of the simultaneous band."""

    name: str
    ranks: Sequence[Ranks]
    band: tuple[np.ndarray, np.ndarray, np.ndarray]


@style.styled
def draw(quantities: Sequence[Quantity]) -> Any:
    """ECDF(x) - x of the relative ranks over its simultaneous band; a title in red left it somewhere."""
    figure, axes = _grid(quantities)
    for ax, quantity in zip(axes.flat, quantities, strict=False):
        x, lower, upper = quantity.band
        ax.fill_between(x, lower, upper, color=style.FAINT, lw=0)
        ax.axhline(0, color=style.MUTED, lw=0.5)
        for ranks in quantity.ranks:
            u = np.sort(ranks.values)
            steps = np.concatenate([[0.0], u, [1.0]])
            height = np.append(np.arange(len(u) + 1) / max(len(u), 1), 1.0)
            # a step function less x falls between its jumps: both ends of every step are drawn
            at, top = np.repeat(steps, 2)[1:-1], np.repeat(height[:-1], 2)
            ax.plot(at, top - at, **_look(quantities, ranks))
        edge = 1.4 * float(np.max(np.abs([lower, upper])))
        widest = max((float(np.abs(line.get_ydata()).max()) for line in ax.lines[1:]), default=0.0)
        ax.set_ylim(-max(edge, 1.1 * widest), max(edge, 1.1 * widest))
    figure.supylabel("ECDF of the ranks, less uniform", fontsize=8)
    _finish(figure, axes, quantities)
    return axes


@style.styled
def draw_histograms(quantities: Sequence[Quantity]) -> Any:
    """Numbers of relative ranks in equal bins, over the range in which 95 % of such numbers lie."""
    from scipy.stats import binom

    figure, axes = _grid(quantities)
    for ax, quantity in zip(axes.flat, quantities, strict=False):
        n = min((len(ranks.values) for ranks in quantity.ranks), default=0)
        low, high = (float(binom.ppf(p, n, 1 / BINS)) for p in (0.025, 0.975))
        ax.axhspan(low, high, color=style.FAINT, lw=0)
        for ranks in quantity.ranks:
            counts, edges = np.histogram(ranks.values, bins=BINS, range=(0, 1))
            ax.stairs(counts, edges, **_look(quantities, ranks))
        ax.set_ylim(0, None)
    figure.supylabel(f"truths in each of {BINS} bins", fontsize=8)
    _finish(figure, axes, quantities)
    return axes


def _grid(quantities: Sequence[Quantity]) -> tuple[Any, Any]:
    rows = -(-len(quantities) // COLUMNS)
    figure, axes = style.canvas(1.02 * rows + 0.55, rows, COLUMNS, sharex=True, squeeze=False)
    for ax in axes.flat[len(quantities) :]:
        ax.set_axis_off()
    return figure, axes


def _look(quantities: Sequence[Quantity], ranks: Ranks) -> dict[str, Any]:
    """Colour and line of a method, red where its ranks leave the band."""
    place = _methods(quantities).index(ranks.method)
    color = style.look(ranks.method).color if ranks.inside else style.FAILED
    return {"color": color, "ls": LINES[place % len(LINES)], "lw": 0.9}


def _methods(quantities: Sequence[Quantity]) -> list[str]:
    return list(dict.fromkeys(ranks.method for q in quantities for ranks in q.ranks))


def _finish(figure: Any, axes: Any, quantities: Sequence[Quantity]) -> None:
    """Titles, ticks, and which line is which method."""
    from matplotlib.lines import Line2D

    for ax, quantity in zip(axes.flat, quantities, strict=False):
        out = any(not ranks.inside for ranks in quantity.ranks)
        size = 7.5 if len(quantity.name) < 15 else 6.5  # columns are narrow
        ax.set_title(quantity.name, fontsize=size, color=style.FAILED if out else style.INK)
        ax.set_xlim(0, 1)
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.locator_params(axis="y", nbins=4)
    style.label_lowest(axes, [*quantities, *[None] * (axes.size - len(quantities))])
    figure.supxlabel("relative rank of the truth among posterior draws", fontsize=8)
    handles = [
        Line2D([], [], color=style.look(m).color, ls=LINES[i % len(LINES)], lw=0.9, label=m)
        for i, m in enumerate(_methods(quantities))
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, columnspacing=1.2)
