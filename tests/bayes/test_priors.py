"""The model given to PyMC is the model: its likelihood, its prior, and the way there and back."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from scipy import stats

from mixcompare.data import Dataset
from mixcompare.estimators.posterior import declare, locator, shared
from mixcompare.families.priors import correlation_sd, log_rate_sd, logit_sd
from mixcompare.mixture import MixtureModel
from mixcompare.prior import log_prior, prior_sd, scales, text
from mixcompare.theta import Theta

CASES = [
    ("gaussian", {"covariance": "full"}, 2, 1),
    ("gaussian", {"covariance": "tied"}, 3, 1),
    ("gaussian", {"covariance": "full"}, 1, 1),
    ("gaussian", {"covariance": "full"}, 2, 3),
    ("gaussian", {"covariance": "tied"}, 2, 2),
    ("bernoulli", {}, 2, 1),
    ("bernoulli", {}, 3, 4),
    ("gaussian", {"covariance": "diag"}, 2, 3),
    ("gaussian", {"covariance": "spherical"}, 2, 3),
    ("gaussian", {"covariance": "spherical"}, 2, 1),
    ("poisson", {}, 2, 1),
    ("binomial", {"n_trials": 5}, 2, 1),
    ("exponential", {}, 3, 1),
    ("student_t", {"df": 4.0}, 2, 1),
    ("student_t", {}, 2, 3),
    ("gamma", {}, 2, 1),
    ("categorical", {}, 2, 3),
]


def some_data(model: MixtureModel, d: int, rng: np.random.Generator) -> Dataset:
    if model.family.discrete:
        # the categorical family has items of two, three and four levels
        tops = 1 if model.family.name == "bernoulli" else np.arange(1, d + 1)
        x = rng.binomial(tops, 0.6, size=(30, d)).astype(float)
    else:
        x = 50 + 7 * rng.normal(size=(30, d)) * np.arange(1, d + 1)
        x[20:25] = x[15:20]  # tied rows, which the graph sees once
    return Dataset(x, counts=rng.integers(1, 4, size=30))


@pytest.mark.parametrize(("family", "options", "K", "d"), CASES)
def test_likelihood_and_prior_in_the_graph_are_our_own(family, options, K, d):
    import pytensor

    declared, rng = MixtureModel(family, K, **options), np.random.default_rng(0)
    data = some_data(declared, d, rng)
    model = declared.on(data)
    frame, scale = model.family.frame(data), scales(model, data)
    graph = declare(model.family, K, d)
    for name, value in shared(model, data).items():
        graph[name].set_value(value)
    evaluate = pytensor.function(
        graph.value_vars,
        [graph.potentiallogp, graph.varlogp_nojac],
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )
    locate = locator(graph)
    for _ in range(5):
        z = rng.normal(size=model.n_parameters(d))
        theta = model.to_natural(z, d, frame)
        framed = model.family.to_frame(theta.parameters, frame)
        values = {**model.family.to_draws(framed), "w": theta.weights}
        point = locate(*[values[variable.name] for variable in graph.free_RVs])
        at, start = [], 0
        for variable in graph.value_vars:
            shape = (
                tuple(
                    variable.shape.eval({variable: np.zeros([s or 1 for s in variable.type.shape])})
                )
                if None in variable.type.shape
                else variable.type.shape
            )
            at.append(point[start : start + prod(shape)].reshape(shape))
            start += prod(shape)
        likelihood, density = evaluate(*at)
        expected = data.weights @ model.log_density(data.x, theta)
        assert likelihood - data.n * frame.log_volume == pytest.approx(expected, rel=1e-11)
        ours = log_prior(model, z, d, scale)
        assert density + log_jacobian(values, d) == pytest.approx(
            ours, rel=1e-7
        )  # pytensor: gammaln(1.5) in float32
        assert_there_and_back(model, values, framed)


def log_jacobian(values: dict[str, np.ndarray], d: int) -> float:
    """log |d variables / d z|: logarithms and logits are our coordinates, values PyMC's."""
    total = np.log(values["w"]).sum()
    for name, value in values.items():
        if name == "p":
            total += np.log(value * (1 - value)).sum()
        elif name == "df":
            total += np.log(value * (1 - value / 200)).sum()
        elif name in ("sigma", "rate", "mean", "shape") or name.startswith("p_"):
            total += np.log(value).sum()
        elif name.startswith("factor"):
            total += np.log(value[np.cumsum(np.arange(1, d + 1)) - 1]).sum()
    return float(total)


def assert_there_and_back(model: MixtureModel, values: dict, framed: dict) -> None:
    stacked = {name: np.stack([value, value])[None] for name, value in values.items()}
    back = model.family.from_draws(stacked)
    for name, value in framed.items():
        np.testing.assert_allclose(back[name], np.stack([value, value])[None], rtol=1e-12)


