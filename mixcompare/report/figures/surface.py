"""The likelihood on a slice: contours, relief, and the paths of optimisers across it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mixcompare.errors import ContractError
from mixcompare.records import SOUND
from mixcompare.report import style, words
from mixcompare.study.landscape import Landscape, Path

DROPS = np.array([0.1, 0.3, 1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4, 3e4, 1e5])
"""Nats below the highest point of the slice at which contours are drawn."""

MARGIN = 0.07
"""Share of the axes along their edges where a contour has no label: it would be cut."""

SHADES = ("#f4f6f8", "#c9d8e8")
"""Far below the highest point, and close to it."""


@style.styled
def draw(landscape: Landscape, ax: Axes | None = None) -> Axes:
    """Contours of the log-likelihood, labelled in nats below the highest point of the slice."""
    ax = style.own_axes(ax, 3.6)
    _contours(landscape, ax)
    ax.set_title("Nats below the highest log-likelihood of the slice")
    return ax


@style.styled
def draw_relief(landscape: Landscape, ax: Any = None, depth: float | None = None) -> Any:
    """The same as a relief; `depth` (nats) cuts it off below, by default where nine tenths of it lie."""
    if ax is None:
        ax = style.canvas(3.9, subplot_kw={"projection": "3d"})[1]
    if not hasattr(ax, "plot_surface"):
        raise ContractError('draw_relief: expected axes with projection="3d"')
    below = _below(landscape)
    finite = below[np.isfinite(below)]
    depth = float(np.quantile(finite, 0.9)) if depth is None else depth
    x, y = np.meshgrid(*landscape.slice.grids)
    height = -np.where(np.isfinite(below), np.minimum(below, depth), depth)
    ax.plot_surface(
        x,
        y,
        height,
        cmap="cividis",
        lw=0,
        rcount=100,
        ccount=100,
        rasterized=True,
        antialiased=False,
    )
    first, second = landscape.slice.names
    ax.set_xlabel(first)
    ax.set_ylabel(second)
    ax.set_zlabel("log-likelihood − highest (nats)", labelpad=6)
    ax.set_zlim(-depth, 0)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(5))
    ax.view_init(elev=38, azim=-62)
    ax.set_title("Log-likelihood of the slice")
    return ax


@style.styled
def draw_paths(landscape: Landscape, paths: Sequence[Path], ax: Axes | None = None) -> Axes:
    """Where each method went from one start, over the contours of the slice through it.

    A line joins the evaluations that were better than all before; a cross ends it where the end is not
    sound. Methods move other parameters too, so that an end need not lie on a peak of the slice.
    """
    ax = style.own_axes(ax, 4.4)
    _contours(landscape, ax)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    handles = []
    for number, path in enumerate(paths, 1):
        look = style.look(path.method)
        line = "--" if look.hollow else "-"
        steps = path.steps
        ax.plot(*steps.T, color=look.color, ls=line, lw=1.1, marker=".", ms=2.5, zorder=3)
        mark = _end(path)
        if len(steps):
            ax.plot(*steps[-1:].T, ls="", ms=6, mew=1.2, zorder=4, **mark)
            shift = (6 + 7 * ((number - 1) // 4), 0) if number % 2 else (-6, 0)
            side = "left" if number % 2 else "right"
            ax.annotate(str(number), steps[-1], shift, textcoords="offset points", fontsize=7,
                        va="bottom" if number % 4 in (1, 2) else "top", ha=side,
                        color=mark["color"], zorder=5, annotation_clip=True)  # fmt: skip
        outside = "" if _inside(steps, (left, right), (bottom, top)) else ", leaves the picture"
        label = f"{number}  {path.method}: {words.finding(path.finding)}{outside}"
        handles.append(Line2D([], [], lw=1.1, ms=5, label=label, ls=line,
                              **{**mark, "color": look.color, "mec": mark["color"]}))  # fmt: skip
    start = next((path.points[0] for path in paths if len(path.points)), None)
    if start is not None:
        ax.plot(*start, marker="*", ms=9, color=style.INK, ls="", zorder=5)
        handles.append(Line2D([], [], marker="*", ms=8, color=style.INK, ls="", label="start"))
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, -0.14),
        borderaxespad=0.0,
        handlelength=3.2,
    )
    ax.set_title("Paths from one start, over nats below the slice's highest")
    return ax


@style.styled
def draw_path_panels(landscape: Landscape, paths: Sequence[Path]) -> Any:
    """One small panel a method, two in a row: its paths over the contours; returns the array of axes.

    A line joins the evaluations that were better than all before, from the star on. The end is a mark in
    the method's colour where it is sound, else a dark red cross. Beside the name: what the end is.
    """
    methods = list(dict.fromkeys(path.method for path in paths))
    places = style.paired(methods, lambda method: method)
    rows = len(places) // 2
    figure, axes = style.canvas(1.8 * rows + 0.3, rows, 2, sharex=True, sharey=True, squeeze=False)
    for ax, method in zip(axes.flat, places, strict=True):
        if method is None:
            ax.set_axis_off()
            continue
        _panel(ax, landscape, [path for path in paths if path.method == method])
        ax.set_title(method)
    style.label_lowest(axes, places)
    for setter, name in zip(
        (figure.supxlabel, figure.supylabel), landscape.slice.names, strict=True
    ):
        setter(name, fontsize=8)
    return axes


def _panel(ax: Axes, landscape: Landscape, paths: Sequence[Path]) -> None:
    below, levels = _levels(landscape)
    if levels.size:
        ax.contour(*landscape.slice.grids, below, levels=levels[::-2][::-1],
                   colors="#b9bfc7", linewidths=0.6)  # fmt: skip
    ranges = landscape.slice.ranges
    for path in paths:
        look, steps = style.look(path.method), path.steps
        ax.plot(*steps.T, color=look.color, lw=1.1, marker=".", ms=2.5, zorder=3)
        ax.plot(*steps[-1:].T, ls="", ms=5.5, mew=1.2, zorder=4, **_end(path))
        ax.plot(*path.points[:1].T, marker="*", ms=7, color=style.INK, ls="", zorder=5)
    ax.set(xlim=ranges[0], ylim=ranges[1], xlabel="", ylabel="")
    found = dict.fromkeys(
        words.finding(path.finding) + ("" if _inside(path.steps, *ranges) else " ↗")
        for path in paths
    )
    said = ", ".join(found) if len(found) < 3 else f"{len(found)} different ends"
    ax.set_title(said, loc="right", color=style.MUTED, fontsize=6.5)


def _end(path: Path) -> dict[str, Any]:
    """The mark at the end of a path."""
    if path.finding not in SOUND:
        return {"marker": "x", "color": style.FAILED}
    look = style.look(path.method)
    return {"marker": look.marker, "mfc": look.face, "color": look.color}


def _contours(landscape: Landscape, ax: Axes) -> None:
    below, levels = _levels(landscape)
    x, y = landscape.slice.grids
    near = np.linspace(0.0, 1.0, max(levels.size - 1, 1))[::-1]
    ends = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in SHADES]) / 255
    fills = [tuple(ends[0] + t * (ends[1] - ends[0])) for t in near]
    if levels.size > 1:
        ax.contourf(x, y, below, levels=levels, colors=fills)
    if levels.size:
        lines = ax.contour(x, y, below, levels=levels, colors=style.MUTED, linewidths=0.6)
        readable = levels[levels >= below.max() / 300]
        labels = ax.clabel(lines, readable, fmt=lambda level: f"{level:,g}", fontsize=6.5,
                           colors=style.INK, inline=False)  # fmt: skip
        for label in labels:
            across, up = ax.transAxes.inverted().transform(
                ax.transData.transform(label.get_position())
            )
            label.set_visible(MARGIN < across < 1 - MARGIN and MARGIN < up < 1 - MARGIN)
            label.set_bbox({"facecolor": SHADES[0], "pad": 0.6, "lw": 0})
    first, second = landscape.slice.names
    ax.set_xlabel(first)
    ax.set_ylabel(second)


def _levels(landscape: Landscape) -> tuple[np.ma.MaskedArray, np.ndarray]:
    below = np.ma.masked_invalid(_below(landscape))
    return below, DROPS[below.max() > DROPS]


def _below(landscape: Landscape) -> np.ndarray:
    """Nats below the highest finite point (n, n); not finite where the slice leaves the domain."""
    finite = landscape.loglik[np.isfinite(landscape.loglik)]
    if not finite.size:
        raise ContractError("surface: expected a slice with points of finite log-likelihood")
    below: np.ndarray = finite.max() - landscape.loglik
    return below


def _inside(points: np.ndarray, *limits: tuple[float, float]) -> bool:
    return all(
        bool(((low <= column) & (column <= high)).all())
        for column, (low, high) in zip(points.T, limits, strict=True)
    )
