"""The fitted density at chosen iterations: curves over the histogram, or contours over the plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.density import Densities, histogram
from mixcompare.report.figures.histories import STYLES

LEVELS = tuple(float(np.exp(-0.5 * r**2)) for r in (2.0, 1.0))
"""Of a component's highest density: for a normal component its ellipses of two sds and of one."""

MOST = 300
"""Points of a plane drawn at most: of more rows every second, third, ..."""


@dataclass(frozen=True)
class Stage:
    """The fit at one step: log-likelihood (nats), and a picture with one curve and its components."""

    step: int
    loglik: float
    picture: Densities


@style.styled
def draw(stages: Sequence[Stage], method: str, unit: str = "iteration") -> Any:
    """Draw one small panel a stage, three in a row; returns the array of axes.

    Components are told apart by their lines, the same as in the figure of histories.
    """
    rows = -(-len(stages) // 3)
    wide = stages[0].picture.kind == "line"
    height = (1.1 if wide else 1.35) * rows + 0.35
    figure, axes = style.canvas(height, rows, 3, sharex=True, sharey=True, squeeze=False)
    top = highest(stages)
    for ax, stage in zip(axes.flat, stages, strict=False):
        panel(ax, stage, style.look(method).color, top)
        ax.set_title(f"{unit} {stage.step}", fontsize=7.5)
    for ax in axes.flat[len(stages) :]:
        ax.set_axis_off()
    places = [*stages, *[None] * (3 * rows - len(stages))]
    style.label_lowest(axes, places)
    picture = stages[0].picture
    style.label_all(
        figure, axes, places, picture.labels[0], picture.density if wide else picture.labels[1]
    )
    return axes


def highest(stages: Sequence[Stage]) -> float:
    """Where the vertical axis of densities ends, one for all stages; 0 for contours."""
    picture = stages[0].picture
    if picture.kind != "line":
        return 0.0
    tallest = float(histogram(picture.x[:, 0], picture.weights)[0].max())
    values = np.concatenate([stage.picture.curves[0].values for stage in stages])
    finite = values[np.isfinite(values)]
    return min(1.08 * max(tallest, float(finite.max(initial=0.0))), 2.5 * tallest)


def panel(ax: Axes, stage: Stage, color: str, top: float) -> None:
    """One stage on axes that have no labels yet."""
    picture = stage.picture
    curve = picture.curves[0]
    if picture.kind == "line":
        heights, edges = histogram(picture.x[:, 0], picture.weights)
        ax.stairs(heights, edges, fill=True, color="#e6e8eb", lw=0)
        ax.plot(picture.grid, curve.values, color=style.MUTED, lw=0.7)
        for k, values in enumerate(curve.components):
            ax.plot(picture.grid, values, color=color, ls=STYLES[k % len(STYLES)], lw=1.0)
        ax.set_xlim(picture.grid[0], picture.grid[-1])
        ax.set_ylim(0, top)
        return
    some = picture.x[:: -(-len(picture.x) // MOST)]
    ax.scatter(some[:, 0], some[:, 1], s=2.5, color="#9aa1a9", lw=0)
    for k, values in enumerate(curve.components):
        levels = np.nanmax(values) * np.array(LEVELS)
        if np.isfinite(levels).all() and levels[0] > 0:
            ax.contour(*picture.grid, values, levels=levels, colors=color, linewidths=0.9,
                       linestyles=[STYLES[k % len(STYLES)]] * len(LEVELS))  # fmt: skip
