"""Data whose best known optimum is a ridge: how far apart equally good answers lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.study import words
from mixcompare.study.case import Case
from mixcompare.study.ends import each, parse_theta
from mixcompare.study.words import listed, quoted
from mixcompare.theta import Theta

SHOWN = 6
"""Numbers of one answer that are written out; of larger models the one that differs most is."""

METHODS = 3
"""Methods whose answers, and features whose means, are written out at most."""

APART = 0.01
"""Range of a number among the answers, as in `_spread`, from which they differ in it."""

ALIKE = 1e-3
"""Relative range of a mean up to which answers agree on it."""


def tell(results: Any) -> Iterator[str]:
    """One sentence a data set and model that is a ridge: the answers of methods, all equally good."""
    optima = results.optima()
    ridges = optima[(optima["standing"] == "global") & (optima["finding"] == "ridge")]
    rows = results.rows
    plain: list[str] = []
    for (data, model), found in ridges.groupby(["data", "model"], sort=False):
        mine = rows[(rows["data"] == data) & (rows["model"] == model)]
        case = Case(results, str(data), str(model), mine)
        k = found["replicate"].nunique()
        part = f" ({words.of(k, case.replicates)} data sets)" if case.replicates > 1 else ""
        answers = _answers(case, int(found["replicate"].min()))
        if not answers:
            plain.append(f"{case.name}{part}")
            continue
        yield f"On {case.name}{part} {answers}."
    if plain:
        yield (
            f"On {listed(plain)} the best known optimum is a ridge of equally good points, so these data "
            "do not identify the parameters."
        )


def leads(results: Any) -> bool:
    """Whether the best known optimum of the study's first data set and model is a ridge."""
    first, optima = results.rows.iloc[0], results.optima()
    mine = optima[(optima["data"] == first["data"]) & (optima["model"] == first["model"])]
    return bool((mine.loc[mine["standing"] == "global", "finding"] == "ridge").any())


def _answers(case: Case, replicate: int) -> str:
    """What all ends on the ridge share, and where on it methods ended; "" where all ends are one."""
    points, draws = case.points, case.draws
    ends = points[points["reached"].eq(True) & (points["replicate"] == replicate)]
    found = [
        (str(row.method), theta)
        for row in each(ends)
        if (theta := parse_theta(row.theta)) is not None
    ]
    if not found or not _spread([theta for _, theta in found]).max() > APART:
        return ""
    loglik = words.nats(float(ends["best_known"].max()))
    agreed = listed(_agreed(case, [theta for _, theta in found]))
    ridge = f"the best known optimum ({loglik} nats) is a ridge of equally good points"
    if agreed:
        single = (_spread([theta for _, theta in found]) > APART).all()
        which = "no single parameter" if single else "not all parameters"
        head = f"the data fix {agreed} and {which}: {ridge}"
    else:
        head = f"{ridge}, so these data do not identify the parameters"
    if _flat(found[0][1]).size > SHOWN:
        return f"{head}. {_widest(found)}"
    parts: list[str] = []
    for method in list(dict.fromkeys(name for name, _ in found))[:METHODS]:
        first, last = _apart([theta for name, theta in found if name == method])
        where = [_numbers(first, named=not parts)]
        where += [_numbers(last)] if _numbers(last) != _numbers(first) else []
        ended = " ended" if not parts else ""
        parts.append(f"{quoted(method)}{ended} at {' and '.join(where)}")
    text = f"{head}. On it {'; '.join(parts)}"
    means = _means(draws[draws["replicate"] == replicate])
    return f"{text}; the posterior mean is {means}" if means else text


def _agreed(case: Case, thetas: list[Theta]) -> list[str]:
    """What the answers share, for example ["the mean of y (0.6)"]: means of the mixture; [] if none is."""
    dataset = case.results.dataset(case.data)
    model = case.results.model_on(case.model, dataset)
    if dataset is None or model is None or dataset.n_features > METHODS:
        return []
    full = [model.conform(theta, dataset.n_features) for theta in thetas]
    means = np.array([t.weights @ model.family.moments(t.parameters)[0] for t in full])
    same = np.ptp(means, axis=0) <= ALIKE * np.abs(means).max(axis=0)
    if not (np.isfinite(means).all() and same.all()):
        return []
    return [
        f"the mean of {column} ({mean:.3g})"
        for column, mean in zip(dataset.columns, means.mean(axis=0), strict=True)
    ]


def _means(draws: pd.DataFrame) -> str:
    parts = [
        f"{_numbers(theta)} ({quoted(str(row.method))})"
        for row in each(draws)
        if (theta := parse_theta(row.theta)) is not None
    ]
    return listed(parts[:2])


def _widest(found: list[tuple[str, Theta]]) -> str:
    """The one number that differs most among the ends."""
    thetas = [theta for _, theta in found]
    spread = _spread(thetas)
    at = int(spread.argmax())
    values = [float(_flat(theta)[at]) for theta in thetas]
    name, component = _names(thetas[0])[at]
    return (
        f"On it fits ended with {_WORDS.get(name, name)} {component} anywhere from "
        f"{min(values):.3g} to {max(values):.3g}"
    )


def _apart(thetas: list[Theta]) -> tuple[Theta, Theta]:
    """The two that lie farthest apart."""
    flat = np.array([_flat(theta) for theta in thetas])
    distance = np.abs(flat[:, None] - flat[None]).max(axis=2)
    i, j = np.unravel_index(int(distance.argmax()), distance.shape)
    return thetas[min(i, j)], thetas[max(i, j)]


def _numbers(theta: Theta, named: bool = False) -> str:
    """For example "0.53/0.66 (0.41/0.59)"; `named`: "probs 0.53/0.66 (weights 0.41/0.59)"."""
    parts = [
        f"{_PLURALS.get(name, name)} {_joined(theta[name])}" if named else _joined(theta[name])
        for name in theta
        if name != "weights"
    ]
    return f"{', '.join(parts)} ({'weights ' if named else ''}{_joined(theta.weights)})"


def _joined(values: np.ndarray) -> str:
    return "/".join(f"{value:.2f}" for value in values.ravel())


def _flat(theta: Theta) -> np.ndarray:
    return np.concatenate([theta[name].ravel() for name in theta])


def _names(theta: Theta) -> list[tuple[str, int]]:
    """Parameter and component (from 1) of each number of `_flat`."""
    return [
        (name, 1 + i * theta.n_components // theta[name].size)
        for name in theta
        for i in range(theta[name].size)
    ]


def _spread(thetas: list[Theta]) -> np.ndarray:
    """Range of each number, relative to its size where that is above one."""
    flat = np.array([_flat(theta) for theta in thetas])
    return np.ptp(flat, axis=0) / np.maximum(np.abs(flat).max(axis=0), 1.0)


_WORDS = {"weights": "the weight of component", "probs": "a probability of component"}
"""Names of parameters before the number of a component; others stand as they are."""

_PLURALS = {"probs": "probabilities"}
