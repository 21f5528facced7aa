"""Sentences about methods side by side: who got there, where the others ended, what solvers said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mixcompare.study import words
from mixcompare.study.case import Case
from mixcompare.study.ends import each, in_order
from mixcompare.study.words import listed, number_of, quoted


def reached(case: Case) -> Iterator[str]:
    """How many fits of each method ended at the best known value."""
    if case.points["best_known"].isna().all():
        return
    groups: dict[tuple[int, int], list[str]] = {}
    for method, fits in case.points.groupby("method", sort=False):
        hits = int((fits["reached"] == True).sum())  # noqa: E712 - None is not True
        groups.setdefault((hits, len(fits)), []).append(quoted(str(method)))
    parts = []
    for (k, n), methods in sorted(groups.items(), key=lambda item: -item[0][0] / item[0][1]):
        each = " each" if len(methods) > 1 else ""
        which = (
            f"{words.of(k, n)} fits" if n > 1 else "the only fit" if k else "not by the only fit"
        )
        parts.append(f"{which}{each} of {listed(methods)}")
    over = f" (over {case.replicates:,} data sets)" if case.replicates > 1 else ""
    yield f"{case.name}: the best known value was reached by {'; '.join(parts)}{over}."


def missed(case: Case) -> Iterator[str]:
    """Where fits ended that did not get there, and how many met nan or infinity on the way."""
    if case.points.empty or not case.verified:
        return
    parts = []
    for method, fits in case.points.groupby("method", sort=False):
        lost = fits[fits["reached"] != True]  # noqa: E712
        if lost.empty:
            continue
        met = int((lost["non_finite"] > 0).sum())
        who = "it" if len(lost) == 1 else words.of(met, len(lost))
        note = f"; {who} met values that are not finite on the way" if met else ""
        parts.append(f"{quoted(str(method))} {number_of(len(lost), 'fit')} ({places(lost)}{note})")
    if parts:
        which = "fits" if case.points["best_known"].isna().all() else "fits that did not reach it"
        yield f"{case.name}, where {which} ended: {'; '.join(parts)}."


def solvers(case: Case) -> Iterator[str]:
    """Where the solver's own word was wrong."""
    rows = case.points[case.points["claimed"].notna() & case.points["sound"].notna()]
    if rows.empty:
        return
    parts = []
    for label, fits in rows.groupby("method", sort=False):
        method = quoted(str(label))
        false = fits[fits["false_success"]]
        modest = int(fits["false_failure"].sum())
        claimed = int((fits["claimed"] == True).sum())  # noqa: E712
        if len(false):
            wrongly = _of_these(len(false), claimed, "wrongly")
            parts.append(
                f"{method} claimed success {words.times(claimed)}, {wrongly} ({_found(false)})"
            )
        if modest:
            denied = len(fits) - claimed
            where = _of_these(modest, denied, "at a sound optimum")
            parts.append(f"{method} reported failure {words.times(denied)}, {where}")
    n, wrong = len(rows), int((rows["false_success"] | rows["false_failure"]).sum())
    if not wrong:
        what = "the one end" if n == 1 else f"{words.of(n, n)} ends"
        yield f"{case.name}: what solvers said of success and failure was borne out at {what}."
        return
    what = "the one end" if n == 1 else f"{words.of(wrong, n)} ends"
    head = f"what solvers said of success and failure was wrong at {what}"
    yield f"{case.name}: {head}: {'; '.join(parts)}."


def accuracy(case: Case) -> Iterator[str]:
    """How far the fitted densities are from the truth, and how often intervals held it."""
    table = case.pick(case.results.accuracy())
    kl = table[(table["metric"] == "kl") & (table["n_used"] > 0)].sort_values(
        "estimate", kind="stable"
    )
    groups: dict[str, list[str]] = {}
    for row in each(kl):
        used = "" if row.n_used == row.n_planned else f", {row.n_used} of {row.n_planned} data sets"
        groups.setdefault(f"{words.with_error(row.estimate, row.mcse)}{used}", []).append(
            quoted(row.method)
        )
    if groups:
        parts = [f"{value} ({listed(methods)})" for value, methods in groups.items()]
        yield (
            f"{case.name}: Kullback-Leibler divergence of the fitted density from the true one, nats per "
            f"observation, mean over {number_of(case.replicates, 'data set')}"
            f"{' ± Monte Carlo error' if case.replicates > 1 else ''}: {'; '.join(parts)}."
        )
    held = table[(table["metric"] == "coverage") & (table["n_used"] > 0)]
    parts = []
    for method, rows in held.groupby("method", sort=False):
        low, high = rows["estimate"].min(), rows["estimate"].max()
        share = (
            words.percent(low) if low == high else f"{words.percent(low)} to {words.percent(high)}"
        )
        sets = words.of(int(rows["n_used"].min()), int(rows["n_planned"].max()))
        parts.append(f"{quoted(str(method))} {share} (on {sets})")
    if parts:
        yield (
            f"{case.name}: share of data sets on which a 95 % interval held the truth, from the worst to "
            f"the best parameter (on how many there were intervals): {'; '.join(parts)}."
        )


def places(lost: pd.DataFrame) -> str:
    """Counts of where fits ended: "2 at a saddle, 1 at a lower optimum"."""
    counts: dict[str, int] = {}
    for _, row in lost.iterrows():
        where = place(row)
        counts[where] = counts.get(where, 0) + 1
    return ", ".join(f"{n:,} {where}" for where, n in counts.items())


def place(row: Any) -> str:
    """Where a fit ended: "at a lower optimum", "at a saddle"."""
    if row["reached"]:
        return "at the best known optimum"
    if row["optimum"]:
        return "at a narrow optimum" if row["narrow"] else "at a lower optimum"
    return _PLACES.get(row["finding"], words.finding(row["finding"]))


_PLACES = {
    "": "not verified",
    "error": "in an error",
    "non_finite": "without a finite estimate",
    "out_of_domain": "outside the parameter space",
    "singular": "with a collapsed component",
    "saddle": "at a saddle",
}


def _found(rows: pd.DataFrame) -> str:
    """Counts of findings: "2 saddle, 1 not stationary"."""
    findings = list(rows["finding"])
    return ", ".join(
        f"{findings.count(name):,} {words.finding(name)}" for name in in_order(findings)
    )


def _of_these(k: int, n: int, how: str) -> str:
    return how if n == 1 else f"each time {how}" if k == n else f"{k:,} of them {how}"
