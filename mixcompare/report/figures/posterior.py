"""Point estimates with Wald intervals and posterior intervals, one axis a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixcompare.report import style


@dataclass(frozen=True)
class Estimate:
    """One method's value of one parameter; `low` and `high` are nan without an interval."""

    method: str
    value: float
    low: float = np.nan
    high: float = np.nan
    sound: bool = True
    draws: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Parameter:
    """One parameter on the reporting scale, its estimates in order, and its true value if known."""

    name: str
    estimates: Sequence[Estimate]
    truth: float = np.nan


@style.styled
def draw(parameters: Sequence[Parameter], columns: int = 2) -> Any:
    """Draw one panel a parameter, methods in rows; returns the array of axes.

    Limits follow sound estimates; one outside them is an arrow at the margin.
    """
    methods = [e.method for e in parameters[0].estimates]
    columns = min(columns, len(parameters))
    rows = -(-len(parameters) // columns)
    height = rows * (0.155 * len(methods) + 0.48) + 0.15
    _, axes = style.canvas(height, rows, columns, sharey=True, squeeze=False)
    for ax, parameter in zip(axes.flat, parameters, strict=False):
        _panel(ax, parameter)
        ax.set_title(parameter.name)
    for ax in axes.flat[len(parameters) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_yticks(range(len(methods)), methods)
    axes[0, 0].set_ylim(len(methods) - 0.4, -0.8)
    return axes


def _panel(ax: Any, parameter: Parameter) -> None:
    low, high = _limits(parameter)
    ax.set_xlim(low, high)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=4)
    if np.isfinite(parameter.truth):
        ax.axvline(parameter.truth, color=style.MUTED, lw=0.9, ls=":", zorder=0)
    for y, estimate in enumerate(parameter.estimates):
        look = style.look(estimate.method)
        color = look.color if estimate.sound else style.FAILED
        if estimate.draws.size > 20:
            _hill(ax, y, estimate.draws, (low, high), color)
        ax.plot([estimate.low, estimate.high], [y, y], color=color, lw=1.1, solid_capstyle="butt")
        if np.isfinite(estimate.value) and not low <= estimate.value <= high:
            side = high if estimate.value > high else low
            arrow = ">" if estimate.value > high else "<"
            ax.plot([side], [y], arrow, color=color, ms=4, clip_on=False)
            continue
        mark = {"marker": look.marker, "mfc": look.face} if estimate.sound else {"marker": "x"}
        ax.plot([estimate.value], [y], ls="", color=color, ms=4, mew=0.9, **mark)


def _limits(parameter: Parameter) -> tuple[float, float]:
    sound = [e for e in parameter.estimates if e.sound] or list(parameter.estimates)
    values = np.array([[e.value, e.low, e.high] for e in sound]).ravel()
    values = np.append(values, parameter.truth)
    values = values[np.isfinite(values)]
    if not values.size:
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    pad = 0.06 * (high - low) or 0.05 * abs(low) or 0.5
    return low - pad, high + pad


def _hill(ax: Any, y: int, draws: np.ndarray, limits: tuple[float, float], color: str) -> None:
    """The draws as a low histogram standing on the method's row."""
    heights, edges = np.histogram(draws, bins=np.linspace(*limits, 41))
    if heights.max() > 0:
        ax.stairs(y - 0.95 * heights / heights.max(), edges, baseline=y, fill=True, color=color, alpha=0.25)
