"""Profile and bootstrap intervals of methods' best ends, from the study file to the tables."""

import json
from pathlib import Path

import numpy as np
import pytest

import mixcompare as mc
from mixcompare.errors import SpecError
from mixcompare.inference.intervals import intervals
from mixcompare.records import Cost, FitRecord, Solver, Trajectory, Verdict
from mixcompare.study.further import best_ends
from mixcompare.study.run import run_study
from mixcompare.study.spec import load_study
from mixcompare.theta import Theta

STUDY = """
title = "Further"
seed = 3
starts = { scheme = "mixed", n = 2 }
intervals = { kinds = ["profile", "bootstrap"], replicates = 40 }

[[data]]
name = "two"
scenario = "gaussian"
parameters = { n = 80, weights = [0.4, 0.6], means = [0.0, 1.0], sds = [0.1, 0.15] }
replicates = 2

[[data]]
name = "coins"
dataset = "li_hang_coins"

[[model]]
family = "gaussian"
n_components = 2
data = ["two"]

[[model]]
family = "bernoulli"
n_components = 2
data = ["coins"]

[[method]]
name = "em"

[[method]]
name = "l-bfgs-b"
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("further")
    (folder / "study.toml").write_text(STUDY)
    return run_study(folder / "study.toml", folder / "out")


def test_the_best_end_of_each_method_has_them(results):
    rows = results.fits.assign(found=[json.loads(cell) for cell in results.fits["intervals"]])
    for (_, _, _), fits in rows.groupby(["data", "replicate", "method"]):
        best = fits.sort_values("loglik", ascending=False, kind="stable").index[0]
        assert [index for index in fits.index if fits["found"][index]] == [best]
        assert set(fits["found"][best]) == {"profile", "bootstrap"}


def test_they_are_those_of_the_polished_end(results):
    rows = results.fits
    row = next(
        row for _, row in rows.iterrows() if row["data"] == "two" and row["intervals"] != "{}"
    )
    data, found = results.dataset("two", 0), json.loads(row["intervals"])
    model = results.model_on(row["model"], data)
    end = Theta.from_dict(json.loads(row["polished"]))
    options = {"replicates": 40, "seed": int(row["seed"])}
    for kind in ("profile", "bootstrap"):
        again = intervals(model, data, end, kind, **options)
        assert not found[kind]["refused"]
        for name, bounds in again.bounds.items():
            np.testing.assert_array_equal(np.array(found[kind]["bounds"][name], float), bounds)


def test_coverage_and_width_of_every_kind_stand_side_by_side(results):
    table = results.accuracy()
    for metric in ("coverage", "width"):
        part = table[(table["metric"] == metric) & (table["method"] == "em")]
        assert list(dict.fromkeys(part["kind"])) == ["wald", "profile", "bootstrap"]
        assert (part["n_planned"] == 2).all()
    width = table[(table["metric"] == "width") & (table["parameter"] == "means")]
    wide = width.groupby("kind")["estimate"].mean()
    assert wide.max() < 2 * wide.min()  # one scale


def test_at_a_ridge_they_are_refused_with_the_reason(results):
    rows = results.fits[(results.fits["data"] == "coins") & (results.fits["intervals"] != "{}")]
    for cell in rows["intervals"]:
        for found in json.loads(cell).values():
            assert found["bounds"] == {}
            assert "this end is ridge" in found["refused"]


def test_a_row_with_them_is_replayed_bit_for_bit(results):
    rows = results.fits[(results.fits["data"] == "two") & (results.fits["intervals"] != "{}")]
    again = results.replay(rows["key"].iloc[0])
    assert again.agrees, again.differences


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            '{ kinds = ["profil"] }',
            r"intervals\.kinds: expected each of profile, bootstrap.*profil",
        ),
        ('{ kinds = ["wald"] }', "Wald intervals come with every maximum"),
        ('{ kinds = ["profile", "profile"] }', r"kinds: .*\"profile\" twice"),
        ("{ kinds = [] }", r"intervals\.kinds: expected at least one entry"),
        ('["profile"]', r"intervals: expected a table"),
        ('{ kinds = ["profile"], level = 0.9 }', r'intervals: unknown key "level"'),
        ('{ kinds = ["bootstrap"], replicates = 1 }', "a number of at least 2, got 1"),
    ],
)
def test_wrong_requests_give_one_message(tmp_path: Path, wrong: str, message: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace('{ kinds = ["profile", "bootstrap"], replicates = 40 }', wrong))
    with pytest.raises(SpecError, match=message):
        load_study(path)


def ended(loglik, finding="maximum", narrow=False):
    theta = Theta([1.0], rates=[2.0])
    verdict = Verdict(finding, narrow=narrow)
    nothing = Trajectory(np.empty(0), np.empty(0))
    return FitRecord("", "em", {}, theta, loglik, nothing, Cost(), Solver(), verdict)


def test_the_best_end_is_the_one_a_user_would_take():
    records = [
        ("em", ended(-5.0)),
        ("em", ended(-1.0, narrow=True)),
        ("em", ended(-4.0)),
        ("em", ended(-4.0)),
        ("em", ended(np.nan, "error")),
        ("bfgs", ended(9.0, "singular")),
        ("cg", ended(-1.0, narrow=True)),
    ]
    assert best_ends(records) == [2, 6]


def test_a_comparison_takes_them_too():
    """One normal distribution: the profile deviance of its mean m is n log(1 + (m - mean)^2 / sd^2)."""
    x = np.array([1.0, 2.0, 2.5, 5.0, 7.0])
    model = mc.MixtureModel("gaussian", 1)
    made = mc.compare(model, x, ["em"], n_starts=1, intervals="profile")
    low, high = json.loads(made.fits["intervals"][0])["profile"]["bounds"]["means"]
    half = x.std() * np.sqrt(np.expm1(1.959964**2 / x.size))
    assert (low[0][0], high[0][0]) == pytest.approx((x.mean() - half, x.mean() + half), abs=1e-5)
    with pytest.raises(SpecError, match=r"intervals: expected each of profile.*profil"):
        mc.compare(model, x, ["em"], intervals=["profil"])
