"""The modes of a posterior, found without the sampler: what its draws ought to have come near.

Ten starts of the scheme `small-em`, seeded from the data, EM from each, then a quasi-Newton ascent of the
log-posterior in the unconstrained coordinates of the frame, where the prior keeps modes off edges and
ridges. A mode's mass is Laplace's, height + log det(2 pi H^-1) / 2 (Tierney and Kadane 1986, JASA 81,
82-86), times the number of its copies under renumbering the components.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.prior import ModelPrior
from mixcompare.problem import Problem
from mixcompare.seeds import stream
from mixcompare.starts.small_em import RUNS, short_runs
from mixcompare.theta import Theta
from mixcompare.verify.components import collapsed, narrowness
from mixcompare.verify.policy import Policy

STARTS = 10
EM_STEPS = 200
LEG = 10
"""Steps of EM after which a run looks where it is."""

EM_GAIN = 1e-3
"""Nats: EM gives over to the ascent of the posterior once a step brings less."""

STEP, SLOPE = 1e-4, 1e-6
"""Of differences for curvatures and for slopes of the prior, in coordinates of the frame."""

PRIOR_CURVATURE = 0.3
"""A guess at it, where an ascent begins: nats per squared coordinate of the frame."""

SAME = 1e-2
"""Nats in height, and root mean square difference in log-density, below which two modes are one."""


@dataclass(frozen=True)
class Mode:
    """A mode of a posterior.

    Parameters
    ----------
    theta : Theta
    loglik, height : float
        Log-likelihood and log-posterior there, nats.
    log_mass : float
        Laplace's, all copies together; -inf where the curvature is not definite.
    narrow : bool
        Whether it rests on a handful of observations: its mass counts, but nobody has to come near it.
    density : ndarray, shape (n_rows,)
        Log-density at the observations.
    """

    theta: Theta
    loglik: float
    height: float
    log_mass: float
    narrow: bool
    density: np.ndarray


class LogPosterior:
    """The log-posterior of a model on data, in the unconstrained coordinates of the frame."""

    def __init__(self, prior: ModelPrior, data: Dataset) -> None:
        self.model, self.prior = prior.model, prior
        self.problem = Problem(prior.model, data)

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """Value (nats) and gradient (q,) at z; one pass."""
        value, gradient = self.problem.value_and_score(z)
        prior = self._prior(z)
        slope = np.array([self._prior(z + e) - prior for e in SLOPE * np.eye(z.size)]) / SLOPE
        return value + prior, gradient + slope

    def value(self, z: np.ndarray) -> float:
        """The value alone; one pass."""
        return self.problem.value(z) + self._prior(z)

    def climb(self, theta: Theta) -> np.ndarray:
        """z (q,) of the mode above a point."""
        from scipy.optimize import minimize

        start = np.nan_to_num(self._at(theta), posinf=10.0, neginf=-10.0)

        def downhill(z: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = self(z)
            return (-value, -gradient) if np.isfinite(value) else (np.inf, np.zeros_like(z))

        options: Any = {"hess_inv0": self._metric(start)}
        end: np.ndarray = minimize(downhill, start, jac=True, method="BFGS", options=options).x
        return end

    def log_mass(self, z: np.ndarray) -> float:
        """Laplace's log-mass of the mode at z and its copies, 2 q + 1 passes.

        -inf where the curvature is not definite.
        """
        H = self._information(z) + self._prior_curvature(z)
        curvature = np.linalg.eigvalsh(H)
        if not (curvature > 0).all():
            return -np.inf
        return self.value(z) + 0.5 * float(np.log(2 * np.pi / curvature).sum()) + self._copies(z, H)

    def _metric(self, z: np.ndarray) -> np.ndarray:
        """What an ascent from z takes for the inverse curvature at first, 2 q passes."""
        information = self._information(z)
        if not np.isfinite(information).all():
            return np.eye(z.size)
        curvature, basis = np.linalg.eigh(information)
        metric: np.ndarray = basis / (np.abs(curvature) + PRIOR_CURVATURE) @ basis.T
        return (metric + metric.T) / 2

    def _information(self, z: np.ndarray) -> np.ndarray:
        """Negative Hessian (q, q) of the log-likelihood, by central differences of its gradient."""
        score = self.problem.value_and_score
        rows = [(score(z - e)[1] - score(z + e)[1]) / (2 * STEP) for e in STEP * np.eye(z.size)]
        return (np.array(rows) + np.array(rows).T) / 2

    def _prior_curvature(self, z: np.ndarray) -> np.ndarray:
        """Negative Hessian (q, q) of the log-prior, by differences of its values."""
        steps = STEP * np.eye(z.size)
        here, once = self._prior(z), np.array([self._prior(z + e) for e in steps])
        twice = np.zeros((z.size, z.size))
        for i, j in zip(*np.triu_indices(z.size), strict=True):
            twice[i, j] = twice[j, i] = self._prior(z + steps[i] + steps[j])
        curvature: np.ndarray = (once[:, None] + once - twice - here) / STEP**2
        return curvature

    def _copies(self, z: np.ndarray, H: np.ndarray) -> float:
        """Log of the number of distinct points that renumbering the components makes of z.

        K! over m! for each m components that coincide: exchanging them moves z by less than `SAME` nats.
        """
        theta = self.model.to_natural(z, self.problem.n_features, self.problem.frame)
        K = self.model.n_components
        groups: list[list[int]] = []
        for k in range(K):
            for group in groups:
                order = np.arange(K)
                order[[group[0], k]] = k, group[0]
                moved = self._at(theta.take(order)) - z
                if moved @ H @ moved / 2 < SAME:
                    group.append(k)
                    break
            else:
                groups.append([k])
        return math.lgamma(K + 1) - sum(math.lgamma(len(group) + 1) for group in groups)

    def _at(self, theta: Theta) -> np.ndarray:
        return self.model.to_unconstrained(theta, self.problem.frame)

    def _prior(self, z: np.ndarray) -> float:
        return self.prior.log_density(z)


class Search:
    """The search for the modes of one posterior; what it finds by itself serves every set of draws.

    Parameters
    ----------
    prior : ModelPrior
        Bound to the model and these data.
    data : Dataset
    policy : Policy
    seed : int
        Root seed of the small EM.
    """

    def __init__(self, prior: ModelPrior, data: Dataset, policy: Policy, seed: int = 0) -> None:
        self.model, self.prior, self.policy, self.seed = prior.model, prior, policy, seed
        self.data = data.compact
        self.posterior = LogPosterior(prior, data)
        self._digest = data.distinct.digest

    @property
    def passes(self) -> float:
        """Passes spent so far."""
        return float(self.posterior.problem.passes)

    @property
    def limit(self) -> float:
        """Nats from a mode within which a draw is near it: max(5, q / 2)."""
        return max(5.0, self.model.n_parameters(self.data.n_features) / 2)

    @cached_property
    def own(self) -> tuple[tuple[Mode, ...], float]:
        """The modes above the verifier's own starts, and the passes it took to find them.

        Beside the best short run behind each start, which is the start, its other runs go on until they
        come near an end already reached: a mode need not be the highest to hold much mass.
        """
        before, problem = self.passes, self.posterior.problem
        runs = []
        for i in range(STARTS):
            rng = stream(self.seed, "modes", self._digest, i)
            runs += sorted(short_runs(problem, self.data, rng, i), key=lambda run: run[:2])[::-1]
        none = ends = np.empty((0, self.data.n_rows))
        found: list[Mode] = []
        for k in sorted(range(len(runs)), key=lambda k: k % RUNS):
            theta = self._em(runs[k][2], ends if k % RUNS else none)
            if theta is None:
                continue
            density = self.model.log_density(self.data.x, theta)
            if not (mean_square(self.data, ends, density) < SAME**2).any():
                ends = np.vstack([ends, density])
                self._add(found, theta)
        return tuple(found), self.passes - before

    def among(self, starts: Sequence[Theta] = ()) -> tuple[list[Mode], np.ndarray, float]:
        """Distinct modes, its own and those above `starts`; their shares of the mass; passes it took.

        Starts are where draws are, so that masses are compared with theirs.
        """
        own, passes = self.own
        before, found = self.passes, self.joined(own, starts)
        return found, shares(found), passes + self.passes - before

    def joined(self, known: Sequence[Mode], starts: Sequence[Theta]) -> list[Mode]:
        """Known modes, and those above starts that are near none of them."""
        found = list(known)
        for theta in starts:
            if not self._reaches(theta, np.array([mode.density for mode in found])):
                self._add(found, theta)
        return found

    def mode_above(self, theta: Theta, known: Sequence[Mode | None] = ()) -> Mode | None:
        """The mode above a point; None if it is one of those known.

        None too where the posterior has no bound and a component collapses.
        """
        model, data = self.model, self.data
        z = self.posterior.climb(theta)
        end = model.to_natural(z, data.n_features, self.posterior.problem.frame)
        if model.outside(end) or collapsed(model, data, end, self.policy):
            return None
        density, height = model.log_density(data.x, end), self.posterior.value(z)
        for other in known:
            if (
                other is not None
                and abs(height - other.height) < SAME
                and mean_square(data, density[None], other.density)[0] < SAME**2
            ):
                return None
        return Mode(
            theta=end,
            loglik=float(data.weights @ density),
            log_mass=self.posterior.log_mass(z),
            narrow=narrowness(model, data, end)[2],
            height=height,
            density=density,
        )

    def _em(self, start: Theta, places: np.ndarray) -> Theta | None:
        """The end of some steps of EM; the start where a component is lost; None once near a place."""
        problem = self.posterior.problem
        loglik, statistics = problem.statistics(start)
        theta = start
        for step in range(EM_STEPS):
            if step % LEG == 0 and self._reaches(theta, places):
                return None
            theta, before = problem.maximise(statistics), loglik
            if self.model.outside(theta):
                return start
            loglik, statistics = problem.statistics(theta)
            if not loglik - before >= EM_GAIN:
                break
        lost = not np.isfinite(loglik) or collapsed(self.model, self.data, theta, self.policy)
        return start if lost else theta

    def _add(self, found: list[Mode], theta: Theta) -> None:
        """Put the mode above a point with the others, if it is a new one."""
        mode = self.mode_above(theta, found)
        if mode is not None:
            found.append(mode)

    def _reaches(self, theta: Theta, places: np.ndarray) -> bool:
        """Whether a point is within the limit of one of the places, given as log-densities (m, n_rows)."""
        if not len(places):
            return False
        density = self.model.log_density(self.data.x, theta)
        return bool((distances(self.data, places, density) <= self.limit).any())


def shares(modes: Sequence[Mode]) -> np.ndarray:
    """Share of each in the Laplace mass of all; zeros where none has any."""
    masses = np.array([mode.log_mass for mode in modes])
    if not np.isfinite(masses).any():
        return np.zeros(len(modes))
    mass: np.ndarray = np.exp(masses - masses.max())
    return mass / mass.sum()


def comes_near(search: Search, mode: Mode, draws: Draws, loglik: np.ndarray) -> bool:
    """Whether some draw is within the limit of a mode, labels aside; see `distances`.

    loglik : ndarray, shape (chains, draws)
        Of the draws, nats: one that falls too far below the mode is not looked at.
    """
    data = search.data
    for chain, draw in np.argwhere(mode.loglik - loglik <= search.limit):
        density = search.model.log_density(data.x, draws.theta(chain, draw))
        if distances(data, mode.density[None], density)[0] <= search.limit:
            return True
    return False


def distances(data: Dataset, places: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Nats (m,) by which a point is away from each of m places, from log-densities at the observations.

    The larger of the loss of log-likelihood and sum_i c_i (log f_point - log f_place)^2 / 2 over the
    observations, which near a place is the quadratic form of the information matrix. Blind to labels.

    Parameters
    ----------
    places : ndarray, shape (m, n_rows)
    density : ndarray, shape (n_rows,)
    """
    below = places - density
    farther: np.ndarray = np.maximum(below @ data.weights, 0.5 * (below**2) @ data.weights)
    return farther


def mean_square(data: Dataset, places: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Mean squared difference over the observations, (m,); places and density as in `distances`."""
    mean: np.ndarray = (places - density) ** 2 @ data.weights / data.n
    return mean
