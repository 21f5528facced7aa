"""What went with missing the best known optimum: the formulation, and values that are not finite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from mixcompare.study import words
from mixcompare.study.asked import by_label

START = ["data", "model", "replicate", "start_scheme", "start_index"]
"""Rows that agree in these began at the same point of the same likelihood."""


def tell(points: pd.DataFrame, study: Mapping[str, Any]) -> Iterator[str]:
    """What went with missing it: the formulation of the same solver, and values that are not finite."""
    rows = points[points["best_known"].notna()]
    hit = rows["reached"] == True  # noqa: E712 - None is not True
    if rows.empty or hit.all():
        return
    parts = [*_formulations(rows, study)]
    met = rows["non_finite"] > 0
    bad, missed, good, held = (
        int(v) for v in ((met & ~hit).sum(), (~hit).sum(), (met & hit).sum(), hit.sum())
    )
    if bad:
        who = "the one fit" if missed == 1 else f"{_these(bad, missed)} fits"
        others = f"{_these(good, held)} that reached it"
        if held == 1:
            others = f"the one that reached it {'did too' if good else 'did not'}"
        join = ";" if held == 1 else ", against"
        parts.append(
            f"{who} that missed it met log-likelihoods that are nan or infinite{join} {others}"
        )
    if parts:
        text = "; ".join(parts)
        yield f"{text[:1].upper()}{text[1:]}."


def _these(k: int, n: int) -> str:
    if k == n:
        return "both" if n == 2 else f"all {n:,}"
    return f"{f'{k:,}' if k else 'none'} of the {n:,}"


def _formulations(rows: pd.DataFrame, study: Mapping[str, Any]) -> Iterator[str]:
    """Each formulation in brackets beside the plain one: same solver, starts and length of fits."""
    blocks = by_label(study)
    names = rows["method"].map(lambda method: blocks.get(method, {}).get("name", method))
    ends = rows["method"].map(lambda method: _end(blocks.get(method, {})))
    hits = rows.assign(hit=rows["reached"].eq(True), typed=names, ends=ends)
    bracket = hits["typed"].str.extract(r"^([^\[]+)\[(.+)\]$")
    hits = hits.assign(base=bracket[0].fillna(hits["typed"]), form=bracket[1])
    plain = hits.loc[hits["form"].isna(), [*START, "base", "ends", "hit"]]
    parts: list[str] = []
    for form, mine in hits[hits["form"].notna()].groupby("form", sort=False):
        pairs = mine.merge(plain, on=[*START, "base", "ends"], suffixes=("", "_plain"))
        k, default, n = int(pairs["hit"].sum()), int(pairs["hit_plain"].sum()), len(pairs)
        if n > 1 and k != default:
            there = "" if parts else " ended there"
            fits = f"{words.of(k, n)}{'' if parts else ' fits'}"
            parts.append(f"[{form}]{there} in {fits} and the default one in {_few(default, n)}")
    if parts:
        yield f"with the same solvers and starts, the formulation {', '.join(parts)}"


def _end(block: Mapping[str, Any]) -> str:
    """When a method stops, where the study says so."""
    options = block.get("options", {})
    return ", ".join(f"{key} {options[key]}" for key in ("max_iter", "tol") if key in options)


def _few(k: int, n: int) -> str:
    return "none" if k == 0 else words.of(k, n) if k == n > 1 else f"{k:,}"
