"""The sampler: right answers, honest numbers, its own words. One compiled model a family."""

from __future__ import annotations

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.nuts import NUTS
from mixcompare.fit import fit
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim, FitRecord
from mixcompare.starts.base import make_start
from mixcompare.theta import Theta

FREE = MixtureModel("gaussian", 2)
COINS = MixtureModel("bernoulli", 2)
SHORT = {"draws": 300, "tune": 300, "n_chains": 2}


@pytest.fixture(scope="session")
def waiting() -> Dataset:
    return load_dataset("old_faithful", columns=["waiting"])


def run(model: MixtureModel, data: Dataset, seed: int = 0, **settings: float) -> Claim:
    estimator = NUTS(**settings)
    starts = [make_start("from-data", model, data, 0, i).theta for i in range(estimator.chains)]
    return estimator.run(Problem(model, data), starts, np.random.default_rng(seed))


@pytest.fixture(scope="session")
def fitted(waiting: Dataset) -> FitRecord:
    # draws enough that they are not taken again for want of mixing
    return fit(FREE, waiting, "nuts", start="from-data", **SHORT | {"draws": 1000})


def test_old_faithful_posterior_is_about_the_maximum(fitted):
    assert not fitted.error
    theta = fitted.theta
    # the maximum and the half widths of its Wald intervals; the prior moves the mean by less
    np.testing.assert_allclose(theta.means[:, 0], [54.615, 80.091], atol=1.0)
    np.testing.assert_allclose(np.sqrt(theta.covariances[:, 0, 0]), [5.871, 5.868], atol=0.8)
    np.testing.assert_allclose(theta.weights, [0.3609, 0.6391], atol=0.04)
    assert fitted.permutation == (0, 1)
    assert fitted.finding in ("verified", "not_mixed")  # 600 draws are at the noise edge
    assert fitted.loglik == pytest.approx(-1034.1, abs=0.5)


def test_numbers_about_the_draws(fitted, waiting):
    posterior = fitted.posterior
    assert posterior.loglik.shape == (2, 1000)
    stored = posterior.draws["posterior"].to_dataset()
    assert stored["weights"].shape == (2, 1000, 2)
    assert stored["covariances"].shape == (2, 1000, 2, 1, 1)
    np.testing.assert_allclose(stored["weights"].values.sum(axis=-1), 1)
    first = {name: stored[name].values[1, 7] for name in ("means", "covariances")}
    theta = type(fitted.theta)(stored["weights"].values[1, 7], **first)
    expected = waiting.weights @ FREE.log_density(waiting.x, theta)
    assert posterior.loglik[1, 7] == pytest.approx(expected, abs=1e-8)
    assert posterior.diagnostics["rhat_label_free"] < 1.05
    assert posterior.diagnostics["best_loglik"] == posterior.loglik.max()
    for name, (low, high) in posterior.intervals.items():
        point = FREE.report_scale(fitted.theta)[name]
        assert (low < point).all()
        assert (point < high).all()
        np.testing.assert_array_equal(fitted.verdict.intervals[name][0], low)


def test_cost_is_leapfrog_steps_warm_up_included(fitted):
    kept = int(fitted.posterior.draws["sample_stats"]["n_steps"].values.sum())
    assert fitted.cost.basis == "reported"
    assert fitted.cost.passes == fitted.solver.counts["steps"] > kept + 600
    assert fitted.trajectory.passes.size == 0


def test_a_sampler_claims_nothing(fitted):
    assert fitted.solver.success is None
    assert fitted.solver.status == "finished"
    assert "2 chains of 1000 draws after 300 tuning steps" in fitted.solver.message
    assert any("empirical Bayes" in note for note in fitted.notes)


def test_same_seed_same_draws_and_a_prefix_of_chains(waiting):
    one = run(FREE, waiting, draws=20, tune=50, n_chains=2)
    again = run(FREE, waiting, draws=20, tune=50, n_chains=1)
    energy = [claim.posterior.draws["sample_stats"]["energy"].values for claim in (one, again)]
    np.testing.assert_array_equal(energy[0][:1], energy[1])
    assert one.compile_seconds < 1
    other = run(FREE, waiting, seed=1, draws=20, tune=50, n_chains=1)
    assert (other.posterior.draws["sample_stats"]["energy"].values != energy[1]).any()


def test_counts_are_repeated_rows(waiting):
    rows, counts = np.unique(waiting.x, axis=0, return_counts=True)
    settings = {"draws": 20, "tune": 50, "n_chains": 1}
    start = make_start("from-data", FREE, waiting, 0, 0).theta
    ends = [
        NUTS(**settings).run(Problem(FREE, data), [start], np.random.default_rng(0)).theta
        for data in (waiting, Dataset(rows, counts))
    ]
    for name in ends[0]:
        np.testing.assert_allclose(ends[0][name], ends[1][name], rtol=1e-4)


