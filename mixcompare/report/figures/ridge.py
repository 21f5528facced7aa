"""A ridge of equally good points: ends and draws in two parameters, a third as colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from mixcompare.report import style

COLORS = mpl.colormaps["viridis"].resampled(32)
"""Few enough for a bar that is drawn and not painted."""


@dataclass(frozen=True)
class Points:
    """Points (m, 2 or 3) of one method in the parameters drawn."""

    method: str
    at: np.ndarray
    drawn: bool = False
    """Whether they are draws from a posterior."""


@dataclass(frozen=True)
class Slice:
    """Log-likelihood below the best (rows: y, columns: x) where the third parameter has the value `at`."""

    below: np.ndarray
    at: float = np.nan


@dataclass(frozen=True)
class Ridge:
    """Names of two or three parameters, points, and where the likelihood is as high as it gets.

    `x`, `y` are the grid of the slices; a slice shows where the log-likelihood is within `tolerance` nats
    of the best.
    """

    names: Sequence[str]
    points: Sequence[Points]
    x: np.ndarray
    y: np.ndarray
    slices: Sequence[Slice] = field(default_factory=tuple)
    tolerance: float = 0.01


@style.styled
def draw(ridge: Ridge, ax: Axes | None = None) -> Axes:
    """Bands of equally high likelihood, draws as dots, ends as marks; the third parameter is the colour."""
    ax = style.own_axes(ax, 3.2)
    third = len(ridge.names) > 2
    values = [s.at for s in ridge.slices] + [v for p in ridge.points for v in p.at[:, 2:].ravel()]
    norm = Normalize(min(values, default=0.0), max(values, default=1.0)) if third else None
    for slice_ in ridge.slices:
        color = COLORS(norm(slice_.at)) if norm else style.MUTED
        levels = [-1e-6 - ridge.tolerance, 1.0]
        ax.contourf(ridge.x, ridge.y, -slice_.below, levels, colors=[color], alpha=0.55, zorder=1)
    for points in sorted(ridge.points, key=lambda p: not p.drawn):
        _mark(ax, points, norm)
    ax.set_xlim(ridge.x[0], ridge.x[-1])
    ax.set_ylim(ridge.y[0], ridge.y[-1])
    ax.set_xlabel(ridge.names[0])
    ax.set_ylabel(ridge.names[1])
    if norm is not None:
        figure = style.figure_of(ax)
        bar = figure.colorbar(ScalarMappable(norm, COLORS), ax=ax, aspect=30, pad=0.02)
        bar.set_label(ridge.names[2])
        bar.outline.set_visible(False)
    style.key_above(ax)
    return ax


def _mark(ax: Axes, points: Points, norm: Normalize | None) -> None:
    look = style.look(points.method)
    face = COLORS(norm(points.at[:, 2])) if norm is not None else look.color
    x, y = points.at[:, 0], points.at[:, 1]
    if points.drawn:
        ax.scatter(x, y, s=6, c=face, alpha=0.7, lw=0, zorder=0, label=f"{points.method}, draws")
        return
    # forms of a solver are larger: a hollow mark could not have the third parameter's colour
    edge: dict[str, Any] = {"edgecolors": style.INK, "linewidths": 1.0, "zorder": 3 - look.hollow}
    size = 90 if look.hollow else 38
    ax.scatter(x, y, s=size, c=face, marker=look.marker, label=f"{points.method}, ends", **edge)
