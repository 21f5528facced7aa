"""Scenarios: what is drawn, that it is reproducible, and what is refused."""

import numpy as np
import pytest

from mixcompare.errors import SpecError
from mixcompare.scenarios.base import make_scenario
from mixcompare.seeds import stream

TWO = {"weights": [0.3, 0.7], "means": [0, 0.6], "sds": [0.08, 0.12], "n": 1000}


def test_the_truth_and_the_shapes():
    data = make_scenario("gaussian", **TWO).draw(stream(1, "data", "two", 0), "two")
    assert data.x.shape == (1000, 1)
    assert data.name == "two"
    assert data.truth.means.tolist() == [[0.0], [0.6]]
    assert np.allclose(data.truth.covariances[:, 0, 0], [0.0064, 0.0144])


def test_components_are_where_the_truth_says():
    data = make_scenario("gaussian", **{**TWO, "n": 20000}).draw(stream(1, "data", "two", 0))
    for k, (mean, sd, weight) in enumerate([(0, 0.08, 0.3), (0.6, 0.12, 0.7)]):
        part = data.x[data.labels == k, 0]
        assert abs(part.size / 20000 - weight) < 5 * np.sqrt(0.21 / 20000)
        assert abs(part.mean() - mean) < 5 * sd / np.sqrt(part.size)
        assert abs(part.std() / sd - 1) < 5 / np.sqrt(2 * part.size)


def test_labels_are_multinomial_unless_stratified():
    scenario = make_scenario("gaussian", **TWO)
    shares = [(scenario.draw(stream(1, "data", "two", r)).labels == 0).sum() for r in range(20)]
    assert len(set(shares)) > 5
    exact = make_scenario("gaussian", **TWO, stratified=True)
    labels = exact.draw(stream(1, "data", "two", 0)).labels
    assert (labels == np.repeat([0, 1], [300, 700])).all()


def test_stratified_shares_sum_to_n():
    scenario = make_scenario(
        "gaussian", weights=[1 / 3] * 3, means=[0, 1, 2], sds=[1, 1, 1], n=10, stratified=True
    )
    assert np.bincount(scenario.draw(stream(0, "x")).labels).tolist() == [3, 4, 3]


def test_the_same_stream_gives_the_same_data():
    scenario = make_scenario("gaussian", **TWO)
    a, b, c = (scenario.draw(stream(1, "data", "two", r)) for r in (0, 0, 1))
    assert a.digest == b.digest != c.digest


def test_several_features():
    covariances = [[[1.0, 0.5], [0.5, 2.0]], [[1.0, 0.0], [0.0, 1.0]]]
    scenario = make_scenario(
        "gaussian", weights=[0.5, 0.5], means=[[0, 0], [9, 9]], covariances=covariances, n=5000
    )
    data = scenario.draw(stream(1, "data"))
    assert np.allclose(np.cov(data.x[data.labels == 0].T), covariances[0], atol=0.2)
    assert data.truth == scenario.theta


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weights": [0.3, 0.6]}, "weights: expected positive numbers with sum 1"),
        ({"weights": [1.3, -0.3]}, "weights"),
        ({"weights": "many"}, "weights: expected numbers, got many"),
        ({"means": [0, 1, 2]}, "means: expected 2 entries"),
        ({"means": [0, float("nan")]}, "means: expected finite numbers"),
        ({"sds": [0.08]}, "sds: expected 2 positive numbers"),
        ({"sds": [0.08, 0]}, "sds"),
        ({"sds": None}, "either sds or covariances, got neither"),
        ({"covariances": [[[1]], [[1]]]}, "either sds or covariances, got both"),
        ({"sds": None, "covariances": [[[1]], [[-1]]]}, "component 2 is not positive"),
        ({"sds": None, "covariances": [[1], [1]]}, "covariances: expected shape (2, 1, 1)"),
        ({"n": 0}, "n: expected a whole number of at least 1, got 0"),
        ({"n": 10.5}, "n: expected a whole number"),
        ({"n": True}, "n: expected a whole number"),
        ({"stratified": 1}, "stratified: expected true or false"),
        ({"sd": [1, 1]}, 'unknown parameter "sd"'),
    ],
)
def test_wrong_parameters(change, says):
    with pytest.raises(SpecError) as caught:
        make_scenario("gaussian", **{**TWO, **change})
    assert says in str(caught.value)


def test_misspelt_and_missing():
    with pytest.raises(SpecError, match='Did you mean "sds"'):
        make_scenario("gaussian", **TWO, sdss=[1, 1])
    with pytest.raises(SpecError, match="expected a value for n"):
        make_scenario("gaussian", weights=[1.0], means=[0], sds=[1])
    with pytest.raises(SpecError, match='Did you mean "gaussian"'):
        make_scenario("gauss", **TWO)


def test_data_published_with_seeds_are_drawn_as_published():
    scenario = make_scenario("gaussian", **TWO, stratified=True, first_seed=5)
    for replicate in (0, 3):
        rng = np.random.default_rng(5 + replicate)
        published = np.concatenate([rng.normal(0, 0.08, 300), rng.normal(0.6, 0.12, 700)])
        for root, name in ((1, "a"), (2, "b")):
            x = scenario.draw(scenario.rng(root, name, replicate)).x[:, 0]
            np.testing.assert_array_equal(x, published)
    own = make_scenario("gaussian", **TWO)
    a, b = (own.draw(own.rng(1, "two", 0)), own.draw(stream(1, "data", "two", 0)))
    assert a.digest == b.digest
    with pytest.raises(
        SpecError, match="first_seed: expected a whole number of at least 0, got -1"
    ):
        make_scenario("gaussian", **TWO, first_seed=-1)


LATENT = {
    "family": "bernoulli",
    "truth": {"weights": [0.4, 0.6], "probs": [[0.2, 0.3], [0.8, 0.9]]},
    "n": 4000,
}


def test_a_mixture_of_any_family():
    data = make_scenario("mixture", **LATENT).draw(stream(1, "data", "items", 0), "items")
    assert data.x.shape == (4000, 2)
    assert data.name == "items"
    assert data.truth.probs.tolist() == [[0.2, 0.3], [0.8, 0.9]]
    for k in (0, 1):
        means = data.x[data.labels == k].mean(axis=0)
        np.testing.assert_allclose(means, data.truth.probs[k], atol=0.06)
    tosses = {"family": "binomial", "options": {"n_trials": 5}, "n": 50}
    truth = {"weights": [0.5, 0.5], "probs": [0.3, 0.8]}
    assert make_scenario("mixture", **tosses, truth=truth).draw(stream(1, "x")).x.max() <= 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n": 0}, "n: expected a whole number"),
        ({"family": "bernouli"}, 'Did you mean "bernoulli"'),
        ({"options": 3}, "options: expected a table"),
        ({"truth": [1]}, "truth: expected a table"),
        (
            {"truth": {"weights": [1.0], "rates": [3.0]}},
            "truth: Theta.*expects the parameters probs",
        ),
        ({"truth": {"weights": [0.5, 0.5], "probs": [[0.2], [1.2]]}}, "a point of the model"),
        ({"truth": {"weights": [0.5, 0.5]}}, "truth"),
    ],
)
def test_a_wrong_mixture_is_one_clear_message(change, words):
    with pytest.raises(SpecError, match=words):
        make_scenario("mixture", **{**LATENT, **change})
