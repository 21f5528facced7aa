"""The compiled pass against the exact route, and the functions it is made of."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from family_cases import families, label, make_data, make_model, make_point

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.numerics import vexp, vlog
from mixcompare.problem import Problem
from mixcompare.theta import Theta

FAMILIES = pytest.mark.parametrize("family", families(), ids=label)


def compare(model: MixtureModel, data: Dataset, theta: Theta) -> None:
    """Log-likelihood within the stated rounding of the exact one; statistics from exact posteriors."""
    problem = Problem(model, data)
    loglik, statistics = problem.statistics(theta)
    exact = float(data.weights @ model.log_density(data.x, theta))
    assert abs(loglik - exact) <= 8 * problem.rounding(theta, loglik, statistics)
    framed = model.family.to_frame(theta.parameters, problem.frame)
    expected = model.family.sums(data, problem.e_step(theta), framed)
    np.testing.assert_allclose(statistics, expected, rtol=1e-9, atol=1e-9 * data.n)
    np.testing.assert_allclose(statistics[:, 0].sum(), data.n, rtol=1e-12)


@FAMILIES
@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("n", [7, 32, 33, 255, 256, 257, 1000])
def test_any_number_of_rows(family, n, counts):
    d = 1 if n == 7 or family.univariate else 3
    model, data = make_model(family, 2, n, d, seed=n, counts=counts)
    compare(model, data, make_point(model, data))


@FAMILIES
@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("K", [1, 2, 3, 5, 8])
def test_any_number_of_components(family, K, counts):
    d = 1 if family.univariate else 4
    model, data = make_model(family, K, 300, d, seed=K, counts=counts)
    compare(model, data, make_point(model, data, seed=K))


@FAMILIES
@pytest.mark.parametrize("counts", [False, True])
def test_a_component_without_weight_changes_nothing(family, counts):
    three, data = make_model(family, 3, 300, 1 if family.univariate else 2, counts=counts)
    point = make_point(three, data)
    weights = np.array([0.3, 0.0, 0.7])
    with_empty = Problem(three, data).statistics(Theta(weights, **point.parameters))
    without = Problem(MixtureModel(three.family, 2), data).statistics(
        Theta(weights, **point.parameters).take([0, 2])
    )
    assert with_empty[0] == pytest.approx(without[0], rel=1e-13)
    np.testing.assert_allclose(with_empty[1][[0, 2]], without[1], rtol=1e-12, atol=1e-12)
    assert (with_empty[1][1] == 0).all()


@pytest.mark.parametrize("K", [1, 2, 3])
@pytest.mark.parametrize("where", [0, 150, 299])
def test_far_points(K, where):
    # A density of exp(-1e8): every component underflows, and the block is redone with maxima.
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 1))
    x[where] = 1.5e4
    model = MixtureModel("gaussian", K)
    theta = Theta(np.full(K, 1 / K), means=np.arange(K)[:, None], covariances=np.ones((K, 1, 1)))
    for counts in (None, rng.integers(1, 4, 300)):
        compare(model, Dataset(x, counts=counts), theta)


def test_the_same_likelihood_whatever_the_offset():
    rng = np.random.default_rng(3)
    x = np.round(rng.normal(size=(300, 1)), 6)
    model = MixtureModel("gaussian", 2)
    values = [
        Problem(model, Dataset(x + shift)).log_likelihood(
            Theta([0.4, 0.6], means=[[shift], [shift + 1]], covariances=[[[1.0]], [[0.5]]])
        )
        for shift in (0.0, 1e6)
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-6)


def test_probabilities_of_zero_and_one():
    data = make_data(families()[0], 200, 2, seed=4)
    model = MixtureModel("bernoulli", 3)
    theta = Theta([0.2, 0.3, 0.5], probs=[[0.0, 1.0], [1.0, 0.0], [0.4, 0.6]])
    assert model.family.name == families()[0].name
    compare(model, data, theta)


@FAMILIES
def test_parameters_outside_their_domain_give_nan(family):
    model, data = make_model(family, 2, 50)
    point = make_point(model, data)
    name = list(point.parameters)[-1]
    wrong = Theta(point.weights, **{**point.parameters, name: -1.0 - point[name]})
    assert model.outside(wrong)
    problem = Problem(model, data)
    assert np.isnan(problem.log_likelihood(wrong))
    assert problem.non_finite == 1


@numba.njit
def _each(x, exponentials, logarithms):
    for i in range(x.size):
        exponentials[i] = vexp(x[i])
        logarithms[i] = vlog(exponentials[i])


def _apply(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.empty_like(x), np.empty_like(x)
    _each(x, a, b)
    return a, b


def test_exp_and_log_are_within_one_ulp():
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.uniform(-708, 709, 200_000), rng.uniform(-2, 2, 200_000), [0.0, -708.0, 709.0]]
    )
    exponentials, logarithms = _apply(x)
    assert (np.abs(exponentials - np.exp(x)) <= np.spacing(np.exp(x))).all()
    exact = np.log(exponentials)
    assert (np.abs(logarithms - exact) <= np.spacing(np.abs(exact))).all()


def test_exp_at_its_limits():
    limits, _ = _apply(np.array([-np.inf, -1e300, 1e300, np.inf, np.nan]))
    assert (limits[:2] == 0).all()
    assert (limits[2:4] > 1e300).all()
    assert np.isnan(limits[4])
