"""Methods ranked by how often they reached the best known optimum from the same starts, tested in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.study.pairs import compare_pairs
from mixcompare.study.shares import mcnemar

LEVEL = 0.05
"""Differences with an adjusted p-value below this are beyond chance."""


@dataclass(frozen=True)
class Ranking:
    """Point methods on one data set and model, on the starts that all of them have, the best first.

    `hits[i]` of `fits` fits of `methods[i]` reached the best known optimum, over `replicates` data sets.
    `p` holds each pair in ranked order: the exact McNemar test within one data set and where each data set
    has one start; else a t test of the mean difference over data sets. Adjusted by Holm (1979) for all
    pairs of the ranking. `exact` says which.
    """

    data: str
    model: str
    replicates: int
    fits: int
    methods: tuple[str, ...]
    hits: tuple[int, ...]
    exact: bool
    p: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def hits_of(self, method: str) -> int:
        """How often one of the methods got there."""
        return self.hits[self.methods.index(method)]

    def differ(self, first: str, second: str) -> bool:
        """Whether two of the methods differ beyond chance."""
        pair = (first, second) if (first, second) in self.p else (second, first)
        return self.p[pair] < LEVEL


def rank(rows: pd.DataFrame, methods: Sequence[str]) -> Ranking | None:
    """The ranking of some methods by the rows of one data set and model.

    None where fewer than two of them are point methods with verified ends, share starts, or had a best
    known optimum to reach.
    """
    rows = rows[~rows["sampler"] & rows["method"].isin(methods) & (rows["finding"] != "")]
    rows = rows[rows["best_known"].notna()]
    present = [name for name in methods if (rows["method"] == name).any()]
    places = ["replicate", "start_index"]
    shared = rows.groupby(places)["method"].transform("nunique") == len(present)
    rows = rows[shared].drop_duplicates([*places, "method"])
    if len(present) < 2 or rows.empty:
        return None
    hits = rows["reached"].eq(True).groupby(rows["method"]).sum()
    order = sorted(present, key=lambda name: -int(hits[name]))
    replicates = int(rows["replicate"].nunique())
    fits = len(rows) // len(present)
    pairs = compare_pairs(rows)
    found = {}
    for first, second, p in zip(pairs["method"], pairs["other"], p_values(pairs), strict=True):
        found[min(first, second, key=order.index), max(first, second, key=order.index)] = p
    return Ranking(
        str(rows["data"].iloc[0]),
        str(rows["model"].iloc[0]),
        replicates,
        fits,
        tuple(order),
        tuple(int(hits[name]) for name in order),
        replicates in (1, fits),
        dict(zip(found, holm(list(found.values())), strict=True)),
    )


def p_values(pairs: pd.DataFrame) -> list[float]:
    """One for each line of `compare_pairs`, not adjusted.

    The exact McNemar test within one data set and where each data set has one pair; else a t test of the
    mean difference over data sets.
    """
    return [_p_value(line) for line in pairs.itertuples()]


def _p_value(line: Any) -> float:
    if line.replicates in (1, line.pairs):
        return mcnemar(int(line.only_method), int(line.only_other))
    if line.difference == 0:
        return 1.0
    if line.mcse == 0:  # the same difference on every data set
        return 0.0
    from scipy.stats import t  # slow to import, and not needed to read a study

    return float(2 * t.sf(abs(line.difference) / line.mcse, line.replicates - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, in their order. Source: Holm (1979)."""
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    steps = (m - np.arange(m)) * np.asarray(p_values, dtype=float)[order]
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(p) for p in adjusted]
