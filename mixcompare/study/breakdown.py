"""Where a fit broke: the first evaluation that was not finite, or raised; the component that collapsed.

Each with the observation and component behind it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from mixcompare.data import Dataset
from mixcompare.estimators.base import Estimator
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Trajectory
from mixcompare.theta import Theta
from mixcompare.verify.components import collapsed
from mixcompare.verify.policy import Policy


@dataclass(frozen=True)
class Breakdown:
    """One evaluation that was not finite, or a point at which a component has collapsed, and why.

    Parameters
    ----------
    theta : Theta
        The point of the evaluation, as the method had it; it may lie outside the parameter space.
    loglik : float
        What the evaluation gave, nats: nan or infinite, nan too where it raised; finite at a collapse.
    passes : float
        Passes spent by then; nan if it is the end that is not finite, and no evaluation was.
    observation : int or None
        The first row of the data, from 0, whose log-density is not finite; None if each by itself is. At a
        collapse the row on which the component stands.
    component : int or None
        The component, from 0, whose log-density there is undefined, else the one nearest to being
        possible; None with `observation`.
    log_densities : ndarray (K,)
        log w_k + log f_k at that observation by the exact route, nats; empty without an observation.
    words : str
        The same in plain English.
    raised : str
        The exception in place of a value; "" for nearly all.
    """

    theta: Theta
    loglik: float
    passes: float
    observation: int | None
    component: int | None
    log_densities: np.ndarray
    words: str
    raised: str = ""


def trace(
    model: MixtureModel,
    data: Dataset,
    estimator: Estimator,
    start: Theta,
    rng: np.random.Generator,
    budget: Budget,
) -> Problem:
    """The fit once more, step by step in Python, up to what it may raise, with the point of every evaluation.

    Compiled loops keep no points, so a trajectory may differ from the stored one in its last digits.
    """
    problem = Problem(model, data, budget, keep_points=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are notes of the record
        estimator.fit_many([problem], [start], [rng])  # what it raises is the record's error
    return problem


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


def raised_in(model: MixtureModel, data: Dataset, traced: Problem, error: str) -> Breakdown | None:
    """The evaluation that raised what ended a fit; None if it was raised elsewhere, or by no density."""
    theta = traced.raised_at
    if theta is None:
        return None
    broke = explain(model, data, theta, np.nan, traced.passes)
    return None if broke.observation is None else replace(broke, raised=error)


def collapse_at(
    model: MixtureModel, data: Dataset, theta: Theta, loglik: float
) -> Breakdown | None:
    """The first component that has collapsed at an end, and the observation on which it stands; or None."""
    if not np.isfinite(loglik) or model.outside(theta):
        return None
    gone = collapsed(model, data, theta, Policy())
    if not gone:
        return None
    k, family = gone[0], model.family
    spread = family.spread(family.to_frame(theta.parameters, family.frame(data)))[k]
    i = int(np.argmax(family.log_density(data.x, theta.parameters)[:, k]))
    tied = float(data.weights[(data.x == data.x[i]).all(axis=1)].sum())
    about = f"it and {tied - 1:g} of the same value" if tied > 1 else "it"
    words = f"component {k + 1} has collapsed about {about}, to a spread of {spread:.2g} sds of the data"
    with np.errstate(divide="ignore"):
        row = model.joint_log_density(data.x[i : i + 1], theta)[0]
    return Breakdown(theta, loglik, np.nan, i, k, row, words)


def explain(
    model: MixtureModel, data: Dataset, theta: Theta, loglik: float, passes: float = np.nan
) -> Breakdown:
    """What is behind a log-likelihood that is not finite."""
    with np.errstate(all="ignore"):
        joint = model.joint_log_density(data.x, theta)
        # As it is first written: it underflows, and shows it. A negative weight may leave it positive.
        each = model.family.log_density(data.x, theta.parameters)
        total = np.log(np.exp(each) @ theta.weights)
        if not np.array_equal(total.sum(), loglik, equal_nan=True):
            total = np.log(np.exp(joint).sum(axis=1))
    bad = np.flatnonzero(~np.isfinite(total))
    if not bad.size:
        words = (
            "the log-density of every observation is finite by the exact route: only the method's own "
            "arithmetic is not"
        )
        return Breakdown(theta, loglik, passes, None, None, np.empty(0), words)
    if np.isnan(loglik) and np.isnan(total).any():
        bad = np.flatnonzero(np.isnan(total))
    i = int(bad[0])
    k = _culprit(each[i], joint[i])
    others = f"; so it is at {bad.size} of {data.n_rows} rows" if bad.size > 1 else ""
    words = _words(model, theta, each[i], joint[i], k) + others
    return Breakdown(theta, loglik, passes, i, k, joint[i], words)


def _culprit(own: np.ndarray, row: np.ndarray) -> int:
    """Of the components at one observation that without a density, else that nearest to being possible."""
    for undefined in (np.isnan(own), np.isnan(row) | (row == np.inf)):
        if undefined.any():
            return int(np.argmax(undefined))
    return int(np.argmax(row))


def _words(model: MixtureModel, theta: Theta, own: np.ndarray, row: np.ndarray, k: int) -> str:
    if not theta.weights[k] >= 0 and not np.isnan(own[k]):
        return (
            f"component {k + 1} takes density away, its weight being {theta.weights[k]:.6g}, and there is no "
            "logarithm"
        )
    if np.isnan(row[k]):
        why = model.family.outside(theta.parameters) or "it is undefined there"
        return f"component {k + 1} has no density: {why}"
    if row[k] == np.inf:
        return f"the density of component {k + 1} is infinite: it has collapsed"
    if row[k] == -np.inf:
        return "no component can have given this observation"
    return (
        f"every density underflows to 0, and the logarithm of their sum is -inf: component {k + 1} comes "
        f"nearest, with a log-density of {row[k]:.6g} nats"
    )
