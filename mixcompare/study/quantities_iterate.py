"""Quantities read off kept histories: the state of a fit after so many iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mixcompare.study.quantity import FITS, NoAnswer, Quantity, Selection, entry

if TYPE_CHECKING:
    from mixcompare.data import Dataset
    from mixcompare.study.histories import History

OF_A_STEP = ("passes", "loglik", "said")
"""What a step has beside its parameters."""

OBSERVATION = (*FITS, "start", "step", "row", "x")


def _fit(s: Selection) -> tuple[Any, History]:
    """The one row that is selected, and its history."""
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


def _place(history: History, s: Selection) -> int:
    """Where the step stands in the history."""
    at = np.flatnonzero(history.steps == int(s.where["step"]))
    if not at.size:
        raise NoAnswer(
            f"step {s.where['step']} was not kept: there are {history.steps[0]} to {history.steps[-1]}"
        )
    return int(at[0])


def _iterate(s: Selection) -> float:
    row, history = _fit(s)
    i, name = _place(history, s), s.where["parameter"]
    if name in OF_A_STEP:
        return float(getattr(history, name)[i])
    return entry(row, history.theta[i], s)


def _probabilities(s: Selection) -> np.ndarray:
    """Probabilities (K,) of the components for the observation meant, at the parameters of the step."""
    row, history = _fit(s)
    theta = history.theta[_place(history, s)]
    dataset = s.results.dataset(row["data"], row["replicate"])
    model = s.results.model_on(row["model"], dataset)
    if dataset is None or model is None:
        raise NoAnswer("the data are not at hand")
    found: np.ndarray = model.responsibilities(dataset.x[[_row(s, dataset)]], theta)[0]
    return found


def _row(s: Selection, dataset: Dataset) -> int:
    """The observation that is meant: by its number from 1, or the first with a value."""
    if ("row" in s.where) == ("x" in s.where):
        raise NoAnswer("expected either row, which counts from 1, or x, an observed value")
    if "row" in s.where:
        row = int(s.where["row"])
        if not 1 <= row <= dataset.n_rows:
            raise NoAnswer(f"there is no row {row}: expected 1 to {dataset.n_rows}")
        return row - 1
    found = np.flatnonzero((dataset.x == s.where["x"]).all(axis=1))
    if not found.size:
        raise NoAnswer(f"no observation is {s.where['x']}")
    return int(found[0])


def _responsibility(s: Selection) -> float:
    found, component = _probabilities(s), int(s.where["component"])
    if not 1 <= component <= found.size:
        raise NoAnswer(f"there is no component {component}: expected 1 to {found.size}")
    return float(found[component - 1])


def _steps_to(s: Selection) -> int:
    _, history = _fit(s)
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
    "responsibility": Quantity(
        "probability that an observation came from a component, at the parameters of one fit after `step` "
        "iterations, as above; the observation is a `row`, from 1, or the first whose value is `x`",
        (*OBSERVATION, "component"),
        _responsibility,
        ("step", "component"),
    ),
    "label": Quantity(
        "the component, from 1, from which an observation most probably came, likewise",
        OBSERVATION,
        lambda s: int(np.argmax(_probabilities(s))) + 1,
        ("step",),
    ),
    "steps_to": Quantity(
        "iterations (evaluations, of methods that count none) of one fit until its log-likelihood was above "
        "`loglik` nats; `start` counts from 0",
        (*FITS, "start", "loglik"),
        _steps_to,
        ("loglik",),
    ),
    "last_step": Quantity(
        "iterations that one fit made (evaluations, of methods that count none)",
        (*FITS, "start"),
        lambda s: int(_fit(s)[1].steps[-1]),
    ),
}
