"""A sentence on what stopping early costs: fits of so many iterations beside the same method to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from mixcompare.study import words
from mixcompare.study.asked import by_label
from mixcompare.study.case import Case

FEWEST = 30
"""Common starts on one data set below which nothing is said here."""


def summed(results: Any) -> Iterator[str]:
    """One sentence for each data set with many starts, where the study has such a pair of methods."""
    pairs = list(_pairs(results.study))
    for (data, model), own in results.rows.groupby(["data", "model"], sort=False) if pairs else ():
        case = Case(results, str(data), str(model), own)
        if case.replicates > 1:
            continue
        tests = case.pick(results.pairs())
        for iterations, parts in _told(pairs, tests).items():
            yield f"Stopped after {iterations:,} iterations on {case.name}, {'; '.join(parts)}."


def _pairs(study: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """Methods stopped after a fixed number of iterations: name, label, label to its end, iterations."""
    blocks = by_label(study)
    for early, block in blocks.items():
        options = block.get("options", {})
        if options.get("tol") != 0 or "max_iter" not in options:
            continue
        rest = {key: value for key, value in options.items() if key not in ("tol", "max_iter")}
        for late, whole in blocks.items():
            if whole["name"] == block["name"] and whole.get("options", {}) == rest:
                yield block["name"], early, late, int(options["max_iter"])


def _told(pairs: list[tuple[str, str, str, int]], tests: pd.DataFrame) -> dict[int, list[str]]:
    """By the number of iterations, what became of each method that was stopped after them."""
    told: dict[int, list[str]] = {}
    for name, early, late, iterations in pairs:
        both = tests["method"].isin((early, late)) & tests["other"].isin((early, late))
        lines = tests[both & (tests["pairs"] >= FEWEST)]
        if lines.empty:
            continue
        line = lines.iloc[0]
        own, other = (early, late) if line["method"] == early else (late, early)
        hits = {own: line["both"] + line["only_method"], other: line["both"] + line["only_other"]}
        p = "p < 0.0001" if line["p_value"] < 1e-4 else f"p = {line['p_value']:.2g}"
        if iterations not in told:
            p = f"exact McNemar test: {p}"
        reached = "" if iterations in told else "ended at the best known optimum "
        told.setdefault(iterations, []).append(
            f"{name} {reached}from {words.of(int(hits[early]), int(line['pairs']))} starts, and run to its "
            f"end from {int(hits[late]):,} ({p})"
        )
    return told
