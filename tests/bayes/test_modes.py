"""The verifier's own search for modes: what it finds, what a mode's mass is, which ones must be visited."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted_draws import normal_draws, posterior
from scipy.special import logsumexp

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.theta import Theta
from mixcompare.verify import modes
from mixcompare.verify.modes import Mode, Search
from mixcompare.verify.policy import Policy
from mixcompare.verify.verifier import Verifier

FREE = MixtureModel("gaussian", 2)
POISSON = MixtureModel("poisson", 2)


def three_clusters(middle: float) -> Dataset:
    """At -10, `middle` and 10: two normals hold the left or the right pair, the nearer one better."""
    cluster = np.tile([-0.9, -0.3, 0.3, 0.9], 4)
    return Dataset(np.concatenate([cluster - 10, cluster + middle, cluster + 10]))


def searched(model: MixtureModel, data: Dataset, prior: object = None) -> Search:
    return Search(Prior.of(prior).on(model, data), data, Policy())


def curvature(search: Search, z: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Negative Hessian (q, q) of the log-posterior from its values alone."""
    value = [
        [
            sum(
                a * b * search.posterior.value(z + a * step * e + b * step * f)
                for a in (1, -1)
                for b in (1, -1)
            )
            for e in np.eye(z.size)
        ]
        for f in np.eye(z.size)
    ]
    return -np.array(value) / (4 * step**2)


def coordinates(search: Search, mode: Mode) -> np.ndarray:
    return search.model.to_unconstrained(mode.theta, search.posterior.problem.frame)


def sampled_log_mass(search: Search, mode: Mode, rng: np.random.Generator) -> float:
    """Mass of one copy of a mode by importance sampling from a t about it, 5 df; exact but for its noise."""
    z = coordinates(search, mode)
    root = np.linalg.cholesky(np.linalg.inv(curvature(search, z)))
    q, df, size = z.size, 5, 4000
    u = rng.standard_normal((size, q)) * np.sqrt(df / rng.chisquare(df, size))[:, None]
    from scipy.stats import multivariate_t

    drawn = multivariate_t(np.zeros(q), np.eye(q), df).logpdf(u) - np.log(np.diag(root)).sum()
    heights = np.array([search.posterior.value(z + root @ step) for step in u])
    return float(logsumexp(heights - drawn) - np.log(size))


@pytest.mark.parametrize(("middle", "share"), [(0.2, 0.239), (0.345, 0.12), (0.42, 0.08)])
def test_shares_of_two_separate_modes_are_those_of_their_masses(middle, share):
    search = searched(FREE, three_clusters(middle))
    found, shares, passes = search.among()
    large = [i for i in range(len(found)) if shares[i] > 0.01]
    assert len(large) == 2
    assert min(shares[large]) == pytest.approx(share, abs=0.004)
    assert passes > 500
    rng = np.random.default_rng(0)
    masses = np.array([sampled_log_mass(search, found[i], rng) for i in large])
    exact = np.exp(masses - logsumexp(masses))
    assert shares[large] == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize(("middle", "finding"), [(0.345, "main_mode_missed"), (0.42, "verified")])
def test_a_mode_is_missed_from_a_tenth_of_the_mass(middle, finding):
    data = three_clusters(middle)
    search = searched(FREE, data)
    found, shares, _ = search.among()
    main = found[int(np.argmax(shares))]
    draws = normal_draws(FREE, data, main.theta, np.random.default_rng(0))
    verdict = Verifier(FREE, data).draws(*posterior(draws))
    assert verdict.finding == finding, verdict
    if finding != "verified":
        assert "12%" in verdict.message
        assert verdict.margins["missed_mass"] == pytest.approx(1.2, abs=0.04)


def test_one_draw_near_a_mode_is_enough():
    data = three_clusters(0.2)
    found, shares, _ = searched(FREE, data).among()
    first, second = np.argsort(shares)[::-1][:2]
    draws = normal_draws(FREE, data, found[first].theta, np.random.default_rng(0))
    verifier = Verifier(FREE, data)
    assert "main_mode_missed" in verifier.draws(*posterior(draws)).flags
    draws[3][7] = found[second].theta.take(np.array([1, 0]))  # labels aside
    assert "main_mode_missed" not in verifier.draws(*posterior(draws)).flags


