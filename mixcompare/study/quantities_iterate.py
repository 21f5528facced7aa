"""Quantities read off kept histories: the state of a fit after so many iterations."""

from __future__ import annotations

import numpy as np

from mixcompare.study.quantity import FITS, NoAnswer, Quantity, Selection, entry

OF_A_STEP = ("passes", "loglik", "said")
"""What a step has beside its parameters."""


def _iterate(s: Selection) -> float:
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
    history, step = s.results.history(row["key"]), int(s.where["step"])
    at = np.flatnonzero(history.steps == step)
    if not at.size:
        raise NoAnswer(
            f"step {step} was not kept: there are {history.steps[0]} to {history.steps[-1]}"
        )
    i, name = int(at[0]), s.where["parameter"]
    if name in OF_A_STEP:
        return float(getattr(history, name)[i])
    return entry(row, history.theta[i], s)


ITERATES = {
    "iterate": Quantity(
        "a parameter of one fit after `step` iterations (evaluations, of methods that count none), or its "
        "passes, loglik (nats), or said (what the method printed); `start` counts from 0; components in the "
        "order of the fit's end",
        (*FITS, "start", "step", "parameter", "component", "index"),
        _iterate,
        ("step", "parameter"),
    ),
}
