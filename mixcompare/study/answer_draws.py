"""Of each sampler, how many of its posteriors passed every check, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mixcompare.study import words
from mixcompare.study.ends import in_order, parse
from mixcompare.study.words import listed, quoted


def tell(draws: pd.DataFrame) -> Iterator[str]:
    """Phrases: methods all of whose posteriors passed together, then each of the others with its reasons."""
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
    yield from (_missed(name, rows) for name, rows in failed)
    if unknown:
        yield f"what {listed(unknown)} drew was not checked"


def _passed(names: list[str], rows: pd.DataFrame) -> str:
    n = len(rows)
    which = "the posterior" if n == 1 else f"{words.of(n, n)} posteriors"
    return f"{which} drawn by {listed(names)} passed every check{_loose(rows)}"


def _missed(name: str, rows: pd.DataFrame) -> str:
    bad, n = rows[~rows["sound"].eq(True)], len(rows)
    findings = list(bad["finding"])
    kinds = in_order(findings)
    reasons = ", ".join(
        words.finding(kind) + (f" {findings.count(kind):,}" if len(kinds) > 1 else "")
        for kind in kinds
    )
    which = "the posterior" if n == 1 else f"{words.of(len(bad), n)} posteriors"
    not_all = "did not pass every check"
    return f"{which} drawn by {name} {not_all} ({reasons}){_loose(rows)}"


def _loose(rows: pd.DataFrame) -> str:
    """How many of the posteriors say little more than their prior."""
    k = sum("unidentified" in (parse(cell) or []) for cell in rows["flags"])
    if not k:
        return ""
    if len(rows) == 1:
        return ", but is about as wide as the prior"
    return f", {k:,} of them about as wide as the prior"
