"""Basins of attraction: which optimum each method reaches from every start on a two-parameter slice.

Starts are fitted in blocks of `BLOCK`, whoever works on them, so that one process and several give the same
map. Within a block ends are judged from the highest on: the verdict on one is shared by those that are the
same point (`_Place`), all others are judged by themselves. Only then are optima of all blocks brought
together, by log-likelihood and fitted density as everywhere (optima.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import threadpoolctl

from mixcompare.data import Dataset, as_dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.base import Estimator
from mixcompare.fit import as_budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Budget, Problem
from mixcompare.records import FINDINGS, OPTIMA, Claim, Verdict
from mixcompare.seeds import stream
from mixcompare.study.compare import named_estimators
from mixcompare.study.executors import in_processes
from mixcompare.study.landscape import Axis, Slice, make_slice
from mixcompare.study.optima import SAME_LOGLIK, same_density
from mixcompare.study.run import Progress
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface
from mixcompare.verify.verifier import Verifier

BLOCK = 4000
"""Starts that are fitted and judged together: memory never holds more fits than these."""

SHARED = 0.5
"""Share of the policy's limit of stationarity within which an end may share the verdict on another."""

EQUAL = 1e-6
"""Difference of weights, and of parameters in sds of the data, up to which two ends are the same point."""

NO_START = "no_start"
"""What is reached where the grid leaves the parameter space."""


@dataclass(frozen=True)
class Reached:
    """What a start can lead to: a distinct optimum, or a finding that is none.

    Parameters
    ----------
    finding : str
        The verifier's, or "no_start".
    optimum : bool
    standing : str
        "global" for the best known that is not narrow, "local" for other optima, else "".
    narrow : bool
    loglik : float
        Of an optimum after polish, nats; else nan.
    theta : Theta or None
        There, components in canonical order.
    """

    finding: str
    optimum: bool = False
    standing: str = ""
    narrow: bool = False
    loglik: float = np.nan
    theta: Theta | None = None


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
    fitted: dict[int, Fitted] = {}
    done = 0
    for index, found in _run(blocks, workers):
        fitted[index] = found
        done += found.local.size
        if progress:
            progress(done, n * n * len(estimators), blocks[index].label)
    return _together(dataset, cut, blocks, [fitted[i] for i in range(len(blocks))])


@dataclass(frozen=True)
class Block:
    """Some starts of one method, `low` to `high` of the slice: what a process is sent."""

    model: MixtureModel
    data: Dataset
    label: str
    estimator: Estimator
    slice: Slice
    low: int
    high: int
    budget: Budget
    seed: int


@dataclass(frozen=True)
class Fitted:
    """What is kept of a block: what was reached, and for every start which of them, and its numbers."""

    reached: list[Reached]
    local: np.ndarray
    loglik: np.ndarray
    passes: np.ndarray
    said: np.ndarray


def work(block: Block) -> Fitted:
    """Fit and judge one block; numerical libraries keep to one thread."""
    with threadpoolctl.threadpool_limits(limits=1):
        return _work(block)


def _work(block: Block) -> Fitted:
    model, data, size = block.slice.model, block.data, block.high - block.low
    starts = [block.slice.point(index) for index in range(block.low, block.high)]
    usable = np.array([not model.outside(theta) for theta in starts])
    places = np.zeros(size, dtype=np.int64)
    loglik, passes, said = np.full(size, np.nan), np.zeros(size), np.full(size, -1, np.int8)
    if block.estimator.supports(model, data.n_features):
        names = [Reached("unsupported"), Reached(NO_START)]
        return Fitted(names, 1 - usable, loglik, passes, said)
    at = np.flatnonzero(usable)
    ends = _fits(block, [starts[i] for i in at], at + block.low)
    found: list[Reached] = [Reached(NO_START)]
    known: dict[int, int] = {}
    verdicts = judge(Verifier(block.model, data, seed=block.seed), ends)
    for i, end, verdict in zip(at, ends, verdicts, strict=True):
        if id(verdict) not in known:
            known[id(verdict)] = len(found)
            found.append(_reached(verdict))
        places[i] = known[id(verdict)]
        loglik[i], passes[i], said[i] = end.loglik, end.passes, end.said
    return Fitted(found, places, loglik, passes, said)


@dataclass(frozen=True)
class End:
    """Where one fit ended: a point in canonical order or None, and what else is kept."""

    theta: Theta | None
    loglik: float
    error: str
    passes: float
    said: int


def _fits(block: Block, starts: Sequence[Theta], indices: np.ndarray) -> list[End]:
    """The ends of fits from some starts; no trajectories, so that memory stays small."""
    first = Problem(block.slice.model, block.data)
    problems = [first.again(block.budget) for _ in starts]
    rngs = [stream(block.seed, "basins", block.label, int(index)) for index in indices]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what became of a fit is found by looking at its end
        claims = block.estimator.fit_many(problems, starts, rngs) if starts else []
    return [
        _end(first, claim, problem.passes) for claim, problem in zip(claims, problems, strict=True)
    ]


