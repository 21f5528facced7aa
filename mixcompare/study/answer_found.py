"""Who ended at the best known optimum in every fit, in some, in none; which shortfalls are beyond chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from mixcompare.study import words
from mixcompare.study.lead import BEST, DEFINED
from mixcompare.study.pairs import compare_pairs
from mixcompare.study.ranking import LEVEL, holm, p_values
from mixcompare.study.words import listed, number_of, quoted

APART = 4
"""Data sets (with models) that are spoken of one by one, if no more than `FEW` methods were tried."""

FEW = 6

NAMED = 4
"""Methods that are named, with their counts, of those that got there sometimes."""

TELLING = 6
"""Pairs of fits needed before an exact McNemar test can give p below 0.05 (2 / 2**6)."""


CASE = ["data", "model"]


class Score(NamedTuple):
    """In `k` of `n` fits a method ended there; at `denied` of all its ends the solver reported failure."""

    method: str
    k: int
    n: int
    denied: int


def tell(points: pd.DataFrame, defined: bool = False) -> Iterator[str]:
    """Who ended there, of fits by point methods; a sentence a data set where that is short.

    `defined`: others have been spoken of already, and the best known optimum is explained.
    """
    if points.empty:
        return
    if (points["finding"] == "").all():
        yield "No end was verified, so nothing can be said of who found an optimum."
        return
    counted = points[points["best_known"].notna()]
    if counted.empty:
        yield (
            "No fit ended at a verified optimum that is not narrow, so there is nothing to compare "
            "methods by."
        )
        return
    at = BEST if defined else DEFINED
    cases = _cases(points, counted)
    if not _apart(counted, len(cases)):
        text = _scored(_scores(counted), at)
        text = f"Among the other fits: {text[:1].lower()}{text[1:]}" if defined else text
        yield f"{text}{_left_out(points)}."
        return
    for i, (name, rows) in enumerate(cases):
        text = _scored(_scores(rows), BEST if i else at)
        without = _left_out(points) if i == len(cases) - 1 else ""
        yield f"{name[:1].upper()}{name[1:]}: {text[:1].lower()}{text[1:]}{without}."


def _cases(points: pd.DataFrame, counted: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """By name, the rows of each data set and model; of each data set where these are many."""
    models = {str(data): rows["model"].nunique() for data, rows in points.groupby("data")}
    if len(counted[CASE].drop_duplicates()) > APART:
        return [
            (f"{data} ({models[str(data)]} models)" if models[str(data)] > 1 else str(data), rows)
            for data, rows in counted.groupby("data", sort=False)
        ]
    return [
        (str(data) if models[str(data)] == 1 else f"{data} ({model})", rows)
        for (data, model), rows in counted.groupby(CASE, sort=False)
    ]


def _apart(counted: pd.DataFrame, cases: int) -> bool:
    """Whether data sets are few enough to be spoken of one by one, and differ."""
    if not 1 < cases <= APART or counted["method"].nunique() > FEW:
        return False
    hits = counted["reached"].eq(True).groupby([counted[n] for n in (*CASE, "method")])
    shares = hits.mean().groupby("method")
    return bool((shares.max() > shares.min()).any())


def _scores(counted: pd.DataFrame) -> list[Score]:
    return [
        Score(
            quoted(str(method)),
            int(fits["reached"].eq(True).sum()),
            len(fits),
            int(fits["claimed"].eq(False).sum()),
        )
        for method, fits in counted.groupby("method", sort=False)
    ]


def _scored(scores: list[Score], at: str) -> str:
    """One sentence without its full stop."""
    every = [score for score in scores if score.k == score.n]
    some = [score for score in scores if 0 < score.k < score.n]
    never = [score for score in scores if score.k == 0]
    parts = [_every(every, at)] if every else []
    if some:
        parts.append(_some(some, at, head=not every, alone=len(scores) == 1))
    if never:
        parts.append(_never(never, at, head=not parts))
    return "; ".join(parts)


def _every(every: list[Score], at: str) -> str:
    denied = [score.method for score in every if score.denied]
    sure = [score for score in every if not score.denied] or every
    first, others = sure[0], sure[1:]
    n = first.n
    fits = "its only fit" if n == 1 else f"{words.of(n, n)} fits"
    text = f"In {fits} {first.method} ended at {at}"
    if others:
        own = [m if size == n else f"{m} ({_all(size)})" for m, _, size, _ in others]
        text += f", and so did {listed(own)}"
    if denied and len(denied) < len(every):
        always = all(score.denied in (0, score.n) for score in every)
        text += f"; {listed(denied)} did too, but {'' if always else 'at times '}denied it"
    return text


def _all(n: int) -> str:
    return "one fit" if n == 1 else f"{words.of(n, n)} fits"


def _some(some: list[Score], at: str, head: bool, alone: bool) -> str:
    some = sorted(some, key=lambda score: -score.k / score.n)
    first = some[0]
    if alone:
        return f"In {words.of(first.k, first.n)} fits {first.method} ended at {at}"
    alike: dict[tuple[int, int], list[str]] = {}
    shown = some if len(some) <= NAMED + 1 else some[: NAMED - 1]
    for score in shown:
        alike.setdefault((score.k, score.n), []).append(score.method)
    parts: list[str] = []
    for (k, n), names in alike.items():
        each = " each" if len(names) > 1 else ""
        did, fits = ("", "") if parts else (" did", " fits")
        parts.append(f"{listed(names)}{each}{did} in {words.of(k, n)}{fits}")
    if len(shown) < len(some):
        last = some[-1]
        down = f"down to {words.of(last.k, last.n)} ({last.method})"
        parts.append(f"{len(some) - len(shown)} others in fewer, {down}")
    text = listed(parts) if max(map(len, alike.values())) == 1 else "; ".join(parts)
    return f"No method ended in every fit at {at}: {text}" if head else text


def _never(never: list[Score], at: str, head: bool) -> str:
    names, sizes = [score.method for score in never], {score.n for score in never}
    did = f"never ended at {at}" if head else "never did"
    if len(sizes) == 1:
        (n,) = sizes
        each = " each" if len(names) > 1 else ""
        text = f"{listed(names)} {did}, in {number_of(n, 'fit')}{each}"
    else:
        own = [f"{score.method} ({number_of(score.n, 'fit')})" for score in never]
        text = f"{listed(own)} {did}"
    return f"Here {text}" if head else text


def _left_out(points: pd.DataFrame) -> str:
    """Likelihoods without a best known optimum, in brackets."""
    cases = points.groupby(["data", "model", "replicate"], sort=False)["best_known"].max()
    none, n = int(cases.isna().sum()), len(cases)
    if not none:
        return ""
    several = (points.groupby("data")["model"].nunique() > 1).any()
    noun = "pairs of data set and model" if several else "data sets"
    return f" ({none:,} of {n:,} {noun} left out, for want of such an optimum)"


# -- chance ---------------------------------------------------------------------------------------


def shortfalls(points: pd.DataFrame) -> Iterator[str]:
    """Which methods got there less often than the best of the same starts by more than chance.

    Exact McNemar tests, or t tests over data sets (`ranking.p_values`), of every method against the best
    one of its data, adjusted by Holm. Nothing where no method fell short, or no test could have told.
    """
    pairs = compare_pairs(points)
    if pairs.empty or pairs["pairs"].max() < TELLING:
        return
    behind = pd.concat([_behind(case) for _, case in pairs.groupby(["data", "model"], sort=False)])
    behind["p"] = holm(p_values(behind))
    short = behind[behind["lead"] > 0].groupby("name", sort=False)["p"].min()
    beyond = [quoted(str(name)) for name in short.index[short < LEVEL]]
    within = [quoted(str(name)) for name in short.index[short >= LEVEL]]
    if len(short):
        tests = number_of(len(behind), "test")
        yield f"{_of_these(beyond, within)} (each against the best from the same starts, {tests})."


def _behind(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs of one data set that have its best method, with the `name` of the other and by how much."""
    best, most = "", -1.0
    for name in dict.fromkeys([*pairs["method"], *pairs["other"]]):
        mine, other = pairs["method"] == name, pairs["other"] == name
        lead = pairs["difference"].where(mine, -pairs["difference"])[mine | other].mean()
        if lead > most:
            best, most = name, lead
    with_it = pairs[(pairs["method"] == best) | (pairs["other"] == best)]
    first = with_it["method"] == best
    return with_it.assign(
        name=with_it["other"].where(first, with_it["method"]),
        lead=with_it["difference"].where(first, -with_it["difference"]),
    )


def _of_these(beyond: list[str], within: list[str]) -> str:
    if not beyond:
        one = "The shortfall is not" if len(within) == 1 else "None of the shortfalls is"
        return f"{one} beyond chance"
    if not within:
        return f"{'The shortfall is' if len(beyond) == 1 else 'Each shortfall is'} beyond chance"
    if len(beyond) <= len(within):
        verb = "is" if len(beyond) == 1 else "are"
        those = "that" if len(beyond) == 1 else "those"
        return f"Of the shortfalls only {those} of {listed(beyond)} {verb} beyond chance"
    those = "that" if len(within) == 1 else "those"
    return f"All shortfalls but {those} of {listed(within)} are beyond chance"
