"""Cost over all data sets and models: performance and data profiles."""

from __future__ import annotations

from typing import Any

from mixcompare.report.document import Drawing, Paragraph, Section
from mixcompare.report.figures.steps import Curve
from mixcompare.report.parts.cost import NEAR, curves
from mixcompare.report.view import View


def draw(view: View) -> Section:
    """Performance and data profiles over all data sets and models; nothing for one method alone."""
    title = "Cost over all data"
    costs = view.results.passes_to()
    methods = costs.loc[costs["level"].notna(), "method"].unique()
    if len(methods) < 2:
        return Section("cost", title, [])
    explained = (
        "A problem is one start on one data set and model, solved by a method whose fit came within "
        f"{NEAR:g} nats of the best known value on its way. Unsolved problems stay in the denominator, and "
        "each method is judged on the problems it was given."
    )
    performance = curves(view.results.performance_profiles([NEAR]), "ratio", None, view)
    budgets = curves(view.results.data_profiles([NEAR]), "budget", None, view)
    blocks: list[Any] = [
        Paragraph(explained),
        Drawing(
            "performance-profiles",
            "Performance profiles",
            "Share of problems solved within so many times the passes of the cheapest method. "
            f"{_best(performance)}",
            "performance-profiles",
            (performance,),
        ),
    ]
    if budgets:
        blocks.append(
            Drawing(
                "data-profiles",
                "Data profiles",
                "Share of problems solved with a budget of so many times q + 1 passes, which is what one "
                "gradient by forward differences costs (q free parameters).",
                "data-profiles",
                (budgets,),
            )
        )
    return Section("cost", title, blocks)


def _best(curves: list[Curve]) -> str:
    """Who was cheapest most often, and who solved most: the two ends of the figure."""
    first = {c.method: float(c.share[0]) if c.x.size and c.x[0] <= 1 else 0.0 for c in curves}
    cheapest = max(first, key=lambda name: first[name])
    most = max(curves, key=lambda c: c.reached / max(c.fits, 1))
    if not most.reached:
        return "No problem was solved by any method."
    return (
        f"The cheapest most often was {cheapest} ({100 * first[cheapest]:.0f} % of its problems); the most "
        f"were solved by {most.method} ({most.reached} of {most.fits})."
    )
