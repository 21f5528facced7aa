"""Sentences about the choice of model: what each criterion prefers, by how much, whether methods agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mixcompare.study import words
from mixcompare.study.criteria import NAMES, OF_DRAWS, OF_POINTS, rank
from mixcompare.study.ends import REACHED, each
from mixcompare.study.words import listed, number_of

SLIGHT = 2.0
"""A difference of AIC or BIC below this decides nothing.

Kass and Raftery 1995, J. Am. Stat. Assoc. 90, 773-795, section 3.2, for BIC; Burnham and Anderson 2004,
Sociological Methods and Research 33, 261-304, for AIC.
"""

CLEAR = 2.0
"""Standard errors from which a difference of leave-one-out counts."""

MOST = 4
"""Models that are named one by one."""


def choices(results: Any) -> list[str]:
    """Data sets to which more than one model was fitted, in the study's order."""
    models = results.rows.groupby("data", sort=False)["model"].nunique()
    return [str(name) for name in models.index[models > 1]]


def summed(results: Any) -> str:
    """All choices of model in one paragraph; "" where no data set has more than one model."""
    return " ".join(text for data in choices(results) for text in _summed(results, data))


def tell(results: Any, data: str) -> Iterator[str]:
    """What criteria say of the models of one data set, and what they cannot say."""
    table = results.criteria(data)
    first = table[table["replicate"] == table["replicate"].min()]
    if table["replicate"].nunique() > 1:
        yield from _over_replicates(table)
    for criterion in OF_POINTS:
        yield from _preferred(first, criterion)
    yield from _agreement(first[~first["sampler"]])
    for method, lines in first[first["sampler"]].groupby("method", sort=False):
        yield from _left_out(str(method), lines)
    yield from _refused(first)


# -- in short -------------------------------------------------------------------------------------


def _summed(results: Any, data: str) -> Iterator[str]:
    """One sentence for the criteria of points, one for leave-one-out; of replicates how often what."""
    table = results.criteria(data)
    if table["replicate"].nunique() > 1:
        yield from (f"{data}: {text[0].lower()}{text[1:]}" for text in _over_replicates(table))
        return
    names: dict[str, list[str]] = {}
    for criterion in OF_POINTS:
        ranked = rank(table, criterion)
        if len(ranked) > 1:
            names.setdefault(str(ranked["model"].iloc[0]), []).append(_by(ranked, criterion))
    n = table["model"].nunique()
    if names:
        parts = [f"{listed(by)} {_prefer(by)} {model}" for model, by in names.items()]
        yield f"Of {number_of(n, 'model')} of {data}, {'; '.join(parts)}."
    for method, lines in table[table["sampler"]].groupby("method", sort=False):
        ranked = rank(lines, OF_DRAWS[0])
        unsound = int(lines["elpd_loo"].isna().sum())
        if len(ranked) > 1:
            left = f" ({unsound:,} of {n:,} models have none)" if unsound else ""
            yield f"Leave-one-out by {method} {_verdict(ranked)}{left}."
        elif unsound:
            yield f"Leave-one-out by {method} cannot choose: {_none_of(unsound, n)}."


def _by(ranked: pd.DataFrame, criterion: str) -> str:
    gap = float(ranked[criterion].iloc[1] - ranked[criterion].iloc[0])
    return f"{NAMES[criterion]} (by {_size(gap)})"


def _prefer(names: list[str]) -> str:
    return "prefers" if len(names) == 1 else "prefer"


def _none_of(k: int, n: int) -> str:
    return f"sound draws are missing of {words.of(k, n)} models"


# -- one criterion --------------------------------------------------------------------------------


def _preferred(table: pd.DataFrame, criterion: str) -> Iterator[str]:
    """For example "BIC prefers gaussian K=3 tied (2314.3), by 7.9 over gaussian K=2 full (2322.2)."."""
    ranked = rank(table, criterion)
    if len(ranked) < 2:
        return
    best, second = ranked.iloc[0], ranked.iloc[1]
    gap = float(second[criterion] - best[criterion])
    slight = f", a difference below {SLIGHT:g}, which decides nothing" if gap < SLIGHT else ""
    yield (
        f"{NAMES[criterion]} prefers {best['model']} ({best[criterion]:.1f}), by {_size(gap)} over "
        f"{second['model']}{slight}."
    )


def _size(gap: float) -> str:
    return f"{gap:.1f}" if gap >= 0.05 else "less than 0.05"