def test_chains_begin_at_their_starts(waiting, monkeypatch):
    from mixcompare.estimators.posterior import Compiled

    seen, original = [], Compiled.at
    monkeypatch.setattr(Compiled, "at", lambda *a: seen.append((a[2], original(*a))) or seen[-1][1])
    starts = [make_start("from-data", FREE, waiting, 0, i).theta for i in range(2)]
    claim = NUTS(draws=4, tune=10, n_chains=3).run(
        Problem(FREE, waiting), starts, np.random.default_rng(0)
    )
    assert [theta for theta, _ in seen] == [starts[0], starts[1], starts[0]]
    points = [sampler.initial_point_func(0) for _, sampler in seen]
    frame = FREE.family.frame(waiting)
    for theta, point in zip(starts, points, strict=False):
        assert any(abs(v - frame(theta.means[0, 0])).min() < 1e-5 for v in point)
    assert not any("same point" in note for note in claim.notes)


@pytest.mark.slow
def test_a_start_with_a_slope_of_zero_is_no_failure():
    """Halves of heads and tails, and mirrored coins: the slope in the weight is exactly zero."""
    start = Theta([0.5, 0.5], probs=[[0.25], [0.75]])
    data = Dataset([1.0] * 8 + [0.0] * 8)
    claim = NUTS(draws=20, tune=50, n_chains=1).fit(
        Problem(COINS, data), start, np.random.default_rng(0)
    )
    assert np.isfinite(claim.posterior.loglik).all()


def test_notes_name_a_shared_start_and_an_idle_budget(waiting):
    start = make_start("from-data", FREE, waiting, 0, 0).theta
    problem = Problem(FREE, waiting, Budget(passes=10))
    claim = NUTS(draws=4, tune=10, n_chains=2).fit(problem, start, np.random.default_rng(0))
    assert any("same point" in note for note in claim.notes)
    assert any("budget" in note for note in claim.notes)
    assert problem.lent


def test_three_coins_converge_and_are_not_identified():
    record = fit(COINS, load_dataset("li_hang_coins"), "nuts", start="random", draws=500, tune=500)
    assert not record.error
    assert "unidentified" in record.verdict.flags
    stored = record.posterior.draws["posterior"].to_dataset()
    m = (stored["weights"].values * stored["probs"].values[..., 0]).sum(axis=-1)
    # by quadrature: mean .575; sampled to about .006
    assert m.mean() == pytest.approx(0.575, abs=0.03)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"priors": "flst"}, "priors"),
        ({"draws": 2}, "draws"),
        ({"tune": 0}, "tune"),
        ({"n_chains": 0}, "n_chains"),
        ({"draws": 10.5}, "draws"),
        ({"target_accept": 1.0}, "target_accept"),
    ],
)
def test_wrong_settings_say_what_was_expected(settings, word):
    with pytest.raises(SpecError, match=f"{word}: expected"):
        NUTS(**settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("K", "options", "loglik"),
    [(2, {}, -1130.264), (2, {"covariance": "tied"}, -1140.187), (1, {}, -1289.8)],
)
def test_matrices_and_single_components(K, options, loglik):
    data = load_dataset("old_faithful")
    record = fit(MixtureModel("gaussian", K, **options), data, "nuts", start="kmeans", **SHORT)
    assert not record.error
    assert record.posterior.diagnostics["best_loglik"] == pytest.approx(loglik, abs=2)
    assert record.finding in ("verified", "not_mixed")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "options", "data"),
    [
        ("poisson", {}, "quine_days"),
        ("exponential", {}, "coal_intervals"),
        ("binomial", {"n_trials": 12}, "saxony_families"),
        ("categorical", {}, "role_conflict"),
        ("gaussian", {"covariance": "diag"}, "old_faithful"),
        ("gaussian", {"covariance": "spherical"}, "old_faithful"),
        ("student_t", {"df": 4.0}, "old_faithful"),
    ],
)
def test_every_family_is_sampled(family, options, data):
    """The best draw comes near the maximum, and the posterior mean is a point of the family."""
    data, model = load_dataset(data), MixtureModel(family, 2, **options)
    top = fit(model, data, start="kmeans")
    record = fit(model, data, "nuts", start="kmeans", **SHORT)
    assert not record.error
    assert record.finding in ("verified", "not_mixed")
    assert record.theta is not None
    best = record.posterior.diagnostics["best_loglik"]
    assert top.loglik - 3 < best <= top.loglik + 1e-6
    assert record.loglik > top.loglik - 5