def _end(door: Problem, claim: Claim | Exception, passes: float) -> End:
    """`door` evaluates the end, whatever the claim says of it."""
    if isinstance(claim, Exception):
        return End(None, np.nan, f"{type(claim).__name__}: {claim}", passes, 0)
    said = -1 if claim.solver.success is None else int(claim.solver.success)
    theta = claim.theta
    if theta is None or np.isnan(door.model.family.order_key(theta.parameters)).any():
        return End(theta, np.nan, "", passes, said)
    theta, _ = door.model.canonical(theta)
    return End(theta, door.log_likelihood(theta), "", passes, said)


def judge(verifier: Verifier, ends: Sequence[End]) -> list[Verdict]:
    """The verdict on every end, in their order; the same object where it is shared.

    Ends are taken from the highest log-likelihood down. A stationary end shares its verdict with all that
    are the same point; whatever else it is, an end is judged by itself.
    """
    verdicts: dict[int, Verdict] = {}
    left = sorted(range(len(ends)), key=lambda i: -np.nan_to_num(ends[i].loglik, nan=-np.inf))
    while left:
        leader, *others = left
        verdict = _verdict(verifier, ends[leader])
        verdicts[leader] = verdict
        left = others
        if verdict.finding in (*OPTIMA, "saddle"):
            place = _Place(verifier, verdict, ends[leader])
            same = {i for i in others if place.holds(ends[i])}
            verdicts.update(dict.fromkeys(same, verdict))
            left = [i for i in others if i not in same]
    return [verdicts[i] for i in range(len(ends))]


def _verdict(verifier: Verifier, end: End) -> Verdict:
    if end.error:
        return Verdict("error", ("error",), message=end.error)
    return verifier.point(end.theta)


class _Place:
    """A judged stationary point, and whether other ends are the same.

    At a strict maximum: they lie below it, after polish, by no more than the limit, and so does the
    quadratic that touches it there at their distance, which is their Newton decrement. Elsewhere their
    parameters must be the same: an empty component and two equal ones give one density, and two findings.
    """

    def __init__(self, verifier: Verifier, verdict: Verdict, end: End) -> None:
        self.model = verifier.model
        self.limit = SHARED * verifier.policy.stationary
        self.surface: Surface | None = None
        assert end.theta is not None
        if verdict.finding == "maximum" and (verdict.curvature > 0).all():
            assert verdict.polished is not None
            self.loglik = verdict.polished_loglik
            self.surface = Surface(verifier.model, verifier.data, verdict.polished)
            self.local = self.surface.quadratic(np.zeros(self.surface.free.size))
        else:
            self.loglik = end.loglik
            self.frame = self.model.family.frame(verifier.data)
            self.point = self._framed(end.theta)

    def holds(self, end: End) -> bool:
        """Whether the end is this point."""
        if end.theta is None or not abs(self.loglik - end.loglik) <= self.limit:
            return False
        if self.surface is None:
            return bool((np.abs(self._framed(end.theta) - self.point) <= EQUAL).all())
        with np.errstate(invalid="ignore"):
            along = self.local.basis.T @ self.surface.delta(end.theta)
            return bool(self.local.curvature @ along**2 / 2 <= self.limit)

    def _framed(self, theta: Theta) -> np.ndarray:
        """Weights, and parameters in units of the data's spread, in a row."""
        parameters = self.model.family.to_frame(theta.parameters, self.frame)
        return np.concatenate([theta.weights, *(value.ravel() for value in parameters.values())])


def _reached(verdict: Verdict) -> Reached:
    if verdict.finding not in OPTIMA:
        return Reached(verdict.finding)
    return Reached(
        verdict.finding,
        optimum=True,
        narrow=verdict.narrow,
        loglik=verdict.polished_loglik,
        theta=verdict.polished,
    )


# -- bringing blocks together ---------------------------------------------------------------------


def _run(blocks: Sequence[Block], workers: int) -> Iterable[tuple[int, Fitted]]:
    if workers > 1:
        return in_processes(work, blocks, workers)
    return ((index, work(block)) for index, block in enumerate(blocks))


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
    maps: dict[str, list[np.ndarray]] = {}
    for b, (block, found) in enumerate(zip(blocks, fitted, strict=True)):
        table = np.array([index.get((b, i), -1) for i in range(len(found.reached))], dtype=np.int16)
        maps.setdefault(block.label, []).append(table[found.local])
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
        {label: np.concatenate(parts).reshape(cut.n, cut.n) for label, parts in maps.items()},
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
