"""Truths drawn from a prior: what is drawn, that it is the prior, and what is refused."""

import numpy as np
import pytest

from mixcompare.errors import SpecError
from mixcompare.prior import Prior
from mixcompare.scenarios.base import make_scenario
from mixcompare.seeds import stream

RATES = {"form": "weak", "shape": 3.0, "mean": 4.0, "weights": 2.0}
COUNTS = {"family": "poisson", "n_components": 2, "n": 30, "priors": RATES}


def drawn(replicate, **change):
    scenario = make_scenario("prior", **{**COUNTS, **change})
    return scenario.draw(scenario.rng(1, "counts", replicate), "counts")


def test_every_replicate_has_a_truth_of_its_own():
    first, second = drawn(0), drawn(1)
    assert first.truth != second.truth
    assert first.truth == drawn(0).truth
    assert first.digest == drawn(0).digest
    assert first.x.shape == (30, 1)
    assert first.name == "counts"
    assert "poisson K=2" in first.source
    assert Prior.of(first.prior) == Prior.of(RATES)


def test_data_come_from_the_truth():
    data = drawn(0, n=20_000)
    for k in range(2):
        part = data.x[data.labels == k, 0]
        weight, rate = data.truth.weights[k], data.truth.rates[k]
        assert abs(part.size / 20_000 - weight) < 5 * np.sqrt(weight * (1 - weight) / 20_000)
        assert abs(part.mean() - rate) < 5 * np.sqrt(rate / part.size)


def test_truths_have_the_moments_of_the_prior():
    """Dirichlet(2, 2), and Gamma with shape 3 and mean 4."""
    truths = [drawn(r, n=1).truth for r in range(2000)]
    rates = np.array([truth.rates for truth in truths]).ravel()
    weights = np.array([truth.weights[0] for truth in truths])
    assert abs(rates.mean() - 4) < 5 * np.sqrt(16 / 3 / rates.size)
    assert abs(rates.var() / (16 / 3) - 1) < 0.2
    assert abs(weights.mean() - 0.5) < 5 * np.sqrt(0.05 / weights.size)
    assert abs(weights.var() / 0.05 - 1) < 0.2


def test_several_features_and_options():
    table = {"form": "weak", "a": 1.5, "b": 1.5}
    data = drawn(0, family="bernoulli", n_features=4, priors=table)
    assert data.x.shape == (30, 4)
    assert data.truth.probs.shape == (2, 4)
    assert Prior.of(data.prior).form == "weak"
    numbers = {"mean": [0, 1], "mean_sd": 2, "hyper_rate": 1, "form": "richardson-green"}
    options = {"covariance": "tied"}
    data = drawn(0, family="gaussian", n_features=2, priors=numbers, options=options)
    assert (data.truth.covariances[0] == data.truth.covariances[1]).all()


def test_a_form_that_is_left_out_is_named():
    data = drawn(0, priors={"shape": 3.0, "mean": 4.0})
    assert data.prior["form"] == "weak"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"priors": "weak"}, "drawn before there are any data"),
        ({"priors": {"form": "weak", "shape": 2}}, "give mean"),
        ({"priors": {**RATES, "sd": 2}}, 'unknown number "sd"'),
        ({"priors": {**RATES, "mean": -2}}, "mean"),
        ({"priors": 3}, "priors"),
        ({"priors": {**RATES, "form": "richardson-green"}}, "states no prior"),
        ({"family": "poison"}, 'Did you mean "poisson"'),
        ({"n_components": 0}, "n_components"),
        ({"n": 0}, "n: expected a whole number of at least 1, got 0"),
        ({"n_features": 1.5}, "n_features: expected a whole number"),
        ({"options": "full"}, "options: expected a table"),
        ({"options": {"covariance": "full"}}, 'unknown option "covariance"'),
        ({"prior": RATES}, 'Did you mean "priors"'),
    ],
)
def test_wrong_parameters(change, says):
    with pytest.raises(SpecError) as caught:
        make_scenario("prior", **{**COUNTS, **change})
    assert says in str(caught.value)


def test_the_study_decides_the_stream():
    scenario = make_scenario("prior", **COUNTS)
    own = scenario.draw(stream(1, "data", "counts", 3))
    assert own.digest == scenario.draw(scenario.rng(1, "counts", 3)).digest
