"""SQUAREM: EM with squared extrapolation (Varadhan and Roland 2008, Scand. J. Statist. 35, 335-353)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from mixcompare.errors import BudgetExceeded, SpecError, nearest
from mixcompare.estimators.ascent import (
    Look,
    Progress,
    check_limits,
    claims,
    collapse,
    end,
    likelihood,
    refuse_descent,
)
from mixcompare.estimators.base import Estimator, one
from mixcompare.estimators.squarem_loop import fresh_squarem, make_squarem
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.runs import compiles, run_compiled
from mixcompare.theta import Theta

SCHEMES = ("S1", "S2", "S3")


@dataclass(frozen=True)
class SQUAREM(Estimator):
    """Cycles of two EM steps and one extrapolation through them, kept only if it does not descend.

    With r = F(z) - z and v = F(F(z)) - F(z) - r, z the unconstrained coordinates in the units of the
    data's spread, a cycle goes to z + 2 a r + a^2 v, where a is (their three, with the sign reversed)

        S1: -r.v / v.v      S2: -r.r / r.v      S3: |r| / |v|

    no smaller than 1 (the second EM step) and no larger than a limit that grows fourfold each time it
    is reached and met with success. If the log-likelihood there is below that of the first EM step, the
    cycle goes to the second EM step instead. So it never falls from cycle to cycle. Coordinates at an
    edge (infinite) are not extrapolated. Two passes a cycle, three where the extrapolation is refused.

    Ends where EM would: the gain still to come is the gain of an EM step times the largest of the last
    five a, since a estimates 1 / (1 - rate); if EM steps grow (a saddle is being left), it is infinite.

    Parameters
    ----------
    max_iter : int
        Cycles at most.
    tol : float
        Nats still to be gained, for three cycles; 0 means exactly `max_iter` cycles.
    step_length : {"S1", "S2", "S3"}
        Which of the three; the paper recommends S3.
    """

    max_iter: int = 5000
    tol: float = 1e-9
    step_length: str = "S3"

    name: ClassVar[str] = "squarem"
    batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_limits(self.max_iter, self.tol)
        if self.step_length not in SCHEMES:
            raise SpecError(
                f'step_length: expected one of {", ".join(SCHEMES)}, got "{self.step_length}".'
                f"{nearest(self.step_length, SCHEMES)}"
            )

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Every family has an M-step and unconstrained coordinates."""
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """See `Estimator`; `rng` is not used."""
        if compiles(problem):
            return one(self.fit_many([problem], [start], [rng]))
        return self._in_python(problem, start)

    def fit_many(
        self,
        problems: Sequence[Problem],
        starts: Sequence[Theta],
        rngs: Sequence[np.random.Generator],
    ) -> list[Claim | Exception]:
        """See `Estimator`; all in one compiled call for exponential families."""
        if not compiles(problems[0]):
            return super().fit_many(problems, starts, rngs)
        scheme = 1 + SCHEMES.index(self.step_length)
        settings = (self.max_iter, self.tol, scheme, _scratch(problems[0], starts[0]))
        ends = run_compiled(problems, make_squarem, starts, fresh_squarem(len(starts)), settings)
        return claims(problems, ends, "SQUAREM", "cycle")

    def _in_python(self, problem: Problem, start: Theta) -> Claim:
        run, progress = _Run(problem, self.step_length, start), Progress()
        for cycle in range(self.max_iter + 1):
            try:
                if cycle == 0:
                    run.look()
                else:
                    run.cycle(cycle)
            except BudgetExceeded as stop:
                return end(run.theta, cycle, False, "budget", str(stop))
            if run.status == "collapsed":
                message = f"{run.trouble} in cycle {cycle}"
                return end(run.theta, cycle - 1, False, run.status, message)
            if run.status:
                message = f"{run.trouble} after {cycle} cycles"
                return end(run.theta, cycle, False, run.status, message)
            progress.add(run.seen.value)
            done = progress.done(self.tol, run.remaining)
            if done:
                return end(run.theta, cycle, True, "converged", f"{done} after {cycle} cycles")
        message = f"stopped after {self.max_iter} cycles"
        return end(run.theta, self.max_iter, False, "max_iter", message)


