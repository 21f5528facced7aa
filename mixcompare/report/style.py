"""How every figure looks: one hue a kind of method, one mark a method.

Hues follow Okabe and Ito (2008) and Tol (2021), darkened to 4.5:1 on white; no figure tells by hue alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from mixcompare import registry
from mixcompare.errors import ContractError

INK, MUTED, FAINT, FAILED = "#22262b", "#6a7078", "#d9dce0", "#b5173a"
EM, QUASI_NEWTON, SEARCH, SAMPLER, OTHER = "#1f5fa8", "#a86200", "#1d7a55", "#7a3f9d", "#4f5964"
WIDTH = 4.6
"""Inches. Every figure is one column wide, so that text has one size on every page and telephone."""

LETTER, HANDLE = 0.064, 0.42
"""Inches that a letter of a key takes on average, and what stands before and between its texts."""

RC = {
    "axes.edgecolor": MUTED,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 4,
    "axes.titlesize": 8,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.2,
    "svg.fonttype": "path",
    "svg.hashsalt": "mixcompare",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7.5,
    "ytick.major.width": 0.6,
    "ytick.minor.width": 0.4,
}


@dataclass(frozen=True)
class Look:
    """Colour and marker of one method; hollow for its naive and bounded forms."""

    color: str
    marker: Any
    hollow: bool = False

    @property
    def face(self) -> str:
        """Marker face colour."""
        return "white" if self.hollow else self.color


_COLORS = {"em": EM, "gradient": QUASI_NEWTON, "search": SEARCH, "sampler": SAMPLER, "other": OTHER}
"""Hue of each kind of method."""

_MARKS: tuple[Any, ...] = (*"os^DvPXph*<>d8H", *((n, 1, 0) for n in range(4, 9)))
"""Marks of the registered methods in turn: matplotlib's filled ones, then stars of 4 to 8 points."""

FINDING_COLORS = {
    "maximum": "#14655f",
    "verified": "#14655f",
    "boundary": "#3f938b",
    "ridge": "#86c0b8",
    "duplicate": "#b9c6cf",
    "saddle": "#e0a33a",
    "not_stationary": "#cc5a2b",
    "singular": "#8f1d4f",
    "out_of_domain": "#5b5f66",
    "non_finite": "#85898f",
    "error": "#22262b",
    "unsupported": "#d9dce0",
}
"""Greens are sound, warm and grey tones are not. A finding about draws that is not listed is `FAILED`."""


def look(method: str) -> Look:
    """The look of a method, the same in every figure of every report; "em, 40 iterations" looks like em."""
    base, modifiers = re.fullmatch(r"([^\[,(]*?)\s*([\[,(].*)?", method, re.S).groups()  # type: ignore[union-attr]
    own = list(dict.fromkeys(name.partition("[")[0] for name in registry.NAMES["methods"]))
    place = own.index(base) if base in own else sum(base.encode())
    kind = registry.load("methods", base).kind if base in own else "other"
    return Look(_COLORS[kind], _MARKS[place % len(_MARKS)], hollow=bool(modifiers))


def styled(draw: Callable[..., Any]) -> Callable[..., Any]:
    """`draw` in our style, whatever the user's matplotlibrc says."""

    @functools.wraps(draw)
    def wrapper(*args: Any, **options: Any) -> Any:
        with matplotlib.style.context(["default", RC]):
            return draw(*args, **options)

    return wrapper


