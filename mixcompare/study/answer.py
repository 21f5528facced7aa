"""The answer to a study's question in two short paragraphs: all data sets together, from numbers alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from mixcompare.study import calibration, words
from mixcompare.study.case import Case
from mixcompare.study.ends import parse
from mixcompare.study.words import listed, number_of

START = ["data", "model", "replicate", "start_scheme", "start_index"]
"""Rows that agree in these began at the same point of the same likelihood."""


def tell(results: Any) -> list[str]:
    """Who found the best known optimum and whether solvers knew; then why not, and what has no answer.

    At most two paragraphs of two sentences, each left out where there is nothing of its kind to say.
    """
    if results.rows.empty:
        return ["There are no fits to report."]
    points = results.rows[~results.rows["sampler"]]
    why = [*_why(points, _typed(results.study))]
    drawn = results.rows[results.rows["sampler"]]
    limits = [*_ridges(results), *calibration.summed(results.calibration()), *_posteriors(drawn)]
    if limits:
        why.append(_sentence("; ".join(limits)))
    said = [*_reached(points), *_claims(points)]
    return [" ".join(paragraph) for paragraph in (said, why) if paragraph]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


# -- who found it ---------------------------------------------------------------------------------


def _reached(points: pd.DataFrame) -> Iterator[str]:
    """Methods that ended at the best known optimum in every fit, in some, in none."""
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
    scores = [
        (str(method), int((fits["reached"] == True).sum()), len(fits))  # noqa: E712 - None is not True
        for method, fits in counted.groupby("method", sort=False)
    ]
    every = [(method, n) for method, k, n in scores if k == n]
    some = [(method, k, n) for method, k, n in scores if 0 < k < n]
    never = [(method, n) for method, k, n in scores if k == 0]
    parts = [_every(every)] if every else []
    if some:
        parts.append(_some(some, head=not every, alone=len(scores) == 1))
    if never:
        parts.append(_never(never))
    yield f"{'; '.join(parts)}{_left_out(points)}."


_OPTIMUM = "the best known optimum, the highest verified one of any fit to the same data"


def _every(every: list[tuple[str, int]]) -> str:
    (first, n), others = every[0], every[1:]
    fits = "its only fit" if n == 1 else f"{words.of(n, n)} fits"
    text = f"In {fits} {first} ended at {_OPTIMUM}"
    if not others:
        return text
    own = [m if size == n else f"{m} ({_all(size)})" for m, size in others]
    return f"{text}, and so did {listed(own)}"


def _all(n: int) -> str:
    return "one fit" if n == 1 else f"{words.of(n, n)} fits"


def _some(some: list[tuple[str, int, int]], head: bool, alone: bool) -> str:
    some = sorted(some, key=lambda score: -score[1] / score[2])
    parts = [f"{method} in {words.of(k, n)}" for method, k, n in some]
    if alone:
        method, k, n = some[0]
        return f"In {words.of(k, n)} fits {method} ended at {_OPTIMUM}"
    (method, k, n), rest = some[0], parts[1:]
    text = listed([f"{method} did in {words.of(k, n)} fits", *rest])
    return f"No method ended in every fit at {_OPTIMUM}: {text}" if head else text


def _never(never: list[tuple[str, int]]) -> str:
    names, sizes = [method for method, _ in never], {n for _, n in never}
    if len(sizes) == 1:
        (n,) = sizes
        each = " each" if len(names) > 1 else ""
        return f"{listed(names)} never did, in {number_of(n, 'fit')}{each}"
    return f"{listed([f'{method} ({number_of(n, "fit")})' for method, n in never])} never did"


def _left_out(points: pd.DataFrame) -> str:
    """Likelihoods without a best known optimum, in brackets."""
    cases = points.groupby(["data", "model", "replicate"], sort=False)["best_known"].max()
    none, n = int(cases.isna().sum()), len(cases)
    if not none:
        return ""
    several = (points.groupby("data")["model"].nunique() > 1).any()
    noun = "pairs of data set and model" if several else "data sets"
    return f" ({none:,} of {n:,} {noun} left out, for want of such an optimum)"


# -- what solvers said ----------------------------------------------------------------------------


def _claims(points: pd.DataFrame) -> Iterator[str]:
    """At how many ends the solver's word was wrong, and whose it was."""
    rows = points[points["claimed"].notna() & points["sound"].notna()]
    if rows.empty:
        if points["sound"].notna().any() and points["said"].isna().all():
            yield "No solver said whether it had succeeded."
        return
    success, failure = rows[rows["false_success"]], rows[rows["false_failure"]]
    n, wrong = len(rows), len(success) + len(failure)
    ends = "the only end" if n == 1 else f"{words.of(wrong or n, n)} ends"
    claimed = rows[rows["claimed"] == True]  # noqa: E712 - None is not True
    lower = int((claimed["sound"].eq(True) & claimed["reached"].eq(False)).sum())
    also = f"; {_lower(lower)}" if lower and claimed["best_known"].notna().any() else ""
    if not wrong:
        yield f"What solvers said of success and failure was right at {ends}{also}."
        return
    parts = []
    if len(success):
        were = "was no sound optimum" if len(success) == 1 else "were no sound optima"
        parts.append(f"success was claimed at {_places(success, n)} {were} ({_by(success, rows)})")
    if len(failure):
        were = "was sound" if len(failure) == 1 else "were sound"
        verb = "failure" if parts else "failure was reported"
        parts.append(f"{verb} at {_places(failure, n)} {were} ({_by(failure, rows)})")
    yield (
        f"What solvers said of success and failure was wrong at {ends}: {' and '.join(parts)}{also}."
    )


