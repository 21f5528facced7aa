"""Known groups as histograms, with the components that were found without them; one panel a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import style
from mixcompare.report.figures.density import histogram

HUES = (style.EM, style.QUASI_NEWTON, style.SEARCH, style.SAMPLER, style.OTHER)
"""Of groups and components in turn; no two neighbours are told by hue alone."""

LINES: tuple[Any, ...] = ("-", "--", (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))
"""Of the same."""


@dataclass(frozen=True)
class Group:
    """Observations (n,) of one known group, with their multiplicities."""

    name: str
    x: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Component:
    """One fitted component on the grid, times its weight; `group` is the place of its group, -1 for none."""

    weight: float
    values: np.ndarray
    group: int


@dataclass(frozen=True)
class Panel:
    """One fit: what it is, and its components."""

    title: str
    parts: Sequence[Component]


@dataclass(frozen=True)
class Grouped:
    """Groups of one feature, the grid (m,) of the curves, and the fits; `label` and `density` name axes."""

    groups: Sequence[Group]
    grid: np.ndarray
    panels: Sequence[Panel]
    label: str
    density: str


@style.styled
def draw(data: Grouped, ax: Any = None) -> Any:
    """Draw one panel a fit, one below the other; returns the axes, an array of them if there are several.

    With `ax` only the first fit is drawn, on it.
    """
    if ax is not None or len(data.panels) == 1:
        ax = style.own_axes(ax, 2.6)
        _panel(ax, data, data.panels[0])
        ax.set_xlabel(data.label)
        ax.set_ylabel(data.density)
        return ax
    rows = len(data.panels)
    figure, axes = style.canvas(1.9 * rows + 0.3, rows, 1, sharex=True)
    for own, panel in zip(axes, data.panels, strict=True):
        _panel(own, data, panel)
    highest = max(own.get_ylim()[1] for own in axes)
    for own in axes:
        own.set_ylim(0, highest)
    axes[-1].set_xlabel(data.label)
    figure.supylabel(data.density, fontsize=8)
    return axes


def _panel(ax: Any, data: Grouped, panel: Panel) -> None:
    edges = _edges(data.groups)
    total = sum(float(group.weights.sum()) for group in data.groups)
    highest = [0.0]
    for k, group in enumerate(data.groups):
        share = group.weights.sum() / total
        own, _ = np.histogram(group.x, edges, weights=group.weights)
        own = own / (total * np.diff(edges))
        highest.append(float(own.max()))
        color = HUES[k % len(HUES)]
        ax.stairs(own, edges, fill=True, color=color, alpha=0.14, lw=0)
        ax.stairs(own, edges, color=color, lw=0.6, alpha=0.7, ls=LINES[k % len(LINES)],
                  label=f"{group.name}: {100 * share:.0f} % of the data")  # fmt: skip
    for k, part in enumerate(panel.parts, 1):
        place = part.group
        color = HUES[place % len(HUES)] if place >= 0 else style.INK
        line = LINES[place % len(LINES)] if place >= 0 else "-"
        label = f"component {k}: {100 * part.weight:.0f} %"
        ax.plot(data.grid, part.values, color=color, ls=line, lw=1.3, label=label)
    curves = max(float(np.nanmax(part.values)) for part in panel.parts)
    ax.set_ylim(0, 1.08 * max(min(curves, 2.5 * max(highest)), *highest))
    ax.set_xlim(data.grid[0], data.grid[-1])
    ax.set_title(panel.title)
    ax.legend(loc="best", borderaxespad=0.2, fontsize=6.5)


def _edges(groups: Sequence[Group]) -> np.ndarray:
    """Bins over all groups, as wide as those of the group that takes the narrowest; at most 60."""
    x = np.concatenate([group.x for group in groups])
    narrowest = min(np.diff(histogram(group.x, group.weights)[1][:2])[0] for group in groups)
    bins = int(np.clip(np.ceil(np.ptp(x) / narrowest), 5, 60))
    return np.linspace(x.min(), x.max(), bins + 1)
