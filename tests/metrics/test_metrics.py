"""Metrics of a fit on simulated data: matching, errors, divergence, intervals, and their summaries."""

import json

import numpy as np
import pytest

from mixcompare import registry
from mixcompare.draws import Draws
from mixcompare.metrics.base import compute_metrics, jsonable, match_components
from mixcompare.metrics.density import KullbackLeibler, PredictiveDensity
from mixcompare.metrics.fresh import Truth, divergence, mean_mcse
from mixcompare.metrics.recovery import RMSE, Bias, Coverage
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

MODEL = MixtureModel("gaussian", 2)


def point(weights, means, sds):
    return Theta(
        weights, means=np.array(means)[:, None], covariances=(np.array(sds) ** 2)[:, None, None]
    )


TRUTH = point([0.3, 0.7], [0.0, 0.6], [0.08, 0.12])


def test_errors_are_taken_after_matching():
    swapped = point([0.68, 0.32], [0.61, 0.01], [0.12, 0.16])
    found = compute_metrics(MODEL, swapped, {}, TRUTH, 1, "two")
    assert found["match"] == [1, 0]
    assert np.allclose(found["errors"]["means"], [[0.01], [0.01]])
    assert np.allclose(found["errors"]["log_sds"], [[np.log(2)], [0]])
    logit = np.log(0.32 / 0.68) - np.log(0.3 / 0.7)
    assert np.allclose(found["errors"]["logit_weights"], [logit, -logit])
    json.dumps(found, allow_nan=False)


def test_intervals_follow_the_matching():
    swapped = point([0.7, 0.3], [0.6, 0.0], [0.12, 0.08])
    # of component "0.6": holds the truth; of component "0.0": misses it from above
    intervals = {
        "means": ([[0.5], [0.1]], [[0.7], [0.3]]),
        "log_sds": ([[np.nan], [-9]], [[np.nan], [9]]),
    }
    found = compute_metrics(MODEL, swapped, {"wald": intervals, "none": {}}, TRUTH, 1, "two")
    assert list(found["intervals"]) == ["wald"]
    found = found["intervals"]["wald"]
    assert found["covered"] == {"means": [[0.0], [1.0]], "log_sds": [[1.0], [None]]}
    assert np.allclose(found["width"]["means"], 0.2)
    assert found["width"]["log_sds"] == [[18.0], [None]]


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_matching_has_no_units(unit):
    theta = point([0.5, 0.5], [0.58 * unit, 0.02 * unit], [0.3 * unit, 0.001 * unit])
    truth = point([0.3, 0.7], [0.0, 0.6 * unit], [0.08 * unit, 0.12 * unit])
    assert match_components(MODEL, theta, truth, 3, "two").tolist() == [1, 0]


def test_matching_three_components_by_shape_where_means_agree():
    truth = point([0.2, 0.3, 0.5], [0.0, 0.0, 5.0], [1.0, 4.0, 1.0])
    theta = point([0.4, 0.3, 0.3], [5.1, 0.1, -0.1], [1.1, 3.9, 1.2])
    assert match_components(MixtureModel("gaussian", 3), theta, truth, 3, "x").tolist() == [2, 1, 0]


def test_divergence_agrees_with_the_closed_form_for_one_component():
    model = MixtureModel("gaussian", 1)
    truth, theta = point([1.0], [0.0], [1.0]), point([1.0], [0.05], [1.1])
    exact = np.log(1.1) + (1 + 0.05**2) / (2 * 1.1**2) - 0.5
    found = compute_metrics(model, theta, {}, truth, 7, "one")
    assert abs(found["kl"] - exact) < 5 * found["kl_mcse"]
    # the control variate: without it the error would be several times larger
    x = np.random.default_rng(0).standard_normal((4000, 1))
    plain = (model.log_density(x, truth) - model.log_density(x, theta)).std() / np.sqrt(4000)
    assert found["kl_mcse"] < plain / 4


