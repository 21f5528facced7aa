"""The model given to PyMC is the model: its likelihood, its prior, and the way there and back."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from scipy import stats
from scipy.special import polygamma

from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError
from mixcompare.estimators.posterior import declare, locator, shared
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.theta import Theta

CASES = [
    *(
        ("gaussian", {"covariance": covariance}, K, d, form)
        for form in ("weak", "flat", "richardson-green")
        for covariance, K, d in [
            *[("full", 2, 1), ("tied", 3, 1), ("full", 1, 1), ("full", 2, 3), ("tied", 2, 2)],
            *[("diag", 2, 3), ("spherical", 2, 3), ("spherical", 2, 1)],
        ]
    ),
    ("bernoulli", {}, 2, 1, "weak"),
    ("bernoulli", {}, 3, 4, "weak"),
    ("poisson", {}, 2, 1, "weak"),
    ("binomial", {"n_trials": 5}, 2, 1, "weak"),
    ("exponential", {}, 3, 1, "weak"),
    ("student_t", {"df": 4.0}, 2, 1, "weak"),
    ("student_t", {}, 2, 3, "weak"),
    ("student_t", {}, 2, 2, "richardson-green"),
    ("gamma", {}, 2, 1, "weak"),
    ("categorical", {}, 2, 3, "weak"),
]


QUICK = [
    ("gaussian", {"covariance": "full"}, 2, 1, "weak"),
    ("gaussian", {"covariance": "full"}, 2, 1, "richardson-green"),
    ("gaussian", {"covariance": "tied"}, 2, 2, "weak"),
    ("bernoulli", {}, 3, 4, "weak"),
    ("poisson", {}, 2, 1, "weak"),
]
"""One graph of each sort: compiling them is slow."""


def slow_but(cases: list, quick: list) -> list:
    return [c if c in quick else pytest.param(*c, marks=pytest.mark.slow) for c in cases]


def some_data(model: MixtureModel, d: int, rng: np.random.Generator) -> Dataset:
    if model.family.discrete:
        # the categorical family has items of two, three and four levels
        tops = 1 if model.family.name == "bernoulli" else np.arange(1, d + 1)
        x = rng.binomial(tops, 0.6, size=(30, d)).astype(float)
    else:
        x = 50 + 7 * rng.normal(size=(30, d)) * np.arange(1, d + 1)
        x[20:25] = x[15:20]  # tied rows, which the graph sees once
    return Dataset(x, counts=rng.integers(1, 4, size=30))


def bound(model: MixtureModel, data: Dataset, spec: object = None):
    asked = Prior.of(spec)
    assert not asked.unsupported(model, data.n_features)
    return asked.on(model, data)


@pytest.mark.parametrize(("family", "options", "K", "d", "form"), slow_but(CASES, QUICK))
def test_likelihood_and_prior_in_the_graph_are_our_own(family, options, K, d, form):
    check_graph(family, options, K, d, form, ordered=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "options", "K", "d", "form"),
    [
        ("gaussian", {}, 3, 1, "richardson-green"),
        ("gaussian", {}, 2, 2, "weak"),
        ("bernoulli", {}, 2, 3, "weak"),
        ("poisson", {}, 2, 1, "weak"),
        ("gamma", {}, 2, 1, "weak"),
    ],
)
def test_components_in_order_have_the_same_density(family, options, K, d, form):
    check_graph(family, options, K, d, form, ordered=True)


def check_graph(family, options, K, d, form, ordered):
    import pytensor

    declared, rng = MixtureModel(family, K, **options), np.random.default_rng(0)
    data = some_data(declared, d, rng)
    model = declared.on(data)
    prior = bound(model, data, form)
    graph = declare(model.family, K, d, form, ordered, "graph")
    for name, value in shared(model, data, prior, "graph").items():
        if name in graph:
            graph[name].set_value(value)
    densities = [graph.varlogp_nojac]
    densities += [p for p in graph.potentials if p.name == "prior"]
    likelihood_of = next(p for p in graph.potentials if p.name == "loglik")
    evaluate = pytensor.function(
        graph.value_vars,
        [
            *graph.replace_rvs_by_values([likelihood_of]),
            densities[0],
            *graph.replace_rvs_by_values(densities[1:]),
        ],
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )
    locate = locator(graph)
    for _ in range(5):
        z = rng.normal(size=model.n_parameters(d))
        theta = model.to_natural(z, d, prior.frame)
        if ordered:
            theta, _ = model.canonical(theta)
            z = model.to_unconstrained(theta, prior.frame)
        framed = model.family.to_frame(theta.parameters, prior.frame)
        values = {**prior.components.to_draws(framed), "w": theta.weights}
        names = [variable.name for variable in graph.free_RVs]
        point = locate(*[values[name] for name in names])
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
        likelihood, *density = evaluate(*at)
        expected = data.weights @ model.log_density(data.x, theta)
        assert likelihood - data.n * prior.frame.log_volume == pytest.approx(expected, rel=1e-10)
        ours = prior.log_density(z)
        declared_values = {name: values[name] for name in names}
        assert sum(density) + log_jacobian(declared_values, d) == pytest.approx(
            ours, rel=1e-7
        )  # pytensor: gammaln(1.5) in float32
        assert_there_and_back(prior, declared_values, framed)


def log_jacobian(values: dict[str, np.ndarray], d: int) -> float:
    """log |d variables / d z|: logarithms and logits are our coordinates, values PyMC's."""
    total = np.log(values.get("w", 1.0)).sum()
    for name, value in values.items():
        if name.split("_")[0] == "p" and not name[-1].isdigit():
            total += np.log(value * (1 - value)).sum()
        elif name == "df":
            total += np.log(value * (1 - value / 200)).sum()
        elif name.split("_")[0] in ("sigma", "rate", "mean", "shape", "p"):
            total += np.log(value).sum()
        elif name.startswith("factor"):
            total += np.log(value[np.cumsum(np.arange(1, d + 1)) - 1]).sum()
    return float(total)


