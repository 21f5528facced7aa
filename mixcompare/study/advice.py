"""What to believe after a few fits, in one plain sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixcompare.study import words
from mixcompare.study.case import Case


def advise(
    results: Any, data: str | None = None, model: str | None = None, brief: bool = False
) -> str:
    """One sentence for one data set and model (the first of the results by default).

    `brief`: without the reservation that a higher optimum may exist, where it is stated once for all.
    """
    rows = results.rows
    if data is not None:
        rows = rows[rows["data"] == data]
    if model is not None:
        rows = rows[rows["model"] == model]
    if rows.empty:
        return "There are no fits to judge."
    first = rows.iloc[0]
    mine = rows[(rows["data"] == first["data"]) & (rows["model"] == first["model"])]
    case = Case(results, str(first["data"]), str(first["model"]), mine)
    return _without_best(case) if case.best_row is None else _with_best(case, brief)


def _with_best(case: Case, brief: bool) -> str:
    value = f"{words.nats(case.best_row['best_known'])} nats"
    finding = case.optima.loc[case.optima["standing"] == "global", "finding"].iloc[0]
    if finding == "ridge":
        return (
            f"Believe the fitted density ({value}) but no single parameter: the likelihood is flat along "
            f"{case.directions}."
        )
    if finding == "duplicate":
        return f"Use fewer components: at the best known optimum ({value}) some of them coincide."
    edge = f", at the edge of the parameter space{case.edges}" if finding == "boundary" else ""
    hits = case.points["reached"] == True  # noqa: E712 - None is not True
    k, n = int(hits.sum()), len(hits)
    by = words.number_of(case.points.loc[hits, "method"].nunique(), "method")
    if case.replicates > 1:
        unproved = "" if brief else " (that nothing is higher is not proved)"
        return (
            f"Every simulated data set has its own optimum: {words.of(k, n)} fits, by {by}, ended at the "
            f"best known one of their data set{unproved}."
        )
    if n == 1:
        return (
            f"The one fit ended at a verified optimum, {value}{edge}; only more starts can tell whether "
            f"there is a better one."
        )
    if k == 1:
        return (
            f"The best optimum found, {value}{edge}, was reached by only 1 of {n:,} fits: try more starts "
            f"before believing it."
        )
    unproved = (
        ""
        if brief
        else ", and no higher one was found that is not narrow (which does not prove that there is none)"
    )
    return f"Believe the optimum at {value}{edge}: {words.of(k, n)} fits, by {by}, ended there{unproved}."


def _without_best(case: Case) -> str:
    if case.points.empty:
        k, n = int((case.draws["sound"] == True).sum()), len(case.draws)  # noqa: E712
        if k == n:
            return "Nothing wrong was found with the draws; compare them with a point estimate such as em's."
        if k:
            return (
                f"Nothing wrong was found with the draws of {words.of(k, n)} fits; the table says what was "
                f"found wrong with the others."
            )
        return "Do not believe these draws: the table says what was found wrong with them."
    if not case.verified:
        return "Nothing was verified, so nothing can be said about what to believe."
    if len(case.optima):
        return (
            "Believe none of these: the only verified optima are narrow, resting on a handful of nearly tied "
            "observations; try more starts, fewer components or equal variances."
        )
    flat = _flat(case)
    if flat:
        return f"Believe none of these: a component can collapse, and the likelihood has no bound, as {flat}."
    others = [] if "em" in set(case.points["method"]) else ["em"]
    remedy = ", ".join([*others, "more starts, fewer components"])
    return f"Believe none of these: no fit ended at a verified optimum; try {remedy} or another family."


def _flat(case: Case) -> str:
    """What of several columns has no spread of its own, and what to do, in words; "" if all have."""
    data, model = case.results.dataset(case.data), case.results.models.get(case.model)
    if data is None or data.n_features == 1 or model is None or model.family.discrete:
        return ""
    mean, sd = data.moments
    if (sd == 0).any():
        names = [data.columns[j] for j in np.flatnonzero(sd == 0)]
        return f"{_columns(names)} constant: leave {_them(names)} out"
    if "singular" not in set(case.points["finding"]):
        return ""
    u = (data.x - mean) / sd
    values, vectors = np.linalg.eigh((u * data.weights[:, None]).T @ u / data.n)
    if values[0] > DEPENDENT:
        return ""
    names = [data.columns[j] for j in np.flatnonzero(np.abs(vectors[:, 0]) > np.sqrt(DEPENDENT))]
    return f"{_columns(names)} linearly dependent: leave one of them out"


DEPENDENT = 1e-12
"""Smallest eigenvalue of a correlation matrix at which columns are taken as dependent: round-off."""


def _columns(names: list[str]) -> str:
    return f"the column {names[0]} is" if len(names) == 1 else f"the columns {', '.join(names)} are"


def _them(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"
