"""Effective draws per CPU second with the family's compiled pass in the PyMC model, beside the pure graph."""

from __future__ import annotations

import numpy as np
import pytest
from side_by_side import Row, cpu

from mixcompare import draws as summaries
from mixcompare.data import Dataset
from mixcompare.estimators.nuts import joined
from mixcompare.estimators.posterior import compiled
from mixcompare.estimators.sampled import from_variables
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.problem import Problem
from mixcompare.relabel import relabel

SEEDS = (1, 2)


def two_groups(rng: np.random.Generator, n: int) -> np.ndarray:
    """Measurements that are all distinct."""
    return np.where(rng.random(n) < 0.3, rng.normal(0, 0.08, n), rng.normal(0.6, 0.12, n))


def counts(rng: np.random.Generator, n: int) -> np.ndarray:
    """Some twenty distinct values, which both forms evaluate once."""
    return rng.poisson(np.where(rng.random(n) < 0.4, 2.0, 9.0)).astype(float)


def rate(model: MixtureModel, data: Dataset, likelihood: str, seed: int) -> float:
    """Smallest bulk effective size after relabelling, per CPU second of 4 x (1000 + 1000) steps."""
    import nutpie

    prior = Prior.of("weak").on(model, data)
    structure = (model.family, model.n_components, data.n_features, "weak", False)
    sampler = compiled(*structure, likelihood).on(model, data, prior).sampler
    trees = []
    spent = cpu(
        lambda: trees.append(
            nutpie.sample(
                sampler,
                draws=1000,
                tune=1000,
                chains=4,
                cores=1,
                seed=seed,
                target_accept=0.9,
                progress_bar=False,
            )
        )
    )
    raw = from_variables(prior, joined(trees))
    loglik = summaries.log_likelihoods(Problem(model, data), raw)
    found = relabel(model, data, *raw.flat, loglik.ravel()).reshape(raw.weights.shape)
    return summaries.least_ess(raw.relabelled(found).values, "bulk") / spent


@pytest.mark.parametrize(
    ("family", "make", "n", "goal"),
    [
        ("gaussian", two_groups, 300, ""),
        ("gaussian", two_groups, 5000, ">= 10"),
        ("poisson", counts, 300, ""),
        ("poisson", counts, 5000, ""),
    ],
)
def test_effective_draws_per_second(family, make, n, goal, rows):
    data = Dataset(make(np.random.default_rng(n), n))
    model = MixtureModel(family, 2).on(data)
    found = [[rate(model, data, name, seed) for name in ("fused", "graph")] for seed in SEEDS]
    ratios = sorted(ours / theirs for ours, theirs in found)
    ours, theirs = np.mean(found, axis=0)
    rows.append(
        Row(
            f"NUTS, {family}, n = {n}, K = 2: compiled pass / pure graph, effective draws a second",
            f"{ours:.0f}/s",
            f"{theirs:.0f}/s",
            f"{np.mean(ratios):.3g}",
            goal,
            f"{ratios[0]:.3g} to {ratios[-1]:.3g}",
        )
    )
