"""Every start scheme on every family: in the domain, reproducible from its index, true to its word."""

from __future__ import annotations

import numpy as np
import pytest
import threadpoolctl

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.starts.base import StartScheme, make_start
from mixcompare.starts.mixed import CYCLE
from mixcompare.theta import Theta

RNG = np.random.default_rng(8)
LINE = Dataset(np.concatenate([RNG.normal(0, 1, 60), RNG.normal(6, 0.5, 40)]), name="line")
PLANE = Dataset(RNG.normal(size=(80, 2)) @ [[1e3, 0], [5e2, 1e-3]], name="plane")
ITEMS = Dataset(
    (RNG.random((90, 3)) < 0.6).astype(float), counts=RNG.integers(1, 5, 90), name="items"
)
COINS = Dataset([[0.0], [1.0]], counts=[4, 6], name="coins")

SITUATIONS = {
    "line": (MixtureModel("gaussian", 2), LINE),
    "line tied": (MixtureModel("gaussian", 3, covariance="tied"), LINE),
    "one": (MixtureModel("gaussian", 1), LINE),
    "plane": (MixtureModel("gaussian", 3), PLANE),
    "plane tied": (MixtureModel("gaussian", 3, covariance="tied"), PLANE),
    "items": (MixtureModel("bernoulli", 3), ITEMS),
    "coins": (MixtureModel("bernoulli", 2), COINS),
}
SCHEMES = pytest.mark.parametrize("scheme", registry.NAMES["starts"])
WHERE = pytest.mark.parametrize(("model", "data"), SITUATIONS.values(), ids=SITUATIONS)


@SCHEMES
@WHERE
def test_starts_are_interior_points(scheme, model, data):
    for index in range(6):
        start = make_start(scheme, model, data, 3, index)
        assert start.index == index
        assert model.outside(start.theta) == ""
        assert model.conform(start.theta, data.n_features) == start.theta
        assert np.isfinite(model.to_unconstrained(start.theta)).all()
        assert np.isfinite(model.log_density(data.x, start.theta)).all()


@SCHEMES
@WHERE
def test_a_start_depends_on_seed_and_index_alone(scheme, model, data):
    late = make_start(scheme, model, data, 3, 4)
    for index in range(4):
        make_start(scheme, model, data, 3, index)
    assert make_start(scheme, model, data, 3, 4).theta == late.theta


@SCHEMES
def test_random_schemes_vary_with_index_and_seed(scheme):
    cls: type[StartScheme] = registry.load("starts", scheme)
    assert cls.name == scheme
    model = MixtureModel("gaussian", 4)
    starts = [
        make_start(scheme, model, LINE, seed, index).theta for seed in (0, 1) for index in range(5)
    ]
    different = sum(a != b for i, a in enumerate(starts) for b in starts[:i])
    assert different >= 40 if cls.random else different == 0  # of 45 pairs


@SCHEMES
def test_starts_do_not_see_the_method_and_cost_it_nothing(scheme):
    model = MixtureModel("gaussian", 2)
    records = [
        fit(model, LINE, method, start=scheme, seed=4, max_iter=3, tol=0, verify=False)
        for method in ("em", "cem", "em[old-means]")
    ]
    for record in records:
        assert record.start == make_start(scheme, model, LINE, 4, 0).theta
        assert record.cost.passes == 4


def test_unknown_schemes():
    with pytest.raises(SpecError, match=r'Did you mean "kmeans"'):
        make_start("k-means", MixtureModel("gaussian", 2), LINE)


# -- random -----------------------------------------------------------------------------------------


def test_random_weights_are_never_tiny():
    model = MixtureModel("gaussian", 5)
    weights = np.array([make_start("random", model, LINE, 0, i).theta.weights for i in range(200)])
    assert weights.min() >= 0.01
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(weights.mean(axis=0), 0.2, atol=0.05)


def test_random_starts_follow_the_units():
    model = MixtureModel("gaussian", 3)
    here, there = (
        make_start("random", model, LINE).theta,
        make_start("random", model, Dataset(1e6 * LINE.x + 1e7)).theta,
    )
    np.testing.assert_allclose(there["means"], 1e6 * here["means"] + 1e7, rtol=1e-9)
    np.testing.assert_allclose(there["covariances"], 1e12 * here["covariances"], rtol=1e-9)


# -- from data --------------------------------------------------------------------------------------


