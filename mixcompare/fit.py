"""The one driver of a fit: meter, guard, time, verify. Every fit ends here in exactly one record."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare.data import Dataset, as_dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.base import Estimator, make_estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Budget, Problem
from mixcompare.records import Claim, Cost, FitRecord, Solver, Trajectory, Verdict
from mixcompare.seeds import stream
from mixcompare.starts.base import Start, make_start
from mixcompare.theta import Theta
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
    dataset = as_dataset(data, counts)
    model = model.on(dataset)
    estimator = make_estimator(method, **options)
    starts = [
        make_start(start, model, dataset, seed, index) for index in range(max(estimator.chains, 1))
    ]
    task = {
        "data": dataset.name,
        "digest": dataset.digest,
        "model": model.name,
        "method": str(method if isinstance(method, str) else estimator.name),
        "start_scheme": starts[0].scheme,
        "start_index": 0,
        "seed": seed,
    }
    return run_fit(
        model,
        dataset,
        estimator,
        starts,
        stream(seed, "fit", 0),
        budget=as_budget(budget),
        verifier=Verifier(model, dataset, seed=seed) if verify else None,
        task=task,
        keep_points=keep_points,
    )


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
    the like pass through. Warnings raised during the fit become notes.
    """
    method = str(task.get("method", estimator.name))
    notes = [note for start in starts[:1] for note in start.notes]
    error = ""
    problem = Problem(model, data, budget, keep_points=keep_points)
    model = problem.model
    began = time.perf_counter()
    reason = estimator.supports(model, data.n_features)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if reason:
            claim = Claim(None, Solver(None, "unsupported", reason), unsupported=reason)
        else:
            try:
                claim = estimator.run(problem, [start.theta for start in starts], rng)
            except Exception as exception:  # noqa: BLE001 - a fit that raises is a row, not a crash
                error = f"{type(exception).__name__}: {exception}"
                claim = Claim(None, Solver(False, "error", error))
    seconds = time.perf_counter() - began - claim.compile_seconds
    notes += claim.notes
    notes += sorted({f"{type(w.message).__name__}: {w.message}" for w in caught if _ours(w)})
    verdict, theta, permutation, posterior = _judge(model, claim, error, verifier)
    loglik = verdict.loglik if verdict else _loglik(model, data, theta)
    metered = claim.passes is None
    cost = Cost(
        passes=float(problem.passes if claim.passes is None else claim.passes),
        seconds=seconds,
        compile_seconds=claim.compile_seconds,
        basis="metered" if metered else "reported",
        non_finite=problem.non_finite,
    )
    return FitRecord(
        key=key,
        method=method,
        task=task,
        theta=theta,
        loglik=loglik,
        trajectory=problem.trajectory if metered else Trajectory(np.empty(0), np.empty(0)),
        cost=cost,
        solver=claim.solver,
        verdict=verdict,
        start=starts[0].theta,
        permutation=permutation,
        notes=tuple(dict.fromkeys(notes)),
        error=error,
        posterior=posterior,
    )


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
    return float(data.weights @ model.log_density(data.x, theta))


def _ours(warning: warnings.WarningMessage) -> bool:
    """Deprecations in libraries are not a property of the fit."""
    return not issubclass(
        warning.category, (DeprecationWarning, FutureWarning, PendingDeprecationWarning)
    )
