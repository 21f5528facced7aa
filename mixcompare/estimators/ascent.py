"""What EM and its relatives share: an ascent by M-steps, when it ends, and what rounding may take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mixcompare.errors import BudgetExceeded, ContractError, SpecError
from mixcompare.estimators import em_loop, stopping
from mixcompare.estimators.em_loop import COLLAPSE, ROUNDINGS
from mixcompare.problem import Problem
from mixcompare.records import Claim, Solver
from mixcompare.runs import Ended
from mixcompare.theta import Theta


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
    """The gains of a run so far, and whether there is more to come: stopping.py, for loops in Python."""

    def __init__(self) -> None:
        self.state = stopping.fresh(1)[0]

    @property
    def gain(self) -> float:
        """Nats that the last iteration brought."""
        return float(self.state[stopping.GAIN])

    def add(self, value: float) -> None:
        """Take note of the value (nats) of one more iteration."""
        stopping.note(self.state, value)

    def done(self, tol: float, remaining: float | None = None) -> str:
        """Why to stop, in words; "" to go on. `remaining` is predicted from the gains unless it is given."""
        left = stopping.remaining(self.state) if remaining is None else remaining
        return reason(stopping.settled(self.state, left, tol), left)


def reason(code: int, left: float) -> str:
    """One of the codes of stopping.py in words; `left` is the gain still to come, nats."""
    if code == stopping.PREDICTED:
        return f"predicted gain {left:.1e} nats"
    return "no gain beyond rounding" if code == stopping.ROUNDED else ""


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
    if theta.is_finite and (theta.weights > 0).all():
        family = problem.model.family
        spread = family.spread(family.to_frame(theta.parameters, problem.frame))
        if not (spread < COLLAPSE).any():
            return ""
    return loss(problem, theta)


def loss(problem: Problem, theta: Theta) -> str:
    """Which component is lost at a point where one is, in words."""
    empty = ~np.isfinite(theta.weights) | (theta.weights <= 0)
    if empty.any() or not theta.is_finite:
        return f"component {int(np.argmax(empty)) + 1} became empty"
    family = problem.model.family
    spread = family.spread(family.to_frame(theta.parameters, problem.frame))
    return f"component {int(np.argmin(spread)) + 1} collapsed: its spread fell to 0"


def claims(
    problems: Sequence[Problem], ends: Sequence[Ended], method: str, unit: str = "iteration"
) -> list[Claim | Exception]:
    """The claims of compiled runs; a descent beyond rounding is a ContractError in the claim's place."""
    found: list[Claim | Exception] = []
    for problem, ended in zip(problems, ends, strict=True):
        try:
            found.append(_claim(problem, ended, method, unit))
        except ContractError as error:
            found.append(error)
    return found


def _claim(problem: Problem, ended: Ended, method: str, unit: str) -> Claim:
    """One of them, in the words of `ascend`."""
    state, theta = ended.state, ended.theta
    done, units = int(state[em_loop.CLOCK]), f"{unit}s"
    code, left = ended.code, state[em_loop.LEFT]
    if code == em_loop.DESCENT:
        refuse_descent(state[stopping.GAIN], state[em_loop.BOUND], done, method)
    if code in (em_loop.PREDICTED, em_loop.ROUNDED):
        message = f"{reason(code, left)} after {done} {units}"
        return end(theta, done, True, "converged", message)
    if code == em_loop.LOST:
        message = f"{loss(problem, ended.beyond)} in {unit} {done}"
        return end(theta, done - 1, False, "collapsed", message)
    if code == em_loop.NON_FINITE:
        value = state[stopping.VALUE]
        message = f"the log-likelihood is {value} after {done} {units}"
        return end(theta, done, False, "non_finite", message)
    if code == em_loop.SPENT:
        return end(theta, done, False, "budget", problem.spent())
    return end(theta, done, False, "max_iter", f"stopped after {done} {units}")


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