def test_from_data_takes_distinct_observations():
    data = Dataset(np.repeat([1.0, 2.0, 5.0, 9.0], [97, 1, 1, 1]))
    model = MixtureModel("gaussian", 4)
    for index in range(5):
        theta = make_start("from-data", model, data, 0, index).theta
        assert sorted(theta["means"].ravel()) == [1.0, 2.0, 5.0, 9.0]
        assert theta.weights.tolist() == [0.25] * 4


def test_from_data_draws_by_frequency():
    data = Dataset(np.array([1.0, 2.0, 3.0]), counts=[98, 1, 1])
    model = MixtureModel("gaussian", 1)
    means = [make_start("from-data", model, data, 0, i).theta["means"].item() for i in range(200)]
    assert 185 <= means.count(1.0) <= 200
    assert set(means) <= {1.0, 2.0, 3.0}


def test_from_data_does_not_see_the_order_or_the_form_of_the_rows():
    counts = np.array([3, 1, 2, 4, 1])
    short = Dataset(np.array([4.0, -1.0, 2.5, 7.0, 3.0]), counts=counts)
    long = Dataset(np.random.default_rng(0).permutation(np.repeat(short.x[:, 0], counts)))
    model = MixtureModel("gaussian", 3)
    for index in range(10):
        one = make_start("from-data", model, short, 0, index).theta
        two = make_start("from-data", model, long, 0, index).theta
        for name in one:
            np.testing.assert_allclose(one[name], two[name], rtol=1e-12)


# -- k-means ----------------------------------------------------------------------------------------


def test_kmeans_gives_the_clusters_own_estimates():
    theta, _ = MixtureModel("gaussian", 2).canonical(
        make_start("kmeans", MixtureModel("gaussian", 2), LINE).theta
    )
    low, high = LINE.x[LINE.x < 3.5], LINE.x[LINE.x >= 3.5]
    np.testing.assert_allclose(theta["means"].ravel(), [low.mean(), high.mean()], rtol=1e-10)
    np.testing.assert_allclose(theta["covariances"].ravel(), [low.var(), high.var()], rtol=1e-8)
    np.testing.assert_allclose(theta.weights, [low.size / 100, high.size / 100])


def test_kmeans_counts_repeated_rows():
    x, counts = np.array([0.0, 1.0, 10.0, 12.0]), np.array([1, 3, 2, 2])
    model = MixtureModel("gaussian", 2)
    theta, _ = model.canonical(make_start("kmeans", model, Dataset(x, counts=counts)).theta)
    np.testing.assert_allclose(theta.weights, [0.5, 0.5])
    np.testing.assert_allclose(theta["means"].ravel(), [0.75, 11.0])
    np.testing.assert_allclose(theta["covariances"].ravel(), [0.1875, 1.0], rtol=1e-9)


@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_clusters_without_spread_borrow_one(covariance):
    model = MixtureModel("gaussian", 3, covariance=covariance)
    data = Dataset(np.array([0.0, 0.0, 0.0, 5.0, 5.0, 9.0]))
    theta = make_start("kmeans", model, data).theta
    assert sorted(theta["means"].ravel()) == pytest.approx([0.0, 5.0, 9.0])
    np.testing.assert_allclose(theta["covariances"], data.x.var() / 9, rtol=1e-9)


def test_flat_clusters_in_the_plane_borrow_a_spread():
    # Three points on a line in each cluster: singular covariance matrices.
    x = np.array([[0, 0], [1, 1], [2, 2], [20, 0], [21, 1], [22, 2.0]])
    theta = make_start("kmeans", MixtureModel("gaussian", 2), Dataset(x)).theta
    assert (np.linalg.eigvalsh(theta["covariances"]) > 0.1).all()


def test_shares_of_exactly_zero_or_one_are_moved_inside():
    theta = make_start("kmeans", MixtureModel("bernoulli", 2), COINS).theta
    assert sorted(theta["probs"].ravel()) == pytest.approx([0.3, 0.8])
    assert sorted(theta.weights) == pytest.approx([0.4, 0.6])


