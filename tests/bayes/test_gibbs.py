"""Data augmentation: closed forms, certain allocations, the joint distribution test, seeds, refusals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from family_cases import MAKERS, cases
from scipy import stats

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.errors import DataError, SpecError
from mixcompare.estimators.base import make_estimator
from mixcompare.estimators.gibbs import Gibbs, Sweeper
from mixcompare.families.base import Family
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.prior import ModelPrior, Prior
from mixcompare.problem import Problem
from mixcompare.records import DRAW_FINDINGS, Claim
from mixcompare.starts.base import make_start
from mixcompare.theta import Theta

FAMILY_WISE = 1e-3
FREE = MixtureModel("gaussian", 2)
SHORT = {"draws": 200, "tune": 100, "n_chains": 2}


def run(
    model: MixtureModel, data: Dataset, start: Theta | None = None, seed: int = 0, **settings
) -> Claim:
    """Without verification; from the given start, or from others for each chain."""
    estimator = Gibbs(**settings)
    given = [start] if start else []
    starts = given or [
        make_start("from-data", model, data, 0, i).theta for i in range(estimator.chains)
    ]
    return estimator.run(Problem(model, data), starts, np.random.default_rng(seed))


def values(claim: Claim, name: str) -> np.ndarray:
    """Draws (chains, draws, K, ...), labels as they are stored."""
    return claim.posterior.draws["posterior"].to_dataset()[name].values


def standard_score(draws: np.ndarray, expected: float) -> float:
    """(mean - expected) / Monte Carlo standard error, of draws (chains, draws)."""
    import arviz

    error = draws.std() / np.sqrt(float(arviz.ess(draws)))
    return float((draws.mean() - expected) / error)


def scores(draws: np.ndarray, mean: float, variance: float) -> list[float]:
    """Of the mean, and of the variance about the true one."""
    return [standard_score(draws, mean), standard_score((draws - mean) ** 2, variance)]


def assert_all(found: list[float], tests: int) -> None:
    """No score beyond what all `tests` of the family exceed with probability 1e-3."""
    assert len(found) <= tests
    limit = stats.norm.isf(FAMILY_WISE / tests / 2)
    assert np.abs(found).max() < limit, found


# -- known posteriors ---------------------------------------------------------------------------------

BETA = {"form": "weak", "a": 0.7, "b": 2.0}
GAMMA = {"form": "weak", "shape": 2.5, "mean": 3.0}


def beta_of(a, b):
    return a / (a + b), a * b / (a + b) ** 2 / (a + b + 1)


def gamma_of(a, b):
    return a / b, a / b**2


def by_items(x: np.ndarray) -> Iterator[tuple[str, tuple[int, ...], float, float]]:
    for j, ones in enumerate(x.sum(axis=0)):
        yield ("probs", (j,), *beta_of(0.7 + ones, 2.0 + len(x) - ones))


def by_trials(x: np.ndarray) -> Iterator[tuple[str, tuple[int, ...], float, float]]:
    yield ("probs", (), *beta_of(0.7 + x.sum(), 2.0 + 400 * len(x) - x.sum()))


def by_levels(x: np.ndarray) -> Iterator[tuple[str, tuple[int, ...], float, float]]:
    for j in range(x.shape[1]):
        for level in range(3):
            n = (x[:, j] == level).sum()
            yield ("probs", (j, level), *beta_of(0.7 + n, 2 * 0.7 + len(x) - n))


def by_counts(x: np.ndarray) -> Iterator[tuple[str, tuple[int, ...], float, float]]:
    yield ("rates", (), *gamma_of(2.5 + x.sum(), 2.5 / 3 + len(x)))


def by_times(x: np.ndarray) -> Iterator[tuple[str, tuple[int, ...], float, float]]:
    yield ("rates", (), *gamma_of(2.5 + len(x), 2.5 / 3 + x.sum()))


KNOWN = {
    "bernoulli": (
        {},
        BETA,
        (lambda rng: rng.binomial(1, 0.02, (15, 12)), lambda rng: rng.binomial(1, 0.97, (20, 12))),
        by_items,
    ),
    "binomial": (
        {"n_trials": 400},
        BETA,
        (lambda rng: rng.binomial(400, 0.03, (6, 1)), lambda rng: rng.binomial(400, 0.9, (9, 1))),
        by_trials,
    ),
    "categorical": (
        {"levels": (3,) * 12, "first": 0},
        {"form": "weak", "a": 0.7},
        (
            lambda rng: rng.choice(3, p=[0.98, 0.01, 0.01], size=(15, 12)),
            lambda rng: rng.choice(3, p=[0.01, 0.02, 0.97], size=(20, 12)),
        ),
        by_levels,
    ),
    "poisson": (
        {},
        GAMMA,
        (lambda rng: rng.poisson(0.5, (8, 1)), lambda rng: rng.poisson(300, (5, 1))),
        by_counts,
    ),
    "exponential": (
        {},
        GAMMA,
        (lambda rng: rng.gamma(9, 1e9, (7, 1)), lambda rng: rng.gamma(9, 0.1, (12, 1))),
        by_times,
    ),
}
"""Options, a fixed prior, data of two groups that no allocation confuses, and moments given one group."""

SOME = [
    name if name in ("poisson", "bernoulli") else pytest.param(name, marks=pytest.mark.slow)
    for name in KNOWN
]
"""Each family compiles sweeps of its own."""

TESTS = 2 * sum((12 + 1 + 36 + 1 + 1, 2 * (12 + 1 + 36 + 1 + 1), 5))
"""Means and variances: one component each, two each, and a weight each."""


@pytest.mark.parametrize("family", SOME)
def test_one_component_has_the_closed_form(family):
    options, prior, groups, moments = KNOWN[family]
    x = groups[1](np.random.default_rng(1)).astype(float)
    x[-1] = x[0]  # a row of count two
    model, data = MixtureModel(family, 1, **options), Dataset(x)
    model = model.on(data)
    claim = run(model, data, draws=4000, tune=1, n_chains=1, priors=prior)
    found = []
    for name, index, mean, variance in moments(x):
        found += scores(values(claim, name)[(..., 0, *index)], mean, variance)
    assert_all(found, TESTS)


@pytest.mark.parametrize("family", SOME)
def test_components_far_apart_have_the_closed_form_each(family):
    options, prior, groups, moments = KNOWN[family]
    rng = np.random.default_rng(2)
    parts = [group(rng).astype(float) for group in groups]
    data = Dataset(np.vstack(parts))
    model = MixtureModel(family, 2, **options).on(data)
    shares = np.repeat(np.eye(2), [len(part) for part in parts], axis=0)
    sums = model.family.sums(data, 0.98 * shares + 0.02 * shares[:, ::-1])
    parameters = model.family.from_frame(model.family.mle(sums), model.family.frame(data))
    start = Theta([0.5, 0.5], **parameters)
    prior = {**prior, "weights": 1.3}
    claim = run(model, data, start, draws=4000, tune=20, n_chains=1, priors=prior)
    order = np.argsort([values(claim, "weights")[..., k].mean() for k in range(2)])
    sizes = [len(part) for part in parts]
    by_size = np.argsort(sizes)
    found = []
    for k, group in zip(order, by_size, strict=True):
        for name, index, mean, variance in moments(parts[group]):
            found += scores(values(claim, name)[(..., k, *index)], mean, variance)
    n, other = sizes[by_size[0]], sizes[by_size[1]]
    found += scores(values(claim, "weights")[..., order[0]], *beta_of(1.3 + n, 1.3 + other))
    assert_all(found, TESTS)


RG = {
    "form": "richardson-green",
    "mean": 1.0,
    "mean_sd": 2.0,
    "shape": 2.0,
    "hyper_shape": 1.5,
    "hyper_rate": 0.8,
}


def test_one_normal_component_agrees_with_quadrature():
    x = np.random.default_rng(3).normal(3.0, 1.5, 7)
    # (mean, log precision), with the scale b of the prior integrated out; sums of a smooth density on a
    # grid far into its tails are exact to rounding
    m, t = np.meshgrid(np.linspace(-4, 10, 600), np.linspace(-9, 5, 600), indexing="ij")
    log_density = stats.norm.logpdf(m, 1.0, 2.0) + 2 * t - 3.5 * np.log(0.8 + np.exp(t))
    for value in x:
        log_density += stats.norm.logpdf(value, m, np.exp(-t / 2))
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    data, model = Dataset(x), MixtureModel("gaussian", 1)
    claim = run(model, data, draws=10_000, tune=100, n_chains=2, priors=RG)
    found = []
    for draws, grid in (
        (values(claim, "means")[..., 0, 0], m),
        (-np.log(values(claim, "covariances")[..., 0, 0, 0]), t),
    ):
        mean = float((density * grid).sum())
        found += scores(draws, mean, float((density * (grid - mean) ** 2).sum()))
    assert_all(found, 4)


# -- the joint distribution test (Geweke 2004, J. Am. Statist. Assoc. 99, 799-804) --------------------

LIGHT = {**RG, "hyper_shape": 6.0, "hyper_rate": 3.0, "weights": 1.5}
"""With light tails: of excursions made once in a thousand sweeps, a chain does not tell its own error."""

FIXED = {
    "bernoulli": ({}, {"form": "weak", "a": 1.5, "b": 2.0, "weights": 1.5}, 3),
    "binomial": ({"n_trials": 4}, {"form": "weak", "a": 1.5, "b": 2.0, "weights": 1.5}, 1),
    "categorical": (
        {"levels": (3, 2), "first": 0},
        {"form": "weak", "a": 1.5, "weights": 1.5},
        2,
    ),
    "poisson": ({}, {"form": "weak", "shape": 3.0, "mean": 2.0, "weights": 1.5}, 1),
    "exponential": ({}, {"form": "weak", "shape": 3.0, "mean": 2.0, "weights": 1.5}, 1),
    "gaussian": ({}, LIGHT, 1),
    "gaussian-full": ({}, LIGHT, 2),
    "gaussian-tied": ({"covariance": "tied"}, LIGHT, 2),
    "gaussian-diag": ({"covariance": "diag"}, LIGHT, 2),
    "gaussian-spherical": ({"covariance": "spherical"}, LIGHT, 2),
}
"""Options, a prior without a number scaled by data, and d."""

QUICK = ("poisson", "gaussian")
"""Those that are tested every time."""


def bound(model: MixtureModel, data: Dataset, spec: dict[str, object]) -> ModelPrior:
    return Prior.of(spec).on(model, data)


def alternated(
    model: MixtureModel, spec: dict[str, object], d: int, steps: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Data given the parameters and a sweep given the data, in turn: parameters (steps, K, ...)."""
    weights, first = Prior.of(spec).fixed(model, d).sample(1, rng)
    theta, kept = Theta(weights[0], **{name: value[0] for name, value in first.items()}), []
    for _ in range(steps):
        labels = rng.choice(model.n_components, size=4, p=theta.weights)
        data = Dataset(model.family.sample(theta.parameters, labels, rng))
        sweeper = Sweeper.of(bound(model, data, spec), data)
        P, log_weights = sweeper.at(theta)
        sweeper.run((P, log_weights), rng, 1)
        after, parameters = np.exp(log_weights), sweeper.parameters(P)
        theta = Theta(after / after.sum(), **parameters)
        kept.append(model.report_scales(theta.weights, theta.parameters))
    return {name: np.array([one[name] for one in kept]) for name in kept[0]}


