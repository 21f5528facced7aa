"""Modes that draws visited, named from the optima of the same data, and modes that they missed."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from planted import row

from mixcompare.data import Dataset
from mixcompare.errors import StoreError
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.study.results import Results
from mixcompare.theta import Theta

MODEL = MixtureModel("gaussian", 2)
COLUMNS = ["rank", "standing", "share", "chains", "n_chains", "crossings", "missed"]


def three_clusters(middle):
    """At -10, `middle` and 10: two normals hold the left or the right pair, the nearer one better."""
    cluster = np.tile([-0.9, -0.3, 0.3, 0.9], 4)
    return Dataset(np.concatenate([cluster - 10, cluster + middle, cluster + 10]), name="planted")


def optimum(data, means):
    problem = Problem(MODEL, data)
    theta = MODEL.as_start(Theta([0.4, 0.6], means=means, covariances=[4.0, 4.0]), data)
    for _ in range(400):
        theta = problem.maximise(problem.statistics(theta)[1])
    return theta, problem.log_likelihood(theta)


def about(theta, rng, n):
    """Draws near a point, about as near as those of a posterior of 48 observations."""
    return [
        Theta(
            theta.weights,
            means=theta.means
            + rng.normal(0, 0.02, theta.means.shape) * np.sqrt(theta.covariances[:, 0]),
            covariances=theta.covariances * np.exp(rng.normal(0, 0.05, (2, 1, 1))),
        )
        for _ in range(n)
    ]


def tree(chains):
    values = {
        name: np.array([[t[name] for t in chain] for chain in chains]) for name in chains[0][0]
    }
    dims = {name: ["chain", "draw", *map(str, range(v.ndim - 2))] for name, v in values.items()}
    group = {
        name: ([f"{name}{d}" if d.isdigit() else d for d in dims[name]], v)
        for name, v in values.items()
    }
    return xr.DataTree.from_dict({"posterior": xr.Dataset(group)})


class Planted:
    def __init__(self, middle=0.2):
        self.data = three_clusters(middle)
        self.right = optimum(self.data, [-10, 5])
        self.left = optimum(self.data, [-5, 10])

    def read(self, chains, known=("right", "left"), finding="verified", **more):
        """Results of em, which found these optima, and of nuts, which drew these chains."""

        def line(method, finding, end, **cells):
            theta, loglik = end
            end = {name: value.tolist() for name, value in theta.items()}
            return row(method, finding, loglik, end=end, **cells)

        rows = [
            line("em", "maximum", getattr(self, name), said=True, start_index=k)
            for k, name in enumerate(known)
        ]
        more = {"draws": "draws/one", "posterior_intervals": '{"means": [[0], [1]]}', **more}
        rows.append(line("nuts", finding, self.left, flags=json.dumps([finding]), **more))
        fits = pd.DataFrame(rows)
        fits["key"] = [f"key{k}" for k in range(len(rows))]
        draws = {"draws/one": tree(chains)}.get
        study = {
            "model": [{"family": "gaussian", "n_components": 2, "options": {"covariance": "full"}}]
        }
        return Results(fits, pd.DataFrame(), study, {("planted", 0): self.data}, draws)


@pytest.fixture(scope="module")
def planted():
    return Planted()


def test_shares_chains_and_crossings(planted):
    rng = np.random.default_rng(0)
    right, left = (planted.right[0], planted.left[0])
    stays = about(left, rng, 60)
    crosses = about(left, rng, 20) + about(right, rng, 20) + about(left, rng, 20)
    swapped = [theta.take(np.array([1, 0])) for theta in about(right, rng, 60)]
    lost = [Theta([0.5, 0.5], means=[[0], [1]], covariances=[[[1]], [[1]]])] * 30
    found = planted.read([stays, crosses, swapped, about(right, rng, 30) + lost]).modes()
    assert found[COLUMNS].to_numpy().tolist() == [
        [1, "global", pytest.approx(110 / 240), 3, 4, 1, False],
        [2, "local", pytest.approx(100 / 240), 2, 4, 1, False],
        [0, "", pytest.approx(30 / 240), 1, 4, 0, False],
    ]
    assert found["mass"].tolist()[:2] == pytest.approx([0.761, 0.239], abs=0.005)
    assert (found["nearest"][:2] < 1).all()
    assert found["loglik"].tolist()[:2] == pytest.approx([planted.right[1], planted.left[1]])


def test_a_mode_found_later_unmakes_a_verified_posterior(planted):
    rng = np.random.default_rng(0)
    chains = [about(planted.left[0], rng, 60) for _ in range(2)]
    known = planted.read(chains, known=("left",))
    assert known.rows["finding"].tolist() == ["maximum", "verified"]
    assert known.rows["sound"].tolist() == [True, True]
    read = planted.read(chains)
    last = read.rows.iloc[-1]
    assert (last["finding"], last["sound"]) == ("main_mode_missed", False)
    assert "optimum 1" in last["missed"]
    assert "76% of the posterior mass" in last["missed"]
    assert read.fits["finding"].tolist()[-1] == "verified"  # what is stored stays
    line = read.modes().iloc[0]
    assert (line["share"], line["missed"]) == (0.0, True)
    assert line["nearest"] > 20
    assert read.summary().set_index("method").loc["nuts", "verified"] == 0
    assert any("no draw comes near optimum 1" in text for text in read.sentences())
    assert "did not pass every check" in " ".join(read.answer())


def test_what_was_found_before_stays_the_headline(planted):
    rng = np.random.default_rng(0)
    chains = [about(planted.left[0], rng, 60) for _ in range(2)]
    for stored, read in [
        ("chains_in_different_modes", "chains_in_different_modes"),
        ("divergences", "main_mode_missed"),
        ("", ""),
    ]:
        last = planted.read(chains, finding=stored).rows.iloc[-1]
        assert last["finding"] == read
        assert last["sound"] is (False if stored else None)


def test_a_mode_of_little_mass_is_nobodys_to_find():
    far = Planted(0.6)  # the second mode holds 3 %
    rng = np.random.default_rng(0)
    read = far.read([about(far.right[0], rng, 60)])
    assert read.rows["sound"].tolist() == [True, True, True]
    assert not read.modes()["missed"].any()


def test_one_draw_near_it_is_a_visit_even_between_those_kept(planted):
    rng = np.random.default_rng(0)
    chains = [about(planted.left[0], rng, 1200) for _ in range(2)]
    chains[1][601] = about(planted.right[0], rng, 1)[0]  # every third draw is kept
    read = planted.read(chains)
    assert read.visits["key2"].every == 3
    assert read.rows.iloc[-1]["sound"] is True
    assert not read.modes()["missed"].any()


def test_the_prior_of_the_posterior_decides_what_had_to_be_found(planted):
    rng = np.random.default_rng(0)
    chains = [about(planted.right[0], rng, 60) for _ in range(2)]
    near = json.dumps({"form": "weak", "mean": -10.0, "mean_sd": 8.0})
    assert planted.read(chains).rows.iloc[-1]["finding"] == "main_mode_missed"
    assert planted.read(chains, prior=near).rows.iloc[-1]["finding"] == "verified"


def test_rows_are_read_without_what_is_not_at_hand(planted):
    rng = np.random.default_rng(0)
    read = planted.read([about(planted.left[0], rng, 60)])

    def gone(place):
        raise StoreError(f"{place}: expected the draws of a posterior, but there are none")

    for draws, data in [(gone, read.data), (None, read.data), (read.draws, {})]:
        bare = Results(read.fits, read.trajectories, read.study, data, draws)
        assert bare.rows["finding"].tolist() == ["maximum", "maximum", "verified"]
        assert bare.modes().empty


def test_optima_are_not_sought_for_rows_without_draws(planted, monkeypatch):
    rng = np.random.default_rng(0)
    read = planted.read([about(planted.left[0], rng, 60)])
    points = Results(read.fits.iloc[:2], read.trajectories, read.study, read.data)
    monkeypatch.setattr("mixcompare.study.optima.find_optima", None)
    assert points.rows["reached"].tolist() == [True, False]
