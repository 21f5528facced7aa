"""Posteriors written down instead of sampled, so that each finding has a case known to be one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.records import Posterior
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface


def normal_draws(
    model: MixtureModel,
    data: Dataset,
    theta: Theta,
    rng: np.random.Generator,
    shape: tuple[int, int] = (4, 400),
    autocorrelation: float = 0.0,
) -> list[list[Theta]]:
    """Draws (chains, draws) from the normal approximation about a strict maximum, by AR(1) chains."""
    surface = Surface(model, data, theta)
    local = surface.quadratic(np.zeros(surface.free.size))
    root = local.basis / np.sqrt(local.curvature)
    chains = []
    for _ in range(shape[0]):
        state, chain = rng.standard_normal(root.shape[0]), []
        for _ in range(shape[1]):
            fresh = rng.standard_normal(root.shape[0])
            state = autocorrelation * state + np.sqrt(1 - autocorrelation**2) * fresh
            chain.append(surface.theta(root @ state))
        chains.append(chain)
    return chains


def posterior(
    chains: Sequence[Sequence[Theta]], **statistics: np.ndarray
) -> tuple[Posterior, Theta]:
    """A Posterior of these draws as an estimator would hand it over, and the mean of the draws.

    What an estimator says beside the draws is made up, because a verifier must not read it.
    """
    import arviz

    values = {
        name: np.array([[draw[name] for draw in chain] for chain in chains])
        for name in chains[0][0]
    }
    shape = values["weights"].shape[:2]
    sampled = {
        "diverging": np.zeros(shape, dtype=bool),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
        "energy": np.random.default_rng(1).normal(size=shape),
        **statistics,
    }
    tree = arviz.from_dict({"posterior": values, "sample_stats": sampled})
    means = {name: value.mean(axis=(0, 1)) for name, value in values.items()}
    mean = Theta(means.pop("weights"), **means)
    return Posterior(tree, np.zeros(shape), {"rhat": 1.0}, {}), mean
