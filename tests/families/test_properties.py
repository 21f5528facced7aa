"""Properties that hold for any data: permutation, units, counts, K = 1, ascent of EM, gradients."""

from __future__ import annotations

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from family_cases import families, label, make_point
from hypothesis import assume, given, settings

from mixcompare.data import Dataset
from mixcompare.estimators.ascent import ROUNDINGS
from mixcompare.estimators.em import EM
from mixcompare.families.base import Family, Frame
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta

FAMILIES = pytest.mark.parametrize("family", families(), ids=label)
ELEMENTS = {
    "gaussian": st.integers(-400, 400).map(lambda i: i / 16),  # exact in binary, with ties
    "bernoulli": st.integers(0, 1).map(float),
    "poisson": st.integers(0, 12).map(float),
    "binomial": st.integers(0, 7).map(float),
    "exponential": st.integers(1, 400).map(lambda i: i / 16),
    "categorical": st.integers(0, 2).map(float),
}
few = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def situations(
    draw: st.DrawFn, family: Family, min_K: int = 1
) -> tuple[MixtureModel, Dataset, Theta]:
    """A model, data it can be fitted to, and an interior point."""
    n, K = draw(st.integers(8, 40)), draw(st.integers(min_K, 3))
    d = 1 if family.univariate else draw(st.integers(1, 3))
    x = draw(arrays.arrays(float, (n, d), elements=ELEMENTS[family.name]))
    data = Dataset(x)
    assume(data.n_distinct > max(K, d + 1))
    if not family.discrete:
        assume(np.linalg.matrix_rank(x - x.mean(axis=0), tol=0.1) == d)
    model = MixtureModel(family, K).on(data)
    theta = make_point(model, data, seed=draw(st.integers(0, 1000)))
    assume(not model.outside(theta))
    return model, data, theta


def evaluate(model: MixtureModel, data: Dataset, theta: Theta) -> tuple[float, np.ndarray, float]:
    problem = Problem(model, data)
    loglik, statistics = problem.statistics(theta)
    return loglik, statistics, ROUNDINGS * problem.rounding(theta, loglik, statistics)


@FAMILIES
@few
@given(data=st.data())
def test_order_of_rows_and_labels_is_irrelevant(family, data):
    model, sample, theta = data.draw(situations(family))
    loglik, statistics, bound = evaluate(model, sample, theta)
    rows = data.draw(st.permutations(range(sample.n_rows)))
    labels = data.draw(st.permutations(range(model.n_components)))
    other, permuted, _ = evaluate(model, Dataset(sample.x[list(rows)]), theta.take(labels))
    assert abs(loglik - other) <= 2 * bound
    np.testing.assert_allclose(permuted, statistics[list(labels)], rtol=1e-8, atol=1e-8)


@FAMILIES
@few
@given(data=st.data())
def test_counts_are_repeated_rows(family, data):
    model, sample, theta = data.draw(situations(family))
    counts = data.draw(arrays.arrays(int, sample.n_rows, elements=st.integers(0, 4)))
    assume(Dataset(sample.x[counts > 0]).n_distinct > model.n_components if counts.any() else False)
    short, long = Dataset(sample.x, counts=counts), Dataset(np.repeat(sample.x, counts, axis=0))
    assert short.n == long.n
    loglik, statistics, bound = evaluate(model, short, theta)
    other, repeated, _ = evaluate(model, long, theta)
    assert abs(loglik - other) <= 2 * bound
    np.testing.assert_allclose(repeated, statistics, rtol=1e-8, atol=1e-8)
    z = model.to_unconstrained(theta, family.frame(short))
    np.testing.assert_allclose(
        Problem(model, short).value_and_score(z)[1],
        Problem(model, long).value_and_score(z)[1],
        rtol=1e-7,
        atol=1e-7,
    )


@pytest.mark.parametrize("family", [f for f in families() if not f.discrete], ids=label)
@few
@given(
    data=st.data(),
    scale=st.sampled_from([1e-6, 0.3, 7.0, 1e6]),
    shift=st.sampled_from([0.0, -5.0, 1e3]),
)
def test_units_only_add_a_constant(family, data, scale, shift):
    model, sample, theta = data.draw(situations(family))
    d = sample.n_features
    frame = family.frame(sample)
    if not frame.centre.any():  # a family whose zero has a meaning
        shift = 0.0
    # one unit for all features where the family cannot do without
    units = scale * (np.arange(1, d + 1) if np.ptp(frame.scale) else np.ones(d))
    moved = Dataset(units * (sample.x + shift))
    there = Theta(theta.weights, **family.from_frame(theta.parameters, Frame(units * shift, units)))
    loglik, statistics, _ = evaluate(model, sample, theta)
    other, same, _ = evaluate(model, moved, there)
    assert other + sample.n * np.log(units).sum() == pytest.approx(loglik, abs=1e-6, rel=1e-9)
    np.testing.assert_allclose(same, statistics, rtol=1e-6, atol=1e-6)


@FAMILIES
@few
@given(data=st.data())
def test_one_component_is_solved_in_one_step(family, data):
    bound, sample, _ = data.draw(situations(family))
    model, family = MixtureModel(bound.family, 1), bound.family
    theta = make_point(model, sample)
    problem = Problem(model, sample)
    claim = EM(max_iter=2, tol=0).fit(problem, theta, np.random.default_rng(0))
    assert problem.passes == 3
    closed = family.from_frame(
        family.mle(family.sums(sample, np.ones((sample.n_rows, 1)))), family.frame(sample)
    )
    assert claim.theta is not None
    for name, value in closed.items():
        np.testing.assert_allclose(claim.theta[name], value, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        family.moments(claim.theta.parameters)[0][0], sample.x.mean(axis=0), rtol=1e-9, atol=1e-9
    )


class Watched(Problem):
    """Keeps the stated rounding of each evaluation that EM asks about; its iterations are Python's."""

    def rounding(self, theta: Theta, loglik: float, statistics: np.ndarray) -> float:
        self.bounds = [*getattr(self, "bounds", []), super().rounding(theta, loglik, statistics)]
        return self.bounds[-1]


@FAMILIES
@few
@given(data=st.data())
def test_em_never_descends_beyond_rounding(family, data):
    model, sample, theta = data.draw(situations(family))
    problem = Watched(model, sample, keep_points=True)
    EM(max_iter=300).fit(problem, theta, np.random.default_rng(0))
    gains, bounds = np.diff(problem.trajectory.loglik), ROUNDINGS * np.array(problem.bounds)
    assert (gains >= -bounds[1:]).all()
    assert bounds[0] < 1e-6


@FAMILIES
@few
@given(data=st.data())
def test_gradients_are_differences(family, data):
    model, sample, theta = data.draw(situations(family))
    problem = Problem(model, sample)
    z = model.to_unconstrained(theta, problem.frame)
    assume(np.isfinite(z).all() and np.abs(z).max() < 8)
    direction = np.random.default_rng(0).normal(size=z.size)
    slope = problem.value_and_score(z)[1] @ direction
    step = 1e-5
    up, down = (problem.value_and_score(z + s * direction)[0] for s in (step, -step))
    assert slope == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-4)
