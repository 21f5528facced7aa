"""Executing a chunk of planned fits, anywhere: a module-level function of names and seeds, without I/O.

The only thing it reads are the data that its tasks name.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import threadpoolctl

from mixcompare.data import Dataset
from mixcompare.draws import from_tree
from mixcompare.errors import DataError
from mixcompare.fit import run_fit
from mixcompare.meter import Budget
from mixcompare.metrics.base import compute_metrics
from mixcompare.metrics.rank import rank_truth
from mixcompare.records import Cost, FitRecord, Solver, Trajectory, Verdict
from mixcompare.seeds import stream
from mixcompare.starts.base import Start, make_start
from mixcompare.store.rows import keep, thin, to_row
from mixcompare.study.further import Found, best_ends, find, plain
from mixcompare.study.plan import Chunk, Task
from mixcompare.verify.verifier import Verifier


@dataclass(frozen=True)
class Outcome:
    """One ended fit as it is stored: its row, thinned trajectory (passes, loglik), draws, kept history."""

    row: dict[str, Any]
    trajectory: tuple[np.ndarray, np.ndarray]
    draws: Any = None
    history: Sequence[Mapping[str, Any]] = ()


def execute(chunk: Chunk) -> list[Outcome]:
    """The outcomes of a chunk's tasks, in their order."""
    return list(outcomes(chunk))


def outcomes(chunk: Chunk) -> Iterator[Outcome]:
    """The outcomes of a chunk's tasks, each when it is there; numerical libraries keep to one thread.

    What an estimator raises is its row. What anything else raises is a mistake of ours: it passes
    through, with the key of the task in a note.
    """
    with threadpoolctl.threadpool_limits(limits=1):
        for _, tasks in itertools.groupby(chunk.tasks, _case):
            yield from _on_one_data_set(tuple(tasks))


def _case(task: Task) -> tuple[Any, ...]:
    return task.source, task.replicate, task.model


def _on_one_data_set(tasks: tuple[Task, ...]) -> Iterator[Outcome]:
    """The outcomes of tasks of one data set and model.

    Where further intervals are asked for, fits end together: only then it is known which end is best.
    """
    first = tasks[0]
    with _naming(first):
        data = first.source.load(first.root, first.replicate)
        verifier = Verifier(first.model, data, seed=first.seed) if first.verify else None
        _compile(tasks, data)
    waiting: list[tuple[Task, FitRecord]] = []
    drawn: dict[int, Start] = {}
    for task in tasks:
        with _naming(task):
            record = fit_task(task, data, verifier, drawn=drawn)
            outcome = None if task.intervals.kinds else as_outcome(task, data, record)
        if outcome is None:
            waiting.append((task, record))
        else:
            yield outcome
    chosen = best_ends([(task.label, record) for task, record in waiting])
    for i, (task, record) in enumerate(waiting):
        with _naming(task):
            found = find_further(task, data, record) if i in chosen else {}
            outcome = as_outcome(task, data, record, found)
        yield outcome


def find_further(task: Task, data: Dataset, record: FitRecord) -> Found:
    """The further intervals that a task asks for, of its end."""
    return find(task.model, data, record, task.intervals, task.seed)


@contextmanager
def _naming(task: Task) -> Iterator[None]:
    """A mistake of ours passes through with the key of the task in a note."""
    try:
        yield
    except Exception as error:
        error.add_note(f"while executing the task {task.key}")
        raise


FIRST_PASSES = 6
"""Passes of the fits that compile: enough for any method's first step."""

_COMPILED: set[tuple[str, type, int]] = set()
"""Models, kinds of methods and numbers of features whose code this process has compiled."""


def _compile(tasks: tuple[Task, ...], data: Dataset) -> None:
    """A few passes by each kind of method, so that no fit is charged the seconds that compiling takes.

    Samplers report those of their own.
    """
    first = tasks[0]
    for task in tasks:
        done = (repr(task.model), type(task.estimator), data.n_features)
        if done in _COMPILED or task.estimator.chains:
            continue
        try:
            first.model.check(data)
            start = _start(first, data, first.start_index)
        except DataError:
            return  # nothing to fit: the rows will say so
        rng = stream(first.seed, "compile", 0)
        run_fit(
            task.model,
            data,
            task.estimator,
            [start],
            rng,
            budget=Budget(passes=FIRST_PASSES),
            verifier=None,
            task={"method": task.label},
        )
        _COMPILED.add(done)


