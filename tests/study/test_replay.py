"""One stored fit again: the same bits, where it broke, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mixcompare as mc
from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.mixture import MixtureModel
from mixcompare.study.breakdown import explain
from mixcompare.study.replay import find_key
from mixcompare.study.results import Results
from mixcompare.study.run import load_results, run_study
from mixcompare.theta import Theta

STUDY = """
title = "Replay"
seed = 3
starts = { scheme = "random", n = 2 }

[[data]]
name = "two"
scenario = "gaussian"
replicates = 2
parameters = { n = 150, weights = [0.3, 0.7], means = [0.0, 0.6], sds = [0.08, 0.12] }

[[data]]
name = "own"
file = "own.csv"

[[model]]
family = "gaussian"
n_components = 2

[[method]]
name = "em"
options = { max_iter = 50 }

[[method]]
name = "squarem"

[[method]]
name = "l-bfgs-b[bounded]"
options = { bounds = { sds = [0.001, 5] } }

[[method]]
name = "nelder-mead[naive]"

[[method]]
name = "study_outsiders:Raises"
label = "raises"

[[method]]
name = "study_outsiders:Unable"
label = "unable"
"""

FAR = Theta([0.5, 0.5], means=[-0.2, 0.8], covariances=[0.0004, 0.04])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("replay")
    x = np.random.default_rng(1).normal(0, 1, 40) + np.repeat([0, 5], 20)
    (place / "own.csv").write_text("x\n" + "\n".join(map(repr, x.tolist())))
    (place / "study.toml").write_text(STUDY)
    run_study(place / "study.toml", place / "out")
    (place / "own.csv").unlink()  # the folder of results is enough
    return place / "out"


@pytest.mark.slow
def test_every_kind_of_row_is_repeated_bit_for_bit(folder: Path) -> None:
    results = load_results(folder)
    assert len(results.fits) == 3 * 2 * 6
    for key in results.fits.loc[results.fits["start_index"] == 1, "key"]:
        again = results.replay(key)
        assert again.differences == ()
        assert again.agrees
        assert again.same_data
        assert again.record.key == key
        assert "bit for bit" in again.card
        assert max(map(len, again.card.splitlines())) <= 100


def test_a_prefix_is_enough_and_an_unknown_key_is_told_the_nearest(folder: Path) -> None:
    key = str(load_results(folder).fits["key"].iloc[0])
    assert mc.replay(folder, key[:-2]).record.key == key
    keys = ["two-0_em_0_aa", "two-0_em_1_bb"]
    with pytest.raises(SpecError, match="with which 2 begin: two-0_em_0_aa, two-0_em_1_bb"):
        find_key("two", keys)
    with pytest.raises(SpecError, match="The nearest is two-0_em_1_bb"):
        find_key("two-0_em_1_b0", keys)
    with pytest.raises(SpecError, match="got"):
        find_key("", keys)


def test_a_changed_row_is_seen(folder: Path) -> None:
    results = load_results(folder)
    fits = results.fits.copy()
    fits.loc[0, "loglik"] += 1e-12 * abs(fits.loc[0, "loglik"])
    fits.loc[0, "digest"] = "0" * 16
    again = Results(fits, results.trajectories, results.study, plan=results._plan).replay(
        fits.loc[0, "key"]
    )
    assert set(again.differences) == {"loglik", "digest"}
    assert not again.agrees
    assert not again.same_data
    assert "NOT those of the row" in again.card
    assert "differs in" in again.card


def test_rows_without_a_plan_cannot_be_replayed(folder: Path) -> None:
    results = load_results(folder)
    with pytest.raises(SpecError, match="load_results"):
        Results(results.fits, results.trajectories).replay(str(results.fits["key"].iloc[0]))


def test_an_underflow_is_traced_to_its_observation() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 0.08, 300), rng.normal(0.6, 0.12, 700)])
    start = Theta([0.5, 0.5], means=[-0.2, 0.0], covariances=[0.0001, 0.0001])
    results = mc.compare(
        MixtureModel("gaussian", 2), x, methods=["l-bfgs-b[bounded]"], starts=start
    )
    again = results.replay(results.fits["key"].iloc[0])
    assert again.differences == ()
    broke = again.broke
    assert broke is not None
    assert broke.loglik == -np.inf
    assert broke.passes == 1
    first = np.flatnonzero(np.minimum(np.abs(x + 0.2), np.abs(x)) > 0.01 * np.sqrt(2 * 750))[0]
    assert broke.observation == first
    assert broke.component == 1
    assert again.before is None
    assert f"Observation {first + 1} (x = {x[first]:.6g})" in again.card
    assert "underflows to 0" in again.card


def test_a_negative_scale_is_traced_to_its_component() -> None:
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.normal(0, 0.08, 300), rng.normal(0.6, 0.12, 700)])
    results = mc.compare(MixtureModel("gaussian", 2), x, methods=["bfgs[naive]"], starts=FAR)
    again = results.replay(results.fits["key"].iloc[0])
    assert again.broke is not None
    assert np.isnan(again.broke.loglik)
    assert again.before is not None
    assert np.isfinite(again.before[1])
    assert again.before[0] < again.broke.passes
    assert "has no density" in again.broke.words


def test_an_exception_is_traced_to_the_component_without_a_density() -> None:
    """scipy's multivariate normal density raises where a covariance is not positive definite."""
    x = np.random.default_rng(1).normal(size=(14, 2))
    start = Theta(
        [0.5, 0.5], means=[[0.0, 0.0], [1.0, 1.0]], covariances=[0.02 * np.eye(2), np.eye(2)]
    )
    model = MixtureModel("gaussian", 2)
    results = mc.compare(model, x, methods=["bfgs[naive]"], starts=start)
    again = results.replay(results.fits["key"].iloc[0])
    assert "positive semidefinite" in again.record.error
    assert again.before is not None
    assert again.broke is not None
    assert again.broke.passes == again.before[0] + 1 == again.record.cost.passes
    assert model.outside(again.broke.theta)
    assert again.broke.observation == 0
    words = f"the covariance of component {again.broke.component + 1} is not positive definite"
    assert words in " ".join(again.card.split())
    assert "which raised ValueError" in again.card


