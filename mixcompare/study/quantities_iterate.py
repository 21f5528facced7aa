"""Quantities read off kept histories: the state of a fit after so many iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mixcompare.study.quantity import FITS, NoAnswer, Quantity, Selection, entry

if TYPE_CHECKING:
    import pandas as pd

    from mixcompare.study.histories import History

OF_A_STEP = ("passes", "loglik", "said")
"""What a step has beside its parameters."""


def _history(s: Selection) -> tuple[pd.Series, History]:
    """The one fit that is selected, and its history."""
    rows = s.one_case(s.fits)
    if "start" in s.where:
        rows = rows[rows["start_index"] == int(s.where["start"])]
    if len(rows) != 1:
        raise NoAnswer(f"{len(rows)} fits are selected, expected one: see where")
    row = rows.iloc[0]
    if row["key"] not in set(s.results.histories["key"]):
        raise NoAnswer(
            "the history of this fit was not kept: see the key history of the study file"
        )
    return row, s.results.history(row["key"])


def _iterate(s: Selection) -> float:
    (row, history), step = _history(s), int(s.where["step"])
    at = np.flatnonzero(history.steps == step)
    if not at.size:
        raise NoAnswer(
            f"step {step} was not kept: there are {history.steps[0]} to {history.steps[-1]}"
        )
    i, name = int(at[0]), s.where["parameter"]
    if name in OF_A_STEP:
        return float(getattr(history, name)[i])
    return entry(row, history.theta[i], s)


def _steps_to(s: Selection) -> int:
    _, history = _history(s)
    above = np.flatnonzero(history.loglik > float(s.where["loglik"]))
    if not above.size:
        raise NoAnswer(f"its log-likelihood never rose above {s.where['loglik']}")
    return int(history.steps[above[0]])


ITERATES = {
    "iterate": Quantity(
        "a parameter of one fit after `step` iterations (evaluations, of methods that count none), or its "
        "passes, loglik (nats), or said (what the method printed); `start` counts from 0; components in the "
        "order of the fit's end",
        (*FITS, "start", "step", "parameter", "component", "index"),
        _iterate,
        ("step", "parameter"),
    ),
    "steps_to": Quantity(
        "iterations (evaluations, of methods that count none) of one fit until its log-likelihood was above "
        "`loglik` nats; `start` counts from 0",
        (*FITS, "start", "loglik"),
        _steps_to,
        ("loglik",),
    ),
}
