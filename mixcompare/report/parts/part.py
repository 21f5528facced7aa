"""What every part of the section on one data set and model has: `compute`, and `draw`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mixcompare.report.document import Section
from mixcompare.report.view import Case, View


@dataclass(frozen=True)
class Part[D]:
    """One part; the registry has their names in the order of the page.

    Parameters
    ----------
    compute : callable
        Gathers what is known of one data set and model; nothing is fitted.
    draw : callable
        Makes a Section of that: one without blocks where there is nothing to show, one with parts of
        its own where it stands for several.
    """

    compute: Callable[[View, Case], D]
    draw: Callable[[Case, D], Section]

    def show(self, view: View, case: Case) -> Section:
        """Compute, then draw."""
        return self.draw(case, self.compute(view, case))
