"""The gamma family: its special functions, maximum likelihood, narrow and wide data, collapse, refusals."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import special, stats

from mixcompare.data import Dataset
from mixcompare.errors import DataError
from mixcompare.estimators.base import make_estimator
from mixcompare.estimators.em import EM
from mixcompare.families.core import run
from mixcompare.families.special import (
    inverse_log_less_digamma,
    log_deficit,
    log_less_digamma,
    log_peak,
    trigamma_excess,
)
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta
from mixcompare.verify.verifier import verify

ONE, TWO = MixtureModel("gamma", 1), MixtureModel("gamma", 2)
SHAPES = 10.0 ** np.arange(-8, 3, 0.31)
BERNOULLI = [(1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510)]


def fitted(model: MixtureModel, data: Dataset, start: Theta) -> Theta:
    theta = EM().fit(Problem(model, data), start, np.random.default_rng(0)).theta
    assert theta is not None
    return theta


@pytest.mark.parametrize("a", SHAPES)
def test_derivatives_of_log_gamma(a):
    assert math.log(a) - run(log_less_digamma)(a) == pytest.approx(special.psi(a), rel=2e-14)
    assert (1 + run(trigamma_excess)(a)) / a == pytest.approx(special.polygamma(1, a), rel=2e-14)


def decimal_references(a: float) -> tuple[float, float]:
    """log a - psi(a) and a log a - a - log Gamma(a), in 60 digits from the series at a + 80."""
    with localcontext() as context:
        context.prec = 60
        start, y = Decimal(a), Decimal(a) + 80
        psi, log_gamma = -sum(1 / (start + i) for i in range(80)), Decimal(0)
        for i in range(80):
            log_gamma -= (start + i).ln()
        pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
        psi += y.ln() - 1 / (2 * y)
        log_gamma += (y - Decimal("0.5")) * y.ln() - y + (2 * pi).ln() / 2
        for k, (above, below) in enumerate(BERNOULLI, start=1):
            number = Decimal(above) / Decimal(below)
            psi -= number / (2 * k * y ** (2 * k))
            log_gamma += number / (2 * k * (2 * k - 1) * y ** (2 * k - 1))
        return float(start.ln() - psi), float(start * start.ln() - start - log_gamma)


@pytest.mark.parametrize("a", [1e-8, 0.3, 1.0, 7.3, 9.99, 10.0, 41.7, 1e4, 1e8, 1e12])
def test_small_differences_of_large_numbers(a):
    gap, peak = decimal_references(a)
    assert run(log_less_digamma)(a) == pytest.approx(gap, rel=1e-14)
    assert run(log_peak)(a) == pytest.approx(peak, rel=1e-14, abs=2e-15)
    assert run(inverse_log_less_digamma)(gap) == pytest.approx(a, rel=1e-14)


def test_where_the_shape_has_no_equation():
    for g in (0.0, -1.0, math.nan):
        assert math.isnan(run(inverse_log_less_digamma)(g))
    assert run(inverse_log_less_digamma)(2000.0) == pytest.approx(1 / 2000, rel=0.01)
    assert run(inverse_log_less_digamma)(1e-30) == pytest.approx(5e29)


@pytest.mark.parametrize("v", [-0.9, -0.1000001, -0.0999999, -1e-3, -1e-8, 1e-8, 0.02, 0.1, 5.0])
def test_log_deficit_keeps_its_digits(v):
    with localcontext() as context:
        context.prec = 50
        exact = float(Decimal(v) - (1 + Decimal(v)).ln())
    assert run(log_deficit)(1 + v, v) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("shape", [0.3, 1.0, 5.0, 100.0, 3000.0])
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_one_component_is_that_of_scipy(shape, unit):
    x = unit * np.random.default_rng(0).gamma(shape, size=300)
    theta = fitted(ONE, Dataset(x), Theta([1.0], shapes=[2.0], rates=[1.0 / unit]))
    a, _, scale = stats.gamma.fit(x, floc=0)
    assert theta.shapes[0] == pytest.approx(a, rel=1e-10)
    assert theta.rates[0] == pytest.approx(1 / scale, rel=1e-10)
    expected = stats.gamma.logpdf(x, a, scale=scale).sum()
    assert Problem(ONE, Dataset(x)).log_likelihood(theta) == pytest.approx(expected, abs=1e-8)
    assert verify(ONE, Dataset(x), theta).finding == "maximum"


def test_narrow_data_are_normal_data():
    """Where scipy's density has lost eight digits, the likelihood agrees with the normal one's limit."""
    z = np.random.default_rng(0).normal(size=200)
    z = (z - z.mean()) / z.std()
    cv = 1e-4
    data = Dataset(1e3 * (1 + cv * z))
    start = Theta([1.0], shapes=[1e7], rates=[1e4])
    theta = fitted(ONE, data, start)
    assert theta.shapes[0] == pytest.approx(cv**-2, rel=3e-4)
    problem = Problem(ONE, data)
    loglik, statistics = problem.statistics(theta)
    normal = stats.norm.logpdf(data.x, 1e3, 1e3 * cv).sum()
    assert loglik == pytest.approx(normal, abs=0.05)
    assert problem.rounding(theta, loglik, statistics) < 1e-9
    exact = data.weights @ ONE.log_density(data.x, theta)
    assert loglik == pytest.approx(exact, abs=1e-8)
    assert verify(ONE, data, theta).finding == "maximum"


def test_two_narrow_components_in_narrow_data():
    rng = np.random.default_rng(1)
    x = 100 + np.concatenate([rng.normal(0, 0.05, 80), rng.normal(0.5, 0.1, 120)])
    start = Theta([0.5, 0.5], shapes=[1e5, 1e5], rates=[1e3, 1e5 / 100.5])
    data = Dataset(x)
    verdict = verify(TWO, data, fitted(TWO, data, start))
    assert (verdict.finding, verdict.narrow) == ("maximum", False)
    # far from stationary is not collapsing, however narrow in units of the mean
    assert verify(TWO, data, start).finding == "not_stationary"


def test_values_over_many_orders_of_magnitude_are_no_collapse():
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.gamma(0.05, size=150), 1e-15 * rng.gamma(30.0, size=100)])
    data = Dataset(x)
    start = Theta([0.6, 0.4], shapes=[0.05, 20.0], rates=[1.0, 1e15])
    claim = EM().fit(Problem(TWO, data), start, rng)
    assert claim.solver.success
    assert verify(TWO, data, claim.theta).finding == "maximum"


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_component_collapses_on_tied_observations(unit):
    rng = np.random.default_rng(0)
    x = unit * np.concatenate([rng.gamma(3.0, size=60), np.full(5, 2.5)])
    data = Dataset(x)
    start = Theta([0.1, 0.9], shapes=[1e6, 3.0], rates=np.array([4e5, 1.0]) / unit)
    claim = EM().fit(Problem(TWO, data), start, rng)
    assert claim.solver.status == "collapsed"
    assert verify(TWO, data, claim.theta).finding == "singular"
    for shape in (1e6, 1e12, 1e22):
        rates = np.array([shape / 2.5, 1.0]) / unit
        point = Theta([0.08, 0.92], shapes=[shape, 3.0], rates=rates)
        assert verify(TWO, data, point).finding == "singular", shape


def test_all_observations_tied():
    data = Dataset(np.full(9, 4.0))
    claim = EM().fit(
        Problem(ONE, data), Theta([1.0], shapes=[3.0], rates=[1.0]), np.random.default_rng(0)
    )
    assert claim.solver.status == "collapsed"
    assert "component 1 collapsed" in claim.solver.message


def test_the_conjugate_prior_bounds_a_collapse():
    rng = np.random.default_rng(0)
    data = Dataset(np.concatenate([rng.gamma(3.0, size=60), np.full(5, 2.5)]))
    start = Theta([0.1, 0.9], shapes=[1e6, 3.0], rates=[4e5, 1.0])
    claim = make_estimator("em[penalised]").fit(Problem(TWO, data), start, rng)
    assert claim.solver.success
    assert claim.theta.shapes.max() < 1e3


def test_the_conjugate_prior_is_a_density():
    """Over shapes and rates: the integral over rates is Gamma(a + 1), that over shapes 1 / G^2."""
    family, data = ONE.family, Dataset([0.5, 1.0, 4.0])
    overall = family.sums(data, np.ones((3, 1)))
    prior = family.conjugate(overall, 1)
    u = data.x[:, 0] / data.x.mean()
    gap = -np.log(u).mean()
    shapes, rates = np.exp(np.linspace(-9, 5, 281)), np.exp(np.linspace(-12, 8, 401))
    total = 0.0
    for a in shapes:
        logs = [
            family.log_conjugate({"shapes": np.array([a]), "rates": np.array([b])}, prior)
            for b in rates
        ]
        total += a * (np.exp(logs) * rates).sum() * 0.05 * 0.05
    # f(u) = exp(E log f): one factor 1 / u is left over
    assert total == pytest.approx(np.exp(gap) / gap**2, rel=1e-3)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([1.0, 0.0, 2.0], ["> 0", "got 0", "row 2", "exponential"]),
        ([1.0, -0.5], ["> 0", "-0.5"]),
        ([[1.0, 2.0]], ["one feature"]),
        ([1.0, 1e-300], ["1e-290", "row 2", "logarithms"]),
        (1e9 + np.arange(5.0), ["standard deviation", "1e-05", "gaussian"]),
    ],
)
def test_refusals_say_what_to_do(x, words):
    with pytest.raises(DataError) as caught:
        Problem(ONE, Dataset(np.array(x)))
    for word in words:
        assert word in str(caught.value)


def test_samples_of_tiny_shapes_stay_in_the_support():
    theta = Theta([1.0], shapes=[1e-3], rates=[1.0])
    x, _ = ONE.sample(theta, 200, np.random.default_rng(0))
    assert (x > 0).all()
