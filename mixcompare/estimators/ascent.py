"""What EM and its relatives share: an ascent by M-steps, when it ends, and what rounding may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mixcompare.errors import BudgetExceeded, ContractError, SpecError
from mixcompare.problem import Problem
from mixcompare.records import Claim, Solver
from mixcompare.theta import Theta

COLLAPSE = 1e-8
"""Spread, in sds of the data, below which a run stops: the next step only divides smaller numbers."""

ROUNDINGS = 8
"""Roundings that a term of the log-likelihood goes through: statistics, parameters, product, exp, sum."""


@dataclass(frozen=True)
class Look:
    """One evaluation of what is to be maximised, at one point.

    Parameters
    ----------
    value : float
        Nats.
    statistics : ndarray
        What the M-step takes.
    rounding : float
        Nats by which `value` may be wrong by rounding.
    """

    value: float
    statistics: np.ndarray
    rounding: float


def likelihood(problem: Problem, theta: Theta) -> Look:
    """The log-likelihood and the expected statistics at theta; one pass."""
    loglik, statistics = problem.statistics(theta)
    if not np.isfinite(loglik):
        return Look(loglik, statistics, 0.0)
    return Look(loglik, statistics, ROUNDINGS * problem.rounding(theta, loglik, statistics))


def ascend(
    problem: Problem,
    start: Theta,
    max_iter: int,
    tol: float,
    look: Callable[[Theta], Look],
    step: Callable[[Theta, np.ndarray], Theta],
    method: str = "EM",
    target: str = "log-likelihood",
) -> Claim:
    """Repeat `step` until nothing is left to gain: see `Progress.done`, or `max_iter` times if tol = 0.

    `look` evaluates the target at a point for one pass; `step(theta, statistics)` must not descend: a
    decrease of the target beyond the round-off bound is a ContractError that says where. n iterations
    cost n + 1 passes: the last one evaluates the end.
    """
    theta, progress = start, Progress()
    for iteration in range(max_iter + 1):
        try:
            seen = look(theta)
        except BudgetExceeded as stop:
            return end(theta, iteration, False, "budget", str(stop))
        if not np.isfinite(seen.value):
            message = f"the {target} is {seen.value} after {iteration} iterations"
            return end(theta, iteration, False, "non_finite", message)
        progress.add(seen.value)
        refuse_descent(progress.gain, seen.rounding, iteration, method, target)
        done = progress.done(tol)
        if done:
            return end(theta, iteration, True, "converged", f"{done} after {iteration} iterations")
        if iteration == max_iter:
            break
        successor = step(theta, seen.statistics)
        trouble = collapse(problem, successor)
        if trouble:
            message = f"{trouble} in iteration {iteration + 1}"
            return end(theta, iteration, False, "collapsed", message)
        theta = successor
    return end(theta, max_iter, False, "max_iter", f"stopped after {max_iter} iterations")


class Progress:
    """The gains of a run so far, and whether there is more to come."""

    def __init__(self) -> None:
        self.value = self.best = -np.inf
        self.before = self.gain = np.inf
        self.calm = self.stale = 0
        """Iterations in a row with next to nothing to gain, and without a new best value."""

    def add(self, value: float) -> None:
        """Take note of the value (nats) of one more iteration."""
        self.before, self.gain = self.gain, value - self.value
        self.stale = 0 if value > self.best else self.stale + 1
        self.value, self.best = value, max(value, self.best)

    def done(self, tol: float, remaining: float | None = None) -> str:
        """Why to stop, in words; "" to go on.

        Stop when the gain still to come stayed below `tol` for three iterations, or when ten iterations
        brought no new best value. `remaining` is predicted from the gains unless it is given.
        """
        remaining = self.remaining() if remaining is None else remaining
        self.calm = self.calm + 1 if remaining < tol else 0
        if self.calm >= 3:
            return f"predicted gain {remaining:.1e} nats"
        # In exact arithmetic every iteration gains: what is left is below the rounding of the sum.
        return "no gain beyond rounding" if tol > 0 and self.stale >= 10 else ""

    def remaining(self) -> float:
        """Gain still to come if gains go on falling geometrically, d r / (1 - r); inf where they don't."""
        if not np.isfinite(self.before):
            return np.inf
        if self.gain <= 0:
            return 0.0
        ratio = self.gain / self.before if self.before > 0 else np.inf
        return self.gain * ratio / (1 - ratio) if ratio < 1 else np.inf


def refuse_descent(
    gain: float, bound: float, iteration: int, method: str, target: str = "log-likelihood"
) -> None:
    """Raise ContractError if what theory says can't fall has fallen by more than rounding explains."""
    if gain < -bound:
        raise ContractError(
            f"{method} decreased the {target} by {-gain:.3g} nats in iteration {iteration}, beyond "
            f"round-off ({bound:.3g})"
        )


def collapse(problem: Problem, theta: Theta) -> str:
    """Which component an M-step has just lost, in words; "" if none."""
    if not theta.is_finite:
        k = int(np.argmax(~np.isfinite(theta.weights) | (theta.weights <= 0)))
        return f"component {k + 1} became empty"
    family = problem.model.family
    spread = family.spread(family.to_frame(theta.parameters, problem.frame))
    if (spread < COLLAPSE).any():
        return f"component {int(np.argmin(spread)) + 1} collapsed: its spread fell to 0"
    return ""


def end(
    theta: Theta,
    iterations: int,
    success: bool,
    status: str,
    message: str,
    notes: tuple[str, ...] = (),
) -> Claim:
    """A claim in the words that all these methods share."""
    solver = Solver(success, status, message, {"iterations": iterations})
    return Claim(theta, solver, notes=notes)


def check_limits(max_iter: int, tol: float) -> None:
    """Refuse limits that are none with a SpecError."""
    if max_iter < 1:
        raise SpecError(f"max_iter: expected at least 1, got {max_iter}")
    if not tol >= 0:
        raise SpecError(f"tol: expected a number of nats >= 0, got {tol}")
