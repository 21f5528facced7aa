"""Sequential Monte Carlo: the right evidence, modes by their mass, honest passes."""

from __future__ import annotations

import numpy as np
import pytest
from quadrature import one_rate, two_rates

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.smc import KERNELS, SMC
from mixcompare.estimators.unconstrained import Unconstrained
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.records import FitRecord

ONE, TWO = MixtureModel("poisson", 1), MixtureModel("poisson", 2)
FIXED = {"form": "weak", "mean": 8.0}
FEW = Dataset(np.array([[2.0], [3.0], [5.0], [11.0]]), np.array([3.0, 4.0, 2.0, 1.0]))
MODES = Dataset(np.array([[1.0], [10.0], [38.0]]), np.array([8.0, 4.0, 2.0]))
"""Either the tens belong to the small ones, or to the large ones: two modes, the masses about 7 : 3."""

OVERLAP = Dataset(np.array([0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8.0])[:, None])
"""Two groups that nothing parts: labels switch all the time."""

BETWEEN = 26.0
"""The larger rate that parts them."""


def run(
    model: MixtureModel, data: Dataset, seed: int = 0, priors: object = FIXED, **settings: object
) -> FitRecord:
    record = fit(
        model, data, "smc", start="quantiles", seed=seed, verify=False, priors=priors, **settings
    )
    assert not record.error
    return record


@pytest.fixture(scope="module")
def modes() -> FitRecord:
    return run(TWO, MODES, draws=1000, n_chains=6)


def test_evidence_of_one_component_is_that_of_the_closed_form():
    record = run(ONE, FEW, draws=1000, n_chains=4)
    evidence, mean, sd = one_rate(FEW, mean=8.0)
    found = record.posterior.diagnostics
    error = found["log_marginal_likelihood_se"]
    assert error < 0.1
    assert found["log_marginal_likelihood"] == pytest.approx(evidence, abs=5 * error + 0.02)
    rates = np.log(record.posterior.draws["posterior"]["rates"].values)
    assert rates.mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(found["ess_bulk"]))
    assert rates.std() == pytest.approx(sd, rel=0.1)


def test_modes_are_visited_in_proportion_to_their_mass(modes):
    evidence, rates, mass = two_rates(MODES, mean=8.0)
    upper = float(mass[rates[1] > BETWEEN].sum())
    assert 0.6 < upper < 0.8
    drawn = modes.posterior.draws["posterior"]["rates"].values.max(axis=-1) > BETWEEN
    # the spread between populations is the Monte Carlo error, whatever particles share
    error = drawn.mean(axis=1).std(ddof=1) / np.sqrt(len(drawn))
    assert error < 0.05
    assert drawn.mean() == pytest.approx(upper, abs=5 * error + 0.02)
    assert (drawn.mean(axis=1) > 0.4).all()
    assert (drawn.mean(axis=1) < 0.95).all()
    found = modes.posterior.diagnostics
    # adaptive proposals leave a bias of some hundredths
    margin = 5 * found["log_marginal_likelihood_se"] + 0.1
    assert found["log_marginal_likelihood"] == pytest.approx(evidence, abs=margin)


@pytest.mark.parametrize("kernel", KERNELS)
def test_labels_that_switch_leave_the_posterior_as_it_is(kernel):
    """Populations that begin with their labels in one order come to another law."""
    _, rates, mass = two_rates(OVERLAP, mean=3.0, size=120)
    exact = np.log(rates[0])
    expected = float((mass * exact).sum())
    sd = np.sqrt(float((mass * exact**2).sum()) - expected**2)
    record = run(TWO, OVERLAP, priors={**FIXED, "mean": 3.0}, kernel=kernel, draws=500, n_chains=8)
    drawn = np.log(record.posterior.draws["posterior"]["rates"].values.min(axis=-1))
    error = drawn.mean(axis=1).std(ddof=1) / np.sqrt(len(drawn))
    assert error < 0.04 * sd
    assert drawn.mean() == pytest.approx(expected, abs=4 * error)