def as_outcome(
    task: Task, data: Dataset, record: FitRecord, further: Found | None = None
) -> Outcome:
    """The record of a task as it is stored, its metrics computed; `further` intervals by kind."""
    further = further or {}
    posterior = record.posterior
    intervals = {"wald": record.verdict.intervals} if record.verdict and not posterior else {}
    if posterior is not None:
        intervals["posterior"] = posterior.intervals
    model = task.model.on(data) if record.theta is not None else task.model
    found = compute_metrics(
        model,
        record.theta,
        {**intervals, **{kind: one.bounds for kind, one in further.items()}},
        data.truth,
        seed=task.root,
        data_name=task.source.name,
        replicate=task.replicate,
        # of a truth from a prior, what is asked is whether draws are calibrated, thousands of times
        draws=from_tree(model, data.n_features, posterior.draws)
        if posterior and not data.prior
        else None,
    )
    found |= rank_truth(model, posterior, data, seed=task.root)
    draws = posterior.draws if posterior is not None else None
    history = (
        keep(fit_task(task, data, None, True).trajectory, task.history) if task.history else ()
    )
    return Outcome(to_row(record, found, plain(further)), thin(record.trajectory), draws, history)


def fit_task(
    task: Task,
    data: Dataset,
    verifier: Verifier | None,
    keep_points: bool = False,
    drawn: dict[int, Start] | None = None,
) -> FitRecord:
    """The record of one task on its data.

    `drawn` are starts by index that tasks of the same model and data share; new ones are added. A history
    is that of a second run, which keeps its points: the first one, which makes the row, is as fast as if
    none were kept.
    """
    identity = {
        "position": task.position,
        "data": task.source.name,
        "replicate": task.replicate,
        "digest": data.digest,
        "model": task.model.name,
        "family": task.model.family.name,
        "n_components": task.model.n_components,
        "method": task.label,
        "start_index": task.start_index,
        "seed": task.seed,
        "fault": task.estimator.fault,
    }
    try:
        task.model.check(data)
        numbers = range(task.start_index, task.start_index + task.n_starts)
        starts = [_start(task, data, index, drawn) for index in numbers]
    except (
        DataError
    ) as error:  # this replicate, or this start on it, cannot be used: that is its row
        scheme = task.starts.scheme if isinstance(task.starts.scheme, str) else "given"
        return _without_fit(task, {**identity, "start_scheme": scheme}, str(error))
    return run_fit(
        task.model,
        data,
        task.estimator,
        starts,
        stream(task.seed, "fit", task.start_index),
        budget=task.budget,
        verifier=verifier,
        task={**identity, "start_scheme": starts[0].scheme},
        key=task.key,
        keep_points=keep_points,
    )


def _start(task: Task, data: Dataset, index: int, drawn: dict[int, Start] | None = None) -> Start:
    """Start number `index`; given points are taken in turn by a sampler with more chains than points."""
    if drawn is not None and index in drawn:
        return drawn[index]
    scheme = task.starts.scheme
    point = scheme if isinstance(scheme, str) else scheme[index % len(scheme)]
    start = make_start(point, task.model, data, task.seed, index)
    if drawn is not None:
        drawn[index] = start
    return start


def _without_fit(task: Task, identity: dict[str, Any], reason: str) -> FitRecord:
    error = f"DataError: {reason}"
    return FitRecord(
        key=task.key,
        method=task.label,
        task=identity,
        theta=None,
        loglik=float("nan"),
        trajectory=Trajectory(np.empty(0), np.empty(0)),
        cost=Cost(),
        solver=Solver(None, "error", error),
        verdict=Verdict("error", ("error",), message=error) if task.verify else None,
        error=error,
        target=task.estimator.target,
    )
