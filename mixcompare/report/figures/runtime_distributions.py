"""Hoos and Stuetzle's runtime distributions: passes until a fit was near the best known value."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.steps import Curve, steps


@style.styled
def draw(curves: Sequence[Curve], ax: Axes | None = None) -> Axes:
    """The share of a method's fits that were there; small strokes: a fit stopped without getting there."""
    return steps(curves, "passes over the data (log scale)", "fits", ax)