def test_divergence_of_a_far_estimate_stays_right():
    """Heavy tails of the density ratio must not spoil the estimate."""
    model = MixtureModel("gaussian", 1)
    truth, theta = point([1.0], [0.0], [1.0]), point([1.0], [3.0], [5.0])
    exact = np.log(5.0) + (1 + 9) / 50 - 0.5
    kl, mcse = divergence(model, theta, Truth(model.family, truth), 7, "one")
    assert abs(kl - exact) < 6 * mcse < 0.1


def test_the_truth_itself_has_no_divergence():
    found = compute_metrics(MODEL, TRUTH, {}, TRUTH, 1, "two")
    assert found["kl"] == 0
    assert found["kl_mcse"] == 0


def test_fresh_points_are_the_same_for_all_rows_and_depend_on_seed_and_name():
    theta = point([0.35, 0.65], [0.02, 0.58], [0.1, 0.1])
    first = compute_metrics(MODEL, theta, {}, TRUTH, 1, "two")["kl"]
    assert compute_metrics(MODEL, theta, {}, TRUTH, 1, "two")["kl"] == first
    assert compute_metrics(MODEL, theta, {}, TRUTH, 2, "two")["kl"] != first
    assert compute_metrics(MODEL, theta, {}, TRUTH, 1, "other")["kl"] != first


def test_another_number_of_components_gives_only_the_divergence():
    one = MixtureModel("gaussian", 1)
    found = compute_metrics(one, point([1.0], [0.4], [0.3]), {}, TRUTH, 1, "two")
    assert set(found) == {"kl", "kl_mcse", "predictive", "predictive_mcse"}
    assert found["kl"] > 0.1


def test_nothing_to_measure():
    coins = Theta([0.5, 0.5], probs=[[0.2], [0.8]])
    assert compute_metrics(MODEL, None, {}, TRUTH, 1, "two") == {}
    assert compute_metrics(MODEL, TRUTH, {}, None, 1, "two") == {}
    assert compute_metrics(MODEL, TRUTH, {}, coins, 1, "two") == {}
    outside = Theta([0.5, 0.5], means=[[0.0], [1.0]], covariances=[[[-1.0]], [[1.0]]])
    assert compute_metrics(MODEL, outside, {}, TRUTH, 1, "two") == {}


def test_infinite_values_become_none():
    model = MixtureModel("bernoulli", 2)
    truth = Theta([0.5, 0.5], probs=[[0.2], [0.8]])
    found = compute_metrics(model, Theta([1.0, 0.0], probs=[[0.0], [0.5]]), {}, truth, 1, "coins")
    assert found["kl"] is None
    assert found["errors"]["logits"][0] == [None] or found["errors"]["logits"][1] == [None]
    json.dumps(found, allow_nan=False)
    assert jsonable(np.array([[1.0, np.inf]])) == [[1.0, None]]


def test_bias_and_rmse_by_hand():
    rows = [{"errors": {"means": [[e], [0.0]]}} for e in (1.0, 2.0, 3.0)] + [{}]
    first, second = Bias().aggregate(rows)
    assert first.where == ("means", 1, 1)
    assert second.where == ("means", 2, 1)
    assert first.estimate == 2.0
    assert np.isclose(first.mcse, 1 / np.sqrt(3))
    assert (first.n_used, first.n_planned) == (3, 4)
    rmse = RMSE().aggregate(rows)[0]
    assert np.isclose(rmse.estimate, np.sqrt(14 / 3))
    # sd of (1, 4, 9) = 4.041452; / sqrt(3) / (2 rmse)
    assert np.isclose(rmse.mcse, 4.041451884327381 / np.sqrt(3) / (2 * np.sqrt(14 / 3)))
    assert RMSE().aggregate(rows)[1].mcse == 0


def test_coverage_by_hand():
    rows = [{"covered": {"logits": [[c]]}} for c in (1.0, 1.0, 1.0, 0.0, None)]
    (found,) = Coverage().aggregate(rows)
    assert found.estimate == 0.75
    assert np.isclose(found.mcse, np.sqrt(0.75 * 0.25 / 4))
    assert (found.n_used, found.n_planned) == (4, 5)


