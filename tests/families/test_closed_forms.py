"""Families against scipy and closed forms: densities, M-steps, refusals, edges, collapse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.errors import DataError, SpecError
from mixcompare.estimators.em import EM
from mixcompare.families.base import Edge
from mixcompare.families.categorical import Categorical
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta
from mixcompare.verify.verifier import verify

RNG = np.random.default_rng(0)
X = RNG.integers(0, 8, size=(60, 1)).astype(float)
PLANE = RNG.normal(size=(60, 3)) * [1.0, 2.0, 5.0] + [0.0, 3.0, -4.0]
ITEMS = np.column_stack([RNG.integers(0, 3, 60), RNG.integers(0, 2, 60)]).astype(float)
COUNTS = RNG.integers(1, 5, 60)


def mixed(weights: list[float], densities: list[np.ndarray]) -> float:
    return float(COUNTS @ np.log(np.column_stack(densities) @ weights))


def items(table: list[list[list[float]]]) -> np.ndarray:
    return np.array(
        [np.prod([p[int(c)] for p, c in zip(table, row, strict=True)]) for row in ITEMS]
    )


PROBS = [[[0.2, 0.3, 0.5], [0.4, 0.6, 0.0]], [[0.6, 0.3, 0.1], [0.9, 0.1, 0.0]]]
CASES = {
    "poisson": (
        MixtureModel("poisson", 2),
        X,
        {"rates": [1.5, 5.0]},
        [stats.poisson.pmf(X[:, 0], r) for r in (1.5, 5.0)],
    ),
    "exponential": (
        MixtureModel("exponential", 2),
        X,
        {"rates": [0.2, 3.0]},
        [stats.expon.pdf(X[:, 0], scale=1 / r) for r in (0.2, 3.0)],
    ),
    "binomial": (
        MixtureModel("binomial", 2, n_trials=9),
        X,
        {"probs": [0.2, 0.7]},
        [stats.binom.pmf(X[:, 0], 9, p) for p in (0.2, 0.7)],
    ),
    "categorical": (
        MixtureModel("categorical", 2),
        ITEMS,
        {"probs": PROBS},
        [items([p[0], p[1]]) for p in PROBS],
    ),
    "diag": (
        MixtureModel("gaussian", 2, covariance="diag"),
        PLANE,
        {"means": [[0, 3, -4], [1, 2, 0]], "covariances": [np.diag([1, 4, 9]), np.diag([2, 1, 5])]},
        [
            stats.multivariate_normal.pdf(PLANE, m, np.diag(v))
            for m, v in (([0, 3, -4], [1, 4, 9]), ([1, 2, 0], [2, 1, 5]))
        ],
    ),
    "spherical": (
        MixtureModel("gaussian", 2, covariance="spherical"),
        PLANE,
        {"means": [[0, 3, -4], [1, 2, 0]], "covariances": [9 * np.eye(3), 4 * np.eye(3)]},
        [
            stats.multivariate_normal.pdf(PLANE, m, v * np.eye(3))
            for m, v in (([0, 3, -4], 9), ([1, 2, 0], 4))
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_likelihoods_are_those_of_scipy_constants_included(case):
    model, x, parameters, densities = CASES[case]
    data, theta = Dataset(x, counts=COUNTS), Theta([0.3, 0.7], **parameters)
    expected = mixed([0.3, 0.7], densities)
    assert Problem(model, data).log_likelihood(theta) == pytest.approx(expected, rel=1e-12)
    exact = model.on(data).log_density(data.x, theta)
    assert data.weights @ exact == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_m_steps_are_weighted_means(case):
    model, x, _, _ = CASES[case]
    data = Dataset(x, counts=COUNTS)
    family = model.on(data).family
    shares = RNG.dirichlet(np.ones(2), size=60)
    found = family.from_frame(family.mle(family.sums(data, shares)), family.frame(data))
    r = shares * data.weights[:, None]
    mean = r.T @ x / r.sum(axis=0)[:, None]
    if "means" in found:
        variance = np.array([r[:, k] @ (x - mean[k]) ** 2 / r[:, k].sum() for k in range(2)])
        if case == "spherical":
            variance = np.repeat(variance.mean(axis=1)[:, None], 3, axis=1)
        np.testing.assert_allclose(found["means"], mean, rtol=1e-10)
        np.testing.assert_allclose(
            found["covariances"], variance[:, :, None] * np.eye(3), rtol=1e-10
        )
        return
    expected = {
        "poisson": lambda: mean[:, 0],
        "exponential": lambda: 1 / mean[:, 0],
        "binomial": lambda: mean[:, 0] / 9,
        "categorical": lambda: np.stack(
            [(r.T @ (level == ITEMS) / r.sum(axis=0)[:, None]) for level in range(3)], axis=2
        ),
    }[case]()
    (value,) = found.values()
    np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("model", "x", "words"),
    [
        (MixtureModel("poisson", 1), [1.0, 2.5], ["whole numbers from 0", "2.5", "row 2"]),
        (MixtureModel("poisson", 1), [-1.0, 2.0], ["-1", "row 1"]),
        (MixtureModel("poisson", 1), [[1.0, 2.0]], ["one feature", "got 2"]),
        (MixtureModel("exponential", 1), [1.0, -0.5], [">= 0", "-0.5"]),
        (MixtureModel("exponential", 1), [[1.0, 2.0]], ["one feature"]),
        (MixtureModel("binomial", 1, n_trials=3), [1.0, 4.0], ["n_trials = 3", "got 4"]),
        (MixtureModel("binomial", 1, n_trials=3), [[1.0, 2.0]], ["one feature"]),
        (MixtureModel("binomial", 1), [1.0, 4.0], ["n_trials", "for example n_trials = 4"]),
        (MixtureModel("binomial", 1), [1.0, 4.5], ["whole numbers from 0", "4.5", "row 2"]),
        (MixtureModel("categorical", 1), [0.0, 1.5], ["codes from 0", "1.5", "row 2"]),
        (MixtureModel("categorical", 1), [-1.0, 1.0], ["codes", "-1"]),
        (MixtureModel("categorical", 1), [0.0, 1e6], ["codes", "1e+06"]),
        (MixtureModel("categorical", 1, levels=(2,)), [0.0, 2.0], ["levels given", "got 2"]),
        (MixtureModel("categorical", 1, levels=(2, 2)), [0.0, 1.0], ["2 items", "1 column"]),
    ],
)
def test_refusals_say_what_was_expected(model, x, words):
    with pytest.raises(DataError) as caught:
        Problem(model, Dataset(np.array(x)))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"n_trials": 0}, {"n_trials": 2.5}, {"n_trials": True}, {"n_trials": "3"}]
)
def test_wrong_numbers_of_trials(options):
    with pytest.raises(SpecError, match="n_trials: expected a whole number"):
        MixtureModel("binomial", 2, **options)


@pytest.mark.parametrize(
    "options", [{"levels": ()}, {"levels": (2.5,)}, {"levels": (0,)}, {"first": 2}]
)
def test_wrong_levels(options):
    with pytest.raises(SpecError, match="expected"):
        MixtureModel("categorical", 2, **options)


def test_levels_are_read_off_the_data_and_the_name_stays():
    model = MixtureModel("categorical", 2)
    zero, one = model.on(Dataset(ITEMS)), model.on(Dataset(ITEMS + 1))
    assert (zero.family.levels, zero.family.first) == ((3, 2), 0)
    assert (one.family.levels, one.family.first) == ((3, 2), 1)
    assert zero.name == one.name == model.name == "categorical K=2"
    assert zero.family.shapes(2) == {"probs": (2, 3)}
    assert zero.n_parameters(2) == 1 + 2 * (2 + 1)
    # counted from 1 the same model is the same
    theta = Theta([0.3, 0.7], probs=PROBS)
    assert Problem(model, Dataset(ITEMS)).log_likelihood(theta) == pytest.approx(
        Problem(model, Dataset(ITEMS + 1)).log_likelihood(theta), rel=1e-14
    )
    given = MixtureModel("categorical", 2, levels=[4, 2], first=0)
    assert given.on(Dataset(ITEMS)).family.levels == (4, 2)
    assert "categorical K=2 (4, 2)" in given.name


def test_two_levels_are_bernoulli():
    x = (ITEMS > 0).astype(float)
    p = np.array([[0.2, 0.7], [0.6, 0.1]])
    theta = Theta([0.4, 0.6], probs=np.stack([1 - p, p], axis=2))
    assert Problem(MixtureModel("categorical", 2), Dataset(x)).log_likelihood(
        theta
    ) == pytest.approx(
        Problem(MixtureModel("bernoulli", 2), Dataset(x)).log_likelihood(
            Theta([0.4, 0.6], probs=p)
        ),
        rel=1e-13,
    )


@pytest.mark.parametrize(
    "p", [[0.2, 0.3, 0.5], [0.0, 0.4, 0.6], [0.4, 0.0, 0.6], [0.4, 0.6, 0.0], [1, 0, 0], [0, 0, 1]]
)
def test_at_every_face_only_the_zeros_have_infinite_coordinates(p):
    family = Categorical(levels=(3,), first=0)
    parameters = {"probs": np.array([[p]], dtype=float)}
    z = family.to_unconstrained(parameters)
    assert not np.isnan(z).any()
    assert np.isfinite(z).sum() == np.count_nonzero(p) - 1
    np.testing.assert_allclose(family.to_natural(z, 1, 1)["probs"], parameters["probs"], atol=1e-15)


def test_a_moved_probability_leaves_a_sum_of_one():
    family = Categorical(levels=(3, 2), first=0)
    parameters = {"probs": np.array([[[0.0, 0.4, 0.6], [1.0, 0.0, 0.0]]])}
    edges = {edge.index: edge for edge in family.edges(parameters)}
    assert set(edges) == {(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)}
    up = family.moved(parameters, edges[0, 0], 0.1)
    np.testing.assert_allclose(up["probs"][0, 0], [0.1, 0.36, 0.54])
    down = family.moved(parameters, edges[1, 0], 0.7)
    np.testing.assert_allclose(down["probs"][0, 1], [0.7, 0.3, 0.0])
    plain = MixtureModel("poisson", 1).family.moved(
        {"rates": np.array([0.5, 2.0])}, Edge("rate 1", 0, "rates", (), 0.0), 0.0
    )
    assert plain["rates"].tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("model", "x", "theta", "edge"),
    [
        (
            MixtureModel("poisson", 2),
            np.repeat([0.0, 9.0, 10.0, 12.0], [30, 8, 8, 4]),
            Theta([0.6, 0.4], rates=[0.0, 10.0]),
            "rate 1 at 0",
        ),
        (
            MixtureModel("binomial", 2, n_trials=5),
            np.repeat([5.0, 0.0, 1.0, 2.0], [30, 8, 8, 4]),
            Theta([0.6, 0.4], probs=[1.0, 0.16]),
            "probability 1 at 1",
        ),
        (
            MixtureModel("categorical", 1),
            np.repeat([0.0, 2.0], [10, 20]),
            Theta([1.0], probs=[[[1 / 3, 0.0, 2 / 3]]]),
            "probability 1 of item 1 = 1 at 0",
        ),
    ],
)
def test_maxima_at_the_edge(model, x, theta, edge):
    data = Dataset(x)
    claim = EM().fit(Problem(model, data), model.as_start(theta, data), RNG)
    verdict = verify(model, data, claim.theta)
    assert (verdict.finding, verdict.edges) == ("boundary", (edge,))


def test_an_edge_that_ascends_inward_is_not_stationary():
    data = Dataset(np.repeat([0.0, 1.0, 2.0], [10, 5, 20]))
    theta = Theta([1.0], probs=[[[1 / 3, 0.0, 2 / 3]]])
    assert verify(MixtureModel("categorical", 1), data, theta).finding == "non_finite"
    theta = Theta([0.5, 0.5], probs=[[[1 / 3, 0.0, 2 / 3]], [[1 / 3, 1 / 3, 1 / 3]]])
    assert verify(MixtureModel("categorical", 2), data, theta).finding == "not_stationary"


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_an_exponential_component_collapses_on_zeros(unit):
    coal = load_dataset("coal_intervals")
    data, model = Dataset(coal.x * unit), MixtureModel("exponential", 2)
    assert (data.x == 0).sum() == 1
    start = Theta([0.01, 0.99], rates=np.array([1e4, 1 / 213]) / unit)
    claim = EM().fit(Problem(model, data), start, RNG)
    assert claim.solver.status == "collapsed"
    verdict = verify(model, data, claim.theta)
    assert verdict.finding == "singular"
    # on the way there, and at the very end of it
    for rate in (1e3, 1e5, 1e9):
        point = Theta([1 / 190, 189 / 190], rates=np.array([rate, 1 / 214]) / unit)
        assert verify(model, data, point).finding == "singular", rate


def test_a_component_of_zeros_alone_keeps_a_finite_rate():
    family = MixtureModel("exponential", 1).family
    rates = family.mle(np.array([[3.0, 0.0], [0.0, 0.0], [2.0, 4.0]]))["rates"]
    assert np.isfinite(rates[0])
    assert rates[0] > 1e200
    assert np.isnan(rates[1])
    assert rates[2] == 0.5


def test_a_spike_held_up_by_more_than_zeros_is_no_collapse():
    rng = np.random.default_rng(3)
    x = np.concatenate([[0.0], rng.exponential(1e-3, 40), rng.exponential(1.0, 60)])
    data, model = Dataset(x), MixtureModel("exponential", 2)
    claim = EM().fit(Problem(model, data), Theta([0.4, 0.6], rates=[1e3, 1.0]), RNG)
    assert verify(model, data, claim.theta).finding == "maximum"


@pytest.mark.parametrize("covariance", ["diag", "spherical"])
def test_covariances_of_the_wrong_kind_are_outside(covariance):
    model = MixtureModel("gaussian", 1, covariance=covariance)
    tilted = Theta([1.0], means=[[0, 0]], covariances=[[[1, 0.5], [0.5, 1]]])
    assert f"not {covariance[:4]}" in model.outside(tilted)
    uneven = Theta([1.0], means=[[0, 0]], covariances=[[[1, 0], [0, 2]]])
    assert bool(model.outside(uneven)) == (covariance == "spherical")
    flat = Theta([1.0], means=[[0, 0]], covariances=[[[0, 0], [0, 0]]])
    assert "not positive definite" in model.outside(flat)


@pytest.mark.parametrize(
    ("covariance", "expected"),
    [
        # six rows share their first coordinate: a diagonal matrix collapses there, a round one does not
        ("diag", "singular"),
        ("spherical", "not_stationary"),
    ],
)
def test_what_collapses_depends_on_the_kind_of_covariance(covariance, expected):
    x = np.random.default_rng(1).normal(size=(60, 2))
    x[:6, 0] = 0.5
    model = MixtureModel("gaussian", 2, covariance=covariance)
    small = [1e-6, 1.0] if covariance == "diag" else [1e-4, 1e-4]
    theta = Theta(
        [0.1, 0.9],
        means=[x[:6].mean(axis=0), x[6:].mean(axis=0)],
        covariances=[np.diag(small), np.eye(2)],
    )
    assert verify(model, Dataset(x), theta).finding == expected


def test_one_feature_makes_all_free_kinds_alike():
    data = Dataset(PLANE[:, :1], counts=COUNTS)
    theta = Theta([0.4, 0.6], means=[[0.0], [1.0]], covariances=[[[1.0]], [[4.0]]])
    found = []
    for covariance in ("full", "diag", "spherical"):
        model = MixtureModel("gaussian", 2, covariance=covariance)
        problem = Problem(model, data)
        z = model.to_unconstrained(theta, problem.frame)
        value, score = problem.value_and_score(z)
        found.append([value, *score, *z])
        assert model.coordinate_names(data.columns)[-1] == "log sd 2"
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_base_measures():
    data = Dataset(X, counts=COUNTS)
    poisson = MixtureModel("poisson", 1).family.base_measure(data)
    assert poisson == pytest.approx(-COUNTS @ special.gammaln(X[:, 0] + 1))
    binomial = MixtureModel("binomial", 1, n_trials=9).family.base_measure(data)
    assert binomial == pytest.approx(COUNTS @ np.log(special.comb(9, X[:, 0])))
