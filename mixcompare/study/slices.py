"""The slices of a study: run once, stored, and read with their surface and the paths that begin on them.

Blocks are small and the same whoever works on them, so that a slice does not depend on how many did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.store.results_store import Store
from mixcompare.store.slice_files import SliceFile
from mixcompare.study.basin_blocks import Block, Reached
from mixcompare.study.basins import Basins, work_through
from mixcompare.study.design import Design, PlannedSlice
from mixcompare.study.ends import parse, parse_theta
from mixcompare.study.landscape import Landscape, Path, Slice, evaluate
from mixcompare.study.workers import Progress
from mixcompare.theta import Theta

BLOCK = 100
"""Starts that are fitted and judged together, and sent to a worker at once."""

FINE = 81
"""Points of a surface along each axis at least: contours need more than maps of starts do."""

NEAR = 1e-9
"""Relative difference of parameters up to which a start lies on a slice."""


@dataclass(frozen=True, eq=False)
class StudySlice:
    """A slice of a study as read.

    Parameters
    ----------
    name, model : str
    data : Dataset
    cut : Slice
        With the grid of the starts.
    basins : Basins or None
        None if the study asked for no methods on it.
    paths : tuple of Path
        Of fits that start on it, in the study's order; none if not asked for.
    """

    name: str
    model: str
    data: Dataset
    cut: Slice
    basins: Basins | None
    paths: tuple[Path, ...]

    @cached_property
    def landscape(self) -> Landscape:
        """The log-likelihood all over it, on a grid of at least `FINE` points: one pass a point."""
        return evaluate(replace(self.cut, n=max(self.cut.n, FINE)), self.data)


# -- running --------------------------------------------------------------------------------------


def make_slices(
    store: Store,
    design: Design,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Make and store those slices of a design that are not there; others than the design's are removed."""
    there = store.keep_slices({one.name: one.digest for one in design.slices})
    for planned in design.slices:
        if planned.name not in there:
            found = _basins(planned, design, workers, scheduler, progress)
            store.write_slice(_facts(planned, found), _table(found) if found else None)


def _basins(
    planned: PlannedSlice,
    design: Design,
    workers: int,
    scheduler: str | None,
    progress: Progress | None,
) -> Basins | None:
    if not planned.methods:
        return None
    cut, size = planned.cut, planned.cut.n**2
    blocks = [
        Block(planned.model, planned.data.first, method.label, method.estimator, cut, low,
              min(low + BLOCK, size), design.budget, design.seed)
        for method in planned.methods
        for low in range(0, size, BLOCK)
    ]  # fmt: skip

    def say(done: int, total: int, label: str) -> None:
        if progress:
            progress(done, total, f"slice {planned.name}, {label}")

    return work_through(blocks, workers, scheduler, say)


def _facts(planned: PlannedSlice, basins: Basins | None) -> dict[str, Any]:
    """What the slice is, in numbers from 1 as in a study file, and what its starts reached."""
    cut = planned.cut
    return {
        "name": planned.name,
        "digest": planned.digest,
        "data": planned.data.source.name,
        "model": planned.model.name,
        "axes": [[name, *(i + 1 for i in place)] for name, *place in cut.axes],
        "ranges": cut.ranges,
        "n": cut.n,
        "base": cut.base.to_dict(),
        "paths": planned.paths,
        "methods": basins.methods if basins else [],
        "reached": [_plain(what) for what in basins.reached] if basins else [],
    }


def _plain(what: Reached) -> dict[str, Any]:
    theta = what.theta.to_dict() if what.theta is not None else None
    return {**vars(what), "theta": theta}


