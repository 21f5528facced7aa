"""Who predicts fresh data better and whose intervals hold the truth, where a study asked for intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mixcompare.study import words
from mixcompare.study.case import Case
from mixcompare.study.ends import each
from mixcompare.study.words import listed, quoted

NORMAL = 1.96
"""Standard errors that make a mean difference over data sets one beyond chance."""


def tell(results: Any) -> Iterator[str]:
    """Two sentences for each simulated data set and model, of studies with the key `intervals`.

    Methods are the first one with a point estimate and every sampler: what other methods find at the same
    optimum predicts the same, with the same intervals.
    """
    if not results.study.get("intervals"):
        return
    predicted, held = results.predictive(), results.accuracy()
    held = held[(held["metric"] == "coverage") & (held["n_used"] > 0)]
    for (data, model), rows in results.rows.groupby(["data", "model"], sort=False):
        case = Case(results, str(data), str(model), rows)
        shown = [*case.points["method"].unique()[:1], *case.draws["method"].unique()]
        mine = case.pick(predicted)
        better = list(_predictions(mine[mine["method"].isin(shown)]))
        if better:
            yield f"On {case.name} {listed(better)}."
        mine = case.pick(held)
        covered = list(_coverage(mine[mine["method"].isin(shown)]))
        if covered:
            yield (
                f"The 95 % intervals held the truth, from the worst to the best parameter, in "
                f"{listed(covered)} of {case.replicates:,} data sets."
            )


def _predictions(lines: pd.DataFrame) -> Iterator[str]:
    """Each density against that of the first point estimate, the last of a method's (over its draws)."""
    compared = lines[lines["n_pairs"] > 1]
    for line in each(compared.drop_duplicates("method", keep="last")):
        difference, error = line.difference, line.difference_mcse
        beyond = abs(difference) > NORMAL * error
        amount = f"{words.with_error(abs(difference), error)} nats per observation"
        over = f"over {line.n_pairs:,} data sets"
        name, than = quoted(line.method), quoted(line.than)
        how = "better" if difference > 0 else "worse"
        if beyond:
            yield f"{name} predicts fresh data {how} than {than}, by {amount} {over}"
        else:
            yield (
                f"{name} and {than} predict fresh data equally well within chance ({name} {how} by "
                f"{amount} {over})"
            )


def _coverage(lines: pd.DataFrame) -> Iterator[str]:
    for (method, kind), of in lines.groupby(["method", "kind"], sort=False):
        low, high = float(of["estimate"].min()), float(of["estimate"].max())
        text = (
            words.percent(low) if low == high else f"{words.percent(low)} to {words.percent(high)}"
        )
        yield f"{text} ({quoted(str(method))}, {_KINDS.get(str(kind), kind)})"


_KINDS = {"wald": "Wald", "profile": "profile likelihood"}
"""Kinds of intervals whose names are not words."""
