"""Point estimates with Wald intervals and posterior intervals, one axis a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixcompare.report import style

LONG = 24
"""Letters from which a title takes two lines."""


@dataclass(frozen=True)
class Estimate:
    """One value of one parameter, by the methods named; `low` and `high` are nan without an interval.

    `kind` says of which kind the interval is; a `further` one of the same value has a row of its own.
    """

    methods: tuple[str, ...]
    value: float
    low: float = np.nan
    high: float = np.nan
    sound: bool = True
    draws: np.ndarray = field(default_factory=lambda: np.empty(0))
    kind: str = ""
    further: bool = False

    @property
    def label(self) -> str:
        """The first method, and how many more; of a further interval its kind."""
        if self.further:
            return self.kind
        more = f" + {len(self.methods) - 1} more" if len(self.methods) > 1 else ""
        return self.methods[0] + more


@dataclass(frozen=True)
class Parameter:
    """One parameter on the reporting scale, its estimates in order, and its true value if known."""

    name: str
    estimates: Sequence[Estimate]
    truth: float = np.nan


@style.styled
def draw(places: Sequence[Parameter | None], columns: int = 2) -> Any:
    """Draw one panel a parameter, estimates in rows; None leaves a place empty. Returns the array of axes.

    Limits follow sound estimates; one outside them is an arrow at the margin.
    """
    first = next(place for place in places if place is not None)
    labels = [estimate.label for estimate in first.estimates]
    heights = [2.1 if e.draws.size > 20 else 1.0 for e in first.estimates]
    at = np.cumsum(heights)
    rows = -(-len(places) // columns)
    titles = sum(len(place.name) > LONG for place in places if place is not None) / columns
    wide = (style.WIDTH - style.LETTER * max(map(len, labels))) / columns - 0.25
    height = rows * (0.17 * at[-1] + 0.5) + 0.15 * titles + 0.1
    _, axes = style.canvas(height, rows, columns, sharey=True, squeeze=False)
    for ax, place in zip(axes.flat, [*places, *[None] * (axes.size - len(places))], strict=True):
        if place is None:
            ax.set_axis_off()
            continue
        _panel(ax, place, at)
        style.few_ticks(ax, wide)
        ax.set_title(style.broken(place.name, LONG))
    for row in axes:
        leftmost = next(ax for ax in row if ax.axison)
        leftmost.set_yticks(at, labels)
        leftmost.tick_params(labelleft=True)
    axes[0, 0].set_ylim(at[-1] + 0.6, -0.1)
    return axes


def _panel(ax: Any, parameter: Parameter, at: np.ndarray) -> None:
    low, high = _limits(parameter)
    ax.set_xlim(low, high)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if np.isfinite(parameter.truth):
        ax.axvline(parameter.truth, color=style.INK, lw=0.9, ls=":", zorder=0)
    for y, estimate in zip(at, parameter.estimates, strict=True):
        look = style.look(estimate.methods[0])
        color = look.color if estimate.sound else style.FAILED
        if estimate.draws.size > 20:
            _hill(ax, y, estimate.draws, (low, high), color)
        ends = np.clip([estimate.low, estimate.high], low, high)  # an open end is at infinity
        ax.plot(ends, [y, y], color=color, lw=1.1, solid_capstyle="butt")
        if not np.isnan(estimate.value) and not low <= estimate.value <= high:
            right = estimate.value > high
            ax.plot(
                [high if right else low],
                [y],
                ">" if right else "<",
                color=color,
                ms=4,
                clip_on=False,
            )
            continue
        mark = {"marker": look.marker, "mfc": look.face} if estimate.sound else {"marker": "x"}
        mark = {"marker": "|"} if estimate.further else mark
        ax.plot([estimate.value], [y], ls="", color=color, ms=4, mew=0.9, **mark)


def _limits(parameter: Parameter) -> tuple[float, float]:
    """Wide enough for sound estimates, their intervals, nearly all draws, and the truth."""
    sound = [e for e in parameter.estimates if e.sound] or list(parameter.estimates)
    values = [np.array([e.value, e.low, e.high]) for e in sound]
    values += [np.quantile(e.draws, [0.005, 0.995]) for e in sound if e.draws.size > 20]
    every = np.append(np.concatenate(values), parameter.truth)
    every = every[np.isfinite(every)]
    if not every.size:
        return -1.0, 1.0
    low, high = float(every.min()), float(every.max())
    pad = 0.06 * (high - low) or 0.05 * abs(low) or 0.5
    return low - pad, high + pad


def _hill(ax: Any, y: float, draws: np.ndarray, limits: tuple[float, float], color: str) -> None:
    """The draws as a low histogram standing on the row."""
    heights, edges = np.histogram(draws[np.isfinite(draws)], bins=np.linspace(*limits, 41))
    if heights.max() > 0:
        ax.stairs(
            y - 1.6 * heights / heights.max(), edges, baseline=y, fill=True, color=color, alpha=0.25
        )