def _places(wrong: pd.DataFrame, n: int) -> str:
    return "one that" if n == 1 else f"{len(wrong):,} that"


def _lower(k: int) -> str:
    if k == 1:
        return "one more success was claimed at a sound optimum other than the best known"
    return f"{k:,} more successes were claimed at sound optima other than the best known"


def _by(wrong: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Whose claims: "5 of 42 by powell, 1 of 4 by l-bfgs-b[naive]", the most first."""
    same = rows[rows["claimed"] == wrong["claimed"].iloc[0]]
    total = same.groupby("method", sort=False).size()
    counts = wrong.groupby("method", sort=False).size()
    counts = counts.sort_values(ascending=False, kind="stable")
    return listed(
        [
            f"{'the only one' if total[method] == 1 else words.of(int(k), int(total[method]))} by {method}"
            for method, k in counts.items()
        ]
    )


# -- why ------------------------------------------------------------------------------------------


def _why(points: pd.DataFrame, typed: Mapping[str, str]) -> Iterator[str]:
    """What went with missing it: the formulation of the same solver, and values that are not finite."""
    rows = points[points["best_known"].notna()]
    hit = rows["reached"] == True  # noqa: E712 - None is not True
    if rows.empty or hit.all():
        return
    parts = [*_formulations(rows, typed)]
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
        yield _sentence("; ".join(parts))


def _these(k: int, n: int) -> str:
    if k == n:
        return "both" if n == 2 else f"all {n:,}"
    return f"{f'{k:,}' if k else 'none'} of the {n:,}"


def _formulations(rows: pd.DataFrame, typed: Mapping[str, str]) -> Iterator[str]:
    """Each formulation in brackets beside the plain one of the same solver, from the same starts."""
    names = rows["method"].map(lambda method: typed.get(method, method))
    hits = rows.assign(hit=rows["reached"].eq(True), typed=names)
    bracket = hits["typed"].str.extract(r"^([^\[]+)\[(.+)\]$")
    hits = hits.assign(base=bracket[0].fillna(hits["typed"]), form=bracket[1])
    plain = hits.loc[hits["form"].isna(), [*START, "base", "hit"]]
    parts: list[str] = []
    for form, mine in hits[hits["form"].notna()].groupby("form", sort=False):
        pairs = mine.merge(plain, on=[*START, "base"], suffixes=("", "_plain"))
        k, default, n = int(pairs["hit"].sum()), int(pairs["hit_plain"].sum()), len(pairs)
        if n > 1 and k != default:
            there = "" if parts else " ended there"
            fits = f"{words.of(k, n)}{'' if parts else ' fits'}"
            parts.append(f"[{form}]{there} in {fits} and the default one in {_few(default, n)}")
    if parts:
        yield f"with the same solvers and starts, the formulation {', '.join(parts)}"


def _few(k: int, n: int) -> str:
    return "none" if k == 0 else words.of(k, n) if k == n > 1 else f"{k:,}"


def _typed(study: Mapping[str, Any]) -> dict[str, str]:
    """What each label of a method stands for, as typed in the study."""
    return {b.get("label") or b["name"]: b["name"] for b in study.get("method", [])}


# -- what has no answer ---------------------------------------------------------------------------


def _ridges(results: Any) -> Iterator[str]:
    """Data whose best known optimum is a ridge."""
    optima = results.optima()
    ridges = optima[(optima["standing"] == "global") & (optima["finding"] == "ridge")]
    names = []
    for (data, model), found in ridges.groupby(["data", "model"], sort=False):
        rows = results.rows
        mine = rows[(rows["data"] == data) & (rows["model"] == model)]
        case = Case(results, str(data), str(model), mine)
        k = found["replicate"].nunique()
        part = f" ({words.of(k, case.replicates)} data sets)" if case.replicates > 1 else ""
        names.append(f"{case.name}{part}")
    if names:
        yield (
            f"on {listed(names)} the best known optimum is a ridge of equally good points, so these data "
            "do not identify the parameters"
        )


def _posteriors(draws: pd.DataFrame) -> Iterator[str]:
    """Of each sampler, how many of its posteriors passed every check."""
    for method, rows in draws.groupby("method", sort=False):
        n = len(rows)
        if rows["sound"].isna().all():
            yield f"what {method} drew was not checked"
            continue
        k = int((rows["sound"] == True).sum())  # noqa: E712 - None is not True
        if n == 1:
            text = f"the posterior drawn by {method} "
            text += (
                "passed every check"
                if k
                else f"did not pass every check ({words.finding(rows['finding'].iloc[0])})"
            )
        else:
            text = f"{words.of(k, n)} posteriors drawn by {method} passed every check"
        loose = sum("unidentified" in (parse(cell) or []) for cell in rows["flags"])
        yield f"{text}{_loose(loose, n)}"


def _loose(k: int, n: int) -> str:
    """How many posteriors say little more than their prior."""
    if not k:
        return ""
    return (
        ", but is about as wide as the prior"
        if n == 1
        else f", {k:,} of them about as wide as the prior"
    )
