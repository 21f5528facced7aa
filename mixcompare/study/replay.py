"""One stored fit again, from its row: same start, data and random numbers; and whether it ends the same."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import threadpoolctl

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.records import FitRecord
from mixcompare.seeds import stream
from mixcompare.store.rows import TIMING, fits_table, frame
from mixcompare.study.breakdown import (
    Breakdown,
    collapse_at,
    explain,
    first_break,
    last_finite,
    raised_in,
    trace,
)
from mixcompare.study.ends import parse
from mixcompare.study.execute import as_outcome, find_further, fit_task
from mixcompare.study.plan import Task
from mixcompare.study.versions import versions
from mixcompare.theta import Theta
from mixcompare.verify.verifier import Verifier

MONTE_CARLO = 4.0
"""Standard errors of a difference within which two runs of a sampler agree."""

QUANTILE = 2.67
"""Standard error of a 2.5 % quantile of a normal, in sds: sqrt(p (1 - p)) / density, over root draws."""

PLACE = ("position", "draws")
"""Columns that say where a row is kept."""

Plan = Callable[[], Iterable[Task]]
Before = tuple[float, float, Theta] | None
Broken = Breakdown | None


@dataclass(frozen=True)
class Replay:
    """A stored fit and the same fit now.

    Parameters
    ----------
    task : Task
        What was repeated.
    data : Dataset
        As rebuilt now.
    record : FitRecord
        The fit now.
    then, now : mapping
        The stored row, and that of `record`.
    differences : tuple of str
        Columns, beside times, in which the rows differ; "trajectory" is one of them. Empty: bit for bit
        the same.
    agrees : bool or None
        Samplers: whether all limits of the 95 % intervals agree to Monte Carlo error (None if there are
        none). Other methods: whether there are no differences.
    before : (passes, log-likelihood, Theta) or None
        The last finite iterate before the fit broke, or of all if it did not; None where there is none.
    broke : Breakdown or None
        The first evaluation that is not finite; else that which raised, or the end that is not finite.
    collapsed : Breakdown or None
        Where a component of the end has collapsed.
    changed : mapping
        Name -> (then, now) of versions that differ; empty also where they are not known.
    """

    task: Task
    data: Dataset
    record: FitRecord
    then: Mapping[str, Any]
    now: Mapping[str, Any]
    differences: tuple[str, ...]
    agrees: bool | None
    before: Before
    broke: Broken
    collapsed: Broken
    changed: Mapping[str, tuple[str, str]]

    @property
    def same_data(self) -> bool:
        """Whether the data rebuilt now are those that the row saw."""
        return bool(self.then["digest"] == self.data.digest)

    @property
    def card(self) -> str:
        """All of it as plain text."""
        from mixcompare.study.card import card  # needs Replay: a cycle at import otherwise

        return card(self)

    def __str__(self) -> str:
        return self.card


def find_key(key: str, keys: Iterable[str]) -> str:
    """The one key that is, or begins with, `key`; SpecError that names the nearest, or those it may mean."""
    known = list(keys)
    if key in known:
        return key
    found = [name for name in known if name.startswith(key)]
    if key and len(found) == 1:
        return found[0]
    if key and found:
        shown = ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")
        raise SpecError(
            f'key: expected the beginning of one key, got "{key}", with which {len(found)} begin: {shown}'
        )
    raise SpecError(
        f'key: expected one of the {len(known)} keys of these results, or its beginning, got "{key}".'
        f"{_nearest(key, known)} The column key of the fits lists them."
    )


def _nearest(key: str, keys: Sequence[str]) -> str:
    """The tail of a message: the key that begins most like this one."""
    heads = {name[: len(key)]: name for name in reversed(keys)}
    close = difflib.get_close_matches(key, heads, n=1, cutoff=0.3)
    return f" The nearest is {heads[close[0]]}." if close else ""


def repeat(
    key: str, fits: pd.DataFrame, trajectories: pd.DataFrame, plan: Plan, ran: Mapping[str, Any]
) -> Replay:
    """The fit of a row of `fits` again; `ran` are the versions it was made with, if they are known.

    Raises SpecError if no row, or no task of the plan, has the key.
    """
    key = find_key(key, fits["key"])
    then = _row(fits[fits["key"] == key])
    task = _task(then, plan())
    with threadpoolctl.threadpool_limits(limits=1):
        data = task.source.load(task.root, task.replicate)
        verifier = Verifier(task.model, data, seed=task.seed) if task.verify else None
        record = fit_task(task, data, verifier)
        further = find_further(task, data, record) if parse(then.get("intervals")) else None
        outcome = as_outcome(task, data, record, further)
        before, broke, gone = _breaking(task, data, record)
    now = _row(frame(fits_table([outcome.row])))
    differences = _differences(then, now)
    own = trajectories[trajectories["key"] == key]
    for stored, found in zip((own["passes"], own["loglik"]), outcome.trajectory, strict=True):
        if not np.array_equal(stored.to_numpy(), found) and "trajectory" not in differences:
            differences.append("trajectory")
    current = versions()
    return Replay(
        task,
        data,
        record,
        then,
        now,
        tuple(differences),
        _agree(then, now) if task.estimator.chains else not differences,
        before,
        broke,
        gone,
        {k: (str(v), current[k]) for k, v in ran.items() if k in current and v != current[k]},
    )


def _row(table: pd.DataFrame) -> dict[str, Any]:
    return {str(name): table[name].iloc[0] for name in table}


def _task(then: Mapping[str, Any], tasks: Iterable[Task]) -> Task:
    """The task behind a row, found by what it is and not by its key, which other settings would change."""
    wanted = [then[name] for name in ("data", "replicate", "model", "method", "start_index")]
    for task in tasks:
        own = [task.source.name, task.replicate, task.model.name, task.label, task.start_index]
        if own == wanted:
            return task
    raise SpecError(
        f"key: expected a fit of the study as it is kept with the results, got {then['key']}, which is not "
        f"in its plan: the study was changed by hand"
    )


def _breaking(task: Task, data: Dataset, record: FitRecord) -> tuple[Before, Broken, Broken]:
    """The last finite iterate, where the fit broke, and where a component of its end has collapsed.

    Samplers and fits that never began have none of these.
    """
    model = task.model.on(data)
    unable = task.estimator.supports(model, data.n_features)
    if task.estimator.chains or record.start is None or unable:
        return None, None, None
    rng = stream(task.seed, "fit", task.start_index)
    # with its points kept a fit is slower: it goes as far as the fit did, not as far as its seconds let it
    budget = task.budget
    if budget.seconds is not None:
        budget = replace(budget, seconds=None, passes=record.cost.passes)
    traced = trace(model, data, task.estimator, record.start, rng, budget)
    trajectory = traced.trajectory
    place = last_finite(trajectory)
    before = None
    if place is not None:
        passes, loglik = float(trajectory.passes[place]), float(trajectory.loglik[place])
        before = passes, loglik, model.canonical(trajectory.theta[place])[0]
    broke = first_break(model, data, trajectory)
    if broke is None and record.error:
        broke = raised_in(model, data, traced, record.error)
    if record.theta is None:
        return before, broke, None
    if broke is None and not np.isfinite(record.loglik):
        broke = explain(model, data, record.theta, record.loglik)
    return before, broke, collapse_at(model, data, record.theta, record.loglik)


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Columns in which two rows differ by as much as a bit, times and places left out."""
    found = []
    for name, value in now.items():
        old = then.get(name)
        missing = pd.isna(value) and pd.isna(old)
        if name not in (*TIMING, *PLACE) and not missing and value != old:
            found.append(name)
    return found


def _agree(then: Mapping[str, Any], now: Mapping[str, Any]) -> bool | None:
    """Whether the 95 % intervals of two runs of a sampler agree to Monte Carlo error.

    The standard error of a limit is `QUANTILE` sds over the root of the effective draws in the tails,
    the sd being a quarter of the interval's width.
    """
    intervals = [parse(row["posterior_intervals"]) or {} for row in (then, now)]
    sizes = [(parse(row["diagnostics"]) or {}).get("ess_tail", 0) for row in (then, now)]
    if not all(intervals) or not all(sizes) or set(intervals[0]) != set(intervals[1]):
        return None
    for name in intervals[0]:
        limits = [np.array(side[name], dtype=float) for side in intervals]
        error = [
            QUANTILE * np.ptp(limit, axis=0) / 4 / np.sqrt(float(size))
            for limit, size in zip(limits, sizes, strict=True)
        ]
        close = np.abs(limits[0] - limits[1]) <= MONTE_CARLO * np.hypot(*error)
        if not (close | np.isnan(limits[0] - limits[1])).all():
            return False
    return True