def assert_there_and_back(prior, values: dict, framed: dict) -> None:
    stacked = {name: np.stack([value, value])[None] for name, value in values.items()}
    back = prior.components.from_draws(stacked)
    for name, value in framed.items():
        np.testing.assert_allclose(back[name], np.stack([value, value])[None], rtol=1e-11)


def test_an_edge_start_is_moved_inside():
    model = MixtureModel("bernoulli", 2)
    components = model.family.component_prior("weak", 1)
    values = components.to_draws(Theta([0.5, 0.5], probs=[[0.0], [1.0]]).parameters)
    assert (values["p"] > 0).all()
    assert (values["p"] < 1).all()


@pytest.mark.parametrize(("family", "options", "K", "d", "form"), CASES)
def test_draws_from_the_prior_are_points_of_the_reporting_scale(family, options, K, d, form):
    declared, rng = MixtureModel(family, K, **options), np.random.default_rng(0)
    data = some_data(declared, d, rng)
    model = declared.on(data)
    prior = bound(model, data, form)
    weights, parameters = prior.sample(7, rng)
    assert weights.shape == (7, K)
    for i in range(7):
        theta = Theta(weights[i], **{name: value[i] for name, value in parameters.items()})
        assert not model.outside(model.conform(theta, d))
    scale = model.report_scale(model.to_natural(rng.normal(size=model.n_parameters(d)), d))
    assert {name: value.shape for name, value in prior.sd.items()} == {
        name: value.shape for name, value in scale.items()
    }
    for name, value in scale.items():
        unknown = np.isnan(value) | (K == 1) | (model.family.name == "student_t")
        np.testing.assert_array_equal(unknown, np.isnan(prior.sd[name]) | unknown)


def logit_sd(a: float, b: float) -> float:
    return float(np.sqrt(polygamma(1, a) + polygamma(1, b)))


def test_prior_sds_are_those_of_the_stated_priors():
    rng = np.random.default_rng(0)
    data = Dataset(10 + 3 * rng.normal(size=(50, 2)))
    model = MixtureModel("gaussian", 3)
    sd = bound(model, data).sd
    np.testing.assert_allclose(sd["logit_weights"], logit_sd(2, 4), rtol=0.03)
    np.testing.assert_allclose(sd["means"], 1.5, rtol=0.03)
    np.testing.assert_allclose(sd["log_sds"], 0.8, rtol=0.03)
    # atanh of a correlation ~ LKJ(2), d = 2: half the logit of a Beta(2, 2)
    np.testing.assert_allclose(sd["correlations"], logit_sd(2, 2) / 2, rtol=0.03)
    rates = bound(MixtureModel("poisson", 2), Dataset(np.array([0.0, 1, 5]))).sd["log_rates"]
    np.testing.assert_allclose(rates, np.sqrt(polygamma(1, 1.5)), rtol=0.03)
    green = bound(MixtureModel("gaussian", 2), Dataset(data.x[:, :1]), "richardson-green").sd
    expected = np.sqrt(polygamma(1, 2) + polygamma(1, 0.2)) / 2
    np.testing.assert_allclose(green["log_sds"], expected, rtol=0.05)


