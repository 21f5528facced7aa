"""Ranks of truths among posterior draws: order, ties, thinning, and that they find a wrong sampler."""

import json

import numpy as np
import pytest
import xarray as xr

from mixcompare import draws as summaries
from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.metrics import uniformity
from mixcompare.metrics.base import entries
from mixcompare.metrics.rank import RANKED, rank_truth
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Posterior
from mixcompare.theta import Theta

PRIOR = {"form": "weak", "mean": 4.0}


def posterior(model, data, weights, **parameters):
    """Draws (chains, draws, K, ...) as a sampler leaves them."""
    draws = Draws(weights, parameters)
    group = xr.Dataset(
        {
            name: (["chain", "draw", *(f"{name}_{i}" for i in range(value.ndim - 2))], value)
            for name, value in draws.values.items()
        }
    )
    loglik = summaries.log_likelihoods(Problem(model, data), draws)
    return Posterior(xr.DataTree.from_dict({"posterior": group}), loglik, {}, {}, PRIOR)


def exact(replicate, spread=1.0, prior_mean=4.0):
    """Ranks under draws from Gamma(shape + sum x, rate + n), the posterior of one Poisson rate.

    `spread` other than 1 is a sampler whose draws lie too near their mean; `prior_mean` other than 4 one
    with another prior than the truths'.
    """
    rng = np.random.default_rng([replicate, 7])
    model, n, shape = MixtureModel("poisson", 1), 5, 3.0
    rate = rng.gamma(shape, 4.0 / shape)
    x = rng.poisson(rate, n)
    data = Dataset(x, name="counts", truth=Theta([1.0], rates=[rate]), prior=PRIOR)
    a, b = shape + x.sum(), shape / prior_mean + n
    rates = rng.gamma(a, 1 / b, size=(1, RANKED, 1))
    rates = np.maximum(a / b + spread * (rates - a / b), 1e-9)
    drawn = posterior(model, data, np.ones((1, RANKED, 1)), rates=rates)
    return rank_truth(model, drawn, data, seed=1)


def p_values(found):
    table = {}
    for row in found:
        for where, value in entries(row["ranks"]):
            table.setdefault(where, []).append(value)
    return {where: uniformity.p_value(np.array(values)) for where, values in table.items()}


LEAST = 0.01 / 4
"""One level for all four quantities of a sampler: 1 %."""


def test_exact_draws_are_calibrated_and_wrong_ones_are_found_out():
    right = p_values([exact(r) for r in range(100)])
    assert set(right) == {
        ("log_rates", 1),
        ("loglik",),
        ("mixture mean", 1),
        ("mixture variance", 1),
    }
    assert min(right.values()) > LEAST
    assert min(p_values([exact(r, prior_mean=1.0) for r in range(100)]).values()) < LEAST


@pytest.mark.slow
def test_five_hundred_simulations_see_draws_that_are_a_fifth_too_narrow():
    assert min(p_values([exact(r) for r in range(500)]).values()) > LEAST
    assert min(p_values([exact(r, spread=0.8) for r in range(500)]).values()) < LEAST


MODEL = MixtureModel("gaussian", 2)
TRUTH = Theta([0.3, 0.7], means=[[0.0], [3.0]], covariances=[[[1.0]], [[0.25]]])


def normals(labels=0, truth=TRUTH, prior=PRIOR, size=150):
    """A posterior around the truth whose labels are switched at random, by `labels`."""
    rng = np.random.default_rng(3)
    x, _ = MODEL.sample(TRUTH, 40, rng)
    data = Dataset(x, name="two", truth=truth, prior=prior)
    w = np.clip(0.3 + 0.1 * rng.standard_normal((2, size)), 0.05, 0.95)
    draws = Draws(
        np.stack([w, 1 - w], axis=-1),
        {
            "means": TRUTH.means + 0.2 * rng.standard_normal((2, size, 2, 1)),
            "covariances": TRUTH.covariances
            * np.exp(0.3 * rng.standard_normal((2, size, 2, 1, 1))),
        },
    )
    switched = np.random.default_rng(labels).random((2, size)) < 0.5 * bool(labels)
    drawn = draws.relabelled(np.where(switched[..., None], [1, 0], [0, 1]))
    return posterior(MODEL, data, drawn.weights, **drawn.parameters), data


def test_ranks_do_not_depend_on_labels():
    found = rank_truth(MODEL, *normals(), seed=1)
    swapped = Theta(TRUTH.weights[::-1], means=[[3.0], [0.0]], covariances=[[[0.25]], [[1.0]]])
    assert rank_truth(MODEL, *normals(labels=5), seed=1) == found
    assert rank_truth(MODEL, *normals(labels=6, truth=swapped), seed=1) == found
    assert {name: np.shape(value) for name, value in found["ranks"].items()} == {
        "logit_weights": (1,),  # the other one mirrors it
        "means": (2, 1),
        "log_sds": (2, 1),
        "loglik": (),
        "mixture mean": (1,),
        "mixture variance": (1,),
    }
    assert found["rank_draws"] == RANKED
    assert found["rank_ess"] > RANKED
    assert found["same_prior"] is True
    json.dumps(found, allow_nan=False)


