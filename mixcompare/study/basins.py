"""Basins of attraction: which optimum each method reaches from every start on a two-parameter slice.

Starts are fitted and judged in blocks of `BLOCK` (basin_blocks.py), whoever works on them, so that one
process and several give the same map. Only then are optima of all blocks brought together, by
log-likelihood and fitted density as everywhere (optima.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.data import Dataset, as_dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.base import Estimator
from mixcompare.fit import as_budget
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.records import FINDINGS
from mixcompare.study.basin_blocks import NO_START, Block, Fitted, Reached, work
from mixcompare.study.landscape import Axis, Slice, make_slice
from mixcompare.study.named import named_estimators
from mixcompare.study.optima import SAME_LOGLIK, same_density
from mixcompare.study.workers import Progress, each
from mixcompare.theta import Theta

BLOCK = 4000
"""Starts that are fitted and judged together: memory never holds more fits than these."""


@dataclass(frozen=True)
class Basins:
    """The maps of some methods on one slice; every start of every method is in exactly one place.

    Parameters
    ----------
    data : str
    slice : Slice
    reached : tuple of Reached
        Optima from the best down, then findings that are none.
    maps : mapping
        Method -> (n, n) index into `reached`; rows along the second axis.
    loglik, passes : mapping
        Method -> (n, n): log-likelihood of the end, nats (nan if there is none), and passes.
    said : mapping
        Method -> (n, n): 1 where the solver claimed success, 0 where it denied it, -1 where it said neither.
    """

    data: str
    slice: Slice
    reached: tuple[Reached, ...]
    maps: Mapping[str, np.ndarray]
    loglik: Mapping[str, np.ndarray]
    passes: Mapping[str, np.ndarray]
    said: Mapping[str, np.ndarray]

    @property
    def methods(self) -> list[str]:
        """In the order in which they were asked for."""
        return list(self.maps)

    @property
    def best(self) -> int | None:
        """Index of the best optimum reached that is not narrow; None if there is none."""
        found = (i for i, what in enumerate(self.reached) if what.standing == "global")
        return next(found, None)

    def shares(self) -> pd.DataFrame:
        """One row a method and thing reached: starts, share of the area, mean passes, claimed successes."""
        rows = []
        for method, index in self.maps.items():
            for i, what in enumerate(self.reached):
                here = index == i
                rows.append(
                    {
                        "method": method,
                        "finding": what.finding,
                        "standing": what.standing,
                        "narrow": what.narrow,
                        "loglik": what.loglik,
                        "starts": int(here.sum()),
                        "share": float(here.mean()),
                        "mean_passes": float(self.passes[method][here].mean())
                        if here.any()
                        else 0.0,
                        "said_success": int((self.said[method][here] == 1).sum()),
                    }
                )
        return pd.DataFrame(rows)

    def disagreement(self) -> np.ndarray:
        """(n, n): how many different things the methods reach from each start; 1 where all agree."""
        stack = np.sort(np.stack(list(self.maps.values())), axis=0)
        return 1 + (np.diff(stack, axis=0) != 0).sum(axis=0)


def basins(
    model: MixtureModel,
    data: Any,
    methods: Sequence[str | Estimator] = ("em",),
    *,
    base: Theta,
    axes: Sequence[Axis],
    ranges: Sequence[tuple[float, float]],
    n: int = 100,
    seed: int = 0,
    counts: Any = None,
    budget: Budget | Mapping[str, float] | float | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    **options: Any,
) -> Basins:
    """Which optimum each method reaches from every start of a two-parameter slice.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    methods : sequence of str
        No samplers.
    base : Theta
        All other parameters of the starts.
    axes : two of (name, component from 0, further indices)
        For example ("means", 0), or ("means", 0, 1) of several features.
    ranges : two of (low, high)
    n : int
        Starts along each axis: n x n fits a method.
    seed : int
        Root of the random numbers of methods that use any.
    counts : array (n,), optional
        Multiplicities of the rows.
    budget : number of passes, {"passes": ..} or Budget, optional
        Of each fit; a limit in seconds would give another map on every machine, and is refused.
    workers : int
        Processes; the result does not depend on it.
    progress : callable, optional
        `progress(done, total, label)`, called as blocks of fits end.
    **options
        Given to every method that has them.

    Raises
    ------
    DataError, SpecError
        Wrong data, base, axes, method or option, before anything is fitted.
    """
    dataset = as_dataset(data, counts)
    cut = make_slice(model, dataset, base, axes, ranges, n)
    estimators = named_estimators(methods, options)
    for label, estimator in estimators.items():
        if estimator.chains:
            raise SpecError(f"methods: expected methods that go from point to point, got {label}")
    limits = as_budget(budget)
    if limits.seconds is not None:
        raise SpecError("budget: expected a number of passes, got a limit in seconds: give passes")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise SpecError(f"workers: expected a whole number of at least 1, got {workers!r}")
    blocks = [
        Block(model, dataset, label, estimator, cut, low, min(low + BLOCK, n * n), limits, seed)
        for label, estimator in estimators.items()
        for low in range(0, n * n, BLOCK)
    ]
    return work_through(blocks, workers, progress=progress)


def work_through(
    blocks: Sequence[Block],
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Basins:
    """The maps that blocks of one slice make together, whoever works on them."""
    total, done = sum(block.high - block.low for block in blocks), 0
    fitted: dict[int, Fitted] = {}
    with closing(each(work, blocks, workers, scheduler)) as running:
        for index, found in running:
            fitted[index] = found
            done += found.local.size
            if progress:
                progress(done, total, blocks[index].label)
    return _together(blocks[0].data, blocks[0].slice, blocks, [fitted[i] for i in sorted(fitted)])


# -- bringing blocks together ---------------------------------------------------------------------


def _together(
    data: Dataset, cut: Slice, blocks: Sequence[Block], fitted: Sequence[Fitted]
) -> Basins:
    """The maps, with optima that are the same in several blocks as one."""
    places = [(b, i) for b, found in enumerate(fitted) for i in range(len(found.reached))]
    used = [(b, i) for b, i in places if (fitted[b].local == i).any()]
    optima, index = _distinct(cut.model, data, fitted, used)
    failures = {fitted[b].reached[i].finding for b, i in used} - {what.finding for what in optima}
    names = [name for name in (*FINDINGS[::-1], NO_START) if name in failures]
    index |= {
        (b, i): len(optima) + names.index(fitted[b].reached[i].finding)
        for b, i in used
        if not fitted[b].reached[i].optimum
    }
    maps = []
    for b, found in enumerate(fitted):
        table = np.array([index.get((b, i), -1) for i in range(len(found.reached))], dtype=np.int16)
        maps.append(table[found.local])
    methods = [block.label for block in blocks]

    def joined(parts: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        return {
            label: np.concatenate(
                [part for part, own in zip(parts, methods, strict=True) if own == label]
            ).reshape(cut.n, cut.n)
            for label in dict.fromkeys(methods)
        }

    return Basins(
        data.name,
        cut,
        (*optima, *map(Reached, names)),
        joined(maps),
        joined([found.loglik for found in fitted]),
        joined([found.passes for found in fitted]),
        joined([found.said for found in fitted]),
    )


def _distinct(
    model: MixtureModel,
    data: Dataset,
    fitted: Sequence[Fitted],
    used: Sequence[tuple[int, int]],
) -> tuple[list[Reached], dict[tuple[int, int], int]]:
    """The optima of all blocks from the best down, and which of them each block's are."""
    mine = [(place, fitted[place[0]].reached[place[1]]) for place in used]
    mine = [pair for pair in mine if pair[1].optimum]
    found: list[tuple[Reached, np.ndarray]] = []
    index: dict[tuple[int, int], int] = {}
    for place, what in sorted(mine, key=lambda pair: (-pair[1].loglik, pair[0])):
        assert what.theta is not None
        density = model.log_density(data.x, what.theta)
        for i, (other, there) in enumerate(found):
            if other.loglik - what.loglik <= SAME_LOGLIK and same_density(there, density):
                index[place] = i
                break
        else:
            index[place] = len(found)
            found.append((what, density))
    best = next((i for i, (what, _) in enumerate(found) if not what.narrow), None)
    standing = ["global" if i == best else "local" for i in range(len(found))]
    return [replace(what, standing=s) for (what, _), s in zip(found, standing, strict=True)], index