DENSITIES = [
    ("poisson", {}, [0.0, 1.0, 5.0], "weak"),
    ("exponential", {}, [0.5, 1.0, 5.0], "weak"),
    ("gamma", {}, [0.5, 1.0, 5.0], "weak"),
    ("binomial", {"n_trials": 5}, [0.0, 1.0, 5.0], "weak"),
    ("categorical", {"levels": (3,)}, [0.0, 1.0, 2.0], "weak"),
    ("student_t", {}, [0.5, 1.0, 5.0], "weak"),
    ("gaussian", {"covariance": "spherical"}, [[0.0, 1.0], [3.0, 2.0], [1.0, 1.0]], "weak"),
    ("gaussian", {"covariance": "diag"}, [[0.0, 1.0], [3.0, 2.0], [1.0, 1.0]], "weak"),
]


@pytest.mark.parametrize(("family", "options", "x", "form"), slow_but(DENSITIES, DENSITIES[:1]))
def test_the_prior_is_a_density(family, options, x, form):
    """It integrates to one over the unconstrained coordinates, by importance sampling."""
    data = Dataset(np.array(x))
    model = MixtureModel(family, 1, **options).on(data)
    prior = bound(model, data, form)
    q, rng = model.n_parameters(data.n_features), np.random.default_rng(1)
    z = rng.standard_t(4, size=(15_000, q)) * 2
    log_q = (stats.t(4).logpdf(z / 2) - np.log(2)).sum(axis=1)
    ratio = np.exp(np.array([prior.log_density(row) for row in z]) - log_q)
    error = ratio.std() / np.sqrt(len(z))
    assert error < 0.1
    assert ratio.mean() == pytest.approx(1, abs=5 * error)


@pytest.mark.parametrize(
    ("options", "K", "d", "form"),
    [
        ({}, 1, 1, "richardson-green"),
        ({}, 2, 1, "richardson-green"),
        ({"covariance": "tied"}, 2, 2, "richardson-green"),
        ({}, 1, 2, "richardson-green"),
        ({}, 2, 2, "richardson-green"),
        ({"covariance": "diag"}, 2, 2, "richardson-green"),
        ({"covariance": "spherical"}, 2, 2, "richardson-green"),
        ({}, 2, 2, "weak"),
        ({}, 2, 1, "flat"),
    ],
)
def test_density_and_draws_are_of_one_law(options, K, d, form):
    """E[g / p] under the prior is the integral of g, which is 1: g a normal density about some draws.

    The numbers make a prior light enough in its tails for this to have a small error.
    """
    model, rng = MixtureModel("gaussian", K, **options), np.random.default_rng(2)
    given = {"mean": 0.0, "mean_sd": 1.0}
    if form == "richardson-green":
        given |= {"shape": 6.0, "hyper_shape": 6.0, "hyper_rate": 1.0}
    else:
        given |= {"sd": 1.0}
    prior = Prior.of({"form": form, **given}).fixed(model, d)
    weights, parameters = prior.sample(6000, rng)
    points = [
        Theta(weights[i], **{name: value[i] for name, value in parameters.items()})
        for i in range(6000)
    ]
    z = np.array([model.to_unconstrained(theta, prior.frame) for theta in points])
    centre, spread = np.median(z[:3000], axis=0), np.cov(z[:3000].T) / 2
    law = stats.multivariate_normal(centre, np.atleast_2d(spread))
    ratio = np.exp(law.logpdf(z[3000:]) - [prior.log_density(row) for row in z[3000:]])
    error = ratio.std() / np.sqrt(ratio.size)
    assert error < 0.2
    assert ratio.mean() == pytest.approx(1, abs=5 * error)


def test_given_numbers_are_in_the_units_of_the_data():
    rng = np.random.default_rng(0)
    data = Dataset(50 + 7 * rng.normal(size=(30, 2)))
    model = MixtureModel("gaussian", 2)
    spec = {"form": "weak", "mean": (40.0, 60.0), "mean_sd": 10.0, "sd": 5.0, "weights": 1.0}
    prior = bound(model, data, spec)
    assert not prior.depends_on_data
    assert prior.concentration == 1
    means = prior.sample(4000, rng)[1]["means"]
    np.testing.assert_allclose(means.mean(axis=(0, 1)), [40, 60], atol=0.6)
    np.testing.assert_allclose(means.std(axis=(0, 1)), 10, rtol=0.05)
    covariances = prior.sample(4000, rng)[1]["covariances"]
    medians = np.median(np.sqrt(np.diagonal(covariances, axis1=-2, axis2=-1)), axis=(0, 1))
    np.testing.assert_allclose(medians, 5, rtol=0.08)
    assert bound(model, data).depends_on_data


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (3, "expected a name"),
        ("wek", 'expected one of weak.*Did you mean "weak"'),
        ({"form": 2}, "expected one of weak"),
        ({"form": []}, "expected one of weak"),
        ({"sd": "wide"}, "sd: expected a number"),
        ({"sd": -1.0}, "sd: expected a positive number"),
        ({"sds": 1.0}, 'unknown number "sds".*Did you mean "sd"'),
        ({"weights": 0}, "weights: expected a positive number"),
        ({"mean": (1.0, 2.0, 3.0)}, r"one for each of the data's features \(2\)"),
        ({"eta": (1.0, 2.0)}, r"eta: expected one number, got"),
        ({"weights": (1.0, 2.0)}, r"weights: expected one number, got"),
        ({"sd": np.inf}, "sd: expected a number"),
    ],
)
def test_a_wrong_prior_is_one_clear_message(spec, words):
    with pytest.raises(SpecError, match=words):
        Prior.of(spec).unsupported(MixtureModel("gaussian", 2), 2)


