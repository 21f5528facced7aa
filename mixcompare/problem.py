"""Problem: the metered likelihood, and the only door to the data.

One pass = all n x K component log-densities once. Whatever an estimator does with the data costs passes
here, and is put on the trajectory; it has no other way to the observations.
"""

from __future__ import annotations

import copy
import functools

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import BudgetExceeded
from mixcompare.families.base import Frame, Parameters
from mixcompare.meter import UNLIMITED, Budget, Meter
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

EPS = float(np.finfo(float).eps)


class Problem(Meter):
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
        budget: Budget = UNLIMITED,
        keep_points: bool = False,
    ) -> None:
        self.model = model = model.on(data)
        self.frame: Frame = model.family.frame(data)
        self.n = data.n
        self.n_features = data.n_features
        self.n_rows = data.n_rows
        self._data = data
        self.likelihood = model.family.begin(data, model.n_components)
        super().__init__(budget, keep_points)

    def again(self, budget: Budget = UNLIMITED) -> Problem:
        """The same likelihood with a meter and a trajectory of its own, for one more fit."""
        twin = copy.copy(self)
        twin._restart(budget)
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

    def lend(self, reason: str) -> Dataset:
        """The data, to an estimator that evaluates its own graph and reports its own passes.

        `reason` is kept in `lent`, so that the record's cost says "reported" instead of "metered".
        """
        self.lent = reason
        return self._data

    def natural(self, z: np.ndarray) -> Theta:
        """The point at unconstrained coordinates in the frame, wherever that is."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.model.to_natural(z, self.n_features, self.frame)
