"""Parameters against iteration: one panel a kind of parameter, one line style a component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from mixcompare.report import style

LONG = 100
"""Steps beyond which their axis is logarithmic, with a place for 0."""

STYLES: tuple[Any, ...] = (
    *("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5))),
    *((0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (2, 2)), (0, (10, 2, 2, 2))),
)
"""Line styles of the components in turn, in every figure of this kind."""

MARKS = "os^Dv"
"""Marks of the starts, no two the same."""

STRAY = 20.0
"""Largest value over the median from which an axis of positive numbers is logarithmic."""


@dataclass(frozen=True)
class Line:
    """One component's value at each of the steps of the run from one start; both count from 0."""

    component: int
    start: int
    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Panel:
    """A parameter, with its unit, and its lines: every component from every start."""

    name: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Histories:
    """All panels of one method; `unit` is what a step is, in the singular."""

    method: str
    unit: str
    panels: Sequence[Panel]


@style.styled
def draw(data: Histories) -> Any:
    """Draw two panels in a row; returns the array of axes.

    Marks at both ends tell the starts apart; of more starts than there are marks, lines are faint and ends
    alike.
    """
    rows = (len(data.panels) + 1) // 2
    figure, axes = style.canvas(1.15 * rows + 0.55, rows, 2, sharex=True, squeeze=False)
    color = style.look(data.method).color
    many = len(_starts(data)) > len(MARKS)
    places: list[Panel | None] = [*data.panels, *[None] * (len(data.panels) % 2)]
    last = max(line.steps[-1] for panel in data.panels for line in panel.lines)
    for ax, panel in zip(axes.flat, places, strict=True):
        if panel is None:
            ax.set_axis_off()
            continue
        for line in panel.lines:
            _line(ax, line, color, many)
        log = _needs_log(panel)
        if log:
            ax.set_yscale("log")
        ax.set_title(f"{panel.name}{', log scale' if log else ''}")
        number_steps(ax, last)
    style.label_lowest(axes, places)
    figure.supxlabel(f"{data.unit}{' (log scale)' if last > LONG else ''}", fontsize=8)
    _key(figure, data, color, many)
    return axes


def _line(ax: Axes, line: Line, color: str, many: bool) -> None:
    ls = STYLES[line.component % len(STYLES)]
    look: dict[str, Any] = {"lw": 0.6, "alpha": 0.5} if many else {"lw": 1.0}
    ax.plot(line.steps, line.values, color=color, ls=ls, **look)
    ends, mark = [0, -1], "." if many else MARKS[line.start % len(MARKS)]
    ax.plot(line.steps[ends], line.values[ends], color=color, ls="", marker=mark, ms=3)


def _needs_log(panel: Panel) -> bool:
    """Whether a stray run would hide all others on a linear axis."""
    values = np.concatenate([line.values for line in panel.lines])
    values = values[np.isfinite(values)]
    if not values.size or values.min() <= 0:
        return False
    return bool(values.max() > STRAY * np.median(values))


def _starts(data: Histories) -> set[int]:
    return {line.start for panel in data.panels for line in panel.lines}


def number_steps(ax: Axes, last: float) -> None:
    """Scale and limits of an axis of steps 0, 1, ..., `last`."""
    if last > LONG:
        ax.set_xscale("symlog", linthresh=1, linscale=0.35)
        decades = [10**k for k in range(int(np.log10(last)) + 1)]
        ax.set_xticks([0, *decades], ["0", *(f"{decade:,}" for decade in decades)])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlim(0, 1.15 * last)
    else:
        room = 0.02 * last or 0.5
        ax.set_xlim(-room, last + room)


def _key(figure: Any, data: Histories, color: str, many: bool) -> None:
    """Which line is which component, and which mark which start, above all panels."""
    components = {line.component for panel in data.panels for line in panel.lines}
    starts = set() if many else _starts(data)
    handles = [
        Line2D([], [], color=color, ls=STYLES[k % len(STYLES)], lw=1.0, label=f"component {k + 1}")
        for k in sorted(components)
        if len(components) > 1
    ]
    handles += [
        Line2D([], [], color=color, ls="", marker=MARKS[k % len(MARKS)], ms=3, label=f"start {k}")
        for k in sorted(starts)
        if len(starts) > 1
    ]
    if handles:
        figure.legend(handles=handles, loc="outside upper right", ncols=3, handlelength=2.4)