def test_prior_sds_are_those_of_the_stated_priors():
    rng = np.random.default_rng(0)
    p = rng.beta(1.5, 1.5, size=400_000)
    assert logit_sd(1.5, 1.5) == pytest.approx(np.std(np.log(p / (1 - p))), rel=0.01)
    for d in (2, 3, 5):
        r = 2 * rng.beta(1 + d / 2, 1 + d / 2, size=400_000) - 1  # marginal of LKJ(2)
        assert correlation_sd(d) == pytest.approx(np.std(np.arctanh(r)), rel=0.01)
    data = Dataset(10 + 3 * rng.normal(size=(50, 2)))
    assert log_rate_sd() == pytest.approx(np.std(np.log(rng.gamma(1.5, size=400_000))), rel=0.01)
    model = MixtureModel("gaussian", 3)
    sds = prior_sd(model, 2, scales(model, data))
    w = rng.dirichlet([2, 2, 2], size=400_000)[:, 0]
    assert sds["logit_weights"][0] == pytest.approx(np.std(np.log(w / (1 - w))), rel=0.01)
    np.testing.assert_allclose(sds["means"], 1.5)
    np.testing.assert_allclose(sds["log_sds"], 0.8)
    shapes = model.report_scale(model.to_natural(rng.normal(size=model.n_parameters(2)), 2))
    assert {name: value.shape for name, value in sds.items()} == {
        name: value.shape for name, value in shapes.items()
    }


def test_the_prior_is_a_density_over_correlations():
    # d = 2, K = 1: integrate over the unconstrained off-diagonal at fixed means and given sds
    model = MixtureModel("gaussian", 1)
    scale = {"mean": np.zeros(2), "sd": np.ones(2)}
    low, high = stats.norm.ppf([1e-7, 1 - 1e-7])
    rng = np.random.default_rng(0)
    # importance sampling from wide normals: means, two log diagonals, one off-diagonal
    z = rng.standard_t(6, size=(60_000, 5)) * np.array([1.6, 1.6, 0.9, 0.9, 1.0])
    log_q = (
        stats.t(6).logpdf(z / np.array([1.6, 1.6, 0.9, 0.9, 1.0])).sum(axis=1)
        - np.log([1.6, 1.6, 0.9, 0.9, 1.0]).sum()
    )
    order = [0, 1, 2, 4, 3]  # z is (means, log L11, L21, log L22)
    log_p = np.array([log_prior(model, row[order], 2, scale) for row in z])
    ratio = np.exp(log_p - log_q)
    assert low < high
    assert ratio.mean() == pytest.approx(1, abs=5 * ratio.std() / np.sqrt(len(z)))


def test_an_edge_start_is_moved_inside():
    model = MixtureModel("bernoulli", 2)
    values = model.family.to_draws(Theta([0.5, 0.5], probs=[[0.0], [1.0]]).parameters)
    assert (values["p"] > 0).all()
    assert (values["p"] < 1).all()


@pytest.mark.parametrize(("family", "options", "K", "d"), CASES)
def test_prior_sds_have_the_shapes_of_the_reporting_scale(family, options, K, d):
    declared, rng = MixtureModel(family, K, **options), np.random.default_rng(0)
    data = some_data(declared, d, rng)
    model = declared.on(data)
    sds = prior_sd(model, d, scales(model, data))
    scale = model.report_scale(model.to_natural(rng.normal(size=model.n_parameters(d)), d))
    assert {name: value.shape for name, value in sds.items()} == {
        name: value.shape for name, value in scale.items()
    }
    for name, value in scale.items():
        np.testing.assert_array_equal(np.isnan(value) | (K == 1), np.isnan(sds[name]) | (K == 1))


@pytest.mark.parametrize(
    ("family", "options", "x"),
    [
        ("poisson", {}, [0.0, 1.0, 5.0]),
        ("exponential", {}, [0.5, 1.0, 5.0]),
        ("gamma", {}, [0.5, 1.0, 5.0]),
        ("binomial", {"n_trials": 5}, [0.0, 1.0, 5.0]),
        ("categorical", {"levels": (3,)}, [0.0, 1.0, 2.0]),
        ("student_t", {}, [0.5, 1.0, 5.0]),
        ("gaussian", {"covariance": "spherical"}, [[0.0, 1.0], [3.0, 2.0], [1.0, 1.0]]),
        ("gaussian", {"covariance": "diag"}, [[0.0, 1.0], [3.0, 2.0], [1.0, 1.0]]),
    ],
)
def test_the_prior_is_a_density(family, options, x):
    """It integrates to one over the unconstrained coordinates, by importance sampling."""
    data = Dataset(np.array(x))
    model = MixtureModel(family, 1, **options).on(data)
    q, scale = model.n_parameters(data.n_features), scales(model, data)
    rng = np.random.default_rng(1)
    z = rng.standard_t(4, size=(40_000, q)) * 2
    log_q = (stats.t(4).logpdf(z / 2) - np.log(2)).sum(axis=1)
    log_p = np.array([log_prior(model, row, data.n_features, scale) for row in z])
    ratio = np.exp(log_p - log_q)
    error = ratio.std() / np.sqrt(len(z))
    assert error < 0.05
    assert ratio.mean() == pytest.approx(1, abs=5 * error)


def test_the_prior_in_words():
    assert text(MixtureModel("bernoulli", 3)) == (
        "weights ~ Dirichlet(2, 2, 2), probabilities ~ Beta(1.5, 1.5)"
    )
    said = text(MixtureModel("gaussian", 1))
    assert said.startswith(
        "means ~ Normal(m, (1.5 s)²), standard deviations ~ LogNormal(log(s / K), 0.8²)"
    )
    assert "LKJ(2)" in said
