"""Sentences on many starts: what stopping early costs, and which method's lead is more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from mixcompare.study import words
from mixcompare.study.case import Case

FEWEST = 30
"""Common starts on one data set below which nothing is said here."""

LEVEL = 0.05
"""Of p, above which a lead may be chance."""


def summed(results: Any) -> Iterator[str]:
    """Of each data set with many starts: fits stopped early beside whole ones, and who leads whom."""
    rows = results.rows
    for (data, model), own in rows.groupby(["data", "model"], sort=False):
        case = Case(results, str(data), str(model), own)
        hits = _hits(case)
        if case.replicates > 1 or len(hits.index) < FEWEST:
            continue
        pairs = case.pick(results.pairs())
        stopped = "; ".join(_stopped(hits, pairs, results.study))
        leader = " ".join(_leader(hits, pairs))
        if stopped:
            yield f"{case.name}: {stopped}. {leader}".rstrip()
        elif leader:
            yield f"{case.name}: {leader[:1].lower()}{leader[1:]}"


def _hits(case: Case) -> pd.DataFrame:
    """Starts by method: whether the best known optimum was reached; methods with all starts alone."""
    points = case.points[case.points["best_known"].notna()]
    wide = points.assign(hit=points["reached"].eq(True)).pivot_table(
        index="start_index", columns="method", values="hit", aggfunc="first", sort=False
    )
    return wide.dropna(axis=1).astype(bool)


def _stopped(hits: pd.DataFrame, pairs: pd.DataFrame, study: Mapping[str, Any]) -> Iterator[str]:
    """Methods that the study stops after a fixed number of iterations, where it also lets them end."""
    blocks = [block for block in study.get("method", []) if _label(block) in hits]
    for block in blocks:
        options = block.get("options", {})
        if options.get("tol") != 0 or "max_iter" not in options:
            continue
        rest = {k: v for k, v in options.items() if k not in ("tol", "max_iter")}
        same = (b for b in blocks if b["name"] == block["name"] and b.get("options", {}) == rest)
        whole = next(same, None)
        if whole is None:
            continue
        early, late = _label(block), _label(whole)
        yield (
            f"stopped after {options['max_iter']} iterations, {block['name']} ended at the best known "
            f"optimum from {_count(hits, early)} starts, and run to its own end from "
            f"{int(hits[late].sum()):,} ({_p(pairs, early, late)})"
        )


def _leader(hits: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[str]:
    """The method that got there most often, and over which others that is more than chance."""
    order = hits.sum().sort_values(ascending=False, kind="stable")
    if len(order) < 2 or order.iloc[0] == order.iloc[1]:
        return
    first = str(order.index[0])
    beyond: list[str] = []
    within: list[str] = []
    for method in map(str, order.index[1:]):
        text = f"{method} ({int(order[method]):,}; {_p(pairs, first, method)})"
        (beyond if _test(pairs, first, method) < LEVEL else within).append(text)
    parts = []
    if beyond:
        parts.append(f"more often than {words.listed(beyond)}")
    if within:
        parts.append(f"but its lead over {words.listed(within)} may be chance")
    yield (
        f"From the same starts {first} got there most often, from {_count(hits, first)}: "
        f"{', '.join(parts).removeprefix('but ')} (exact McNemar tests, one by one)."
    )


def _label(block: Mapping[str, Any]) -> str:
    return str(block.get("label") or block["name"])


def _count(hits: pd.DataFrame, method: str) -> str:
    return words.of(int(hits[method].sum()), len(hits))


def _test(pairs: pd.DataFrame, one: str, other: str) -> float:
    """p of the exact McNemar test of two methods, in either order."""
    ends = pairs["method"].isin((one, other)) & pairs["other"].isin((one, other))
    return float(pairs.loc[ends, "p_value"].iloc[0])


def _p(pairs: pd.DataFrame, one: str, other: str) -> str:
    p = _test(pairs, one, other)
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"
