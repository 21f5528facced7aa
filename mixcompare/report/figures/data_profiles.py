"""More and Wild's data profiles: passes in units of one gradient by differences."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.steps import Curve, steps


@style.styled
def draw(curves: Sequence[Curve], ax: Axes | None = None) -> Axes:
    """The share of starts solved within a budget; 1 is q + 1 passes, q free parameters."""
    return steps(curves, "budget in passes / (q + 1) (log scale)", "problems", ax)