def _scratch(problem: Problem, start: Theta) -> tuple[np.ndarray, ...]:
    """See `make_squarem`."""
    z = np.empty((3, problem.model.n_parameters(problem.n_features)))
    width = sum(value[0].size for value in start.parameters.values())
    return z[0], z[1], z[2], np.empty((start.n_components, width)), np.empty(start.n_components)


@dataclass
class _Run:
    """The state of one run: a point that has been evaluated, and how far to extrapolate."""

    problem: Problem
    step_length: str
    theta: Theta
    seen: Look = field(init=False)
    remaining: float = np.inf
    """Gain still to come at `theta`, nats."""
    limit: float = 1.0
    recent: list[float] = field(default_factory=list)
    """The last five steps that were asked for."""
    trouble: str = ""
    status: str = ""

    def look(self) -> None:
        """Evaluate the start."""
        self.seen = likelihood(self.problem, self.theta)
        self._check(self.seen)

    def cycle(self, number: int) -> None:
        """Two EM steps, and on from there if that does not descend."""
        first = self._em_step(self.seen)
        if first is None:
            return
        seen = likelihood(self.problem, first)
        if not self._check(seen):
            return
        gain = seen.value - self.seen.value
        refuse_descent(gain, seen.rounding, number, "SQUAREM's first EM step")
        base, self.theta, self.seen = self.theta, first, seen
        second = self._em_step(seen)
        if second is None:
            return
        target, asked = self._extrapolate(base, first, second, gain)
        if target is not None:
            there = likelihood(self.problem, target)
            if there.value >= seen.value:
                self.limit *= 4.0 if asked else 1.0
                self.theta, self.seen = target, there
                return
            self.limit = max(1.0, self.limit / 4.0) if asked else self.limit
        seen = likelihood(self.problem, second)
        if self._check(seen):
            refuse_descent(
                seen.value - self.seen.value, seen.rounding, number, "SQUAREM's second EM step"
            )
            self.theta, self.seen = second, seen

    def _extrapolate(
        self, base: Theta, first: Theta, second: Theta, gain: float
    ) -> tuple[Theta | None, bool]:
        """Where to go on from the second EM step, None for nowhere; whether the limit was reached."""
        problem = self.problem
        model, frame = problem.model, problem.frame
        z0, z1, z2 = (model.to_unconstrained(theta, frame) for theta in (base, first, second))
        with np.errstate(invalid="ignore"):
            r, v = z1 - z0, z2 - 2 * z1 + z0
        inner = np.isfinite(r) & np.isfinite(v)
        r, v = np.where(inner, r, 0.0), np.where(inner, v, 0.0)
        step = _step(self.step_length, r, v)
        self.recent = [*self.recent[-4:], step]
        growing = float((r + v) @ (r + v)) > float(r @ r)
        self.remaining = np.inf if growing and gain > 0 else max(gain, 0.0) * max(self.recent)
        length, reached = min(step, self.limit), step >= self.limit
        if length <= 1.0:
            self.limit *= 4.0 if reached else 1.0  # the EM steps themselves: always with success
            return None, False
        with np.errstate(all="ignore"):
            z = np.where(inner, z0 + 2 * length * r + length**2 * v, z2)
            theta = model.to_natural(z, problem.n_features, frame)
        usable = theta.is_finite and not model.outside(theta) and not collapse(problem, theta)
        return (theta if usable else None), reached

    def _em_step(self, seen: Look) -> Theta | None:
        """The M-step; None, and its name taken note of, if a component is lost."""
        theta = self.problem.maximise(seen.statistics)
        trouble = collapse(self.problem, theta)
        if trouble:
            self.trouble, self.status = trouble, "collapsed"
            return None
        return theta

    def _check(self, seen: Look) -> bool:
        """Take note of a log-likelihood that is not finite."""
        if not np.isfinite(seen.value):
            self.trouble, self.status = f"the log-likelihood is {seen.value}", "non_finite"
        return not self.trouble


def _step(scheme: str, r: np.ndarray, v: np.ndarray) -> float:
    """The step a of one of the three schemes, at least 1; 1 where it is not defined."""
    rr, rv, vv = float(r @ r), float(r @ v), float(v @ v)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = {
            "S1": np.divide(-rv, vv),
            "S2": np.divide(-rr, rv),
            "S3": np.sqrt(np.divide(rr, vv)),
        }
    step = float(steps[scheme])
    return max(step, 1.0) if np.isfinite(step) else 1.0
