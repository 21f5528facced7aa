"""Sentences about known groups: whether the highest optimum is the grouping by them, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mixcompare.study import words
from mixcompare.study.case import Case

MOST_NAMES = 4
"""Groups that are named; more are counted."""


def tell(case: Case) -> Iterator[str]:
    """Of one data set with labels: how the best known optimum agrees with them, and which does better."""
    found = case.pick(case.results.groups())
    if case.replicates > 1 or not (found["standing"] == "global").any():
        return
    best = found[found["standing"] == "global"].iloc[0]
    nearest = found[found["nearest"].astype(bool)].iloc[0]
    others = int(((found["point"] == "optimum") & ~found["narrow"].astype(bool)).sum()) - 1
    if _same(best, nearest):
        more = ", more than at any other optimum that was found" if others else ""
        text = f"at the best known optimum the most probable components agree with {_agree(best)}{more}"
    else:
        text = (
            f"the highest optimum is not the grouping into {_groups(best)}: {_makes(best)}; the optimum "
            f"nearest to the labels agrees with {_agree(nearest)} and lies "
            f"{words.gap(nearest['gap'])} nats lower"
        )
    yield f"{case.name}: {text}.{_labelled(found)}"


def summed(results: Any) -> Iterator[str]:
    """The same of all real data sets with labels, those of which the same is true together."""
    found = results.groups()
    if found.empty:
        return
    told: dict[str, list[str]] = {}
    for (data, model), own in found.groupby(["data", "model"], sort=False):
        simulated = getattr(results.dataset(str(data)), "truth", None) is not None
        if simulated or not (own["standing"] == "global").any():
            continue
        mine = results.rows[(results.rows["data"] == data) & (results.rows["model"] == model)]
        case = Case(results, str(data), str(model), mine)
        told.setdefault(_short(own), []).append(case.name)
    for text, names in told.items():
        yield f"On {words.listed(names)} {text}"


def _short(own: pd.DataFrame) -> str:
    best = own[own["standing"] == "global"].iloc[0]
    nearest = own[own["nearest"].astype(bool)].iloc[0]
    if _same(best, nearest):
        return (
            "the groups that the best known optimum makes of the observations agree with "
            f"{_agree(best)}, which no method saw."
        )
    return (
        f"the highest likelihood does not belong to the grouping into {_groups(best)}, which no method "
        f"saw: {_makes(best)}. An optimum that agrees with {_agree(nearest)} lies "
        f"{words.gap(nearest['gap'])} nats lower."
    )


def _same(one: Any, other: Any) -> bool:
    """Whether both lines agree with as many labels: then neither is nearer."""
    return bool(one["rank"] == other["rank"] or one["agree"] == other["agree"])


def _groups(line: Any) -> str:
    names = line["groups"]
    return words.listed(names) if len(names) <= MOST_NAMES else f"{len(names)} groups"


def _agree(line: Any) -> str:
    of = f"{words.of(int(line['agree']), int(line['n']))} labels"
    return f"{of} ({words.percent(line['share'])}; adjusted Rand index {line['rand']:.2f})"


def _makes(best: Any) -> str:
    """What the best known optimum makes of the observations."""
    if best["used"] == 1:
        return (
            f"at the best known optimum one component is the most probable of all {int(best['n'])} "
            "observations, which tells no group from another"
        )
    return f"the most probable components of the best known optimum agree with {_agree(best)}"


def _labelled(found: pd.DataFrame) -> str:
    """Where the groups' own estimates stand."""
    lines = found[found["point"] == "labels"]
    if lines.empty:
        return ""
    gap = float(lines["gap"].iloc[0])
    if gap < 0:
        return (
            f" The groups' own estimates lie {words.gap(-gap)} nats above it: there is a better optimum "
            "than was found."
        )
    return f" The groups' own estimates lie {words.gap(gap)} nats below the best known value."