@pytest.mark.parametrize(
    "case", [c if c in QUICK else pytest.param(c, marks=pytest.mark.slow) for c in FIXED]
)
def test_sweeps_keep_the_joint_distribution(case):
    """Parameters of the chain that draws data and parameters in turn have the distribution of the prior."""
    options, spec, d = FIXED[case]
    model, rng = MixtureModel(case.partition("-")[0], 2, **options), np.random.default_rng(4)
    chain = alternated(model, spec, d, 2500, rng)
    weights, parameters = Prior.of(spec).fixed(model, d).sample(50_000, rng)
    exact = model.report_scales(weights, parameters)
    found = []
    for name, draws in chain.items():
        centre = exact[name].mean(axis=0)
        for index in np.ndindex(centre.shape):
            if np.isnan(centre[index]):
                continue  # padding
            here, there = draws[(slice(None), *index)], exact[name][(slice(None), *index)]
            for power in (1, 2):
                expected = ((there - centre[index]) ** power).mean()
                found.append(standard_score(((here - centre[index]) ** power)[None], expected))
    assert_all(found, 20 * len(FIXED))


# -- allocations, seeds, chains -----------------------------------------------------------------------


def test_rows_of_large_counts_are_split_as_their_observations_would_be():
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.normal(0, 1, 40), rng.normal(2.5, 1, 20)])
    spec = {**RG, "weights": 2.0}
    alone = Dataset(np.repeat(x, 12) + 1e-9 * rng.normal(size=720))
    together = Dataset(x, counts=np.full(60, 12))
    found = []
    for data in (alone, together):
        claim = run(FREE, data, draws=5000, tune=500, n_chains=2, priors=spec)
        w, m = values(claim, "weights"), values(claim, "means")[..., 0]
        found.append([(w * m).sum(axis=-1), w.max(axis=-1), claim.posterior.loglik])
    for one, other in zip(*found, strict=True):
        size = np.hypot(one.std(), other.std()) / 2
        score = (one.mean() - other.mean()) / size
        assert abs(score) < 0.2  # in posterior sds, of a hundred or more effective draws