def _agreement(points: pd.DataFrame) -> Iterator[str]:
    """Whether point methods found the same optimum of each model, and what follows for the choice."""
    scored = points[points["loglik"].notna()]
    wide = scored.pivot(index="model", columns="method", values="loglik")
    wide = wide.reindex(
        index=list(dict.fromkeys(scored["model"])), columns=list(dict.fromkeys(scored["method"]))
    )
    shared = wide[wide.notna().sum(axis=1) > 1]
    if shared.empty:
        return
    spread = shared.max(axis=1) - shared.min(axis=1)
    apart = spread[spread > REACHED].sort_values(ascending=False, kind="stable")
    n, who = len(shared), listed([str(name) for name in wide.columns])
    same = f"{who} found the same best optimum of {words.of(n - len(apart), n)} models"
    if apart.empty:
        yield f"{same}, so their criteria agree."
        return
    worst = apart.index[0]
    low = shared.columns[shared.loc[worst] < shared.loc[worst].max() - REACHED]
    yield (
        f"{same}; the largest difference is {words.gap(float(apart.iloc[0]))} nats, of {worst}, where "
        f"{listed([str(name) for name in low])} stayed below. {_choices_of(points)}"
    )


def _choices_of(points: pd.DataFrame) -> str:
    """Whether methods that found different optima choose different models all the same."""
    differ = []
    for criterion in OF_POINTS:
        chosen = {}
        for method, lines in points.groupby("method", sort=False):
            ranked = rank(lines, criterion)
            if len(ranked):
                chosen[str(method)] = str(ranked["model"].iloc[0])
        if len(set(chosen.values())) > 1:
            parts = [f"{model} by the ends of {method}" for method, model in chosen.items()]
            differ.append(f"{NAMES[criterion]} prefers {listed(parts)}")
    return f"{'; '.join(differ)}." if differ else "No criterion's choice depends on it."


# -- posteriors -----------------------------------------------------------------------------------


def _left_out(method: str, lines: pd.DataFrame) -> Iterator[str]:
    """What leave-one-out prefers, whether by more than its error, and whether it can be trusted."""
    ranked = rank(lines, OF_DRAWS[0])
    if ranked.empty:
        return
    best = ranked.iloc[0]
    value = f"{best['elpd_loo']:.1f} (standard error {best['elpd_loo_se']:.1f})"
    if len(ranked) == 1:
        yield f"{method}: only {best['model']} has a leave-one-out density, {value} nats."
    else:
        yield f"{method}: leave-one-out {_verdict(ranked)}; its expected log density is {value} nats."
    bad = ranked[ranked["bad_k"] > 0]
    if len(bad):
        parts = [f"{row.model} ({int(row.bad_k):,})" for row in each(bad)]
        yield (
            f"{method}: leave-one-out is not to be trusted where observations have a Pareto k that is too "
            f"large: {listed(parts)}."
        )


def _verdict(ranked: pd.DataFrame) -> str:
    """For example "prefers A, by 5.2 (standard error 2.1) over B, and cannot tell it from C and D"."""
    best, rest = ranked.iloc[0], ranked.iloc[1:]
    near = rest[-rest["elpd_difference"] < CLEAR * rest["elpd_difference_se"]]
    names = [str(name) for name in near["model"]]
    tied = f"cannot tell it from {listed(names) if len(near) <= MOST else f'{len(near):,} others'}"
    if len(near) and near.index[0] == rest.index[0]:
        return f"prefers {best['model']}, but {tied}"
    second = rest.iloc[0]
    error = f"{second['elpd_difference_se']:.1f}"
    text = f"prefers {best['model']}, by {-second['elpd_difference']:.1f} nats (standard error {error}) over"
    text += f" {second['model']}"
    return f"{text}, and {tied}" if len(near) else text


# -- refusals and replicates ----------------------------------------------------------------------


def _refused(table: pd.DataFrame) -> Iterator[str]:
    """Models without criteria, by method and reason."""
    lines = table[table["refused"] != ""]
    for (method, reason), part in lines.groupby(["method", "refused"], sort=False):
        of = listed([str(name) for name in part["model"]])
        yield f"{method} has no criterion of {of}: {reason}."


def _over_replicates(table: pd.DataFrame) -> Iterator[str]:
    """How often each criterion chose each model."""
    for criterion in (*OF_POINTS, *OF_DRAWS):
        chosen = [
            str(ranked["model"].iloc[0])
            for _, lines in table.groupby("replicate", sort=False)
            if len(ranked := rank(lines, criterion)) > 1
        ]
        if chosen:
            counts = pd.Series(chosen).value_counts(sort=True)
            n = len(chosen)
            parts = [f"{model} on {words.of(int(k), n)}" for model, k in counts.items()]
            yield f"Over {n:,} replicates {NAMES[criterion]} prefers {listed(parts)}."
