"""Accuracy on simulated data: every registered metric, summarised over replicates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixcompare import registry
from mixcompare.study.ends import NO_END, parse
from mixcompare.study.summaries import METHOD

ACCURACY_COLUMNS = [
    *METHOD,
    *(
        "metric",
        "parameter",
        "component",
        "index",
        "estimate",
        "mcse",
        "n_used",
        "n_planned",
        "unit",
    ),
]


def measure(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per data, model, method, metric and number that it summarises.

    A method's answer on one replicate is the end with the highest log-likelihood among its starts that
    is an estimate at all (not `singular`, `out_of_domain`, `non_finite`, `error`, `unsupported`), ends
    that are not narrow first; whether it is stationary plays no part, because the user who took it would
    not have known. A replicate without any counts in `n_planned` and not in `n_used`.

    Returns
    -------
    DataFrame
        `metric`, of which `parameter`, `component` (from 1) and `index` within it ("" if it is one
        number), `estimate` with its Monte Carlo standard error `mcse`, `n_used` of `n_planned`
        replicates, `unit`. Only data sets on which some row was measured against a truth, in that way.
    """
    lines: list[tuple[Any, ...]] = []
    cells = pd.Series(
        [parse(cell) or {} for cell in rows["metrics"]], index=rows.index, dtype=object
    )
    measured = rows.assign(measured=cells)
    known: dict[str, set[str]] = {}  # the kinds of measurement on each data set
    for name, cell in zip(rows["data"], measured["measured"], strict=True):
        known.setdefault(name, set()).update(cell)
    simulated = [name for name, kinds in known.items() if kinds]
    metrics = [registry.load("metrics", name)() for name in registry.names("metrics")]
    for names, part in measured[rows["data"].isin(simulated)].groupby(METHOD, sort=False):
        answers = [answer(fits) for _, fits in part.groupby("replicate", sort=False)]
        for metric in metrics:
            if metric.quantity not in known[str(names[0])]:
                continue
            for found in metric.aggregate(answers):
                parameter, component, *index = (*found.where, "", "")[: max(len(found.where), 2)]
                place = ",".join(str(k) for k in index)
                numbers = (found.estimate, found.mcse, found.n_used, found.n_planned)
                lines.append(
                    (*names, metric.name, parameter, component, place, *numbers, metric.unit)
                )
    return pd.DataFrame(lines, columns=ACCURACY_COLUMNS)


def answer(fits: pd.DataFrame) -> Mapping[str, Any]:
    """The metrics of a method's answer on one replicate (see `measure`); empty if it has none."""
    usable = fits[
        ~fits["finding"].isin(NO_END) & np.isfinite(fits["loglik"]) & fits["measured"].map(bool)
    ]
    if usable.empty:
        return {}
    ranked = usable.sort_values(["narrow", "loglik"], ascending=[True, False], kind="stable")
    found: Mapping[str, Any] = ranked["measured"].iloc[0]
    return found
