"""Where a fit broke: the first evaluation that was not finite, the observation and component behind it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from mixcompare.data import Dataset
from mixcompare.estimators.base import Estimator
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Trajectory
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Breakdown:
    """One evaluation that was not finite, and what is behind it.

    Parameters
    ----------
    theta : Theta
        The point of the evaluation, as the method had it; it may lie outside the parameter space.
    loglik : float
        What the evaluation gave: nan or infinite, nats.
    passes : float
        Passes spent by then; nan if it is the end that is not finite, and no evaluation was.
    observation : int or None
        The first row of the data, from 0, whose log-density is not finite; None if each by itself is.
    component : int or None
        The component, from 0, whose log-density there is undefined, else the one nearest to being
        possible; None with `observation`.
    log_densities : ndarray (K,)
        log w_k + log f_k at that observation by the exact route, nats; empty without an observation.
    words : str
        The same in plain English.
    """

    theta: Theta
    loglik: float
    passes: float
    observation: int | None
    component: int | None
    log_densities: np.ndarray
    words: str


def trace(
    model: MixtureModel,
    data: Dataset,
    estimator: Estimator,
    start: Theta,
    rng: np.random.Generator,
    budget: Budget,
) -> Trajectory:
    """The fit once more, step by step in Python, with the point of every evaluation, up to what it may raise.

    Compiled loops keep no points, so a trajectory may differ from the stored one in its last digits.
    """
    problem = Problem(model, data, budget, keep_points=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are notes of the record
        estimator.fit_many([problem], [start], [rng])  # what it raises is the record's error
    return problem.trajectory


def last_finite(trajectory: Trajectory) -> int | None:
    """Place on a trajectory of the last finite evaluation before the first that is not, if there is one."""
    bad = np.flatnonzero(~np.isfinite(trajectory.loglik))
    last = (int(bad[0]) if bad.size else trajectory.loglik.size) - 1
    return last if last >= 0 else None


def first_break(model: MixtureModel, data: Dataset, trajectory: Trajectory) -> Breakdown | None:
    """The first evaluation of a trajectory that is not finite; None if all are."""
    bad = np.flatnonzero(~np.isfinite(trajectory.loglik))
    if not bad.size:
        return None
    j = int(bad[0])
    loglik, passes = float(trajectory.loglik[j]), float(trajectory.passes[j])
    return explain(model, data, trajectory.theta[j], loglik, passes)


def explain(
    model: MixtureModel, data: Dataset, theta: Theta, loglik: float, passes: float = np.nan
) -> Breakdown:
    """What is behind a log-likelihood that is not finite."""
    with np.errstate(all="ignore"):
        joint = model.joint_log_density(data.x, theta)
        total = np.log(
            np.exp(joint).sum(axis=1)
        )  # as it is first written: underflows, and shows it
    bad = np.flatnonzero(~np.isfinite(total))
    if not bad.size:
        words = (
            "the log-density of every observation is finite by the exact route: only the method's own "
            "arithmetic is not"
        )
        return Breakdown(theta, loglik, passes, None, None, np.empty(0), words)
    i = int(bad[0])
    row = joint[i]
    undefined = np.isnan(row) | (row == np.inf)
    k = int(np.argmax(undefined if undefined.any() else row))
    return Breakdown(theta, loglik, passes, i, k, row, _words(model, theta, row, k, bad.size, data))


def _words(
    model: MixtureModel, theta: Theta, row: np.ndarray, k: int, count: int, data: Dataset
) -> str:
    others = f"; so it is at {count} of {data.n_rows} rows" if count > 1 else ""
    if not theta.weights[k] >= 0:
        return f"component {k + 1} has no density: its weight is {theta.weights[k]:.6g}{others}"
    if np.isnan(row[k]):
        why = model.family.outside(theta.parameters) or "it is undefined there"
        return f"component {k + 1} has no density: {why}{others}"
    if row[k] == np.inf:
        return f"the density of component {k + 1} is infinite: it has collapsed{others}"
    if row[k] == -np.inf:
        return f"no component can have given this observation{others}"
    return (
        f"every density underflows to 0, and the logarithm of their sum is -inf: component {k + 1} comes "
        f"nearest, with a log-density of {row[k]:.6g} nats{others}"
    )
