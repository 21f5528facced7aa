"""Dolan and More's performance profiles: passes against the cheapest method from the same start."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.steps import Curve, steps


@style.styled
def draw(curves: Sequence[Curve], ax: Axes | None = None) -> Axes:
    """At 1 the share of starts on which a method was the cheapest; at the right, all it ever solved."""
    return steps(curves, "passes / fewest of any method (log scale)", "problems", ax)
