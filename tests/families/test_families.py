"""What every family must say rightly: coordinates, score, M-step, sampling, a newcomer's view."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import MAKERS, VALUES, cases, families, label, make_data, make_model, make_point

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.families.bernoulli import Bernoulli
from mixcompare.families.gaussian import Gaussian
from mixcompare.problem import Problem
from mixcompare.theta import Theta

FAMILIES = pytest.mark.parametrize("family", families(), ids=label)
FEATURES = pytest.mark.parametrize(("family", "d"), cases(1, 3))
SIZES = pytest.mark.parametrize(("family", "d", "K"), cases((1, 1), (1, 2), (3, 1), (3, 2), (3, 3)))


def assert_close(theta: Theta, other: Theta, rtol: float = 1e-10) -> None:
    assert list(theta) == list(other)
    for name in theta:
        np.testing.assert_allclose(theta[name], other[name], rtol=rtol, atol=1e-12, err_msg=name)


def test_every_registered_family_has_data_here():
    assert set(MAKERS) == set(registry.NAMES["families"])
    assert {family.name for family in families()} == set(MAKERS)
    assert {name for name, _ in VALUES} <= set(MAKERS)


@SIZES
def test_readable_parameters_are_natural_ones_or_scales_and_correlations(family, d, K):
    model, data = make_model(family, K, 60, d)
    theta = make_point(model, data)
    readable, scale = model.readable(theta), model.report_scale(theta)
    assert not any(name.startswith("log") for name in readable)
    assert len(readable) == len(scale)  # the weights among both
    for name in set(readable) & set(theta) - {"scales"}:  # matrices in theta, their roots to read
        np.testing.assert_allclose(readable[name], theta[name], rtol=1e-12)
    if "covariances" in theta:
        sds = np.sqrt(np.diagonal(theta["covariances"], axis1=-2, axis2=-1))
        np.testing.assert_allclose(readable["sds"], sds, rtol=1e-12)
        rows, columns = np.tril_indices(d, -1)
        r = theta["covariances"][..., rows, columns] / (sds[..., rows] * sds[..., columns])
        np.testing.assert_allclose(readable.get("correlations", 0), r, atol=1e-12)


@SIZES
def test_shapes_and_numbers_agree(family, d, K):
    model, data = make_model(family, K, 60, d)
    theta, family = make_point(model, data), model.family
    assert {name: value.shape[1:] for name, value in theta.parameters.items()} == family.shapes(d)
    q = model.n_parameters(d)
    assert model.to_unconstrained(theta).shape == (q,)
    assert len(model.coordinate_names(data.columns)) == q
    assert len(set(model.coordinate_names(data.columns))) == q
    assert family.coordinate_units(K, family.frame(data)).shape == (q - (K - 1),)
    assert len(family.naive_kinds(K, d)) == family.to_naive(theta.parameters).size
    assert len(family.order_key(theta.parameters)) == K
    assert all(len(value) == K for value in model.report_scale(theta).values())
    assert not model.outside(theta)


@SIZES
def test_round_trips(family, d, K):
    model, data = make_model(family, K, 60, d)
    family = model.family
    theta, frame = make_point(model, data), family.frame(data)
    assert_close(model.to_natural(model.to_unconstrained(theta), d), theta)
    assert_close(model.to_natural(model.to_unconstrained(theta, frame), d, frame), theta)
    assert_close(
        Theta(theta.weights, **family.from_frame(family.to_frame(theta.parameters, frame), frame)),
        theta,
    )
    raw = family.to_naive(theta.parameters)
    assert_close(Theta(theta.weights, **family.from_naive(raw, K, d)), theta)


@FEATURES
def test_coordinates_change_with_the_units_as_stated(family, d):
    model, data = make_model(family, 2, 60, d)
    family = model.family
    frame = family.frame(data)
    z = model.to_unconstrained(make_point(model, data), frame)[1:]
    units = family.coordinate_units(2, frame)

    def outside(z: np.ndarray) -> np.ndarray:
        return family.to_unconstrained(family.from_frame(family.to_natural(z, 2, d), frame))

    for i in range(z.size):
        step = np.zeros(z.size)
        step[i] = 1e-4
        slope = (outside(z + step) - outside(z - step)) / 2e-4
        np.testing.assert_allclose(slope, units[i] * (step > 0), rtol=1e-6, atol=1e-6)


@SIZES
@pytest.mark.parametrize("counts", [False, True])
def test_score_is_the_derivative(family, d, K, counts):
    model, data = make_model(family, K, 120, d, counts=counts)
    problem = Problem(model, data)
    z = model.to_unconstrained(make_point(model, data), problem.frame)
    value, score = problem.value_and_score(z)
    assert value == pytest.approx(
        problem.log_likelihood(model.to_natural(z, d, problem.frame)), rel=1e-12
    )
    step = 1e-5
    for i in range(z.size):
        up, down = z.copy(), z.copy()
        up[i] += step
        down[i] -= step
        slope = (problem.value_and_score(up)[0] - problem.value_and_score(down)[0]) / (2 * step)
        assert score[i] == pytest.approx(slope, rel=1e-6, abs=1e-6 * data.n), i


@FEATURES
def test_the_m_step_maximises(family, d):
    """The score of the expected complete-data log-likelihood vanishes at the M-step's answer."""
    model, data = make_model(family, 2, 200, d)
    family = model.family
    statistics = Problem(model, data).statistics(make_point(model, data))[1]
    score = family.score(family.mle(statistics), statistics)
    assert np.abs(score).max() < 1e-9 * data.n