def test_a_collapse_is_traced_to_its_observation() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(0, 1, 20), rng.normal(9, 0.4, 6), [2.0] * 4])
    start = Theta([0.2, 0.7, 0.1], means=[9.0, 0.0, 2.01], covariances=np.array([0.16, 1.0, 1e-3]))
    results = mc.compare(MixtureModel("gaussian", 3), x, methods=["em"], starts=start)
    again = results.replay(results.fits["key"].iloc[0])
    assert again.record.finding == "singular"
    assert again.collapsed is not None
    assert again.collapsed.observation == 26
    assert again.record.theta is not None
    assert again.record.theta.means[again.collapsed.component, 0] == pytest.approx(2.0, abs=0.02)
    assert "Observation 27 (x = 2)" in again.card
    assert "about it and 3 of the same value" in " ".join(again.card.split())


def test_a_weight_below_zero_breaks_only_where_the_sum_does() -> None:
    """A sum of densities with a negative weight is positive nearly everywhere."""
    theta = Theta([1.2, -0.2], means=[[0.0], [3.0]], covariances=[[[1.0]], [[1.0]]])
    broke = explain(MixtureModel("gaussian", 2), Dataset([-1.0, 0.0, 4.0]), theta, np.nan)
    assert (broke.observation, broke.component) == (2, 1)
    assert "rows" not in broke.words


def test_a_fit_with_a_limit_in_seconds_is_traced_to_its_end() -> None:
    x = np.random.default_rng(0).normal(size=(4000, 1)) ** 3
    results = mc.compare(
        MixtureModel("gaussian", 3),
        x,
        methods=["nelder-mead"],
        n_starts=1,
        budget={"seconds": 0.02},
        verify=False,
    )
    again = results.replay(results.fits["key"].iloc[0])
    assert "a limit in seconds" in again.card or "bit for bit" in again.card
    assert again.before is not None
    assert again.before[0] == again.record.cost.passes


def test_what_breaks_is_named_component_and_observation() -> None:
    model = MixtureModel("gaussian", 2)
    data = Dataset(np.array([0.0, 0.1, 50.0]))

    def at(means: list[float], variances: list[float], weights: tuple[float, float] = (0.5, 0.5)):
        return model.conform(Theta(weights, means=means, covariances=variances), 1)

    broke = explain(model, data, at([0.0, 0.1], [0.01, 1.0]), -np.inf)
    assert (broke.observation, broke.component) == (2, 1)
    broke = explain(model, data, at([0.0, 0.1], [1.0, -1.0]), np.nan)
    assert (broke.observation, broke.component) == (0, 1)
    broke = explain(model, data, at([0.0, 0.1], [1.0, 1.0], (1.5, -0.5)), np.nan)
    assert (broke.observation, broke.component) == (0, 1)
    assert "weight" in broke.words
    broke = explain(model, data, at([0.0, 50.0], [1.0, 1.0]), np.inf)
    assert broke.observation is None
    assert "arithmetic" in broke.words
    coins = MixtureModel("bernoulli", 1)
    data = Dataset(np.array([0.0, 1.0]))
    broke = explain(coins, data, coins.conform(Theta([1.0], probs=[0.0]), 1), -np.inf)
    assert (broke.observation, broke.component) == (1, 0)
    assert "no component can have given" in broke.words
