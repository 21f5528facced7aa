"""The plan of a study: every fit as a task that carries names and seeds, in chunks that share work."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from mixcompare.estimators.base import Estimator
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.study.design import (
    AskedIntervals,
    Design,
    PlannedData,
    PlannedMethod,
    PlannedModel,
    Starts,
)
from mixcompare.study.resolve import make_design
from mixcompare.study.sources import Source
from mixcompare.study.spec import Study
from mixcompare.theta import Theta

CHUNK = 24
"""Tasks in a chunk at most: a unit of sending, and of sharing data and verdicts."""


@dataclass(frozen=True)
class Task:
    """One planned fit.

    `position` is its place in the study's order; `key` names it on any machine: equal settings, equal
    key. `root` is the study's seed, `seed` that of the starts and fits on this replicate of the data.
    `n_starts` is 1, or the number of a sampler's chains. `history` is the number of evaluations whose
    parameters are kept, at most; no key depends on it.
    """

    key: str
    position: int
    source: Source
    replicate: int
    model: MixtureModel
    label: str
    estimator: Estimator
    starts: Starts
    start_index: int
    root: int
    seed: int
    budget: Budget
    verify: bool = True
    intervals: AskedIntervals = field(default_factory=AskedIntervals)
    history: int = 0

    @property
    def n_starts(self) -> int:
        """Starts that the fit takes."""
        return max(self.estimator.chains, 1)


@dataclass(frozen=True)
class Chunk:
    """Tasks that are executed together, one after the other; `label` says which, for a progress line."""

    label: str
    tasks: tuple[Task, ...]

    def without(self, keys: Iterable[str]) -> Chunk:
        """The chunk without the tasks of these keys."""
        done = frozenset(keys)
        return Chunk(self.label, tuple(task for task in self.tasks if task.key not in done))


def plan(study: Study, quick: bool = False) -> list[Chunk]:
    """Every fit of the study, in chunks; see `plan_design`."""
    return plan_design(make_design(study, quick))


def plan_design(design: Design) -> list[Chunk]:
    """Every fit of the design exactly once, in chunks of at most `CHUNK` tasks, longest first.

    A sampler is planned once for each data set, replicate and model, and its replicates of one model
    structure stay together, so that a worker compiles it once; such chunks come first. Other chunks hold
    all methods from a few starts on one data set, replicate and model: costly methods are thereby spread
    over the chunks. Nothing is random, and nothing is read.
    """
    tasks = list(_tasks(design))
    dimension = {planned.source.name: planned.first.n_features for planned in design.data}
    sampled = [task for task in tasks if task.estimator.chains]
    pointed = [task for task in tasks if not task.estimator.chains]

    def structure(task: Task) -> Hashable:
        return task.label, task.model.name, dimension[task.source.name]

    def group(task: Task) -> Hashable:
        return task.source.name, task.replicate, task.model.name

    chunks = []
    for members in _grouped(sampled, structure):
        pieces = itertools.batched(members, CHUNK)
        chunks += [Chunk(f"{piece[0].model.name}, {piece[0].label}", piece) for piece in pieces]
    for members in _grouped(pointed, group):
        by_start = sorted(
            members, key=lambda task: task.start_index
        )  # stable: methods in their order
        methods = sum(task.start_index == by_start[0].start_index for task in by_start)
        size = CHUNK // methods * methods or CHUNK
        pieces = itertools.batched(by_start, size)
        chunks += [
            Chunk(f"{piece[0].source.name}, {piece[0].model.name}", piece) for piece in pieces
        ]
    return chunks


def _tasks(design: Design) -> Iterable[Task]:
    """In the order in which the table is read: data, replicate, model, method, start."""
    position = itertools.count()
    for data in design.data:
        for replicate in range(data.replicates):
            for model, method in itertools.product(design.models, design.methods):
                name = data.source.name
                limit = data.replicates if method.replicates is None else method.replicates
                if name not in model.data or name not in method.data or replicate >= limit:
                    continue
                starts = data.starts.of(model.model.n_components)
                for index in range(1 if method.estimator.chains else starts.n):
                    yield _task(
                        design, data, starts, replicate, model, method, index, next(position)
                    )


def _task(
    design: Design,
    data: PlannedData,
    starts: Starts,
    replicate: int,
    model: PlannedModel,
    method: PlannedMethod,
    index: int,
    position: int,
) -> Task:
    source, seed = data.source, data.source.seed(design.seed, replicate)
    kept = design.history
    settings = (
        *(source.name, replicate, repr(model.model), method.label, repr(method.estimator)),
        *(_exactly(starts.scheme), index, seed, repr(design.budget), design.verify),
        *((repr(design.intervals),) if design.intervals.kinds else ()),
    )
    digest = hashlib.sha256("\x1f".join(map(str, settings)).encode()).hexdigest()[:8]
    parts = (
        f"{_slug(source.name)}-{replicate}",
        _slug(model.model.name),
        _slug(method.label),
        str(index),
    )
    return Task(
        key="_".join((*parts, digest)),
        position=position,
        source=source,
        replicate=replicate,
        model=model.model,
        label=method.label,
        estimator=method.estimator,
        starts=starts,
        start_index=index,
        root=design.seed,
        seed=seed,
        budget=design.budget,
        verify=design.verify,
        intervals=design.intervals,
        history=kept.points_of(source.name, replicate, method, index) if kept else 0,
    )


def _exactly(scheme: str | tuple[Theta, ...]) -> str:
    return scheme if isinstance(scheme, str) else json.dumps([theta.to_dict() for theta in scheme])


def _grouped(tasks: Iterable[Task], key: Callable[[Task], Hashable]) -> Iterable[list[Task]]:
    """The tasks by group, groups in the order of their first task."""
    groups: dict[Hashable, list[Task]] = {}
    for task in tasks:
        groups.setdefault(key(task), []).append(task)
    return groups.values()


def _slug(name: str) -> str:
    """What of a name can be part of a file's name anywhere."""
    return re.sub(r"[^A-Za-z0-9.+]+", "-", name).strip("-.")[:40]