def _table(basins: Basins) -> pa.Table:
    """One row a method and start, the first axis running fastest."""
    n, methods = basins.slice.n, basins.methods
    first, second = np.meshgrid(*basins.slice.grids)

    def column(values: Mapping[str, np.ndarray], kind: str) -> np.ndarray:
        return np.concatenate([values[method].ravel() for method in methods]).astype(kind)

    reached = column(basins.maps, "int16")
    return pa.table(
        {
            "method": np.repeat(methods, n * n),
            "start": np.tile(np.arange(n * n), len(methods)),
            "first": np.tile(first.ravel(), len(methods)),
            "second": np.tile(second.ravel(), len(methods)),
            "reached": reached,
            "finding": np.array([what.finding for what in basins.reached])[reached],
            "loglik": column(basins.loglik, "float64"),
            "passes": column(basins.passes, "float64"),
            "said": column(basins.said, "int8"),
        }
    )


# -- reading --------------------------------------------------------------------------------------


def read_slices(results: Any, stored: Mapping[str, SliceFile]) -> dict[str, StudySlice]:
    """The stored slices of a `Results` by name, in the study's order."""
    order = [block["name"] for block in results.study.get("slice", [])]
    found = {}
    for name in sorted(stored, key=lambda name: order.index(name) if name in order else len(order)):
        facts, table = stored[name]
        data = results.dataset(facts["data"], 0)
        model = results.model_on(facts["model"], data)
        if data is not None and model is not None:
            found[name] = _read(results, facts, table, model, data)
    return found


def _read(
    results: Any,
    facts: dict[str, Any],
    table: pd.DataFrame | None,
    model: MixtureModel,
    data: Dataset,
) -> StudySlice:
    axes = [(name, *(i - 1 for i in place)) for name, *place in facts["axes"]]
    ranges = [(float(low), float(high)) for low, high in facts["ranges"]]
    base = model.conform(Theta.from_dict(facts["base"]), data.n_features)
    cut = Slice(model, base, (axes[0], axes[1]), (ranges[0], ranges[1]), facts["n"], data.columns)
    basins = _read_basins(facts, table, cut, data) if table is not None else None
    paths = _paths(results, facts, cut, data) if facts["paths"] else ()
    return StudySlice(facts["name"], facts["model"], data, cut, basins, tuple(paths))


def _read_basins(
    facts: Mapping[str, Any], table: pd.DataFrame, cut: Slice, data: Dataset
) -> Basins:
    def grids(name: str) -> dict[str, np.ndarray]:
        return {
            method: table.loc[table["method"] == method, name].to_numpy().reshape(cut.n, cut.n)
            for method in facts["methods"]
        }

    reached = tuple(_reached(one) for one in facts["reached"])
    return Basins(data.name, cut, reached, *map(grids, ("reached", "loglik", "passes", "said")))


def _reached(stored: Mapping[str, Any]) -> Reached:
    theta = None if stored["theta"] is None else Theta.from_dict(stored["theta"])
    loglik = np.nan if stored["loglik"] is None else float(stored["loglik"])
    return Reached(**{**stored, "theta": theta, "loglik": loglik})


def _paths(results: Any, facts: Mapping[str, Any], cut: Slice, data: Dataset) -> Sequence[Path]:
    """The kept histories of fits that start on the slice, each in the component order of its own start."""
    rows, kept = results.rows, set(results.histories["key"])
    rows = rows[(rows["data"] == facts["data"]) & (rows["model"] == facts["model"])]
    rows = rows[(rows["replicate"] == 0) & rows["key"].isin(kept)]
    found = []
    for _, row in rows.iterrows():
        start = parse_theta(row["start"])
        if start is None or not _is_on(cut, cut.model.conform(start, data.n_features)):
            continue
        history = results.history(row["key"])
        own = np.argsort(parse(row["permutation"]) or range(start.n_components))
        points = [cut.project(theta.take(own)) for theta in history.theta]
        path = np.array(points).reshape(-1, 2)
        found.append(Path(row["method"], path, history.loglik, row["finding"]))
    return found


def _is_on(cut: Slice, theta: Theta) -> bool:
    """Whether a point differs from the slice's base in its two parameters only."""
    there = cut.at(*cut.project(theta))
    return all(
        np.allclose(value, there[name], rtol=NEAR, atol=0.0) for name, value in theta.items()
    )
