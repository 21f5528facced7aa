"""The modes of a posterior, found without the sampler: what its draws ought to have come near.

A small EM from ten starts at the data, and from the best draw of each chain, then a quasi-Newton ascent of
the log-posterior in the unconstrained coordinates of the frame, where the prior keeps modes off edges and
ridges. A mode's mass is Laplace's: height + log det(2 pi H^-1) / 2 (Tierney and Kadane 1986, JASA 81, 82-86).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.mixture import MixtureModel
from mixcompare.prior import ModelPrior
from mixcompare.problem import Problem
from mixcompare.seeds import stream
from mixcompare.theta import Theta
from mixcompare.verify.components import collapsed, narrowness
from mixcompare.verify.policy import Policy

STARTS = 10
EM_STEPS = 200
STEP = 1e-4
"""Of central differences, in coordinates of the frame."""

SAME = 1e-2
"""Nats in height, and root mean square difference in log-density, below which two modes are one."""

COMPARED = 1000
"""Draws at most that are compared with a mode, evenly spread over the chains."""


@dataclass(frozen=True)
class Mode:
    """A mode of the posterior: its place, log-likelihood there, and share of the Laplace mass."""

    theta: Theta
    loglik: float
    share: float


class LogPosterior:
    """The log-posterior of a model on data, in the unconstrained coordinates of the frame."""

    def __init__(self, model: MixtureModel, data: Dataset, prior: ModelPrior) -> None:
        self.model, self.data, self.prior = model, data, prior
        self.problem = Problem(model, data)

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """Value (nats) and gradient (q,) at z; one pass."""
        value, gradient = self.problem.value_and_score(z)
        slope = np.array(
            [(self._prior(z + e) - self._prior(z - e)) / (2 * STEP) for e in STEP * np.eye(z.size)]
        )
        return value + self._prior(z), gradient + slope

    def climb(self, theta: Theta) -> np.ndarray:
        """z (q,) of the mode above a point."""
        from scipy.optimize import minimize

        with np.errstate(divide="ignore"):
            z = self.model.to_unconstrained(theta, self.problem.frame)
        start = np.nan_to_num(z, posinf=10.0, neginf=-10.0)

        def downhill(z: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = self(z)
            return (-value, -gradient) if np.isfinite(value) else (np.inf, np.zeros_like(z))

        end: np.ndarray = minimize(downhill, start, jac=True, method="BFGS").x
        return end

    def log_mass(self, z: np.ndarray) -> float:
        """Laplace's log-mass of the mode at z, 2 q + 1 passes; -inf where the curvature is not definite."""
        rows = [(self(z + e)[1] - self(z - e)[1]) / (2 * STEP) for e in STEP * np.eye(z.size)]
        curvature = np.linalg.eigvalsh(-(np.array(rows) + np.array(rows).T) / 2)
        if not (curvature > 0).all():
            return -np.inf
        return self(z)[0] + 0.5 * float(np.log(2 * np.pi / curvature).sum())

    def _prior(self, z: np.ndarray) -> float:
        return self.prior.log_density(z)


def find_modes(
    prior: ModelPrior, data: Dataset, starts: Sequence[Theta], policy: Policy, seed: int
) -> tuple[list[Mode], float]:
    """Distinct modes that are neither collapsed nor narrow, and the passes it took to find them.

    `starts` are tried beside the verifier's own, so that masses are compared with where the draws are.
    """
    model = prior.model
    posterior = LogPosterior(model, data, prior)
    found: list[tuple[Theta, float, float, float, np.ndarray]] = []
    for start in [*_own_starts(model, data, seed), *starts]:
        end = _em(posterior.problem, start)
        if end is None or collapsed(model, data, end, policy):
            continue
        z = posterior.climb(end)
        theta = model.to_natural(z, data.n_features, posterior.problem.frame)
        if model.outside(theta) or narrowness(model, data, theta)[2]:
            continue
        density = model.log_density(data.x, theta)
        height = posterior(z)[0]
        if not any(
            abs(height - h) < SAME and _difference(data, density, other) < SAME**2
            for _, _, h, _, other in found
        ):
            loglik = float(data.weights @ density)
            found.append((theta, loglik, height, posterior.log_mass(z), density))
    masses = np.array([mass for _, _, _, mass, _ in found])
    if not np.isfinite(masses).any():
        return [], float(posterior.problem.passes)
    shares = np.exp(masses - masses.max())
    shares /= shares.sum()
    modes = [
        Mode(theta, loglik, float(share))
        for (theta, loglik, *_), share in zip(found, shares, strict=True)
    ]
    return modes, float(posterior.problem.passes)


def distance(
    model: MixtureModel, data: Dataset, mode: Mode, draws: Draws, loglik: np.ndarray
) -> float:
    """Nats by which the nearest draw is away from a mode, labels aside.

    The larger of the loss of log-likelihood and sum_i c_i (log f_draw - log f_mode)^2 / 2 over the
    observations, which near a mode is the quadratic form of the information matrix; the least over draws.
    """
    chains, size = draws.shape
    density = model.log_density(data.x, mode.theta)
    picked = np.unique(np.linspace(0, chains * size - 1, COMPARED).astype(int))
    nearest = np.inf
    for chain, draw in zip(*np.divmod(picked, size), strict=True):
        loss = mode.loglik - loglik[chain, draw]
        if loss < nearest:
            other = model.log_density(data.x, draws.theta(chain, draw))
            quadratic = 0.5 * data.n * _difference(data, density, other)
            nearest = min(nearest, max(float(loss), quadratic))
    return nearest


def _difference(data: Dataset, one: np.ndarray, other: np.ndarray) -> float:
    """Mean squared difference of two log-densities (n,) over the observations."""
    return float(data.weights @ (one - other) ** 2) / data.n


def _own_starts(model: MixtureModel, data: Dataset, seed: int) -> list[Theta]:
    """Equal weights, and components at distinct rows drawn by a stream of the data's own."""
    K = model.n_components
    rows, share = data.distinct.x, data.distinct.weights / data.n
    starts = []
    for i in range(STARTS):
        chosen = stream(seed, "modes", data.digest, i).choice(
            len(rows), size=K, replace=False, p=share
        )
        components = model.family.components_at(rows[chosen], data)
        starts.append(Theta(np.full(K, 1 / K), **components))
    return starts


def _em(problem: Problem, theta: Theta) -> Theta | None:
    """EM for a fixed number of steps; None if a component was lost on the way."""
    for _ in range(EM_STEPS):
        loglik, statistics = problem.statistics(theta)
        if not np.isfinite(loglik):
            return None
        theta = problem.maximise(statistics)
        if not theta.is_finite or problem.model.outside(theta):
            return None
    return theta
