"""Problem: the metered likelihood, and the only door to the data.

One pass = all n x K component log-densities once. Whatever an estimator does with the data costs passes
here, and is put on the trajectory; it has no other way to the observations.
"""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import BudgetExceeded
from mixcompare.families.base import Frame, Parameters
from mixcompare.mixture import MixtureModel
from mixcompare.records import Trajectory
from mixcompare.theta import Theta

EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Budget:
    """Limits of one fit; None means no limit."""

    passes: float | None = None
    seconds: float | None = None


class Problem:
    """The likelihood of one model on one data set, metered.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset
        Checked against the model (DataError).
    budget : Budget
        Exceeding it raises BudgetExceeded before the pass that would exceed it.
    keep_points : bool
        Keep the point of every evaluation on the trajectory.

    Attributes
    ----------
    passes : int
        Passes spent so far.
    non_finite : int
        Evaluations that gave nan or infinity.
    best_point : Any
        The argument of the evaluation with the highest finite log-likelihood so far (a Theta or a
        vector, as it was passed in), or None.
    likelihood : Pass
        What evaluates the likelihood; for `run_compiled`, which books what it does with it.
    frame : Frame
        The units in which `value_and_score` takes its coordinates.
    read : callable
        Vector -> Theta, for the trajectory's points: an optimiser with coordinates of its own sets it.
    """

    def __init__(
        self,
        model: MixtureModel,
        data: Dataset,
        budget: Budget = Budget(),
        keep_points: bool = False,
    ) -> None:
        self.model = model = model.on(data)
        self.budget = budget
        self.frame: Frame = model.family.frame(data)
        self.n = data.n
        self.n_features = data.n_features
        self.n_rows = data.n_rows
        self.passes = 0
        self.non_finite = 0
        self.best_point: Any = None
        self._best = -np.inf
        self._under_way: Any = None
        self._data = data
        self.likelihood = model.family.begin(data, model.n_components)
        self.read: Callable[[np.ndarray], Theta] = self._natural
        self.keep_points = keep_points
        self._trajectory: list[tuple[float, float]] = []
        self._booked: list[np.ndarray] = []
        self._points: list[Theta] = []
        self._started = time.perf_counter()

    def again(self, budget: Budget = Budget()) -> Problem:
        """The same likelihood with a meter and a trajectory of its own, for one more fit."""
        twin = copy.copy(self)
        twin.budget, twin.passes, twin.non_finite = budget, 0, 0
        twin.best_point, twin._best, twin._under_way = None, -np.inf, None
        twin._trajectory, twin._booked, twin._points = [], [], []
        twin._started = time.perf_counter()
        return twin

    # -- the pass ---------------------------------------------------------------------------------

    def statistics(self, theta: Theta, aside: bool = False) -> tuple[float, np.ndarray]:
        """Log-likelihood (nats) and expected statistics at theta, in one pass.

        What the statistics hold is the family's business: give them to `maximise` or the family's
        `score`. `aside`: theta is none of the method's own points; it costs its pass, and stays off the
        trajectory.
        """
        self._charge(theta)
        loglik, statistics = self.likelihood(
            theta.weights, self.model.family.to_frame(theta.parameters, self.frame)
        )
        self._under_way = None
        if not aside:
            self._record(loglik, theta, theta)
        return loglik, statistics

    def maximise(self, statistics: np.ndarray) -> Theta:
        """The M-step: the point that maximises the expected complete-data log-likelihood; no pass.

        Entries are nan where a component is empty.
        """
        family = self.model.family
        with np.errstate(invalid="ignore", divide="ignore"):
            weights = statistics[:, 0] / statistics[:, 0].sum()
        return Theta(weights, **family.from_frame(family.mle(statistics), self.frame))

    def rounding(self, theta: Theta, loglik: float, statistics: np.ndarray | None = None) -> float:
        """Nats by which the last evaluation, which gave these, may be wrong by rounding; no pass.

        Without statistics: a value by the exact route of `anneal`, where nothing large cancels.
        Rounding of the sum, and of theta itself: its locations are held in the data's units, with
        absolute errors eps |centre|, which cost up to sqrt(2 n) such errors in sds of a component where
        one nat is still to be gained.
        """
        family, frame = self.model.family, self.frame
        spread = family.spread(family.to_frame(theta.parameters, frame))
        last_digit = EPS * float((np.abs(frame.centre) / frame.scale).max())
        cancelled = 0.0 if statistics is None else self.likelihood.magnitude(statistics)
        by_sum = EPS * (abs(loglik) + self.n * (1 + abs(frame.log_volume)) + cancelled)
        return by_sum + np.sqrt(2 * self.n) * last_digit / max(float(spread.min()), 1e-8)

    def log_likelihood(self, theta: Theta) -> float:
        """Log-likelihood (nats) at theta; one pass."""
        self._charge(theta)
        framed = self.model.family.to_frame(theta.parameters, self.frame)
        loglik = self.likelihood.value(theta.weights, framed)
        self._record(loglik, theta, theta)
        return loglik

    def log_likelihoods(self, weights: np.ndarray, parameters: Parameters) -> np.ndarray:
        """Log-likelihoods (M,), nats, at M points: weights (M, K), parameters name -> (M, K, ...).

        M passes; the budget must allow them all.
        """
        spent = self.spent(len(weights))
        if spent:
            raise BudgetExceeded(spent)
        logliks = self.likelihood.values(
            weights, self.model.family.to_frame(parameters, self.frame)
        )
        self.book(logliks)
        return logliks

    def value(self, z: np.ndarray) -> float:
        """Log-likelihood (nats) at z, as in `value_and_score`; one pass."""
        self._charge(z)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            loglik = self.likelihood.value_at(z, lambda at: self.model.split(at, self.n_features))
        self._record(loglik, z, None)
        return loglik

    def value_and_score(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """Log-likelihood (nats) and its gradient (q,) at z, unconstrained in the frame's units; one pass.

        Fisher's identity: the gradient is that of the expected complete-data log-likelihood at the same
        point. Non-finite coordinates give nan. Where the family states no score, differences stand in for
        it: 4 q passes more.
        """
        if self.model.family.difference_step:
            return self.value(z), self._differences(z, self.model.family.difference_step)
        self._charge(z)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            loglik, gradient = self.likelihood.value_and_score(z, self._value_and_score)
        self._record(loglik, z, None)
        return loglik, gradient

    @property
    def exact_products(self) -> bool:
        """Whether there is a `product`: for exponential families."""
        return self.likelihood.exact_products

    def product(self, z: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian of the log-likelihood at z, as in `value_and_score`, times v (q,); two passes.

        One goes through the data: beside the component log-densities it makes their derivatives along
        v, of which there are as many, and is booked as the two that it takes the time of.
        """
        if not v.any():
            return np.zeros_like(v)
        self._charge(z, 2)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            loglik, product = self.likelihood.value_and_product(z, v)
        self._record(loglik, z, None)
        return product

    def value_of(self, weights: np.ndarray, parameters: Parameters, point: np.ndarray) -> float:
        """The value at weights and component parameters in the frame; `point` is how an optimiser has them.

        nan outside the parameter space; one pass.
        """
        self._charge(point)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            loglik = self.likelihood.value(weights, parameters)
        self._record(loglik, point, None)
        return loglik

    def score(
        self, weights: np.ndarray, parameters: Parameters, point: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """The value there, and the gradient as `value_and_score` has it, at the same cost."""
        model = self.model
        if model.family.difference_step:
            loglik = self.value_of(weights, parameters, point)
            z = model.to_unconstrained(Theta(weights, **parameters))
            return loglik, self._differences(z, model.family.difference_step)
        self._charge(point)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            loglik, gradient = self._score(weights, parameters)
        self._record(loglik, point, None)
        return loglik, gradient

    def _differences(self, z: np.ndarray, h: float) -> np.ndarray:
        """(f(z - 2 h) - 8 f(z - h) + 8 f(z + h) - f(z + 2 h)) / 12 h in each coordinate: error O(h^4)."""
        gradient = np.empty(z.size)
        for i in range(z.size):
            step = h * (np.arange(z.size) == i)
            values = [self.value(z + k * step) for k in (-2, -1, 1, 2)]
            gradient[i] = np.dot(values, [1, -8, 8, -1]) / (12 * h)
        return gradient

    def _value_and_score(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        return self._score(*self.model.split(z, self.n_features))

    def _score(self, weights: np.ndarray, parameters: Parameters) -> tuple[float, np.ndarray]:
        loglik, statistics = self.likelihood(weights, parameters)
        by_weight = statistics[:-1, 0] - self.n * weights[:-1]
        return loglik, np.concatenate([by_weight, self.model.family.score(parameters, statistics)])

    def e_step(self, theta: Theta) -> np.ndarray:
        """Responsibilities (n_rows, K) at theta; one pass, by the exact and slow route."""
        return self.anneal(theta, 1.0)[1]

    def anneal(self, theta: Theta, power: float) -> tuple[float, np.ndarray]:
        """The likelihood at temperature 1 / power, and its responsibilities (n_rows, K); one pass.

        Value: sum_i c_i log(sum_k (w_k f_k(x_i))^power) / power, nats. Responsibilities: proportional
        to (w_k f_k(x_i))^power. power = 1 is the E-step; power = inf gives the classification
        log-likelihood sum_i c_i max_k log(w_k f_k(x_i)) and hard responsibilities (ties to the first
        component). The trajectory gets the log-likelihood at any power. Not finite: nan.
        """
        self._charge(theta)
        counts = self._data.weights
        joint = self.model.joint_log_density(self._data.x, theta)
        top = joint.max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            below = joint - top
            r = np.exp(below)
        total = r.sum(axis=1, keepdims=True)
        loglik = value = float(counts @ (top + np.log(total))[:, 0])
        if np.isinf(power):
            value = float(counts @ top[:, 0])
            r = (np.arange(r.shape[1]) == joint.argmax(axis=1)[:, None]).astype(float)
        elif power == 1.0:
            r /= total
        else:
            r = np.exp(power * below)
            total = r.sum(axis=1, keepdims=True)
            value = float(counts @ (top + np.log(total) / power)[:, 0])
            r /= total
        self._record(loglik, theta, theta)
        return value, r

    def weigh(self, responsibilities: np.ndarray, theta: Theta | None = None) -> np.ndarray:
        """Statistics, as `maximise` takes them, for responsibilities (n_rows, K) given at theta; no pass.

        See `Family.sums` for what theta matters to, and what is taken in its place without it.
        """
        family = self.model.family
        framed = None if theta is None else family.to_frame(theta.parameters, self.frame)
        return family.sums(self._data, responsibilities, framed)

    def draw(self, responsibilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Shares (n_rows, K) of each row whose observations go each to a component drawn at random.

        A row of count c has c observations, each drawn by itself with these probabilities; what is left
        of a count that is not whole is drawn as one.
        """
        counts = self._data.weights
        whole = np.floor(counts).astype(int)
        shares = rng.multinomial(whole, responsibilities).astype(float)
        rest = counts - whole
        if rest.any():
            shares += rest[:, None] * rng.multinomial(1, responsibilities)
        return shares / counts[:, None]

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_log_likelihood(
        self, raw: np.ndarray, point: np.ndarray | None = None, standardised: bool = False
    ) -> float:
        """The logarithm of a sum of `scipy.stats` densities at raw parameters; one pass.

        Raw parameters are those of the family (`naive_kinds`), then the first K - 1 weights; those of
        the data in the frame if `standardised`. `point` is how an optimiser has them, if otherwise.
        Nothing is checked: a negative scale gives nan, an underflow -inf, and exceptions are passed on.
        """
        self._charge(raw if point is None else point)
        K, family = self.model.n_components, self.model.family
        x = self._standardised if standardised else self._data.x
        split = raw.size - (K - 1)
        weights = np.append(raw[split:], 1.0 - raw[split:].sum())
        with np.errstate(all="ignore"):
            # Sums as a newcomer writes them: a solver that fails on the last digits fails on these.
            density = (family.naive_density(x, raw[:split], K) * weights).sum(axis=1)
            loglik = float((self._data.weights * np.log(density)).sum())
        if standardised:
            loglik -= self.n * self.frame.log_volume
        self._record(loglik, raw if point is None else point, None)
        return loglik

    @functools.cached_property
    def _standardised(self) -> np.ndarray:
        return self.frame(self._data.x)

    def naive_bounds(self) -> dict[str, tuple[float, float]]:
        """The family's default box for each kind of raw parameter; reads the data, costs no pass."""
        return {**self.model.family.naive_bounds(self._data), "weights": (0.01, 0.99)}

    # -- for samplers -----------------------------------------------------------------------------

    def lend(self, reason: str) -> Dataset:
        """The data, to an estimator that evaluates its own graph and reports its own passes.

        `reason` is kept in `lent`, so that the record's cost says "reported" instead of "metered".
        """
        self.lent = reason
        return self._data

    lent: str = ""

    # -- the meter --------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since this Problem was made."""
        return time.perf_counter() - self._started

    @property
    def trajectory(self) -> Trajectory:
        """Every evaluation so far: passes spent and log-likelihood."""
        self._close()
        table = np.concatenate([np.empty((0, 2)), *self._booked])
        return Trajectory(table[:, 0].copy(), table[:, 1].copy(), tuple(self._points))

    @property
    def raised_at(self) -> Theta | None:
        """The point of an evaluation that raised an exception, if the last one did."""
        point = self._under_way
        return self.read(point) if isinstance(point, np.ndarray) else point

    @property
    def passes_left(self) -> float:
        """Passes that the budget still has; 0 once its seconds are used up."""
        if not self.spent(0):
            return np.inf if self.budget.passes is None else self.budget.passes - self.passes
        return 0

    def spent(self, more: int = 1) -> str:
        """Which part of the budget does not allow so many more passes, in words; "" if it does."""
        if self.budget.passes is not None and self.passes + more > self.budget.passes:
            return f"the budget of {self.budget.passes:g} passes is used up"
        if self.budget.seconds is not None and self.seconds > self.budget.seconds:
            return f"the budget of {self.budget.seconds:g} seconds is used up"
        return ""

    def book(self, logliks: np.ndarray) -> None:
        """Put passes of a compiled run on the meter: the log-likelihood that each gave, in order."""
        self._close()
        passes = self.passes + 1.0 + np.arange(logliks.size)
        self._booked.append(np.column_stack([passes, logliks]))
        self.passes += logliks.size
        finite = np.isfinite(logliks)
        self.non_finite += int((~finite).sum())
        self._best = max([self._best, *logliks[finite][-1:]])

    def _close(self) -> None:
        if self._trajectory:
            self._booked.append(np.array(self._trajectory, dtype=float))
            self._trajectory = []

    def _charge(self, point: Any, passes: int = 1) -> None:
        spent = self.spent(passes)
        if spent:
            raise BudgetExceeded(spent)
        self.passes += passes
        self._under_way = point

    def _record(self, loglik: float, point: Any, theta: Theta | None) -> None:
        self._under_way = None
        self._trajectory.append((self.passes, loglik))
        if not np.isfinite(loglik):
            self.non_finite += 1
        elif loglik > self._best:
            self._best, self.best_point = loglik, point if theta is not None else np.array(point)
        if self.keep_points:
            self._points.append(self.read(point) if theta is None else theta)

    def _natural(self, z: np.ndarray) -> Theta:
        with np.errstate(over="ignore", invalid="ignore"):
            return self.model.to_natural(z, self.n_features, self.frame)
