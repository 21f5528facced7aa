"""Comparing methods on data at hand: a study without a file, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare import registry
from mixcompare.data import Dataset, as_dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.base import Estimator
from mixcompare.fit import as_budget
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel, require_model
from mixcompare.store.rows import fits_table, frame, trajectories_table
from mixcompare.study.design import (
    AskedIntervals,
    Design,
    PlannedData,
    PlannedMethod,
    PlannedModel,
    Starts,
)
from mixcompare.study.executors import serial
from mixcompare.study.named import named_estimators
from mixcompare.study.plan import plan_design
from mixcompare.study.results import Results
from mixcompare.study.sources import InMemory
from mixcompare.study.workers import Progress
from mixcompare.theta import Theta


def compare(
    model: MixtureModel,
    data: Any,
    methods: Sequence[str | Estimator] = ("em", "bfgs", "l-bfgs-b"),
    n_starts: int = 20,
    starts: str | Theta | Sequence[Theta] = "mixed",
    seed: int = 0,
    *,
    counts: Any = None,
    priors: Any = None,
    budget: Budget | Mapping[str, float] | float | None = None,
    max_iter: int | None = None,
    tol: float | None = None,
    verify: bool = True,
    intervals: Sequence[str] = (),
    progress: Progress | None = None,
    **options: Any,
) -> Results:
    """Fit one model to one data set by several methods, all from the same starts.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    methods : sequence of str
        Registered methods, with modifiers in brackets. A sampler is run once, not once a start.
    n_starts : int
        Starts of the scheme; does not matter where points are given.
    starts : str, Theta or sequence of Theta
        A start scheme, or the points themselves.
    seed : int
        Root of all random numbers: `fit` with the same seed draws the same start 0.
    counts : array (n,), optional
        Multiplicities of the rows.
    priors, max_iter, tol, **options
        Options, each given to every method that has it.
    budget : number of passes, {"passes": .., "seconds": ..} or Budget, optional
        Of each fit.
    verify : bool
        False skips all verification.
    intervals : sequence of str
        "profile", "bootstrap" or both: kinds of intervals that each method's best end has besides Wald's.
    progress : callable, optional
        `progress(done, total, label)`, called as fits end.

    Returns
    -------
    Results
        One row a fit, whatever became of it.

    Raises
    ------
    DataError, SpecError
        Wrong data, start, method or option, before anything is fitted.
    """
    require_model(model)
    dataset = as_dataset(data, counts)
    model.check(dataset)
    named = {"priors": priors, "max_iter": max_iter, "tol": tol}
    options |= {name: value for name, value in named.items() if value is not None}
    name = frozenset([dataset.name])
    planned = _starts(model, dataset, starts, n_starts)
    design = Design(
        seed=seed,
        data=(PlannedData(InMemory(dataset.name, dataset), 1, planned, dataset),),
        models=(PlannedModel(model, name),),
        methods=tuple(
            PlannedMethod(label, e, name) for label, e in named_estimators(methods, options).items()
        ),
        budget=as_budget(budget),
        verify=verify,
        intervals=_intervals(intervals),
    )
    return _run(design, _describe(model, dataset, design), progress)


def _run(design: Design, study: dict[str, Any], progress: Progress | None) -> Results:
    chunks = plan_design(design)
    total = sum(len(chunk.tasks) for chunk in chunks)
    rows, trajectories, draws = [], {}, {}
    for index, outcomes in serial(chunks):
        for outcome in outcomes:
            row = dict(outcome.row)
            if outcome.draws is not None:
                row["draws"] = f"draws/{row['key']}.zarr"  # as it would be in a folder
                draws[row["draws"]] = outcome.draws
            rows.append(row)
            trajectories[row["key"]] = outcome.trajectory
        if progress:
            progress(len(rows), total, chunks[index].label)
    table = fits_table(rows)
    ordered = {key: trajectories[key] for key in table["key"].to_pylist()}
    data = {(planned.source.name, 0): planned.first for planned in design.data}
    return Results(
        frame(table),
        frame(trajectories_table(ordered)),
        study,
        data,
        draws.__getitem__,
        plan=lambda: [task for chunk in chunks for task in chunk.tasks],
    )


def _intervals(kinds: Sequence[str]) -> AskedIntervals:
    try:
        return AskedIntervals((kinds,) if isinstance(kinds, str) else tuple(kinds))
    except SpecError as error:
        raise SpecError(f"intervals: {error}") from error


def _starts(
    model: MixtureModel, data: Dataset, starts: str | Theta | Sequence[Theta], n: int
) -> Starts:
    if isinstance(starts, str):
        registry.load("starts", starts)
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise SpecError(f"n_starts: expected a whole number of at least 1, got {n!r}")
        return Starts(starts, int(n))
    points = tuple(starts) if isinstance(starts, (list, tuple)) else (starts,)
    if not points or not all(isinstance(point, Theta) for point in points):
        raise SpecError(f"starts: expected a start scheme or points (Theta), got {starts!r}")
    for point in points:
        model.as_start(point, data)
    return Starts(points, len(points))


def _describe(model: MixtureModel, data: Dataset, design: Design) -> dict[str, Any]:
    """The comparison as a study file would put it, for whoever reads the results."""
    family = model.family
    registered = family.name in registry.names("families")
    block = {
        "family": family.name
        if registered
        else f"{type(family).__module__}:{type(family).__qualname__}",
        "n_components": model.n_components,
        "options": {key: v for key, v in model.declared.options.items() if v is not None},
    }
    starts = design.data[0].starts
    return {
        "title": f"{model.name} on {data.name}",
        "seed": design.seed,
        "starts": {
            "scheme": starts.scheme if isinstance(starts.scheme, str) else "given",
            "n": starts.n,
        },
        "budget": {k: v for k, v in vars(design.budget).items() if v is not None},
        "data": [{"name": data.name}],
        "model": [block],
        "method": [{"name": method.label} for method in design.methods],
    }
