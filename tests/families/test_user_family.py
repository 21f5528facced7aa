"""A user's own family, four methods long, with every estimator; differences are paid for."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

import mixcompare as mc
from mixcompare import registry
from mixcompare.estimators.base import make_estimator
from mixcompare.families.user import UserFamily
from mixcompare.problem import Problem

sys.path.insert(0, str(Path(__file__).parents[1] / "study"))

PLAIN = "study_families:Rayleigh"
BASED = "study_families:LogNormal"
METHODS = [name for name in registry.NAMES["methods"] if not make_estimator(name).chains]


def lengths(n: int = 300, seed: int = 0) -> mc.Dataset:
    rng = np.random.default_rng(seed)
    x = rng.rayleigh(np.where(rng.random(n) < 0.4, 1.0, 6.0))
    return mc.Dataset(x[:, None], counts=rng.integers(1, 3, n))


@pytest.mark.parametrize("name", [PLAIN, BASED])
@pytest.mark.parametrize("method", METHODS)
def test_every_estimator_fits_it(name, method):
    model, data = mc.MixtureModel(name, 2), lengths()
    record = mc.fit(model, data, method=method, start="kmeans", budget=20000)
    assert not record.error
    if record.finding == "unsupported":
        assert record.solver.message
        return
    assert record.cost.passes == record.trajectory.passes.size
    exact = float(data.weights @ model.on(data).log_density(data.x, record.theta))
    assert record.loglik == pytest.approx(exact, rel=1e-12)
    if method not in ("sem", "cem"):
        reference = mc.fit(model, data, method="em", start="kmeans")
        assert reference.finding == record.finding == "maximum"
        assert record.loglik == pytest.approx(reference.loglik, abs=1e-4)


@pytest.mark.parametrize("start", list(registry.NAMES["starts"]))
def test_every_start_serves_it(start):
    record = mc.fit(mc.MixtureModel(PLAIN, 2), lengths(), method="em", start=start)
    assert record.finding == "maximum"
    assert record.theta.sigmas == pytest.approx([1.0, 6.0], rel=0.2)


def test_differences_are_the_gradient_and_are_counted():
    """The log-normal mixture is the normal one of the logarithms: an exact gradient to compare with."""
    data = lengths()
    logs = mc.Dataset(np.log(data.x), counts=data.counts)
    ours, theirs = mc.MixtureModel(BASED, 2), mc.MixtureModel("gaussian", 2)
    theta = mc.Theta([0.3, 0.7], means=[0.1, 1.5], sds=[0.5, 0.8])
    same = mc.Theta([0.3, 0.7], means=[[0.1], [1.5]], covariances=[[[0.25]], [[0.64]]])
    problem, exact = Problem(ours, data), Problem(theirs, logs)
    value, gradient = problem.value_and_score(problem.model.to_unconstrained(theta))
    z = theirs.to_unconstrained(same, exact.frame)
    other, slope = exact.value_and_score(z)
    assert value == pytest.approx(other - float(logs.weights @ logs.x[:, 0]), rel=1e-12)
    scale = exact.frame.scale[0]
    expected = [slope[0], slope[1] / scale, slope[3], slope[2] / scale, slope[4]]
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-6)
    assert problem.passes == 1 + 4 * 5
    assert exact.passes == 1


@pytest.mark.parametrize("method", ["bfgs", "nelder-mead"])
def test_what_a_direct_method_pays(method):
    """A gradient costs 4 q passes beside its value; a method without gradients pays for values alone."""
    record = mc.fit(mc.MixtureModel(PLAIN, 2), lengths(), method=method, start="kmeans")
    assert record.finding == "maximum"
    each = 1 + 4 * 3 if method == "bfgs" else 1
    assert record.cost.passes == each * record.solver.counts["nfev"]


def test_a_collapse_is_seen_where_the_family_says_its_spread():
    x = np.r_[np.ones(5), np.linspace(2.0, 9.0, 40)]
    start = mc.Theta([0.2, 0.8], means=[0.0, 1.5], sds=[1e-3, 0.5])
    record = mc.fit(mc.MixtureModel(BASED, 2), x, method="em", start=start)
    assert record.solver.status == "collapsed"


def test_without_priors_there_is_no_posterior():
    record = mc.fit(mc.MixtureModel(PLAIN, 2), lengths(), method="nuts")
    assert record.finding == "unsupported"
    assert "states no priors" in record.solver.message


def test_without_a_sampler_there_is_no_sample():
    model, data = mc.MixtureModel(PLAIN, 2), lengths()
    theta = mc.Theta([0.5, 0.5], sigmas=[1.0, 2.0])
    with pytest.raises(mc.SpecError, match="defines no sample"):
        model.on(data).sample(theta, 5, np.random.default_rng(0))
    point = mc.Theta([0.5, 0.5], means=[0.0, 1.0], sds=[1.0, 2.0])
    x, _ = mc.MixtureModel(BASED, 2).sample(point, 5, np.random.default_rng(0))
    assert x.shape == (5, 1)


def test_options_names_and_pickles():
    model = mc.MixtureModel(BASED, 2, offset=-1.0)
    assert model.family.options == {"offset": -1.0}
    assert model.name == "log-normal K=2 -1.0"
    plain = mc.MixtureModel(PLAIN, 2)
    assert plain.name == f"{PLAIN} K=2"
    for family in (model.family, plain.family, plain.on(lengths()).family):
        copied = pickle.loads(pickle.dumps(family))
        assert isinstance(copied, UserFamily)
        assert (copied.name, copied._known) == (family.name, family._known)
    with pytest.raises(mc.SpecError, match="shift"):
        mc.MixtureModel(BASED, 2, shift=1.0)
    with pytest.raises(mc.SpecError, match="unknown option"):
        mc.MixtureModel(PLAIN, 2, offset=1.0)


def test_what_a_family_lacks_is_named():
    with pytest.raises(mc.SpecError, match="has no to_natural"):
        mc.MixtureModel("study_families:Half", 2)
    with pytest.raises(mc.SpecError, match="numpy"):
        mc.MixtureModel("study_families:np", 2)
    record = mc.fit(mc.MixtureModel("study_families:Flat", 2), lengths(), method="em", verify=False)
    assert "log_density should return shape (300, 2), got (300,)" in record.error
    with pytest.raises(mc.DataError, match="numbers > 0"):
        mc.fit(mc.MixtureModel(BASED, 2), [-1.0, 2.0, 3.0])


def test_in_a_study_with_workers(tmp_path):
    study = tmp_path / "own.toml"
    study.write_text(
        """
title = "A family of one's own"
question = "Does it run like any other?"
seed = 1
starts = { scheme = "mixed", n = 2 }
[[data]]
name = "lengths"
file = "x.csv"
[[model]]
family = "study_families:Rayleigh"
n_components = 2
[[method]]
name = "em"
[[method]]
name = "bfgs"
[[method]]
name = "nuts"
""",
        encoding="utf-8",
    )
    np.savetxt(tmp_path / "x.csv", lengths().x, header="x", comments="")
    results = mc.run_study(study, out=tmp_path / "run", workers=2)
    table = results.table()
    assert sorted(table["finding"]) == ["maximum"] * 4 + ["unsupported"]
    results.report(tmp_path / "run")