def test_another_prior_is_told():
    found = rank_truth(MODEL, *normals(prior={**PRIOR, "mean": 5.0}), seed=1)
    assert found["same_prior"] is False
    assert found["ranks"]


def test_ranks_count_draws_below_the_truth():
    drawn, data = normals(size=40)  # 80 draws, fewer than are ranked: all are
    means = np.sort(drawn.draws["posterior"]["means"].values[..., 0], axis=-1).reshape(-1, 2)
    found = rank_truth(MODEL, drawn, data, seed=1)
    assert found["rank_draws"] == 80
    for k in range(2):
        rank = (means[:, k] < TRUTH.means[k, 0]).sum()
        assert rank / 81 <= found["ranks"]["means"][k][0] < (rank + 1) / 81


def test_three_weights_are_all_ranked():
    model = MixtureModel("poisson", 3)
    rng = np.random.default_rng(1)
    truth = Theta([0.2, 0.3, 0.5], rates=[1.0, 4.0, 9.0])
    data = Dataset(model.sample(truth, 30, rng)[0], truth=truth, prior=PRIOR)
    weights, rates = rng.dirichlet([2, 2, 2], (1, 120)), rng.gamma(2, 2, (1, 120, 3))
    found = rank_truth(model, posterior(model, data, weights, rates=rates), data, seed=1)
    assert np.shape(found["ranks"]["logit_weights"]) == (3,)


def test_ties_are_spread_evenly():
    """Equal draws say nothing of the truth: any place among them is as likely as any other."""
    model = MixtureModel("poisson", 1)
    places = []
    for replicate in range(200):
        x = np.random.default_rng(replicate).poisson(3.0, 20)
        data = Dataset(x, truth=Theta([1.0], rates=[3.0]), prior=PRIOR)
        same = posterior(model, data, np.ones((1, 20, 1)), rates=np.full((1, 20, 1), 3.0))
        found = rank_truth(model, same, data, seed=1)
        places.append(found["ranks"]["log_rates"][0])
        assert found["rank_ess"] is None  # draws that never move have no effective size
    assert 0 < min(places) < 0.05 < 0.95 < max(places) < 1
    assert uniformity.p_value(np.array(places)) > 0.01


def test_few_effective_draws_keep_their_ranks():
    drawn, data = normals()
    means = drawn.draws["posterior"]["means"]
    means.values[...] = np.repeat(means.values[:, ::50], 50, axis=1)  # moves three times a chain
    found = rank_truth(MODEL, drawn, data, seed=1)
    assert found["rank_ess"] < RANKED
    assert found["ranks"]["means"][0][0] is not None


def test_there_are_no_ranks_without_a_drawn_truth_or_draws():
    drawn, data = normals()
    assert rank_truth(MODEL, None, data, seed=1) == {}
    assert rank_truth(MODEL, *normals(prior=None), seed=1) == {}
    assert rank_truth(MODEL, *normals(truth=None), seed=1) == {}
    assert rank_truth(MixtureModel("gaussian", 3), drawn, data, seed=1) == {}
    drawn.draws["posterior"]["means"].values[0, 0] = np.nan
    assert rank_truth(MODEL, drawn, data, seed=1) == {}


def test_uniform_numbers_stay_inside_their_band_as_often_as_it_says():
    n, R = 60, 400
    rng = np.random.default_rng(5)
    points, lower, upper = uniformity.band(n)
    assert points[0] == lower[0] == upper[0] == lower[-1] == upper[-1] == 0
    assert points[-1] == 1
    held = []
    for _ in range(R):
        u = rng.random(n)
        below = np.searchsorted(np.sort(u), points, side="right") / n - points
        held.append(bool(((lower - 1e-12 <= below) & (below <= upper + 1e-12)).all()))
        p = uniformity.p_value(u)
        assert held[-1] == (p > 1 - uniformity.LEVEL)
    assert abs(np.mean(held) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / R)


def test_numbers_that_are_not_uniform_leave_their_band():
    rng = np.random.default_rng(6)
    assert uniformity.p_value(rng.beta(0.5, 0.5, 200)) < 0.01
    assert uniformity.p_value(rng.beta(2, 2, 200)) < 0.01
    assert uniformity.p_value(rng.beta(1, 2, 60)) < 0.001
    assert np.isnan(uniformity.p_value(np.array([0.5])))