def test_same_seed_same_draws_and_a_prefix_of_chains():
    data = load_dataset("old_faithful", columns=["waiting"])
    one = run(FREE, data, draws=20, tune=10, n_chains=3)
    again = run(FREE, data, draws=20, tune=10, n_chains=2)
    other = run(FREE, data, seed=1, draws=20, tune=10, n_chains=2)
    np.testing.assert_array_equal(one.posterior.loglik[:2], again.posterior.loglik)
    assert (one.posterior.loglik[:2] != other.posterior.loglik).all()
    assert (one.posterior.loglik[0] != one.posterior.loglik[1]).all()


def test_thinned_draws_are_the_last_of_every_few_sweeps():
    data = load_dataset("old_faithful", columns=["waiting"])
    whole = run(FREE, data, draws=30, tune=10, n_chains=2)
    thinned = run(FREE, data, draws=10, tune=10, n_chains=2, thin=3)
    np.testing.assert_array_equal(thinned.posterior.loglik, whole.posterior.loglik[:, 2::3])
    assert thinned.passes == whole.passes == 80
    assert "30 sweeps after 10 sweeps each, one in 3 kept" in thinned.solver.message


def test_a_chain_goes_on_from_its_start():
    data = load_dataset("old_faithful", columns=["waiting"])
    start = make_start("kmeans", FREE, data).theta
    sweeper = Sweeper.of(bound(FREE, data, {"form": "richardson-green"}), data)
    points, log_weights, loglik = sweeper.run(sweeper.at(start), np.random.default_rng(0), 7)
    np.testing.assert_allclose(sweeper.parameters(points)["means"][0], start.means, rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_weights[0]), start.weights, rtol=1e-12)
    assert loglik[0] == pytest.approx(FREE.log_likelihood(data, start), rel=1e-12)
    assert (points[1] != points[0]).any()
    # in parts, or with sweeps left out, the chain is the same
    state, rng = sweeper.at(start), np.random.default_rng(0)
    np.testing.assert_array_equal(sweeper.run(state, rng, 3)[2], loglik[:3])
    np.testing.assert_array_equal(sweeper.run(state, rng, 2, thin=2)[2], loglik[4:7:2])


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    ("family", "priors"),
    [
        ("bernoulli", {"a": 1e-3, "b": 1e-3}),
        ("bernoulli", {"weights": 1e-3}),
        pytest.param("categorical", {"a": 1e-3}, marks=pytest.mark.slow),
    ],
)
def test_shapes_near_zero_are_no_failure(family, priors):
    """Both parts of a share, and of a weight, may underflow at once."""
    x = np.array([[1, 0], [0, 1], [0, 0], [1, 1]], dtype=float)
    settings = {"priors": priors, "draws": 500, "tune": 100, "n_chains": 2, "budget": 1e6}
    record = fit(MixtureModel(family, 2), Dataset(x), "gibbs", start="from-data", **settings)
    assert not record.error
    assert record.finding != "non_finite"
    assert np.isfinite(record.posterior.loglik).all()