def test_a_form_that_a_family_has_not():
    reason = Prior.of("richardson-green").unsupported(MixtureModel("poisson", 2), 1)
    assert reason == 'the poisson family states no prior "richardson-green": expected weak.'
    with pytest.raises(SpecError, match="give mean, mean_sd, sd of the form weak"):
        Prior().fixed(MixtureModel("gaussian", 2), 1)


WORDS = [
    ("bernoulli", 3, None, "weights ~ Dirichlet(2, 2, 2), probabilities ~ Beta(1.5, 1.5)"),
    ("bernoulli", 1, {"a": 1.0}, "probabilities ~ Beta(1, 1.5)"),
    (
        "gaussian",
        1,
        None,
        (
            "means ~ Normal(m, (1.5 s)²), standard deviations ~ LogNormal(log(s / K), 0.8²), correlations, "
            "where free, ~ LKJ(2), where m is the sample mean of each feature, s is the sample standard "
            "deviation of each and K is the number of components (empirical Bayes)"
        ),
    ),
    (
        "gaussian",
        1,
        {"mean": (40.0, 60.0), "mean_sd": 10.0, "sd": 5.0},
        (
            "means ~ Normal((40, 60), 10²), standard deviations ~ LogNormal(log(5), 0.8²), correlations, "
            "where free, ~ LKJ(2)"
        ),
    ),
    (
        "gaussian",
        1,
        {"form": "richardson-green", "mean": 0.0, "mean_sd": 3.0},
        (
            "means ~ Normal(0, 3²), precision matrices ~ Wishart(2 × 2 + d − 1, (2 B)⁻¹), B ~ Wishart(2 × "
            "0.2 + d − 1, (2 diag(10 / R²))⁻¹) for d features (Richardson and Green 1997), where R is the "
            "range of each (empirical Bayes)"
        ),
    ),
    ("poisson", 1, {"mean": 6.0, "shape": 3.0}, "rates ~ Gamma(3, 0.5)"),
    (
        "poisson",
        1,
        {"shape": 3.0},
        "rates ~ Gamma(3, 3 / m), where m is the sample mean (empirical Bayes)",
    ),
    (
        "exponential",
        1,
        None,
        "rates ~ Gamma(1.5, 1.5 m), where m is the sample mean (empirical Bayes)",
    ),
]


@pytest.mark.parametrize(("family", "K", "spec", "text"), WORDS)
def test_the_prior_in_words(family, K, spec, text):
    """With the numbers it has: none that was given is called empirical Bayes."""
    several = np.array([[0.0, 1, 0], [1, 1, 0]])
    x = {"bernoulli": several, "gaussian": several[:, :2]}.get(family, np.array([1.0, 2.0]))
    assert bound(MixtureModel(family, K), Dataset(x), spec).text == text


@pytest.mark.parametrize("form", ["weak", "flat", "richardson-green"])
@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
@pytest.mark.parametrize("family", ["gaussian", "student_t"])
def test_every_number_given_is_in_the_words(family, covariance, form):
    options = {"covariance": covariance} if family == "gaussian" else {}
    model, data = MixtureModel(family, 2, **options), Dataset(np.arange(12.0).reshape(6, 2) ** 1.5)
    names = [n.name for n in model.family.component_prior(form, 2).numbers]
    given = {name: 1.125 + i for i, name in enumerate(names)}
    prior = bound(model, data, {"form": form, "weights": 8.375, **given})
    assert not prior.depends_on_data
    assert "empirical" not in prior.text
    for value in [8.375, *given.values()]:
        assert f"{value:g}" in prior.text


def test_a_number_that_the_data_do_not_give_is_asked_for():
    zeros, model = Dataset(np.zeros(4)), MixtureModel("poisson", 1)
    with pytest.raises(
        DataError, match="by default mean is scaled by the data, and these make it 0"
    ):
        bound(model, zeros)
    assert bound(model, zeros, {"mean": 2.0}).text == "rates ~ Gamma(1.5, 0.75)"