def test_copies_of_a_mode_are_counted_once_where_components_coincide():
    rng = np.random.default_rng(3)
    narrow, apart = rng.binomial(20, 0.3, 80), rng.poisson(60, 40)
    cases = [  # two components that coincide; two that do not; three of which two do
        (POISSON, narrow, 1),
        (POISSON, np.concatenate([narrow, apart]), 2),
        (MixtureModel("poisson", 3), np.concatenate([narrow, apart]), 3),
    ]
    for model, x, copies in cases:
        search = searched(model, Dataset(x.astype(float)))
        (mode,), shares, _ = search.among()
        H = curvature(search, coordinates(search, mode))
        one = mode.height + 0.5 * (H.shape[0] * np.log(2 * np.pi) - np.linalg.slogdet(H)[1])
        assert np.exp(mode.log_mass - one) == pytest.approx(copies, rel=0.02)
        assert shares == pytest.approx(1.0)


def test_the_mass_of_all_copies_is_the_integral_of_the_posterior():
    x = np.array([1, 1, 2, 1, 2, 1, 24, 20, 19, 22], dtype=float)
    search = searched(POISSON, Dataset(x))
    (mode,), _, _ = search.among()
    grids = [np.linspace(-4, 4, 15), np.linspace(-1.8, 3.6, 46), np.linspace(-1.8, 3.6, 46)]
    points = np.array(np.meshgrid(*grids)).reshape(3, -1).T
    values = [search.posterior.value(z) for z in points]
    cell = np.prod([grid[1] - grid[0] for grid in grids])
    assert mode.log_mass == pytest.approx(logsumexp(values) + np.log(cell), abs=0.15)


def test_narrow_modes_count_in_the_sum_but_need_no_draw():
    # four tied-looking points away from the rest: a narrow mode with nearly all of the mass
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 3, 60), 12 + 0.01 * np.arange(5)])
    search = searched(FREE, Dataset(x))
    found, shares, _ = search.among()
    narrow = [i for i, mode in enumerate(found) if mode.narrow and shares[i] > 0.1]
    assert narrow
    elsewhere = Theta([0.5, 0.5], means=[[0], [3]], covariances=[[[10]], [[16]]])
    draws = [[elsewhere] * 400 for _ in range(4)]
    assert "main_mode_missed" not in Verifier(FREE, Dataset(x)).draws(*posterior(draws)).flags


def test_the_search_is_made_once_and_booked_with_every_posterior(monkeypatch):
    data = load_dataset("old_faithful", columns=["waiting"])
    verifier = Verifier(FREE, data)
    (mode,), _, _ = searched(FREE, data).among()
    claims = [
        posterior(normal_draws(FREE, data, mode.theta, np.random.default_rng(seed), (2, 300)))
        for seed in (0, 1)
    ]
    first = verifier.draws(*claims[0])
    monkeypatch.setattr(modes, "short_runs", None)
    again = verifier.draws(*claims[1])
    assert again.passes == first.passes


def test_the_search_does_not_depend_on_how_repeated_rows_are_given():
    values, counts = np.array([1.0, 2, 3, 9, 10, 11]), np.array([5, 9, 4, 6, 7, 5])
    found = [
        searched(POISSON, data).among()[0]
        for data in (Dataset(values, counts=counts), Dataset(np.repeat(values, counts)))
    ]
    assert [mode.log_mass for mode in found[0]] == pytest.approx([m.log_mass for m in found[1]])


def test_masses_are_those_under_the_prior_of_the_posterior_at_hand():
    # the left pair of clusters split off is far better under means about the left cluster
    data, near = three_clusters(0.2), {"form": "weak", "mean": -10.0, "mean_sd": 8.0}
    lesser = [min(searched(FREE, data, prior).among()[1][:2]) for prior in (None, near)]
    assert lesser[0] > 0.1 > lesser[1]
    found, shares, _ = searched(FREE, data).among()
    main = found[int(np.argmax(shares))]
    claimed, theta = posterior(normal_draws(FREE, data, main.theta, np.random.default_rng(0)))
    verifier = Verifier(FREE, data)
    assert verifier.draws(claimed, theta).finding == "main_mode_missed"
    assert verifier.draws(replace(claimed, prior=near), theta).finding == "verified"