# -- every family, and what is refused ----------------------------------------------------------------


@pytest.mark.parametrize(("family", "d", "K"), cases((1, 1), (1, 2), (2, 3), slow=[(1, 1), (2, 3)]))
def test_every_family_is_sampled_or_refused_with_a_reason(family: Family, d: int, K: int):
    data = Dataset(MAKERS[family.name](np.random.default_rng(d), 60, d))
    model = MixtureModel(family, K)
    reason = make_estimator("gibbs").supports(model.on(data), d)
    # with a budget, which stops no chain, draws that are at the noise edge are not taken again
    record = fit(model, data, "gibbs", start="kmeans++", verify=K == 2, budget=1e6, **SHORT)
    assert bool(reason) == (family.name in ("gamma", "student_t"))
    if reason:
        assert record.theta is None
        assert record.solver.message == reason
        assert "conjugate" in reason
        return
    assert not record.error
    assert record.finding in ("", *DRAW_FINDINGS)
    assert record.cost.passes == record.solver.counts["sweeps"] == 2 * (200 + 100)
    assert record.posterior.loglik.shape == (2, 200)
    stored = record.posterior.draws["posterior"].to_dataset()
    for name, shape in model.on(data).family.shapes(d).items():
        assert stored[name].shape == (2, 200, K, *shape)
    assert not model.on(data).outside(record.theta)
    assert np.isfinite(record.loglik)
    top = fit(model, data, start="kmeans++", verify=False).loglik
    if family.discrete:  # the likelihood is bounded, and has one maximum near all others
        assert record.posterior.loglik.max() <= top + 3
    sampled = record.posterior.draws["sample_stats"]["loglik"].values
    np.testing.assert_allclose(sampled, record.posterior.loglik, rtol=1e-9)


