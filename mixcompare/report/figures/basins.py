"""Maps of the starts on a slice: what a method reaches from each, and where methods disagree."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

from mixcompare.errors import SpecError, nearest
from mixcompare.report import style, words
from mixcompare.study.basin_blocks import NO_START, Reached
from mixcompare.study.basins import Basins
from mixcompare.study.words import listed

OPTIMA = ("#1f5fa8", "#9ccbec", "#14655f", "#9fd3c7", "#7a3f9d", "#cdb8e0")
"""Of the optima, from the best down: neighbours in rank differ in lightness too. All others: `REST`."""

REST = "#c3c8ce"

DIFFERENT = (style.FAINT, "#8fb3d9", "#1f5fa8", "#0b2545")
"""Where methods lead to one, two, three, or more different ends."""

LETTERS = "ABCDEF"


@style.styled
def draw(basins: Basins, method: str | None = None, ax: Axes | None = None) -> Axes:
    """What one method (the first by default) reaches from every start, with the share of each end.

    Letters mark the optima themselves, once for each numbering of their components.
    """
    method = basins.methods[0] if method is None else method
    if method not in basins.maps:
        known = basins.methods
        raise SpecError(
            f'method: expected one of {", ".join(known)}, got "{method}".{nearest(method, known)}'
        )
    ax = style.own_axes(ax, 4.6)
    index = basins.maps[method]
    colors = _colors(basins.reached)
    _map(ax, basins, index, colors)
    _letters(ax, basins)
    handles = [
        Patch(fc=color, ec=style.MUTED, lw=0.4, label=f"{name}: {_share(index == i)}")
        for i, (color, name) in enumerate(zip(colors, _names(basins.reached), strict=True))
        if (index == i).any()
    ]
    _legend(ax, handles)
    ax.set_title(f"What {method} reaches from each start")
    return ax


@style.styled
def draw_panels(basins: Basins) -> Any:
    """The maps of all methods, two in a row, with one legend; returns the array of axes.

    Beside each name is the share of the starts that lead to the best of what is reached, usually A.
    """
    places = style.paired(basins.methods, lambda method: method)
    rows = len(places) // 2
    colors, names = _colors(basins.reached), _names(basins.reached)
    used = [any((index == i).any() for index in basins.maps.values()) for i in range(len(names))]
    height = 1.9 * rows + 0.18 * sum(used) + 0.4
    figure, axes = style.canvas(height, rows, 2, sharex=True, sharey=True, squeeze=False)
    for ax, method in zip(axes.flat, places, strict=True):
        if method is None:
            ax.set_axis_off()
            continue
        index = basins.maps[method]
        _map(ax, basins, index, colors)
        _letters(ax, basins)
        ax.set(xlabel="", ylabel="")
        ax.set_title(method)
        if basins.best is not None and basins.best < len(LETTERS):
            share = f"{LETTERS[basins.best]}: {_share(index == basins.best)}"
            ax.set_title(share, loc="right", color=style.MUTED, fontsize=7)
    style.label_lowest(axes, places)
    first, second = basins.slice.names
    for column in range(2):  # not the figure's own label, which would stand below the legend
        filled = [i for i in range(column, len(places), 2) if places[i] is not None]
        if filled:
            axes.flat[filled[-1]].set_xlabel(f"start: {first}")
    figure.supylabel(f"start: {second}", fontsize=8)
    handles = [
        Patch(fc=color, ec=style.MUTED, lw=0.4, label=name)
        for color, name, shown in zip(colors, names, used, strict=True)
        if shown
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=1)
    return axes


@style.styled
def draw_disagreement(basins: Basins, ax: Axes | None = None) -> Axes:
    """Where the methods, from one and the same start, reach different ends."""
    if len(basins.methods) < 2:
        raise SpecError("basins: expected at least two methods to compare, got one")
    ax = style.own_axes(ax, 4.2)
    count = np.minimum(basins.disagreement(), len(DIFFERENT)) - 1
    _map(ax, basins, count, DIFFERENT)
    names = ["all reach the same", "two different ends", "three", "four or more"]
    handles = [
        Patch(fc=color, ec=style.MUTED, lw=0.4, label=f"{name}: {_share(count == i)}")
        for i, (color, name) in enumerate(zip(DIFFERENT, names, strict=True))
        if (count == i).any()
    ]
    _legend(ax, handles)
    few = len(basins.methods) < 4
    who = listed(list(basins.methods)) if few else f"{len(basins.methods)} methods"
    ax.set_title(f"Where {who} disagree")
    return ax


def _map(ax: Axes, basins: Basins, index: np.ndarray, colors: Sequence[str]) -> None:
    """One square a start, its middle at the start itself."""
    edges = []
    for grid in basins.slice.grids:
        half = (grid[1] - grid[0]) / 2
        edges += [grid[0] - half, grid[-1] + half]
    ax.imshow(
        index,
        origin="lower",
        extent=(edges[0], edges[1], edges[2], edges[3]),
        aspect="auto",
        interpolation="nearest",
        cmap=ListedColormap(list(colors)),
        norm=BoundaryNorm(np.arange(len(colors) + 1) - 0.5, len(colors)),
    )
    ax.set_xlabel(f"start: {basins.slice.names[0]}")
    ax.set_ylabel(f"start: {basins.slice.names[1]}")


def _letters(ax: Axes, basins: Basins) -> None:
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    for letter, what in zip(LETTERS, basins.reached, strict=False):
        if what.theta is None:
            continue
        K = what.theta.n_components
        orders = itertools.permutations(range(K)) if K <= 4 else [tuple(range(K))]
        spots = {basins.slice.project(what.theta.take(order)) for order in orders}
        for x, y in sorted(spots):
            if left <= x <= right and bottom <= y <= top:
                box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": style.INK, "lw": 0.6}
                ax.text(x, y, letter, ha="center", va="center", fontsize=7.5, bbox=box)


def _colors(reached: Sequence[Reached]) -> list[str]:
    colors = []
    for i, what in enumerate(reached):
        if what.optimum:
            colors.append(OPTIMA[i] if i < len(OPTIMA) else REST)
        elif what.finding == NO_START:
            colors.append("#ffffff")
        else:
            colors.append(style.FINDING_COLORS.get(what.finding, style.FAILED))
    return colors


def _names(reached: Sequence[Reached]) -> list[str]:
    names = []
    for i, what in enumerate(reached):
        if not what.optimum:
            no = "no start: outside the parameter space"
            names.append(no if what.finding == NO_START else words.finding(what.finding))
            continue
        letter = f"{LETTERS[i]}  " if i < len(LETTERS) else ""
        kind = "best known" if what.standing == "global" else "local"
        narrow = ", narrow" if what.narrow else ""
        other = "" if what.finding == "maximum" else f" {words.finding(what.finding)}"
        value = f"{what.loglik:.3f}".replace("-", "−")
        names.append(f"{letter}{kind}{other}{narrow}, {value} nats")
    return names


def _legend(ax: Axes, handles: Sequence[Patch]) -> None:
    ax.legend(
        handles=list(handles),
        loc="upper left",
        bbox_to_anchor=(0.0, -0.13),
        borderaxespad=0.0,
        ncols=1,
    )


def _share(here: np.ndarray) -> str:
    """The share of an area as a percentage; a single start is never nothing."""
    share = 100 * float(here.mean())
    return f"{share:.1f} %" if share >= 0.05 or not here.any() else "< 0.1 %"
