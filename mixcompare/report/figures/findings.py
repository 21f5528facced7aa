"""What the solver said against what its ends were found to be, one diverging bar a method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.patches
from matplotlib.axes import Axes

from mixcompare.report import style

LETTER = 0.062
"""Inches that a digit in a bar takes."""


@dataclass(frozen=True)
class Bar:
    """Ends of one method: finding -> number, apart by what the solver said (or whether it said anything)."""

    method: str
    said_success: dict[str, int]
    said_failure: dict[str, int]
    said_nothing: dict[str, int]

    @property
    def right(self) -> int:
        """Ends drawn to the right of the line."""
        return sum(self.said_success.values()) + sum(self.said_nothing.values())


@style.styled
def draw(
    bars: Sequence[Bar], order: Sequence[str], names: dict[str, str], ax: Axes | None = None
) -> Axes:
    """Claims of success to the right of the line, admissions of failure to its left; colour the finding.

    Ends of which nothing was said are narrower bars on the right.

    `order` lists findings in the order of drawing, `names` their words.
    """
    ax = style.own_axes(ax, 0.21 * len(bars) + 1.15)
    right = max((bar.right for bar in bars), default=1)
    left = max((sum(bar.said_failure.values()) for bar in bars), default=0)
    span = max(left, 0.32 * max(right, 1)) + max(right, 0.32 * max(left, 1))
    letter = span * LETTER / _inches(max((len(bar.method) for bar in bars), default=0))
    for y, bar in enumerate(bars):
        at = _stack(ax, y, bar.said_success, order, +1, letter)
        _stack(ax, y, bar.said_nothing, order, +1, letter, at=at, height=0.3)
        _stack(ax, y, bar.said_failure, order, -1, letter)
    ax.axvline(0, color=style.INK, lw=0.8)
    ax.set_yticks(range(len(bars)), [bar.method for bar in bars])
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.spines["left"].set_visible(False)
    # room for "said failure" even where nobody did
    ax.set_xlim(-1.04 * max(left, 0.32 * max(right, 1)), 1.04 * max(right, 0.32 * max(left, 1)))
    ax.set_xlabel("number of fits")
    ax.xaxis.set_major_locator(_whole())
    ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    ax.set_title(" said: failed", loc="left", x=0.0)
    ax.set_title("said: success ", loc="right")
    present = {
        f
        for bar in bars
        for part in (bar.said_success, bar.said_failure, bar.said_nothing)
        for f in part
    }
    used = [f for f in order if f in present]
    handles = [matplotlib.patches.Patch(color=_color(f), label=names.get(f, f)) for f in used]
    ax.figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.2)
    return ax


def _stack(
    ax: Axes,
    y: int,
    counts: dict[str, int],
    order: Sequence[str],
    side: int,
    letter: float,
    at: int = 0,
    height: float = 0.7,
) -> int:
    """Draw one row's bars from `at` outwards; where they end.

    A number stands in its bar if it has room there, `letter` being what a digit takes; all of them are in
    the table of claims.
    """
    for finding in order:
        number = counts.get(finding, 0)
        if not number:
            continue
        color = _color(finding)
        ax.barh(y, side * number, left=at, height=height, color=color, ec="white", lw=0.5)
        if height > 0.5 and number >= letter * (len(str(number)) + 0.4):
            ax.annotate(
                str(number),
                (at + side * number / 2, y),
                ha="center",
                va="center",
                fontsize=6.5,
                color=_on(color),
            )
        at += side * number
    return at


def _inches(letters: int) -> float:
    """Width of the axes beside the longest name, about."""
    return max(style.WIDTH - 0.07 * letters - 0.2, 1.0)


def _color(finding: str) -> str:
    return style.FINDING_COLORS.get(finding, style.FAILED)


def _on(color: str) -> str:
    """Black or white, whichever is readable on the colour."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return style.INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


def _whole() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True, nbins=6)
