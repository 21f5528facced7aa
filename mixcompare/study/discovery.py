"""How well the optima of a likelihood are known: who found which, and what may still be unseen."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from mixcompare import registry
from mixcompare.errors import SpecError
from mixcompare.study.ends import CASE, REACHED
from mixcompare.study.shares import wilson

ALL = "all"
"""Stands for all random start schemes together."""

REACHED_COLUMNS = [
    *CASE,
    *("rank", "standing", "finding", "narrow", "loglik", "gap"),
    *("method", "hits", "fits", "share", "lower", "upper"),
]

EVIDENCE_COLUMNS = [
    *CASE,
    *("best_known", "finding", "fits", "of_fits", "starts", "of_starts"),
    *("methods", "missed_by", "higher"),
]

NEW_COLUMNS = [
    *CASE,
    *("method", "start_scheme", "starts", "optima", "once", "chance", "upper", "bound"),
]


def count_reached(rows: pd.DataFrame, optima: pd.DataFrame, ranks: pd.Series) -> pd.DataFrame:
    """One row per data, replicate, model, distinct optimum and method, samplers left out.

    `rows` are those of `relate`, `optima` and `ranks` of `find_optima`. Of the method's `fits` how many
    ended there (`hits`), as a share with Wilson's 95 % interval.
    """
    points = rows[~rows["sampler"]].assign(rank=ranks)
    planned = points.groupby([*CASE, "method"], sort=False).size().rename("fits").reset_index()
    places = _keyed(optima, rows)[REACHED_COLUMNS[: len(CASE) + 6]]
    table = places.merge(planned, on=CASE, how="left", sort=False)
    ends = points.groupby([*CASE, "rank", "method"], sort=False).size().rename("hits").reset_index()
    table = table.merge(ends, on=[*CASE, "rank", "method"], how="left", sort=False)
    table["hits"] = table["hits"].fillna(0).astype(int)
    table["share"] = table["hits"] / table["fits"]
    pairs = zip(table["hits"], table["fits"], strict=True)
    limits = [wilson(int(hits), int(fits)) for hits, fits in pairs]
    table["lower"], table["upper"] = np.array(limits).reshape(-1, 2).T
    return table[REACHED_COLUMNS]


def weigh_best(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per data, replicate and model: the best known value, nats, and what speaks for it.

    Returns
    -------
    DataFrame
        `best_known` (nan if no end was verified as an optimum that is not narrow), its `finding`, `fits`
        that ended within 1e-3 nats of it, `of_fits` planned, from how many distinct `starts`, `of_starts`;
        `methods` that did (name -> number of fits) and those it was `missed_by`; `higher`: estimates above
        it that are no optimum, each a sign that a better optimum may exist. Samplers count nowhere.
    """
    lines = []
    columns = [*CASE, "method", "start_index", "finding", "narrow"]
    columns += ["value", "reached", "best_known", "gap"]
    for case, part in rows.loc[~rows["sampler"], columns].groupby(CASE, sort=False):
        there = part[part["reached"] == True]  # noqa: E712 - None is not True
        best = there.sort_values("value", ascending=False, kind="stable")
        lines.append(
            (
                *case,
                part["best_known"].max(),
                best["finding"].iloc[0] if len(best) else "",
                len(there),
                len(part),
                there["start_index"].nunique(),
                part["start_index"].nunique(),
                dict(Counter(there["method"])),
                [
                    name
                    for name in dict.fromkeys(part["method"])
                    if name not in set(there["method"])
                ],
                int(((part["gap"] < -REACHED) & ~part["narrow"]).sum()),
            )
        )
    return pd.DataFrame(lines, columns=EVIDENCE_COLUMNS)


def estimate_new(rows: pd.DataFrame, optima: pd.DataFrame, ranks: pd.Series) -> pd.DataFrame:
    """The chance that a method's next start finds an optimum that it has not found before.

    One row per data, replicate, model, method and start scheme, of schemes that draw at random; where
    there are several, as in a "mixed" one, also one for "all" of them, in the shares that they had.

    Returns
    -------
    DataFrame
        `starts` n, distinct `optima` found from them that are not narrow, how many of these just `once`
        (f1); `chance` = f1 / n (Good-Turing); `upper`, the upper end of Wilson's 95 % interval for f1 of n:
        approximate, as the n starts are not quite independent trials of being the only one; `bound`,
        f1 / n + (1 + sqrt 2) sqrt(ln(2 / 0.05) / n), at most 1, which holds with 95 % whatever the chances
        of the optima are, and says little below some hundred starts. Starts that led to no optimum, or to
        a narrow one, count in n.

    Source: Good (1953), eq. 9; McAllester & Schapire (2000) on how sure it is; the bound joins the tail
    exp(-n e^2) of the unseen mass about its mean (McAllester & Ortiz 2003) to McDiarmid's inequality
    for f1 / n.
    """
    broad = _keyed(optima[~optima["narrow"].astype(bool)], rows)
    places = broad[[*CASE, "rank"]].assign(counts=True)
    random = {scheme for scheme in rows["start_scheme"].unique() if _at_random(scheme)}
    columns = [*CASE, "method", "start_scheme"]
    points = rows.loc[~rows["sampler"] & rows["start_scheme"].isin(random), columns]
    found = points.assign(rank=ranks[points.index]).merge(
        places, on=[*CASE, "rank"], how="left", sort=False
    )
    lines = []
    for names, part in found.groupby([*CASE, "method"], sort=False):
        schemes = [(scheme, own) for scheme, own in part.groupby("start_scheme", sort=False)]
        if len(schemes) > 1:
            schemes.append((ALL, part))
        lines += [(*names, scheme, *_good_turing(own)) for scheme, own in schemes]
    return pd.DataFrame(lines, columns=NEW_COLUMNS)


def _good_turing(part: pd.DataFrame) -> tuple[float, ...]:
    hit = part["rank"].to_numpy()[part["counts"].notna().to_numpy()]
    hits = np.unique(hit, return_counts=True)[1]
    n, once = len(part), int((hits == 1).sum())
    bound = min(once / n + (1 + np.sqrt(2)) * np.sqrt(np.log(2 / 0.05) / n), 1.0)
    return n, len(hits), once, once / n, wilson(once, n)[1], float(bound)


def _keyed(optima: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The optima with their keys in the types of the rows, which an empty table has lost."""
    return optima.astype({**{name: rows[name].dtype for name in CASE}, "rank": int})


def _at_random(scheme: object) -> bool:
    """Whether different indices of a start scheme give different starts."""
    try:
        return bool(registry.load("starts", str(scheme)).random)
    except SpecError:  # given points, or a scheme from outside that is not at hand here
        return False