def test_the_way_from_the_prior_is_kept(modes):
    history = modes.posterior.draws["history"].to_dataset()
    for beta, moves, acceptance in zip(
        *(history[name].values for name in ("beta", "moves", "acceptance")), strict=True
    ):
        there = np.isfinite(beta)
        assert beta[there][-1] == 1
        assert (np.diff(beta[there]) > 0).all()
        assert (moves[there] >= 1).all()
        assert ((acceptance[there] > 0) & (acceptance[there] < 1)).all()
    assert modes.solver.success is None
    assert "log marginal likelihood" in modes.solver.message
    assert any("starts were not used" in note for note in modes.notes)
    assert not modes.posterior.approximate


def test_passes_are_evaluations_of_the_likelihood(monkeypatch):
    calls, original = [], Unconstrained.densities

    def counted(self, values):
        likelihood, prior = original(self, values)
        return lambda z: calls.append(z) or likelihood(z), prior

    monkeypatch.setattr(Unconstrained, "densities", counted)
    for kernel in KERNELS:
        calls.clear()
        record = run(TWO, MODES, draws=60, n_chains=2, kernel=kernel)
        assert record.cost.passes == len(calls) > 240
        assert record.cost.basis == "reported"


def test_same_seed_same_draws_and_a_prefix_of_chains():
    first, again, one, other = (
        run(TWO, MODES, seed, draws=60, n_chains=chains)
        .posterior.draws["posterior"]["rates"]
        .values
        for seed, chains in ((3, 2), (3, 2), (3, 1), (4, 1))
    )
    np.testing.assert_array_equal(first, again)
    assert (other != one).any()
    # relabelled all together: without labels
    np.testing.assert_array_equal(np.sort(first[0]), np.sort(one[0]))


@pytest.mark.slow
def test_ordered_labels_have_the_same_evidence(modes):
    record = run(TWO, MODES, draws=1000, n_chains=4, labels="ordered")
    rates = record.posterior.draws["posterior"]["rates"].values
    assert (rates[..., 0] < rates[..., 1]).all()
    found = [r.posterior.diagnostics for r in (record, modes)]
    margin = 5 * sum(d["log_marginal_likelihood_se"] for d in found) + 0.1
    assert found[0]["log_marginal_likelihood"] == pytest.approx(
        found[1]["log_marginal_likelihood"], abs=margin
    )


@pytest.mark.slow
def test_a_prior_that_is_a_potential_is_not_tempered():
    """The evidence under Richardson and Green's prior, whose density PyMC has no distribution for."""
    data = Dataset(np.random.default_rng(0).normal(3.0, 2.0, 12)[:, None])
    model = MixtureModel("gaussian", 1)
    record = run(model, data, priors="richardson-green", draws=1000, n_chains=4)
    prior = Prior.of("richardson-green").on(model, data)
    log_sds = np.linspace(-3, 3, 201)
    means = np.linspace(-6, 6, 201)
    total = []
    for mean in means:
        for log_sd in log_sds:
            z = np.array([mean, log_sd])
            theta = model.to_natural(z, 1, prior.frame)
            total.append(prior.log_density(z) + model.log_likelihood(data, theta))
    cell = np.log((means[1] - means[0]) * (log_sds[1] - log_sds[0]))
    evidence = float(np.logaddexp.reduce(total) + cell)
    found = record.posterior.diagnostics
    margin = 5 * found["log_marginal_likelihood_se"] + 0.05
    assert found["log_marginal_likelihood"] == pytest.approx(evidence, abs=margin)


def test_a_population_without_a_likelihood_fails_with_its_reason(monkeypatch):
    nothing = (lambda z: -np.inf, lambda z: 0.0)
    monkeypatch.setattr(Unconstrained, "densities", lambda self, values: nothing)
    record = fit(TWO, MODES, "smc", draws=50, n_chains=1, priors=FIXED)
    assert record.finding == "error"
    assert "chain 1 of 1" in record.error
    assert "none of those drawn from the prior" in record.error


@pytest.mark.parametrize(
    "settings", [{"draws": 49}, {"kernel": "metropolis"}, {"threshold": 1.0}, {"n_chains": 0}]
)
def test_wrong_settings_say_what_was_expected(settings):
    with pytest.raises(SpecError, match=f"{next(iter(settings))}: expected"):
        SMC(**settings)
