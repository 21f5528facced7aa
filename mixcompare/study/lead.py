"""The contest that a study leads with: a few methods from the same starts, and what is beyond chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from mixcompare.errors import SpecError
from mixcompare.estimators.base import make_estimator
from mixcompare.estimators.formulations import RUNGS
from mixcompare.study import words
from mixcompare.study.asked import by_label
from mixcompare.study.ranking import Ranking, rank
from mixcompare.study.words import listed, quoted

BEST = "the best known optimum"
DEFINED = f"{BEST}, the highest verified one of any fit to the same data"


def chosen(results: Any) -> pd.DataFrame:
    """The rows that the study's key `lead` is about, data in its order; none without it."""
    rows, lead = results.rows, results.study.get("lead") or {}
    if not lead:
        return rows.iloc[:0]
    data = lead.get("data") or list(dict.fromkeys(rows["data"]))
    data = [data] if isinstance(data, str) else data
    methods = lead.get("methods") or list(dict.fromkeys(rows["method"]))
    mine = rows[rows["data"].isin(data) & rows["method"].isin(methods)]
    return mine.sort_values("data", key=lambda names: names.map(data.index), kind="stable")


def tell(results: Any) -> Iterator[str]:
    """One sentence for each data set and model of the lead: who got there how often, and by chance or not.

    And one more where one solver stands on both sides of another method: what it was given decides.
    """
    mine, first = chosen(results), True
    asked = _asked(results.study)
    for _, rows in mine.groupby(["data", "model"], sort=False):
        ranking = rank(rows, list(dict.fromkeys(rows["method"])))
        if ranking is None:
            continue
        yield f"{_where(ranking, results.rows)} {_standings(ranking, first)}: {verdict(ranking)}."
        yield from _both_sides(ranking, asked)
        first = False


def _where(ranking: Ranking, rows: pd.DataFrame) -> str:
    """For example "Raw: from the same 400 starts"; the model where there are several."""
    several = rows.loc[rows["data"] == ranking.data, "model"].nunique() > 1
    name = f"{ranking.data} ({ranking.model})" if several else ranking.data
    name = f"{name[:1].upper()}{name[1:]}"
    if ranking.replicates == 1:
        return (
            f"{name}: from the same {'start' if ranking.fits == 1 else f'{ranking.fits:,} starts'}"
        )
    if ranking.replicates == ranking.fits:
        return f"{name}: from the same start on each of {ranking.fits:,} data sets"
    return f"{name}: from the same {ranking.fits:,} starts on {ranking.replicates:,} data sets"


def _standings(ranking: Ranking, first: bool) -> str:
    at = f"{DEFINED}," if first else BEST
    groups: dict[int, list[str]] = {}
    for name, hits in zip(ranking.methods, ranking.hits, strict=True):
        groups.setdefault(hits, []).append(quoted(name))
    parts: list[str] = []
    for hits, names in groups.items():
        each = "each " if hits and len(names) > 1 else ""
        often = words.times(hits) if hits else "never"
        reached = "" if parts else f"reached {at} "
        parts.append(f"{listed(names)} {reached}{each}{often}")
    return listed(parts)


def verdict(ranking: Ranking) -> str:
    """What of a ranking is beyond chance: each step of it, some methods below the first, or nothing."""
    best, *rest = ranking.methods
    test = "exact McNemar tests" if ranking.exact else "t tests over data sets"
    test = test if len(rest) > 1 else test.replace("tests", "test")
    steps = [ranking.p[pair] for pair in zip(ranking.methods, rest, strict=False)]
    below = {name: ranking.p[best, name] for name in rest}
    beyond = [name for name in rest if ranking.differ(best, name)]
    if not any(ranking.differ(*pair) for pair in ranking.p):
        return f"no difference beyond chance ({test}, {smallest(ranking.p.values())})"
    if len(rest) == 1:
        return f"a difference beyond chance ({test}, {largest(steps)})"
    adjusted = f"{test}, Holm's correction"
    if all(ranking.differ(*pair) for pair in zip(ranking.methods, rest, strict=False)):
        return f"each more often than the next beyond chance ({adjusted}, {largest(steps)})"
    within = [
        name for name in rest if name not in beyond and ranking.hits_of(name) < ranking.hits[0]
    ]
    if not beyond:
        return f"no lead of {quoted(best)} over another is beyond chance ({adjusted})"
    at_most = largest([below[name] for name in beyond])
    text = f"the lead over {_named(beyond)} is beyond chance ({adjusted}, {at_most})"
    if not within:
        return text
    return f"{text}, that over {_named(within)} is not ({smallest([below[n] for n in within])})"


def _named(methods: Sequence[str]) -> str:
    return listed([quoted(name) for name in methods])


def largest(p_values: Any) -> str:
    """Either "p = 0.012" for one, "p at most 0.012" for several."""
    values = list(p_values)
    p = max(values)
    if p < 1e-4:
        return "p < 0.0001"
    return f"p {'=' if len(values) == 1 else 'at most'} {p:.2g}"


def smallest(p_values: Any) -> str:
    """Either "p = 0.19" for one, "p at least 0.19" for several."""
    values = list(p_values)
    return f"p {'=' if len(values) == 1 else 'at least'} {min(values):.2g}"


def _both_sides(ranking: Ranking, asked: Mapping[str, Asked]) -> Iterator[str]:
    """A solver that beats another method in one form and is beaten by it in another, beyond chance."""
    forms = [asked.get(name, Asked(name)) for name in ranking.methods]
    for i, middle in enumerate(ranking.methods):
        above = [k for k in range(i) if ranking.differ(ranking.methods[k], middle)]
        below = [k for k in range(i + 1, len(forms)) if ranking.differ(middle, ranking.methods[k])]
        for one in above:
            solver = forms[one].solver
            other = next((k for k in below if forms[k].solver == solver != forms[i].solver), None)
            if other is not None:
                upper, lower = quoted(ranking.methods[one]), quoted(ranking.methods[other])
                yield (
                    f"{quoted(middle)} stands between two forms of one solver, below {upper} and above "
                    f"{lower}: the formulation decides that ranking, not the solver."
                    f"{_difference(forms[one].changes ^ forms[other].changes)}"
                )
                return


def _difference(changes: frozenset[str]) -> str:
    """What two forms of one solver differ in; what it means if it is one thing."""
    rungs = [name for name in RUNGS if name in changes]
    if not rungs:
        return ""
    meaning = f" ({RUNGS[rungs[0]]})" if len(rungs) == 1 else ""
    return f" The two differ in {listed(rungs)}{meaning}."


class Asked(NamedTuple):
    """What a study asks of a method: its name without brackets, and the changes of its formulation."""

    solver: str
    changes: frozenset[str] = frozenset()


def _asked(study: Mapping[str, Any]) -> dict[str, Asked]:
    """By the methods' labels."""
    return {
        label: Asked(
            block["name"].partition("[")[0], _changes(block["name"], block.get("options") or {})
        )
        for label, block in by_label(study).items()
    }


def _changes(name: str, options: Mapping[str, Any]) -> frozenset[str]:
    try:
        return make_estimator(name, **options).changes
    except SpecError:  # a contestant from outside that is not at hand here
        return frozenset()
