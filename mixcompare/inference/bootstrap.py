"""Bootstrap of an estimate: fits to resampled data, labels aligned, failures kept in the count.

Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 6 and 13; for mixtures McLachlan and
Peel (2000), Finite Mixture Models, chapter 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import ContractError, DataError
from mixcompare.estimators.base import make_estimator
from mixcompare.inference.base import End, flat, shaped
from mixcompare.metrics.base import match_components
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.seeds import stream
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Bootstrap:
    """What the replicates gave.

    Parameters
    ----------
    thetas : tuple of Theta or None
        Each replicate's estimate, components numbered as in the original; None where it failed.
    statuses : tuple of str
        What each replicate's EM said: "converged", or why there is no estimate.
    report : mapping
        Estimates on the reporting scale, name -> (replicates, K, ...); nan where a replicate failed.
    errors : mapping
        Standard deviations (divisor replicates - 1) over those that did not fail, name -> (K, ...).
    """

    thetas: tuple[Theta | None, ...] = ()
    statuses: tuple[str, ...] = ()
    report: Mapping[str, np.ndarray] = field(default_factory=dict)
    errors: Mapping[str, np.ndarray] = field(default_factory=dict)

    def column(self, name: str, index: tuple[int, ...]) -> np.ndarray:
        """One scalar's estimates (replicates,)."""
        table = self.report[name]
        return table.reshape(len(table), -1)[:, np.ravel_multi_index(index, table.shape[1:])]

    @property
    def n_failed(self) -> int:
        """Replicates without an estimate."""
        return sum(theta is None for theta in self.thetas)

    @property
    def failures(self) -> dict[str, int]:
        """How often each kind of failure occurred."""
        pairs = zip(self.thetas, self.statuses, strict=True)
        return dict(Counter(status for theta, status in pairs if theta is None))


def bootstrap(end: End, replicates: int, parametric: bool, seed: int) -> tuple[Bootstrap, float]:
    """Fits to resampled data by EM from the original estimate, and the passes they took.

    Starting at the estimate keeps a replicate at the optimum that answers to it; its components are then
    numbered like the original's by the cheapest assignment (Kuhn 1955; see `match_components`). Replicate
    b depends on (seed, kind, b) alone. A failure (a collapse, an empty component, no convergence, fewer
    distinct rows than components) is a replicate without an estimate, never drawn again.
    """
    model, data, theta = end.model, end.data, end.theta
    kind = "parametric" if parametric else "rows"
    thetas: list[Theta | None] = []
    statuses = []
    passes = 0.0
    for b in range(replicates):
        rng = stream(seed, "bootstrap", kind, b)
        sample = _drawn(model, theta, data, rng) if parametric else _resampled(data, rng)
        estimate, status, spent = _refit(model, sample, theta, rng)
        thetas.append(estimate)
        statuses.append(status)
        passes += spent
    scales = model.report_scale(theta)
    blank = np.full(flat(scales).size, np.nan)
    table = np.array([blank if t is None else flat(model.report_scale(t)) for t in thetas])
    report = {name: np.array([shaped(row, scales)[name] for row in table]) for name in scales}
    good = table[[t is not None for t in thetas]]
    with np.errstate(invalid="ignore"):
        spread = good.std(axis=0, ddof=1) if len(good) > 1 else blank
    return Bootstrap(tuple(thetas), tuple(statuses), report, shaped(spread, scales)), passes


def percentile(values: np.ndarray, tail: float) -> tuple[float, float]:
    """The ceil(tail B)-th smallest and largest of B values, a failure (nan) lying beyond either.

    An end is infinite where failures alone fill the tail: what they would have been is not known, and
    leaving them out would take the hard samples away.
    """
    at = rank(tail, values.size)
    lowest = np.sort(np.where(np.isnan(values), -np.inf, values))
    highest = np.sort(np.where(np.isnan(values), np.inf, values))
    return float(lowest[at - 1]), float(highest[-at])


def rank(tail: float, size: int) -> int:
    """ceil(tail size), at least 1."""
    return max(int(np.ceil(tail * size - 1e-9)), 1)


def _resampled(data: Dataset, rng: np.random.Generator) -> Dataset:
    """n observations drawn from the data with replacement: multinomial counts of its rows."""
    counts = rng.multinomial(round(data.n), data.weights / data.weights.sum())
    return Dataset(data.x, counts=counts, columns=data.columns, name=f"{data.name} (resampled)")


def _drawn(model: MixtureModel, theta: Theta, data: Dataset, rng: np.random.Generator) -> Dataset:
    """n observations drawn from the estimate."""
    # EM leaves weights that sum to 1 up to rounding; numpy's choice wants less than that.
    exact = Theta(theta.weights / theta.weights.sum(), **theta.parameters)
    x = model.sample(exact, round(data.n), rng)[0]
    return Dataset(x, columns=data.columns, name=f"{data.name} (simulated)")


def _refit(
    model: MixtureModel, sample: Dataset, theta: Theta, rng: np.random.Generator
) -> tuple[Theta | None, str, float]:
    """The estimate with its components numbered as in `theta`, or None; a word for it; passes."""
    try:
        problem = Problem(model, sample)
    except DataError:
        return None, "unfit_sample", 0.0
    try:
        claim = make_estimator("em").fit(problem, theta, rng)
    except ContractError:
        return None, "error", problem.passes
    if not claim.solver.success or claim.theta is None:
        return None, claim.solver.status, problem.passes
    if model.n_components == 1:
        return claim.theta, claim.solver.status, problem.passes
    match = match_components(model, claim.theta, theta, 0, "bootstrap")
    return claim.theta.take(match), claim.solver.status, problem.passes