def test_kmeans_clusters_by_counts():
    # By rows the two right-hand values belong together, by observations the two left-hand ones.
    data, model = (
        Dataset(np.array([0.0, 4.0, 6.0]), counts=[1, 100, 100]),
        MixtureModel("gaussian", 2),
    )
    weights = [max(make_start("kmeans", model, data, 0, i).theta.weights) for i in range(10)]
    assert weights.count(101 / 201) >= 9


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_kmeans_is_the_same_with_any_number_of_threads(threads, monkeypatch):
    from sklearn.cluster import KMeans

    pools, fit = [], KMeans.fit

    def watched(self: KMeans, *args: object, **options: object) -> object:
        pools.extend(pool["num_threads"] for pool in threadpoolctl.threadpool_info())
        return fit(self, *args, **options)

    monkeypatch.setattr(KMeans, "fit", watched)
    data = Dataset(np.random.default_rng(0).normal(size=(5000, 3)))
    model = MixtureModel("gaussian", 5)
    with threadpoolctl.threadpool_limits(threads):
        theta = make_start("kmeans", model, data, 1).theta
    with threadpoolctl.threadpool_limits(1):
        assert make_start("kmeans", model, data, 1).theta == theta
    assert set(pools) == {1}


# -- k-means++ --------------------------------------------------------------------------------------


def test_seeds_are_distinct_observations_far_apart():
    far = Dataset(np.repeat([0.0, 0.1, 50.0, 100.0], [40, 40, 10, 10]))
    model = MixtureModel("gaussian", 3)
    hits = 0
    for index in range(20):
        theta = make_start("kmeans++", model, far, 0, index).theta
        means = np.sort(theta["means"].ravel())
        assert set(means) <= {0.0, 0.1, 50.0, 100.0}
        assert len(set(means)) == 3
        assert theta.weights.tolist() == [1 / 3] * 3
        hits += means[0] < 1 and means[1] == 50 and means[2] == 100
    assert hits >= 19  # k-means++ all but excludes both of 0 and 0.1


# -- quantiles --------------------------------------------------------------------------------------


def test_the_first_quantile_start_has_equal_groups():
    data = Dataset(np.random.default_rng(0).permutation(np.arange(90.0)))
    theta = make_start("quantiles", MixtureModel("gaussian", 3), data).theta
    np.testing.assert_allclose(theta["means"].ravel(), [14.5, 44.5, 74.5])
    np.testing.assert_allclose(theta["covariances"].ravel(), np.arange(30).var(), rtol=1e-9)
    np.testing.assert_allclose(theta.weights, 1 / 3)


def test_other_quantile_starts_cut_elsewhere():
    data = Dataset(np.arange(90.0))
    weights = [
        make_start("quantiles", MixtureModel("gaussian", 3), data, 0, i).theta.weights
        for i in range(1, 40)
    ]
    np.testing.assert_allclose(np.mean(weights, axis=0), 1 / 3, atol=0.08)
    assert (np.std(weights, axis=0) > 0.08).all()
    assert np.min(weights) >= 1 / 90


def test_quantiles_never_part_equal_values_nor_leave_a_group_empty():
    data = Dataset(np.array([1.0, 2.0, 3.0, 4.0]), counts=[97, 1, 1, 1])
    for K in (2, 3, 4):
        for index in range(20):
            theta = make_start("quantiles", MixtureModel("poisson", K), data, 0, index).theta
            sizes = theta.weights * 100
            np.testing.assert_allclose(sizes, np.round(sizes), atol=1e-9)
            assert sizes.min() > 0.99
            assert theta["rates"].min() == 1.0


def test_quantiles_follow_the_first_principal_component():
    rng = np.random.default_rng(3)
    along = np.concatenate([rng.normal(-5, 0.3, 50), rng.normal(5, 0.3, 50)])
    x = along[:, None] * [1.0, -1.0] + rng.normal(0, 0.1, (100, 2))
    theta = make_start("quantiles", MixtureModel("gaussian", 2), Dataset(x * [1.0, 1e4])).theta
    means = theta["means"][np.argsort(theta["means"][:, 0])] / [1.0, 1e4]
    np.testing.assert_allclose(means, [[-5, 5], [5, -5]], atol=0.3)


# -- small EM ---------------------------------------------------------------------------------------


def test_small_em_is_a_good_start_but_no_end():
    model = MixtureModel("gaussian", 2)
    data = Dataset(np.concatenate([RNG.normal(0, 1, 300), RNG.normal(2.5, 1, 200)]))
    values = {
        scheme: np.array(
            [
                data.weights
                @ model.log_density(data.x, make_start(scheme, model, data, 0, i).theta)
                for i in range(8)
            ]
        )
        for scheme in ("small-em", "from-data")
    }
    assert values["small-em"].min() > values["from-data"].max()
    problem = Problem(model, data)
    _, statistics = problem.statistics(make_start("small-em", model, data).theta)
    assert problem.log_likelihood(problem.maximise(statistics)) > values["small-em"][0] + 1e-6


