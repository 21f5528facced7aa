"""ADVI: near the mode where that is well identified, too narrow, and said to be an approximation."""

from __future__ import annotations

import numpy as np
import pytest
from quadrature import one_rate

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.advi import ADVI, HISTORY, Normal, _of_bounds, _share, _thinned
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.records import FitRecord

ONE, TWO = MixtureModel("poisson", 1), MixtureModel("poisson", 2)
FIXED = {"form": "weak", "mean": 8.0}
FEW = Dataset(np.array([[2.0], [3.0], [5.0], [11.0]]), np.array([3.0, 4.0, 2.0, 1.0]))
OVERLAP = Dataset(
    np.concatenate([np.random.default_rng(1).poisson(m, 100) for m in (2.0, 7.0)])[:, None] * 1.0
)


def run(model: MixtureModel, data: Dataset, seed: int = 0, **settings: object) -> FitRecord:
    settings = {"verify": False, "n_chains": 2, "start": "quantiles", **settings}
    record = fit(model, data, "advi", seed=seed, **settings)
    assert not record.error
    return record


@pytest.fixture(scope="module")
def record() -> FitRecord:
    return run(ONE, FEW, priors=FIXED)


@pytest.mark.slow
def test_one_component_is_nearly_normal_and_nearly_exact(record):
    evidence, mean, sd = one_rate(FEW, mean=8.0)
    rates = np.log(record.posterior.draws["posterior"]["rates"].values)
    assert rates.mean() == pytest.approx(mean, abs=0.15 * sd)
    assert rates.std() == pytest.approx(sd, rel=0.1)
    # a bound on the evidence, up to the noise of its own estimate
    found = record.posterior.diagnostics
    assert evidence - 0.1 < found["elbo_lowest"] <= found["elbo"] < evidence + 0.02
    assert found["importance_share"] > 0.95


@pytest.mark.slow
def test_ends_near_the_mode_and_too_narrow():
    """Its variances are 1 / (H)_ii where the posterior's are (H^-1)_ii: smaller where coordinates depend."""
    top, overlap = fit(TWO, OVERLAP, start="quantiles"), run(TWO, OVERLAP, priors=FIXED)
    assert top.finding == "maximum"
    at, within = TWO.report_scale(top.theta), TWO.report_scale(overlap.theta)
    for name, (low, high) in overlap.posterior.intervals.items():
        wald_low, wald_high = top.verdict.intervals[name]
        sd = (wald_high - wald_low) / (2 * 1.96)
        assert (np.abs(within[name] - at[name]) < sd).all()
        assert (high - low < 0.9 * (wald_high - wald_low)).all()


@pytest.mark.slow
def test_is_shown_as_the_approximation_it_is(record):
    assert record.posterior.approximate
    assert any(note.startswith("an approximation") for note in record.notes)
    assert record.solver.success is None
    for word in (
        "2 approximations of 10000 iterations",
        "bound on the log marginal",
        "importance weights keep",
    ):
        assert word in record.solver.message


@pytest.mark.slow
def test_cost_and_the_course_of_the_bound(record):
    assert (record.cost.passes, record.cost.basis) == (20_000, "reported")
    history = record.posterior.draws["history"]["elbo"].values
    assert history.shape == (2, HISTORY)
    found = record.posterior.diagnostics
    # the last tenth of the history is that of the iterations
    assert history[:, -HISTORY // 10 :].mean(axis=1).max() == pytest.approx(found["elbo"])
    assert abs(found["elbo_change"]) < 0.5


def test_nothing_is_left_of_one_fit_in_the_next():
    few, other = ({"iterations": 300, "draws": 20, "n_chains": n} for n in (1, 2))
    first = run(ONE, FEW, priors=FIXED, **few)
    run(ONE, OVERLAP, seed=5, priors={"form": "weak", "mean": 2.0}, learning_rate=0.3, **other)
    again, longer = (run(ONE, FEW, priors=FIXED, **settings) for settings in (few, other))
    rates = [r.posterior.draws["posterior"]["rates"].values for r in (first, again, longer)]
    np.testing.assert_array_equal(rates[0], rates[1])
    np.testing.assert_array_equal(rates[0], rates[2][:1])
    another = run(ONE, FEW, seed=1, priors=FIXED, **few)
    assert (another.posterior.draws["posterior"]["rates"].values != rates[0]).any()


def test_importance_weights_tell_how_near_the_posterior_it_is():
    def standard(z):
        return float(-0.5 * (z**2).sum())

    for sd in (1.0, 1.2, 1.5, 4.0):
        end = Normal(np.zeros(2), np.full(2, sd), np.empty(0))
        # E[w]^2 / E[w^2] of two coordinates, by hand
        expected = (2 * sd**2 - 1) / sd**4
        assert _share(end, (standard, lambda z: 0.0), 0) == pytest.approx(expected, rel=0.1)


def test_bounds_are_summed_up_by_tenths():
    bounds = np.vstack([np.arange(100.0), np.full(100, 50.0)])
    assert _of_bounds(bounds) == {"elbo": 94.5, "elbo_lowest": 50.0, "elbo_change": 10.0}
    assert _thinned(bounds).shape == bounds.shape
    thin = _thinned(np.arange(2 * HISTORY + 1.0)[None])
    np.testing.assert_allclose(thin[0, [0, -1]], [3.0, 2 * HISTORY - 1.0])
    assert thin.shape[1] <= HISTORY


@pytest.mark.parametrize("settings", [{"iterations": 99}, {"learning_rate": 0.0}, {"draws": 3}])
def test_wrong_settings_say_what_was_expected(settings):
    with pytest.raises(SpecError, match=f"{next(iter(settings))}: expected"):
        ADVI(**settings)
