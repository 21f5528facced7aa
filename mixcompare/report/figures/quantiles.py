"""Observed quantiles against those of samples from the fit, and the data beside one such sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mixcompare.report import style, words
from mixcompare.report.figures.density import density_of, histogram
from mixcompare.study.predictive_check import Feature

MOST = 4
"""Features that are drawn at most."""

BAND = "#d3dfec"


@style.styled
def draw(features: Sequence[Feature], ax: Any = None) -> Any:
    """One panel a feature: observed quantiles against the middle ones of samples, with their envelope.

    Dark red crosses have left the envelope, which 95 % of the samples nowhere leave. Returns the axes of
    one feature, or an array of them.
    """
    axes, shown = _axes(features, ax, 3.2)
    space = " " if axes.size == 1 else "\n"
    for one, feature in zip(axes.flat, shown, strict=True):
        label = words.labelled(feature.name, feature.unit)
        one.fill_between(feature.middle, feature.low, feature.high, color=BAND, lw=0,
                         label="simultaneous 95 % envelope")  # fmt: skip
        ends = [feature.middle[0], feature.middle[-1]]
        one.plot(ends, ends, color=style.MUTED, lw=0.7, ls=(0, (4, 3)), label="equal")
        out = feature.outside
        one.plot(feature.middle[~out], feature.quantiles[~out], ls="", marker="o", ms=2.4,
                 color=style.INK, label="observed, inside")  # fmt: skip
        if out.any():
            count = f"outside: {out.sum()} of {out.size}"
            one.plot(feature.middle[out], feature.quantiles[out], ls="", marker="x", ms=4,
                     color=style.FAILED, label=count if axes.size == 1 else "outside")  # fmt: skip
            one.set_title(count if axes.size > 1 else "", loc="right", color=style.FAILED)
        one.set_xlabel(f"{label},{space}quantiles of samples")
        one.set_ylabel(f"{label}, observed")
    _key(axes)
    return axes if axes.size > 1 else axes.flat[0]


@style.styled
def draw_sampled(features: Sequence[Feature], ax: Any = None) -> Any:
    """One panel a feature: histogram of the data, and in the same bins one sample of their size.

    Returns the axes of one feature, or an array of them.
    """
    axes, shown = _axes(features, ax, 2.7)
    for one, feature in zip(axes.flat, shown, strict=True):
        heights, edges = histogram(feature.observed, feature.weights)
        width = edges[1] - edges[0]
        low = edges[0] - width * max(np.ceil((edges[0] - feature.sampled.min()) / width), 0)
        high = edges[-1] + width * max(np.ceil((feature.sampled.max() - edges[-1]) / width), 0)
        wide = np.linspace(low, high, round((high - low) / width) + 1)
        drawn, _ = np.histogram(feature.sampled, wide, density=True)
        one.stairs(heights, edges, fill=True, color="#dfe2e6", lw=0, label="observed")
        one.stairs(drawn, wide, color=style.INK, lw=1.1, label="drawn from the fit")
        one.set_xlabel(words.labelled(feature.name, feature.unit))
        one.set_ylabel(density_of(feature.unit))
    _key(axes)
    return axes if axes.size > 1 else axes.flat[0]


def _key(axes: np.ndarray) -> None:
    """Above all panels, of everything in any of them."""
    named = {
        label: handle
        for one in axes.flat
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True)
    }
    if axes.size == 1:
        style.key_above(axes.flat[0])
        return
    style.figure_of(axes).legend(
        named.values(), named.keys(), loc="outside upper left", ncols=style.columns(list(named))
    )


def _axes(
    features: Sequence[Feature], ax: Any, height: float
) -> tuple[np.ndarray, Sequence[Feature]]:
    """Axes of one panel a feature, two in a row."""
    shown = features[:MOST]
    if len(shown) == 1:
        return np.array([style.own_axes(ax, height)]), shown
    rows = -(-len(shown) // 2)
    axes = style.canvas(2.2 * rows, rows, 2, squeeze=False)[1]
    for spare in axes.flat[len(shown) :]:
        spare.set_axis_off()
    return axes.ravel()[: len(shown)], shown
