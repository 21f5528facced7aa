"""What was asked and what came out, as plain sentences generated from the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mixcompare.study import (
    calibration,
    contests,
    groups_words,
    iterations_words,
    posteriors,
    recovery_words,
    words,
)
from mixcompare.study.case import Case
from mixcompare.study.ends import NO_END, each, in_order
from mixcompare.study.words import listed, number_of


def tell(results: Any) -> list[str]:
    """The sentences of a Results, most important first within each data set and model."""
    if results.rows.empty:
        return ["There are no fits to report."]
    said = list(asked(results))
    for (data, model), rows in results.rows.groupby(["data", "model"], sort=False):
        case = Case(results, str(data), str(model), rows)
        said += best_known(case)
        said += groups_words.tell(case)
        said += contests.reached(case)
        said += contests.missed(case)
        said += contests.solvers(case)
        said += iterations_words.tell(case)
        said += posteriors.sampled(case)
        said += calibration.tell(case)
        said += recovery_words.tell(case)
        said += contests.accuracy(case)
    return said + list(expected(results))


def asked(results: Any) -> Iterator[str]:
    """The question, and the size of the answer."""
    rows, study = results.rows, results.study
    if study.get("question"):
        yield f"Asked: {study['question']}"
    sets = rows[["data", "replicate"]].drop_duplicates()
    sources = sets["data"].nunique()
    text = number_of(len(sets), "data set")
    if sources < len(sets):
        text += f" (from {number_of(sources, 'source')}, replicates counted)"
    parts = [
        text,
        number_of(rows["model"].nunique(), "model"),
        number_of(rows["method"].nunique(), "method"),
    ]
    none, n = int(rows["finding"].isin(NO_END).sum()), len(rows)
    end = f" {'It' if n == 1 else f'{none:,} of them'} left no usable estimate." if none else ""
    size = " This is the quick size of the study, not the full one." if results.quick else ""
    yield f"Made: {number_of(n, 'fit')}, with {listed(parts)}.{end}{size}"
    if rows["best_known"].notna().any():
        yield (
            "Best known means the highest verified optimum that any fit here found and that is not narrow "
            "(resting on a handful of observations); that nothing is higher is not proved."
        )


# -- the best known value -------------------------------------------------------------------------


def best_known(case: Case) -> Iterator[str]:
    """The best known value and the distinct optima, or that there is none."""
    if case.points.empty:
        return
    optima = case.optima
    best = optima[optima["standing"] == "global"]
    if not case.verified:
        yield f"{case.name}: no end was verified, so there is no best known value to compare with."
    elif case.replicates > 1:
        yield _over_replicates(case, optima, best)
    elif best.empty:
        yield _no_best(case, optima)
    else:
        yield (
            f"{case.name}: the best known log-likelihood is {words.nats(best['loglik'].iloc[0])} nats; "
            f"{_others(optima)}."
        )
    yield from _nature(case, best)


def _others(optima: pd.DataFrame) -> str:
    rest = optima[optima["standing"] != "global"]
    if rest.empty:
        return "it is the only optimum that was found"
    narrow = int(rest["narrow"].sum())
    text = f"{number_of(len(rest), 'other optimum was', 'other optima were')} found"
    if not narrow:
        return f"{text}, all lower" if len(rest) > 1 else f"{text}, a lower one"
    which = (
        "it is" if len(rest) == 1 else "all of them" if narrow == len(rest) else f"{narrow} of them"
    )
    return f"{text}, {which} narrow"


def _no_best(case: Case, optima: pd.DataFrame) -> str:
    if len(optima):
        what = number_of(len(optima), "verified optimum was", "verified optima were")
        which = "and it is narrow" if len(optima) == 1 else "and all are narrow"
        return (
            f"{case.name}: {what} found {which}, so there is no best known value to compare with."
        )
    n = len(case.points)
    who = "the only fit did not end" if n == 1 else f"none of the {n:,} fits ended"
    return f"{case.name}: {who} at a verified optimum, so there is no best known value to compare with."


def _over_replicates(case: Case, optima: pd.DataFrame, best: pd.DataFrame) -> str:
    R, k = case.replicates, best["replicate"].nunique()
    start = f"{case.name}: on {words.of(k, R)} simulated data sets"
    if k == 0:
        return f"{start} a verified optimum that is not narrow was found, so there is no best known value."
    several = int((optima.groupby("replicate").size() > 1).sum())
    more = f"on {several:,} of them more than one" if several else "never more than one"
    return f"{start} a verified optimum was found that is not narrow, {more}."


def _nature(case: Case, best: pd.DataFrame) -> Iterator[str]:
    """What kind of optimum the best known one is, where that is not a plain maximum."""
    for finding in in_order(list(best["finding"])):
        if finding in _NATURES:
            n = int((best["finding"] == finding).sum())
            where = f"on {n:,} of {case.replicates:,} data sets " if case.replicates > 1 else ""
            text = _NATURES[finding].format(flat=case.directions, edges=case.edges)
            yield f"{case.name}: {where}{text}"


_NATURES = {
    "ridge": "the best known optimum is a ridge: the likelihood is flat along {flat}. These data give no "
    "answer about single parameters; every point of the ridge fits equally well, and where on it a method "
    "ends is decided by its start.",
    "duplicate": "at the best known optimum components coincide and splitting them gains nothing: fewer "
    "components describe the data as well.",
    "boundary": "the best known optimum lies at the edge of the parameter space{edges}.",
}


# -- expectations ---------------------------------------------------------------------------------


def expected(results: Any) -> Iterator[str]:
    """How many expectations were reproduced, and each that was not."""
    table = results.expectations()
    if table.empty:
        return
    counts = table["status"].value_counts()
    n = len(table)
    parts = [
        f"{counts[name]:,} {'was' if counts[name] == 1 else 'were'} {name}"
        for name in ("reproduced", "not reproduced", "not checked")
        if name in counts
    ]
    size = " at this size" if "not checked" in counts else ""
    if len(parts) > 1:
        yield f"Of {n:,} expected numbers, {listed(parts)}{size}."
    else:
        every = (
            "The one expected number was"
            if n == 1
            else f"{words.of(n, n).capitalize()} expected numbers were"
        )
        yield f"{every} {counts.index[0]}{size}."
    for row in each(table[table["status"] == "not reproduced"]):
        place = listed([f"{key} {value}" for key, value in row.where.items()])
        note = f" ({row.note})" if row.note else ""
        what = f"{row.quantity}{' of ' if place else ''}{place}"
        yield f"Not reproduced: {what}: expected {row.expected}, found {words.value(row.found)}{note}."