def test_old_faithful_is_verified_and_its_draws_are_about_the_maximum():
    data = load_dataset("old_faithful", columns=["waiting"])
    record = fit(FREE, data, "gibbs", start="from-data")
    assert record.finding == "verified", record.verdict
    assert record.theta is not None
    np.testing.assert_allclose(record.theta.means[:, 0], [54.65, 80.09], atol=0.3)
    assert record.cost.basis == "reported"
    assert "4 chains of 2000 sweeps after 500 sweeps" in record.solver.message
    assert any("empirical Bayes" in note for note in record.notes)


def test_a_prior_that_is_not_conjugate_is_unsupported():
    data = load_dataset("old_faithful", columns=["waiting"])
    for form in ("weak", "flat"):
        record = fit(FREE, data, "gibbs", priors=form)
        assert record.finding == "unsupported"
        assert "expected richardson-green" in record.solver.message
    assert Gibbs().prior(FREE).form == "richardson-green"
    assert Gibbs(priors={"mean": 70.0}).prior(FREE).form == "richardson-green"


def test_ordered_labels_are_unsupported():
    data = load_dataset("old_faithful", columns=["waiting"])
    record = fit(FREE, data, "gibbs", labels="ordered")
    assert record.finding == "unsupported"
    assert "order" in record.solver.message


def test_counts_that_are_not_whole_are_refused():
    data = Dataset([1.0, 2.0, 5.0], counts=[1.0, 2.5, 1.0], name="shares")
    with pytest.raises(DataError, match=r"whole counts, got 2.5 in row 2"):
        run(FREE, data, **SHORT)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"draws": 3}, "draws"),
        ({"tune": 0}, "tune"),
        ({"thin": 0}, "thin"),
        ({"n_chains": 0}, "n_chains"),
        ({"draws": 10.5}, "draws"),
        ({"priors": "conjugate"}, "priors"),
    ],
)
def test_wrong_settings_say_what_was_expected(settings, word):
    with pytest.raises(SpecError, match=f"{word}: expected"):
        Gibbs(**settings)
