"""Running a study: what is planned and not yet stored, appended as it ends, by one writer."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from mixcompare import registry
from mixcompare.errors import SpecError
from mixcompare.store.results_store import Pieces, Store
from mixcompare.study.design import Design
from mixcompare.study.execute import Outcome
from mixcompare.study.plan import Chunk, Task, plan_design
from mixcompare.study.replay import Replay
from mixcompare.study.resolve import make_design
from mixcompare.study.results import Results
from mixcompare.study.slices import make_slices
from mixcompare.study.spec import Study, load_study, parse_study
from mixcompare.study.versions import versions
from mixcompare.study.workers import Progress

FLUSH_SECONDS = 1.0
"""Ended fits wait in memory at most so long, so that a kill loses no more and files do not multiply."""


def run_study(
    study: str | Path | Study,
    out: str | Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    quick: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Results:
    """Run a study, or what is left of it, and read its results.

    Parameters
    ----------
    study : path or Study
        A study file.
    out : path, optional
        Folder of the results; runs/NAME for NAME.toml if not given. What is there already is not done
        again.
    workers : int
        Processes to use; 1 is this one.
    scheduler : str, optional
        Address of a dask scheduler to use instead.
    quick : bool
        The study's quick size.
    fresh : bool
        Remove the folder's earlier results first.
    progress : callable, optional
        `progress(done, total, label)`, called as fits end; afterwards for each slice that has methods,
        with its own total.

    Returns
    -------
    Results
        One row a planned fit, in the study's order, whoever executed it.

    Raises
    ------
    SpecError
        The study, `workers` or `scheduler` is wrong; nothing has been fitted.
    StoreError
        The folder belongs to another study, is none of results, or another run is writing to it: it is
        left as it is. Or it can no longer be written to; what was stored is kept.
    KeyboardInterrupt
        After all fits that had ended were stored.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise SpecError(f"workers: expected a whole number of at least 1, got {workers!r}")
    study = study if isinstance(study, Study) else load_study(study)
    design = make_design(study, quick)
    chunks = plan_design(design)
    total = sum(len(chunk.tasks) for chunk in chunks)
    store = Store(Path("runs") / study.path.stem if out is None else out)
    with store.alone():
        store.create(study.text, _facts(study, design, quick, total), fresh)
        store.write_modules(study.modules)
        store.write_data({(data.source.name, 0): data.first for data in design.data})
        done = store.keys()
        left = [chunk for chunk in (chunk.without(done) for chunk in chunks) if chunk.tasks]
        if progress and done:
            progress(len(done), total, "already stored")
        if left:
            _execute(store, left, workers, scheduler, len(done), total, progress)
        store.compact()
        make_slices(store, design, workers, scheduler, progress)
    return load_results(store.path)


def load_results(path: str | Path) -> Results:
    """The results in a folder, finished or not; StoreError if it is none of results."""
    pieces = Store(path).read()
    registry.search(Path(path) / "modules")
    return Results(*pieces, plan=partial(_tasks, Path(path), pieces))


def replay(path: str | Path, key: str) -> Replay:
    """One fit of a results folder again, from its row: see `Results.replay`."""
    return load_results(path).replay(key)


def _tasks(path: Path, pieces: Pieces) -> list[Task]:
    """The plan of the study kept in a results folder, with the data kept there in place of files."""
    file = path / "study.toml"
    study = parse_study(file.read_text(encoding="utf-8"), file)
    kept = {name: data for (name, _), data in pieces.data.items()}
    design = make_design(study, pieces.quick, kept)
    return [task for chunk in plan_design(design) for task in chunk.tasks]


def _execute(
    store: Store,
    chunks: Sequence[Chunk],
    workers: int,
    scheduler: str | None,
    done: int,
    total: int,
    progress: Progress | None,
) -> None:
    """Execute the chunks and append what ends; on any way out, what had ended is stored."""
    if scheduler is not None:
        running = registry.load("executors", "dask")(chunks, scheduler)
    else:
        running = registry.load("executors", "processes" if workers > 1 else "serial")(
            chunks, workers
        )
    ended: list[Outcome] = []
    stored = time.monotonic()
    with closing(running):
        try:
            for index, outcomes in running:
                ended += outcomes
                done += len(outcomes)
                if time.monotonic() - stored >= FLUSH_SECONDS:
                    _append(store, ended)
                    ended, stored = [], time.monotonic()
                if progress:
                    progress(done, total, chunks[index].label)
        finally:
            _append(store, ended)


def _append(store: Store, ended: Sequence[Outcome]) -> None:
    store.append(
        [outcome.row for outcome in ended],
        {outcome.row["key"]: outcome.trajectory for outcome in ended},
        {outcome.row["key"]: outcome.draws for outcome in ended if outcome.draws is not None},
        {outcome.row["key"]: outcome.history for outcome in ended},
    )


def _facts(study: Study, design: Design, quick: bool, total: int) -> dict[str, Any]:
    """What run.json says beside the study's own text; no clock, so that equal runs are equal."""
    return {
        "title": study.title,
        "digest": study.digest(design.digests, quick),
        "quick": quick,
        "planned": total,
        "versions": versions(),
        "machine": platform.machine(),
        "system": platform.system(),
    }
