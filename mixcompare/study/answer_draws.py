"""Of each sampler, how many of its posteriors passed every check, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mixcompare.study import words
from mixcompare.study.ends import in_order, parse
from mixcompare.study.words import listed, quoted


def tell(draws: pd.DataFrame) -> Iterator[str]:
    """Phrases: methods all of whose posteriors passed together, then the others with their reasons."""
    clean, failed, unknown = [], [], []
    for method, rows in draws.groupby("method", sort=False):
        name = quoted(str(method))
        if rows["sound"].isna().all():
            unknown.append(name)
        elif rows["sound"].eq(True).all():
            clean.append((name, rows))
        else:
            failed.append((name, rows))
    if clean:
        yield _passed([name for name, _ in clean], pd.concat([rows for _, rows in clean]))
    told: dict[tuple[int, int, str], list[str]] = {}
    for name, rows in failed:
        bad = int((~rows["sound"].eq(True)).sum())
        told.setdefault((bad, len(rows), f"({_reasons(rows)}){_loose(rows)}"), []).append(name)
    for i, ((bad, n, why), names) in enumerate(told.items()):
        yield _missed(names, bad, n, why, first=not clean and not i)
    if unknown:
        yield f"what {listed(unknown)} drew was not checked"


def _passed(names: list[str], rows: pd.DataFrame) -> str:
    n = len(rows)
    which = "the posterior" if n == 1 else f"{words.of(n, n)} posteriors"
    return f"{which} drawn by {listed(names)} passed every check{_loose(rows)}"


def _missed(names: list[str], bad: int, n: int, why: str, first: bool) -> str:
    """In full as the `first` phrase, else short: "1 of 5 by gibbs did not (not mixed)"."""
    each = " each" if len(names) > 1 else ""
    if n == 1:
        one = "that" if len(names) == 1 else "those"
        which = f"the posterior{'s' if each else ''} drawn" if first else one
    else:
        which = f"{words.of(bad, n)}{each}{' posteriors drawn' if first else ''}"
    return f"{which} by {listed(names)} did not{' pass every check' if first else ''} {why}"


def _reasons(rows: pd.DataFrame) -> str:
    findings = list(rows.loc[~rows["sound"].eq(True), "finding"])
    kinds = in_order(findings)
    return ", ".join(
        words.finding(kind) + (f" {findings.count(kind):,}" if len(kinds) > 1 else "")
        for kind in kinds
    )


def _loose(rows: pd.DataFrame) -> str:
    """How many of the posteriors say little more than their prior."""
    k = sum("unidentified" in (parse(cell) or []) for cell in rows["flags"])
    if not k:
        return ""
    if len(rows) == 1:
        return ", but is about as wide as the prior"
    return f", {k:,} of them about as wide as the prior"
