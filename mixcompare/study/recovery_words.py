"""A sentence on learned against true parameters."""

from __future__ import annotations

from collections.abc import Iterator

from mixcompare.study import words
from mixcompare.study.case import Case
from mixcompare.study.ends import each


def tell(case: Case) -> Iterator[str]:
    """Of one simulated data set: how far off its highest end is, by the worst component of each kind."""
    found = case.pick(case.results.recovery())
    taken = found[found["answer"].astype(bool)]
    if case.replicates > 1 or taken.empty:
        return
    parts = []
    for parameter, lines in taken.groupby("parameter", sort=False):
        error = (lines["estimate"] - lines["truth"]).abs().dropna()
        if error.empty:
            continue
        worst = next(each(lines.loc[[error.idxmax()]]))
        parts.append(
            f"{parameter} by at most {error.max():.2g} (component {worst.component}: "
            f"{worst.estimate:.3g} for {worst.truth:.3g})"
        )
    if parts:
        yield (
            f"{case.name}: with every component paired once with a true one, the highest end misses the true "
            f"{words.listed(parts)}."
        )
