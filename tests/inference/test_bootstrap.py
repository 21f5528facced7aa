"""The bootstrap: the same twice, near Wald where Wald is right, labels aligned, failures counted."""

from __future__ import annotations

import numpy as np
import pytest
from inference_ends import FREE, ONE, em, normal, two_normals, waiting

from mixcompare.data import Dataset
from mixcompare.estimators.base import make_estimator
from mixcompare.inference import bootstrap as module
from mixcompare.inference.base import examine
from mixcompare.inference.bootstrap import bootstrap, percentile
from mixcompare.inference.information import standard_errors
from mixcompare.inference.intervals import intervals
from mixcompare.mixture import MixtureModel
from mixcompare.records import Claim, Solver
from mixcompare.theta import Theta


@pytest.mark.parametrize("parametric", [False, True])
def test_the_same_seed_gives_the_same_replicates(parametric: bool) -> None:
    data, theta = waiting()
    first = intervals(FREE, data, theta, "bootstrap", replicates=12, parametric=parametric)
    again = intervals(FREE, data, theta, "bootstrap", replicates=12, parametric=parametric)
    more = intervals(FREE, data, theta, "bootstrap", replicates=20, parametric=parametric)
    other = intervals(FREE, data, theta, "bootstrap", replicates=12, parametric=parametric, seed=1)
    assert first.bootstrap is not None
    assert first.bootstrap.thetas == again.bootstrap.thetas  # type: ignore[union-attr]
    assert first.bootstrap.thetas == more.bootstrap.thetas[:12]  # type: ignore[union-attr]
    assert first.bootstrap.thetas[0] != other.bootstrap.thetas[0]  # type: ignore[union-attr]
    for name, bounds in first.bounds.items():
        np.testing.assert_array_equal(bounds, again.bounds[name])


@pytest.mark.parametrize("parametric", [False, True])
def test_near_wald_on_a_large_separated_sample(parametric: bool) -> None:
    """300 replicates give a standard error to 1 / sqrt(600) = 4 % of itself; four of those are allowed."""
    data, theta = two_normals(7, (600, 400), 6.0)
    found = intervals(FREE, data, theta, "bootstrap", replicates=300, parametric=parametric)
    wald = standard_errors(FREE, data, theta).report
    assert found.bootstrap is not None
    assert found.bootstrap.n_failed == 0
    assert not found.open
    for name, error in found.bootstrap.errors.items():
        np.testing.assert_allclose(error / wald[name], 1.0, atol=4 / np.sqrt(600))
        lower, upper = found.bounds[name]
        estimate = found.estimate[name]
        assert ((lower < estimate) & (estimate < upper)).all()
        # The 2.5 % point of 300 normal draws has a standard error of 0.154 sd.
        np.testing.assert_allclose((estimate - lower) / wald[name], 1.96, atol=4 * 0.154)
        np.testing.assert_allclose((upper - estimate) / wald[name], 1.96, atol=4 * 0.154)


def test_single_normal_mean() -> None:
    x = np.random.default_rng(5).normal(2, 3, 100)
    theta = normal([1.0], [float(x.mean())], [float(x.std())])
    found = intervals(ONE, x, theta, "bootstrap", replicates=400)
    assert found.bootstrap is not None
    assert found.bootstrap.errors["means"].item() == pytest.approx(x.std() / 10, rel=4 / 800**0.5)
    assert np.isnan(found.bounds["logit_weights"]).all()


def test_counts_are_drawn_multinomially() -> None:
    """A coin seen 40 times in two rows: the estimates have the binomial spread, on its lattice."""
    model = MixtureModel("bernoulli", 1)
    found = intervals(
        model,
        [[0.0], [1.0]],
        Theta([1.0], probs=[0.3]),
        "bootstrap",
        counts=[28, 12],
        replicates=300,
    )
    assert found.bootstrap is not None
    probs = np.array([theta.probs.item() for theta in found.bootstrap.thetas if theta])
    np.testing.assert_allclose(probs * 40, np.round(probs * 40), atol=1e-9)
    error = np.sqrt(0.3 * 0.7 / 40)
    assert probs.mean() == pytest.approx(0.3, abs=4 * error / 300**0.5)
    assert probs.std() == pytest.approx(error, rel=4 / 600**0.5)