@styled
def canvas(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure of the one width and the given height in inches, and its axes, in our style."""
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots(rows, columns, **options)


def paired[T](items: Sequence[T], method: Callable[[T], str]) -> list[T | None]:
    """Places in a grid two wide: forms of one solver begin a row together, single methods share rows.

    None marks an empty place.
    """
    groups: dict[str, list[T | None]] = {}
    for item in items:
        groups.setdefault(re.split(r"\s*[\[,(]", method(item))[0], []).append(item)
    places: list[T | None] = [group[0] for group in groups.values() if len(group) == 1]
    for group in groups.values():
        if len(group) > 1:
            places += [None] * (len(places) % 2) + group
    return places + [None] * (len(places) % 2)


def label_lowest(axes: Any, places: Sequence[Any]) -> None:
    """Tick labels under the lowest panel of each column, which need not be in the last row."""
    columns = axes.shape[1]
    for column in range(columns):
        used = [i for i in range(column, len(places), columns) if places[i] is not None]
        if used:
            axes.flat[used[-1]].tick_params(labelbottom=True)


def label_all(figure: Figure, axes: Any, places: Sequence[Any], x: str, y: str) -> None:
    """One label for all panels, under and beside the middle of the figure; of a single panel, its own."""
    used = [ax for ax, place in zip(axes.flat, places, strict=True) if place is not None]
    if len(used) == 1:
        used[0].set_xlabel(x)
        used[0].set_ylabel(y)
        return
    figure.supxlabel(x, fontsize=8)
    figure.supylabel(y, fontsize=8)


def key_above(ax: Axes, **options: Any) -> None:
    """The key of what has a label above the axes, where it covers no data."""
    ncols = columns(ax.get_legend_handles_labels()[1])
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=ncols, borderaxespad=0.2,
              columnspacing=1.4, **options)  # fmt: skip


def columns(labels: Sequence[str]) -> int:
    """Columns of a key, three at most, that fit the one width of all figures; filled as matplotlib does."""
    for n in (3, 2):
        parts = [part for part in np.array_split([len(label) for label in labels], n) if part.size]
        if sum(HANDLE + LETTER * int(part.max()) for part in parts) <= WIDTH - 0.6:
            return n
    return 1


def few_ticks(ax: Axes, inches: float) -> None:
    """At most five ticks on the horizontal axis, fewer where their numbers would touch on so many inches.

    The limits must be set.
    """
    low, high = ax.get_xlim()
    for bins in (4, 3, 2, 1):
        ax.xaxis.set_major_locator(MaxNLocator(bins, min_n_ticks=1))
        at = [tick for tick in ax.get_xticks() if low <= tick <= high]
        letters = max(
            (len(text) for text in ax.xaxis.get_major_formatter().format_ticks(at)), default=0
        )
        if len(at) < 2 or (LETTER * letters + 0.06) * (high - low) <= inches * (at[1] - at[0]):
            return


def plain_ticks(axis: Any, last: float) -> None:
    """Ticks of a logarithmic axis as plain numbers: 1, 10, 1,000; 1, 2, 5 where `last` is small."""
    if last < 20:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_minor_formatter(NullFormatter())


def broken(text: str, letters: int) -> str:
    """A text of more letters in two lines, broken after a bracket, plus or comma or at a space."""
    places = [found.end() for found in re.finditer(r"[\[+] ?|,? ", text)]
    if len(text) <= letters or not places:
        return text
    at = min(places, key=lambda place: abs(place - len(text) / 2))
    return f"{text[:at].rstrip()}\n{text[at:]}"


def line(method: str) -> Any:
    """Line style of a method: whole, or broken as the first of the formulations in its brackets is."""
    modifiers = re.split(r"[\[+\]]", method.partition("[")[2])[0]
    return _BROKEN.get(modifiers, "--") if modifiers else "-"


_BROKEN = {
    "naive": (0, (3.5, 2)),
    "bounded": (0, (1, 1.5)),
    "logsumexp": (0, (5, 1.5, 1, 1.5)),
    "unconstrained": (0, (8, 2)),
    "gradient": (0, (3, 1, 1, 1, 1, 1)),
}


def own_axes(ax: Axes | None, height: float) -> Axes:
    """The axes given, or those of a new figure."""
    return canvas(height)[1] if ax is None else ax


def figure_of(drawn: Any) -> Figure:
    """The figure that axes (one or an array of them) belong to."""
    first = drawn if isinstance(drawn, Axes) else drawn.flat[0]
    figure = first.get_figure(root=True)
    if figure is None:
        raise ContractError("a figure's draw must return axes that belong to a figure")
    return figure
