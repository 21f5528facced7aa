"""One block of starts on a slice: fitted, judged, and told what each of them reached.

Ends are judged from the highest on: the verdict on one is shared by those that are the same point (`_Place`),
all others are judged by themselves.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import threadpoolctl

from mixcompare.data import Dataset
from mixcompare.estimators.base import Estimator
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import OPTIMA, Claim, Verdict
from mixcompare.seeds import stream
from mixcompare.study.landscape import Slice
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface
from mixcompare.verify.verifier import Verifier

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