def test_small_em_does_not_choose_a_collapse():
    data = Dataset(np.concatenate([[0.0] * 6, np.random.default_rng(0).normal(3, 2, 60)]))
    for index in range(6):
        theta = make_start("small-em", MixtureModel("gaussian", 3), data, 0, index).theta
        sds = np.sqrt(theta["covariances"].ravel())
        assert sds.min() >= 0.05 * sds.max()


# -- hierarchical -----------------------------------------------------------------------------------


def test_hierarchical_finds_separate_clusters():
    rng = np.random.default_rng(4)
    centres = np.array([[0, 0], [30, 0], [0, 5e3]])
    x = np.concatenate([centre + rng.normal(size=(20, 2)) * [1, 100] for centre in centres])
    theta = make_start("hierarchical", MixtureModel("gaussian", 3), Dataset(x)).theta
    found = theta["means"][np.lexsort(theta["means"].T)]
    np.testing.assert_allclose(
        found, np.stack([x[:20].mean(0), x[20:40].mean(0), x[40:].mean(0)]), rtol=1e-9
    )


def test_hierarchical_weighs_repeated_rows():
    counts = np.array([30, 2, 2, 2, 40])
    short = Dataset(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), counts=counts)
    long = Dataset(np.random.default_rng(0).permutation(np.repeat(short.x[:, 0], counts)))
    model = MixtureModel("gaussian", 2)
    one, two = (
        model.canonical(make_start("hierarchical", model, d).theta)[0] for d in (short, long)
    )
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-9)


def test_hierarchical_takes_a_part_of_large_data():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 30000), rng.normal(50, 1, 10000)])
    model = MixtureModel("gaussian", 2)
    theta, _ = model.canonical(make_start("hierarchical", model, Dataset(x)).theta)
    np.testing.assert_allclose(theta.weights, [0.75, 0.25], rtol=1e-9)
    np.testing.assert_allclose(theta["means"].ravel(), [0, 50], atol=0.05)
    # all but five of 50,000 values are equal: no part at even steps would hold five values
    heavy = Dataset(np.arange(6.0), counts=[50000, 1, 1, 1, 1, 1])
    theta = make_start("hierarchical", MixtureModel("poisson", 5), heavy).theta
    assert len(np.unique(theta["rates"])) == 5


# -- mixed, given -----------------------------------------------------------------------------------


def test_mixed_is_kmeans_and_then_a_cycle():
    model = MixtureModel("gaussian", 2)
    schemes = [
        make_start("mixed", model, LINE, 0, index).scheme for index in range(1 + 2 * len(CYCLE))
    ]
    assert schemes == ["kmeans", *CYCLE, *CYCLE]
    assert CYCLE == ("from-data", "random", "kmeans++", "quantiles", "small-em")
    for index, scheme in enumerate(schemes):
        assert (
            make_start("mixed", model, LINE, 5, index).theta
            == make_start(scheme, model, LINE, 5, index).theta
        )


def test_a_given_point_is_taken_as_it_is():
    theta = Theta([0.5, 0.5], means=[0.0, 6.0], covariances=[1.0, 1.0])
    start = make_start(theta, MixtureModel("gaussian", 2), LINE)
    assert start.scheme == "given"
    assert start.theta["means"].shape == (2, 1)
    assert start.notes == ()
    equal = make_start(
        Theta([0.5, 0.5], means=[1, 1], covariances=[1, 1]), MixtureModel("gaussian", 2), LINE
    )
    assert equal.notes == ("components 1 and 2 of the start coincide",)


@pytest.mark.parametrize(
    ("theta", "message"),
    [
        (Theta([0.5, 0.6], means=[0, 1], covariances=[1, 1]), "weights sum to 1.1"),
        (
            Theta([0.5, 0.5], means=[0, 1], covariances=[1, -1]),
            "variance of component 2 is not positive",
        ),
        (Theta([0.5, 0.5], means=[0, np.nan], covariances=[1, 1]), "not finite"),
        (Theta([1.0], means=[0], covariances=[1]), "expected 2 components"),
        (Theta([0.5, 0.5], mean=[0, 1], covariances=[1, 1]), 'Did you mean "means"'),
    ],
)
def test_a_given_point_must_be_one(theta, message):
    with pytest.raises(DataError, match=message):
        make_start(theta, MixtureModel("gaussian", 2), LINE)
