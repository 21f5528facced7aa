"""Criteria of models against their number of components, one panel a criterion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import style

LINEAR = 10.0
"""Differences up to this are drawn on a linear scale, larger ones on a logarithmic one."""

HUES = (style.EM, style.QUASI_NEWTON, style.SEARCH, style.SAMPLER, style.OTHER)
MARKS = "osD^vPXh"
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.3)), (0, (5, 1.5, 1, 1.5)))


@dataclass(frozen=True)
class Curve:
    """One form of model: numbers of components (m,), and how far above the best model each is.

    `errors` are standard errors of these differences, nan where there are none.
    """

    label: str
    components: np.ndarray
    above: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True)
class Criterion:
    """One panel."""

    title: str
    curves: Sequence[Curve]


@style.styled
def draw(criteria: Sequence[Criterion]) -> Any:
    """Draw one panel a criterion, two in a row; returns the array of axes.

    Zero is the model that the criterion prefers, ringed. Bars are two standard errors.
    """
    rows = -(-len(criteria) // 2)
    columns = min(len(criteria), 2)
    figure, axes = style.canvas(
        1.75 * rows + 0.55, rows, columns, sharex=True, sharey=True, squeeze=False
    )
    labels = list(dict.fromkeys(curve.label for panel in criteria for curve in panel.curves))
    for ax in axes.flat[len(criteria) :]:
        ax.set_axis_off()
    for ax, panel in zip(axes.flat, criteria, strict=False):
        for curve in panel.curves:
            _curve(ax, curve, labels.index(curve.label))
        ax.set_title(panel.title)
    _scales(axes.flat[0], criteria)
    style.label_lowest(axes, [*criteria, *[None] * (axes.size - len(criteria))])
    figure.supxlabel("number of components", fontsize=8)
    figure.supylabel("above the lowest value (linear to 10, then log)", fontsize=8)
    drawn = {line.get_label(): line for ax in axes.flat for line in ax.get_lines()}
    shown = [name for name in labels if name in drawn]
    figure.legend(
        [drawn[name] for name in shown],
        shown,
        loc="outside upper left",
        ncols=4,
        handlelength=2.6,
        columnspacing=1.4,
    )
    return axes


def _curve(ax: Any, curve: Curve, place: int) -> None:
    color, marker = HUES[place % len(HUES)], MARKS[place % len(MARKS)]
    ax.plot(
        curve.components,
        curve.above,
        color=color,
        marker=marker,
        ls=DASHES[place % len(DASHES)],
        ms=3.5,
        lw=1.0,
        label=curve.label,
    )
    if np.isfinite(curve.errors).any():
        bars = 2 * np.nan_to_num(curve.errors)
        ax.errorbar(curve.components, curve.above, bars, fmt="none", ecolor=color, elinewidth=0.8)
    best = curve.above == 0
    ring: dict[str, Any] = {"mfc": "none", "mec": style.INK, "mew": 1.0, "ms": 8, "ls": ""}
    ax.plot(curve.components[best], curve.above[best], marker="o", label="_chosen", **ring)


def _scales(ax: Any, criteria: Sequence[Criterion]) -> None:
    """On the first axes, whose scales and limits all share."""
    above = np.concatenate([curve.above for panel in criteria for curve in panel.curves])
    numbers = np.concatenate([curve.components for panel in criteria for curve in panel.curves])
    ax.set_yscale("symlog", linthresh=LINEAR, linscale=1.0)
    top = float(above.max())
    ax.set_ylim(-2.5, 1.6 * max(top, LINEAR))
    ticks = [0.0, 5.0, *(10.0**k for k in range(1, 7))]
    ticks = [tick for tick in ticks if tick <= 1.6 * max(top, LINEAR)]
    ax.set_yticks(ticks, [f"{tick:,g}" if tick < 1e5 else f"{tick:.0e}" for tick in ticks])
    ax.yaxis.minorticks_off()
    whole = np.unique(numbers).astype(int)
    ax.set_xticks(whole, [str(k) for k in whole])
    ax.set_xlim(whole[0] - 0.3, whole[-1] + 0.3)
