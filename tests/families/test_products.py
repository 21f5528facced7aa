"""Products of the Hessian with a direction: exact over the data, whatever the data's form."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import cases, make_model, make_point

from mixcompare.data import Dataset
from mixcompare.errors import BudgetExceeded
from mixcompare.families.fused import ExponentialFamily
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem

exponential = [case for case in cases(1, 3) if isinstance(case.values[0], ExponentialFamily)]
NODES = 17
"""Of the polynomials that are put through the gradient along a line."""


def problem_at(family, d, n=700, **how) -> tuple[Problem, np.ndarray, np.ndarray]:
    """Problem, a point and a direction; several blocks of rows."""
    model, data = make_model(family, 2, n, d, seed=5, **how)
    problem = Problem(model, data)
    z = model.to_unconstrained(make_point(model, data), problem.frame)
    return problem, z, np.random.default_rng(2).normal(size=z.size)


def interpolated(problem: Problem, z: np.ndarray, v: np.ndarray, reach: float) -> np.ndarray:
    """d/dt of the gradient at z + t v, by the Chebyshev series of it for |t| <= reach."""
    nodes = np.polynomial.chebyshev.chebpts1(NODES)
    gradients = np.array([problem.value_and_score(z + reach * t * v)[1] for t in nodes])
    series = np.polynomial.chebyshev.chebfit(nodes, gradients, NODES - 1)
    slope = np.polynomial.chebyshev.chebder(series)
    return np.polynomial.chebyshev.chebval(0.0, slope) / reach


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize(("family", "d"), exponential)
def test_the_product_is_the_derivative_of_the_gradient(family, d, counts):
    problem, z, v = problem_at(family, d, counts=counts)
    found = problem.product(z, v)
    expected = interpolated(problem, z, v, 0.02)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize(("family", "d"), exponential)
def test_the_hessian_is_symmetric_and_linear(family, d):
    problem, z, v = problem_at(family, d)
    hessian = np.column_stack([problem.product(z, e) for e in np.eye(z.size)])
    size = np.abs(hessian).max()
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-11 * size)
    np.testing.assert_allclose(hessian @ v, problem.product(z, v), rtol=0, atol=1e-11 * size)
    np.testing.assert_allclose(problem.product(z, 1e-9 * v), 1e-9 * (hessian @ v), rtol=1e-9)


def test_densities_that_underflow_are_no_hindrance():
    """The second component's density is zero at all observations of the first, to any double."""
    rng = np.random.default_rng(0)
    data = Dataset(np.concatenate([rng.normal(0, 1, 300), rng.normal(1e4, 1, 300)]))
    model = MixtureModel("gaussian", 2)
    problem = Problem(model, data)
    theta = problem.maximise(problem.weigh(np.repeat(np.eye(2), 300, axis=0)))
    z = model.to_unconstrained(theta, problem.frame)
    v = np.array([0.0, 0.3, 0.0, -0.7, 0.0])
    product = problem.product(z, v)
    variance = theta["covariances"][0, 0, 0] / problem.frame.scale[0] ** 2
    assert product[1] == pytest.approx(-300 * v[1] / variance, rel=1e-9)
    assert product[3] == pytest.approx(-2 * 300 * v[3], rel=1e-6)
    np.testing.assert_allclose(product[[2, 4]], 0.0, atol=1e-6 * abs(product[1]))


def test_a_product_is_two_passes_of_the_budget():
    model, data = make_model(exponential[0].values[0], 2, 50, 1)
    z = np.full(model.n_parameters(1), 0.1)
    problem = Problem(model, data, Budget(passes=3))
    problem.product(z, np.ones(z.size))
    assert problem.passes == 2
    assert problem.trajectory.loglik[0] == Problem(model, data).value(z)
    with pytest.raises(BudgetExceeded):
        problem.product(z, np.ones(z.size))
    assert problem.passes == 2


def test_no_direction_costs_nothing_and_no_point_gives_nan():
    problem, z, v = problem_at(exponential[0].values[0], 1)
    assert not problem.product(z, 0 * v).any()
    assert problem.passes == 0
    assert np.isnan(problem.product(np.full_like(z, np.nan), v)).all()
    assert problem.non_finite == 1