@pytest.mark.parametrize("d", [1, 3])
def test_gaussian_m_step_in_closed_form(d):
    data = make_data(Gaussian(), 100, d, counts=True)
    shares = np.random.default_rng(1).dirichlet(np.ones(2), size=100)
    frame = Gaussian().frame(data)
    for family in (Gaussian(), Gaussian("tied")):
        found = family.from_frame(family.mle(family.sums(data, shares)), frame)
        r = shares * data.weights[:, None]
        matrices = []
        for k in range(2):
            mean = np.average(data.x, axis=0, weights=r[:, k])
            matrices.append(np.cov(data.x.T, aweights=r[:, k], ddof=0).reshape(d, d))
            np.testing.assert_allclose(found["means"][k], mean, rtol=1e-10)
        if family.covariance == "tied":
            matrices = [np.average(matrices, axis=0, weights=r.sum(axis=0))] * 2
        np.testing.assert_allclose(found["covariances"], matrices, rtol=1e-9, atol=1e-12)


def test_bernoulli_m_step_in_closed_form():
    data = make_data(Bernoulli(), 100, 3, counts=True)
    shares = np.random.default_rng(1).dirichlet(np.ones(2), size=100)
    r = shares * data.weights[:, None]
    found = Bernoulli().mle(Bernoulli().sums(data, shares))["probs"]
    np.testing.assert_allclose(found, (r.T @ data.x) / r.sum(axis=0)[:, None], rtol=1e-12)


@FAMILIES
def test_an_empty_component_has_no_m_step(family):
    model, data = make_model(family, 1, 50)
    family = model.family
    shares = np.column_stack([np.ones(50), np.zeros(50)])
    found = family.mle(family.sums(data, shares))
    assert any(np.isnan(value[1]).all() for value in found.values())


@FEATURES
def test_samples_follow_the_density(family, d):
    """Mean log-density of fresh points at the truth exceeds that at another point, by what it should."""
    model, data = make_model(family, 2, 400, d)
    family = model.family
    theta = make_point(model, data)
    x, labels = model.sample(theta, 20000, np.random.default_rng(2))
    assert x.shape == (20000, d)
    np.testing.assert_allclose(labels.mean(), theta.weights[1], atol=0.02)
    family.check(Dataset(x))
    for k in range(2):
        part = Dataset(x[labels == k])
        single = family.from_frame(
            family.mle(family.sums(part, np.ones((part.n_rows, 1)))), family.frame(part)
        )
        for name, value in single.items():
            np.testing.assert_allclose(
                value[0], theta[name][k], atol=0.25 if name == "covariances" else 0.1
            )


@FEATURES
def test_a_newcomers_density_is_the_density(family, d):
    model, data = make_model(family, 2, 60, d)
    theta, family = make_point(model, data), model.family
    density = family.naive_density(data.x, family.to_naive(theta.parameters), 2)
    np.testing.assert_allclose(
        np.log(density), family.log_density(data.x, theta.parameters), rtol=1e-9
    )
    problem = Problem(model, data)
    raw = np.append(family.to_naive(theta.parameters), theta.weights[0])
    assert problem.naive_log_likelihood(raw) == pytest.approx(
        problem.log_likelihood(theta), rel=1e-12
    )
    assert problem.passes == 2


def test_newcomers_order_for_two_normals():
    theta = Theta([0.3, 0.7], means=[[1.0], [3.0]], covariances=[[[4.0]], [[0.25]]])
    assert Gaussian().naive_kinds(2, 1) == ["means", "sds", "means", "sds"]
    assert Gaussian().to_naive(theta.parameters).tolist() == [1.0, 2.0, 3.0, 0.5]
    assert Gaussian("tied").to_naive(theta.take([0, 0]).parameters).tolist() == [1.0, 1.0, 2.0]


@SIZES
def test_default_box_holds_the_kinds_it_must(family, d, K):
    model, data = make_model(family, K, 60, d)
    family = model.family
    box = Problem(model, data).naive_bounds()
    for kind in [*family.naive_kinds(K, d), "weights"]:
        low, high = box[kind]
        assert low < high


@FEATURES
def test_start_components_are_in_the_domain(family, d):
    data = make_data(family, 60, d)
    family = family.on(data)
    rng = np.random.default_rng(0)
    for K in (1, 2, 4):
        assert not family.outside(family.random_components(K, data, rng))
        assert not family.outside(family.components_at(data.x[:K], data))