def test_divergence_by_hand_and_none_used():
    (found,) = KullbackLeibler().aggregate([{"kl": 1.0}, {"kl": 3.0}, {"kl": None}])
    assert (found.where, found.estimate, found.n_used, found.n_planned) == ((), 2.0, 2, 3)
    assert np.isclose(found.mcse, 1.0)
    for metric in registry.names("metrics"):
        (none,) = registry.load("metrics", metric)().aggregate([{}, {}])
        assert np.isnan(none.estimate)
        assert (none.n_used, none.n_planned) == (0, 2)


def test_one_replicate_has_no_monte_carlo_error():
    (found,) = Bias().aggregate([{"errors": {"rates": [2.0]}}])
    assert found.estimate == 2.0
    assert np.isnan(found.mcse)


def normal_draws(means, sds):
    """One chain of single normal components."""
    size = (1, len(means), 1)
    return Draws(
        np.ones(size),
        {
            "means": np.reshape(means, (*size, 1)),
            "covariances": np.reshape(sds, (*size, 1, 1)) ** 2,
        },
    )


def test_predictive_density_of_a_point_agrees_with_the_closed_form():
    model = MixtureModel("gaussian", 1)
    truth, theta = point([1.0], [0.0], [1.0]), point([1.0], [0.1], [1.2])
    exact = -(np.log(1.2) + (1 + 0.1**2) / (2 * 1.2**2) - 0.5)
    values = []
    for replicate in range(20):
        found = compute_metrics(model, theta, {}, truth, 7, "one", replicate)
        assert list(found["predictive"]) == ["plug-in"]
        gap = found["predictive"]["plug-in"] - exact
        assert abs(gap) < 5 * found["predictive_mcse"]["plug-in"]
        values.append(found["predictive"]["plug-in"])
    assert len(set(values)) == 20  # fresh data of its own for every replicate
    mean, mcse = mean_mcse(np.array(values))
    assert abs(mean - exact) < 4 * mcse < 0.01


def test_posterior_predictive_density_is_that_of_the_mean_density():
    """Draws N(-1, 1) and N(1, 1): the mean density is a mixture, and the mean point is N(0, 1) itself."""
    model = MixtureModel("gaussian", 1)
    truth = point([1.0], [0.0], [1.0])
    draws = normal_draws([-1.0, 1.0], [1.0, 1.0])
    found = compute_metrics(model, draws.mean(), {}, truth, 7, "one", 3, draws)["predictive"]
    assert found["plug-in"] == 0.0
    grid = np.linspace(-12, 12, 20001)
    density = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    log_mean = -0.5 + np.logaddexp(grid, -grid) - np.log(2)  # log of (N(-1,1) + N(1,1)) / 2 N(0,1)
    exact = (density * log_mean).sum() * (grid[1] - grid[0])
    assert abs(found["posterior predictive"] - exact) < 0.01
    # log of the mean is above the mean of the logs, -1/2
    assert found["posterior predictive"] > -0.5 + 0.1


def test_draws_are_thinned_evenly_over_chains():
    weights = np.ones((4, 300, 1))
    means = np.arange(1200.0).reshape(4, 300, 1, 1)
    draws = Draws(weights, {"means": means, "covariances": np.ones((4, 300, 1, 1, 1))})
    kept = np.array([theta.means[0, 0] for theta in draws.spread(500)])
    assert kept.size == 500
    assert (kept[0], kept[-1]) == (0, 1199)
    assert set(np.diff(kept)) == {2, 3}
    assert [theta.means[0, 0] for theta in draws.spread(1200)] == list(range(1200))


def test_predictive_density_by_hand_and_where_theta_gives_none():
    rows = [{"predictive": {"plug-in": v, "posterior predictive": 0.0}} for v in (-1.0, -3.0)]
    plug_in, other = PredictiveDensity().aggregate(rows)
    assert (plug_in.where, plug_in.estimate, plug_in.mcse) == (("plug-in",), -2.0, 1.0)
    assert (other.where, other.estimate, other.mcse) == (("posterior predictive",), 0.0, 0.0)
    model, truth = MixtureModel("bernoulli", 2), Theta([0.5, 0.5], probs=[[0.2], [0.8]])
    sure = Theta([1.0, 0.0], probs=[[0.0], [0.5]])
    assert compute_metrics(model, sure, {}, truth, 1, "coins")["predictive"] == {"plug-in": None}
