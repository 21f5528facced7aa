"""What solvers said, over all data sets: at how many ends it was wrong, and whose word it was."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mixcompare.study import words
from mixcompare.study.words import listed, quoted

NAMED = 3
"""Methods that are named of those whose word was wrong; the others are counted."""


def tell(points: pd.DataFrame) -> Iterator[str]:
    """At how many ends the solver's word was wrong, and whose it was."""
    rows = points[points["claimed"].notna() & points["sound"].notna()]
    if rows.empty:
        if points["sound"].notna().any() and points["said"].isna().all():
            yield "No solver said whether it had succeeded."
        return
    success, failure = rows[rows["false_success"]], rows[rows["false_failure"]]
    n, wrong = len(rows), len(success) + len(failure)
    ends = "the only end" if n == 1 else f"{words.of(wrong or n, n)} ends"
    claimed = rows[rows["claimed"] == True]  # noqa: E712 - None is not True
    lower = int((claimed["sound"].eq(True) & claimed["reached"].eq(False)).sum())
    also = f"; {_lower(lower)}" if lower and claimed["best_known"].notna().any() else ""
    if not wrong:
        yield f"What solvers said of success and failure was right at {ends}{also}."
        return
    parts = []
    if len(success):
        were = "was no sound optimum" if len(success) == 1 else "were no sound optima"
        parts.append(f"success was claimed at {_places(success, n)} {were} ({_by(success, rows)})")
    if len(failure):
        were = "was sound" if len(failure) == 1 else "were sound"
        verb = "failure" if parts else "failure was reported"
        parts.append(f"{verb} at {_places(failure, n)} {were} ({_by(failure, rows)})")
    yield (
        f"What solvers said of success and failure was wrong at {ends}: {' and '.join(parts)}{also}."
    )


def _places(wrong: pd.DataFrame, n: int) -> str:
    return "one that" if n == 1 else f"{len(wrong):,} that"


def _lower(k: int) -> str:
    if k == 1:
        return "one more success was claimed at a sound optimum other than the best known"
    return f"{k:,} more successes were claimed at sound optima other than the best known"


def _by(wrong: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Whose claims: "5 of 42 by powell, 1 of 4 by l-bfgs-b[naive]", the most first."""
    same = rows[rows["claimed"] == wrong["claimed"].iloc[0]]
    total = same.groupby("method", sort=False).size()
    counts = wrong.groupby("method", sort=False).size()
    counts = counts.sort_values(ascending=False, kind="stable")
    more = len(counts) - NAMED
    named = counts if more < 2 else counts.iloc[:NAMED]
    parts = [
        f"{'the only one' if total[method] == 1 else words.of(int(k), int(total[method]))} "
        f"by {quoted(str(method))}"
        for method, k in named.items()
    ]
    if more >= 2:
        parts.append(f"{int(counts.iloc[NAMED:].sum()):,} by {more} others")
    return listed(parts)
