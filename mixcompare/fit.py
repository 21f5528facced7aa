"""The one driver of fits: meter, guard, time, verify. Every fit ends here in exactly one record."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mixcompare.data import Dataset, as_dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.base import Estimator, make_estimator
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel, require_model
from mixcompare.problem import Problem
from mixcompare.records import Claim, Cost, FitRecord, Solver, Trajectory, Verdict
from mixcompare.seeds import stream
from mixcompare.starts.base import Start, make_start
from mixcompare.theta import Theta
from mixcompare.verify.draws import at_the_edge
from mixcompare.verify.verifier import Verifier


def fit(
    model: MixtureModel,
    data: Any,
    method: str | Estimator = "em",
    start: str | Theta = "kmeans",
    seed: int = 0,
    *,
    counts: Any = None,
    budget: Budget | Mapping[str, float] | float | None = None,
    verify: bool = True,
    keep_points: bool = False,
    **options: Any,
) -> FitRecord:
    """Fit one model to one data set by one method from one start.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    method : str
        A registered method, with modifiers in brackets: "em", "bfgs[naive]", "nuts".
    start : str or Theta
        A start scheme or a point. A sampler's chains take the first starts of the scheme.
    seed : int
        Root of all random numbers.
    counts : array (n,), optional
        Multiplicities of the rows.
    budget : number of passes, {"passes": .., "seconds": ..} or Budget, optional
    verify : bool
        False skips all verification; the record's verdict is then None.
    keep_points : bool
        Keep the point of every evaluation on the trajectory, as a Theta.
    **options
        The method's own: `max_iter`, `tol`, ... (SpecError with the nearest name if unknown.)

    Returns
    -------
    FitRecord
        Also for a fit that raised: see its `error` and `verdict`. Wrong input raises DataError or
        SpecError before anything is fitted.
    """
    require_model(model)
    dataset = as_dataset(data, counts)
    model = model.on(dataset)
    estimator = make_estimator(method, **options)
    starts = [
        make_start(start, model, dataset, seed, index) for index in range(max(estimator.chains, 1))
    ]
    return run_fit(
        model,
        dataset,
        estimator,
        starts,
        stream(seed, "fit", 0),
        budget=as_budget(budget),
        verifier=Verifier(model, dataset, seed=seed) if verify else None,
        task=_task(model, dataset, method, starts[0], seed),
        keep_points=keep_points,
    )


def fit_many(
    model: MixtureModel,
    data: Any,
    method: str | Estimator = "em",
    n_starts: int = 20,
    starts: str | Sequence[Theta] = "mixed",
    seed: int = 0,
    *,
    counts: Any = None,
    budget: Budget | Mapping[str, float] | float | None = None,
    verify: bool = True,
    **options: Any,
) -> list[FitRecord]:
    """Fit one model to one data set by one method from many starts, sharing what they can share.

    EM and SQUAREM run all starts of an exponential family in one compiled call. Every start has a record
    of its own, the same as `fit` gives: its end, trajectory, passes and verdict. The seconds of a shared
    call are divided by passes.

    Parameters
    ----------
    model, data, method, counts, budget, verify, **options
        As in `fit`; the budget is that of each start.
    n_starts : int
        Starts of the scheme; does not matter where points are given.
    starts : str or sequence of Theta
        A start scheme, or the points themselves.
    seed : int
        Root of all random numbers: start i is start i of `compare` with the same seed.

    Returns
    -------
    list of FitRecord
        In the order of the starts. Wrong input raises DataError or SpecError before anything is fitted;
        so does a sampler, which takes all its starts by itself (SpecError).
    """
    require_model(model)
    dataset = as_dataset(data, counts)
    model = model.on(dataset)
    estimator = make_estimator(method, **options)
    if estimator.chains:
        raise SpecError(f"{estimator.name}: a sampler takes its starts by itself: use fit")
    if isinstance(n_starts, bool) or not isinstance(n_starts, int) or n_starts < 1:
        raise SpecError(f"n_starts: expected a whole number of at least 1, got {n_starts!r}")
    points: Sequence[str | Theta] = [starts] * n_starts if isinstance(starts, str) else starts
    if not points:
        raise SpecError("starts: expected a start scheme or at least one point, got none")
    drawn = [make_start(point, model, dataset, seed, i) for i, point in enumerate(points)]
    first = Problem(model, dataset, as_budget(budget))
    problems = [first.again(first.budget) for _ in drawn]
    run = _attempt(
        estimator,
        problems,
        lambda: estimator.fit_many(
            problems,
            [start.theta for start in drawn],
            [stream(seed, "fit", start.index) for start in drawn],
        ),
    )
    verifier = Verifier(model, dataset, seed=seed) if verify else None
    return [
        _record(
            problem, ended, start, dataset, verifier, _task(model, dataset, method, start, seed)
        )
        for problem, ended, start in zip(problems, run, drawn, strict=True)
    ]


def run_fit(
    model: MixtureModel,
    data: Dataset,
    estimator: Estimator,
    starts: Sequence[Start],
    rng: np.random.Generator,
    *,
    budget: Budget,
    verifier: Verifier | None,
    task: Mapping[str, Any],
    key: str = "",
    keep_points: bool = False,
) -> FitRecord:
    """One planned fit, whatever becomes of it, as one record.

    An exception of the estimator is a result and goes into the record (`error`); KeyboardInterrupt and
    the like pass through. Warnings raised during the fit become notes. Draws that have just not mixed are
    taken once more, twice as many, unless there is a budget; the record is of these, its cost that of both.
    """
    problem = Problem(model, data, budget, keep_points=keep_points)
    # longer chains begin as the shorter ones did
    same = copy.deepcopy(rng) if estimator.chains else rng

    def attempt(method: Estimator, rng: np.random.Generator) -> _Ended:
        def fits() -> list[Claim | Exception]:
            try:
                return [method.run(problem, [start.theta for start in starts], rng)]
            except Exception as error:  # noqa: BLE001 - a fit that raises is a row, not a crash
                return [error]

        return _attempt(method, [problem], fits)[0]

    ended = attempt(estimator, rng)
    record = _record(problem, ended, starts[0], data, verifier, task, key)
    longer = estimator.longer()
    if (
        longer is None
        or budget != Budget()
        or not record.verdict
        or not at_the_edge(record.verdict)
    ):
        return record
    again = attempt(longer, same).after(
        ended, f"drawn again, twice as many: {record.verdict.message}"
    )
    return _record(problem, again, starts[0], data, verifier, task, key)


@dataclass(frozen=True)
class _Ended:
    """What became of one fit: what it claims or raised, seconds of fitting, warnings as notes, target."""

    claim: Claim
    error: str
    seconds: float
    notes: tuple[str, ...]
    target: str

    def after(self, first: _Ended, note: str) -> _Ended:
        """The same with the cost of an attempt before it, and a note that says why there were two."""
        claim = replace(
            self.claim,
            passes=(self.claim.passes or 0.0) + (first.claim.passes or 0.0),
            compile_seconds=self.claim.compile_seconds + first.claim.compile_seconds,
        )
        return replace(
            self, claim=claim, seconds=self.seconds + first.seconds, notes=(*self.notes, note)
        )


def _attempt(
    estimator: Estimator,
    problems: Sequence[Problem],
    fits: Callable[[], list[Claim | Exception]],
) -> list[_Ended]:
    """Make the fits of some problems, of the same model and data, if the method supports them."""
    reason = estimator.supports(problems[0].model, problems[0].n_features)
    found: list[Claim | Exception]
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if reason:
            claim = Claim(None, Solver(None, "unsupported", reason), unsupported=reason)
            found = [claim] * len(problems)
        else:
            found = fits()
    seconds = time.perf_counter() - began
    notes = tuple(sorted({f"{type(w.message).__name__}: {w.message}" for w in caught if _ours(w)}))
    spent = np.array([max(problem.passes, 1) for problem in problems])
    ended = []
    for what, share in zip(found, spent / spent.sum(), strict=True):
        error = f"{type(what).__name__}: {what}" if isinstance(what, Exception) else ""
        claim = Claim(None, Solver(False, "error", error)) if isinstance(what, Exception) else what
        claim = replace(claim, unsupported=reason)  # for `supports` alone to say
        took = seconds * share - claim.compile_seconds
        ended.append(_Ended(claim, error, took, notes, estimator.target))
    return ended


def _record(
    problem: Problem,
    ended: _Ended,
    start: Start,
    data: Dataset,
    verifier: Verifier | None,
    task: Mapping[str, Any],
    key: str = "",
) -> FitRecord:
    """The record of a fit that has ended."""
    claim, model = ended.claim, problem.model
    verdict, theta, permutation, posterior = _judge(model, claim, ended.error, verifier)
    metered = claim.passes is None
    cost = Cost(
        passes=float(problem.passes if claim.passes is None else claim.passes),
        seconds=ended.seconds,
        compile_seconds=claim.compile_seconds,
        basis="metered" if metered else "reported",
        non_finite=problem.non_finite,
    )
    return FitRecord(
        key=key,
        method=str(task["method"]),
        task=task,
        theta=theta,
        loglik=verdict.loglik if verdict else _loglik(model, data, theta),
        trajectory=problem.trajectory if metered else Trajectory(np.empty(0), np.empty(0)),
        cost=cost,
        solver=claim.solver,
        verdict=verdict,
        start=start.theta,
        permutation=permutation,
        notes=tuple(dict.fromkeys([*start.notes, *claim.notes, *ended.notes])),
        error=ended.error,
        posterior=posterior,
        target=ended.target,
    )


def _task(
    model: MixtureModel, data: Dataset, method: str | Estimator, start: Start, seed: int
) -> dict[str, Any]:
    """What identifies a fit that no study has planned."""
    return {
        "data": data.name,
        "digest": data.digest,
        "model": model.name,
        "method": method if isinstance(method, str) else method.name,
        "start_scheme": start.scheme,
        "start_index": start.index,
        "seed": seed,
    }


def as_budget(budget: Budget | Mapping[str, float] | float | None) -> Budget:
    """A Budget from what users write; a bare number is passes. SpecError for anything else."""
    if budget is None or isinstance(budget, Budget):
        return budget or Budget()
    if isinstance(budget, Mapping):
        for name in budget:
            if name not in ("passes", "seconds"):
                raise SpecError(
                    f'budget: expected "passes" or "seconds", got "{name}".'
                    f"{nearest(name, ('passes', 'seconds'))}"
                )
        values = dict(budget)
    else:
        values = {"passes": budget}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise SpecError(f"budget, {name}: expected a positive number, got {value!r}")
    return Budget(**values)


def _judge(
    model: MixtureModel, claim: Claim, error: str, verifier: Verifier | None
) -> tuple[Verdict | None, Theta | None, tuple[int, ...], Any]:
    """The verdict on a claim, and its end in canonical order."""
    theta = claim.theta
    permutation: tuple[int, ...] = ()
    if theta is not None and not np.isnan(model.family.order_key(theta.parameters)).any():
        theta, permutation = model.canonical(theta)
    if verifier is None:
        return None, theta, permutation, claim.posterior
    if claim.unsupported:
        verdict = Verdict("unsupported", ("unsupported",), message=claim.unsupported)
    elif error:
        verdict = Verdict("error", ("error",), message=error)
    elif claim.posterior is not None:
        verdict = verifier.draws(claim.posterior, theta)
    else:
        verdict = verifier.point(theta)
    return verdict, theta, permutation, claim.posterior


def _loglik(model: MixtureModel, data: Dataset, theta: Theta | None) -> float:
    """Log-likelihood of an end that nobody verifies; nan where there is none."""
    if theta is None or model.outside(theta):
        return float("nan")
    return model.log_likelihood(data, theta)


def _ours(warning: warnings.WarningMessage) -> bool:
    """Deprecations in libraries are not a property of the fit."""
    return not issubclass(
        warning.category, (DeprecationWarning, FutureWarning, PendingDeprecationWarning)
    )