def test_counts_that_are_no_numbers_of_observations_are_refused() -> None:
    model = MixtureModel("bernoulli", 1)
    theta = Theta([1.0], probs=[0.3])
    found = intervals(model, [[0.0], [1.0]], theta, "bootstrap", counts=[0.7, 0.3])
    assert "whole observations" in found.refused


def test_labels_are_those_of_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if every other fit numbers its components the other way round."""
    data, theta = waiting()
    plain = intervals(FREE, data, theta, "bootstrap", replicates=6)

    class Reversing:
        calls = 0

        def fit(self, problem, start, rng) -> Claim:  # type: ignore[no-untyped-def]
            claim = make_estimator("em").fit(problem, start, rng)
            Reversing.calls += 1
            assert claim.theta is not None
            order = [1, 0] if Reversing.calls % 2 else [0, 1]
            return Claim(claim.theta.take(order), claim.solver)

    monkeypatch.setattr(module, "make_estimator", lambda name: Reversing())
    found = intervals(FREE, data, theta, "bootstrap", replicates=6)
    assert Reversing.calls == 6
    for name, bounds in plain.bounds.items():
        np.testing.assert_array_equal(found.bounds[name], bounds)
    order = [1, 0]
    other = intervals(FREE, data, theta.take(order), "bootstrap", replicates=6)
    np.testing.assert_allclose(other.bounds["means"][0][order], plain.bounds["means"][0], rtol=1e-6)


def test_failures_are_counted_and_widen(monkeypatch: pytest.MonkeyPatch) -> None:
    data, theta = waiting()
    end = examine(FREE, data, theta, None)

    class Failing:
        calls = 0

        def fit(self, problem, start, rng) -> Claim:  # type: ignore[no-untyped-def]
            Failing.calls += 1
            if Failing.calls % 10 == 0:
                return Claim(start, Solver(False, "collapsed", "component 1 collapsed"))
            return make_estimator("em").fit(problem, start, rng)

    monkeypatch.setattr(module, "make_estimator", lambda name: Failing())
    found, _ = bootstrap(end, 20, False, 0)
    assert found.n_failed == 2
    assert found.failures == {"collapsed": 2}
    assert len(found.thetas) == len(found.statuses) == 20
    assert np.isnan(found.report["means"]).sum() == 4
    assert np.isfinite(found.errors["means"]).all()
    Failing.calls = 0
    few = intervals(FREE, data, theta, "bootstrap", replicates=20, level=0.95)
    assert few.bounds["means"][0][0, 0] == -np.inf
    assert few.bounds["means"][1][0, 0] == np.inf
    assert {e.reason for e in few.open} == {"failures"}
    assert "2 of 20" in few.notes[0]
    Failing.calls = 0
    narrower = intervals(FREE, data, theta, "bootstrap", replicates=20, level=0.7)
    assert np.isfinite(narrower.bounds["means"]).all()
    assert not narrower.open
    assert "2 of 20" in narrower.notes[0]


def test_a_sample_of_too_few_values_is_a_failure() -> None:
    """Three rows, two components: some resamples hold a single value."""
    values = Dataset([0.0, 0.1, 5.0, 5.1])
    tied = MixtureModel("gaussian", 2, covariance="tied")
    theta = em(tied, values, normal([0.5, 0.5], [0, 5], [0.1, 0.1]))
    found, _ = bootstrap(examine(tied, values, theta, None), 120, False, 0)
    assert found.failures.get("unfit_sample", 0) >= 1
    assert sum(found.failures.values()) == found.n_failed


def test_percentiles_are_order_statistics() -> None:
    values = np.arange(1.0, 101.0)
    assert percentile(values, 0.025) == (3.0, 98.0)
    assert percentile(values, 0.05) == (5.0, 96.0)
    gaps = np.where(values <= 2, np.nan, values)
    assert percentile(gaps, 0.025) == (3.0, 100.0)
    assert percentile(np.where(values <= 3, np.nan, values), 0.025) == (-np.inf, np.inf)
