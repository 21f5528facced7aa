"""Kept histories, contestants that are wrong on purpose, and what goes with them in a results folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mixcompare as mc
from mixcompare.errors import DataError, SpecError
from mixcompare.study.run import load_results, run_study

HERE = Path(__file__).parent

STUDY = """
title = "Histories"
seed = 3
history = { HISTORY }
quick = { leave_out = ["bfgs"] }

[[data]]
name = "heights"
dataset = "davis_heights"
starts.given = [
    { weights = [0.7, 0.3], means = [180, 165], covariances = [25, 25] },
    { weights = [0.5, 0.5], means = [170, 160], covariances = [25, 25] },
]

[[data]]
name = "geyser"
dataset = "old_faithful"
rescale = "standardise"
starts = { scheme = "random", n = 1 }

[[model]]
family = "gaussian"
n_components = 2

[[method]]
name = "em"
label = "em, 40"
options = { max_iter = 40, tol = 0 }

[[method]]
name = "study_faults:Prints"
label = "prints"

[[method]]
name = "bfgs"

[[expect]]
quantity = "iterate"
where = { data = "heights", method = "em, 40", start = 0, step = 40, parameter = "means", component = 2 }
value = 178.0026656
relative_tolerance = 1e-8

[[expect]]
quantity = "iterate"
where = { data = "heights", method = "em, 40", start = 0, step = 40, parameter = "sds", component = 1 }
value = 5.832715207
relative_tolerance = 1e-8

[[expect]]
quantity = "iterate"
where = { data = "heights", method = "em, 40", start = 0, step = 40, parameter = "loglik" }
value = -717.9631278
relative_tolerance = 1e-9

[[expect]]
quantity = "iterate"
where = { data = "heights", method = "prints (wrong)", start = 0, step = 3, parameter = "said" }
value = 9

[[expect]]
quantity = "iterate"
where = { data = "heights", method = "em, 40", start = 1, step = 40, parameter = "loglik" }
value = 0
"""


def written(folder: Path, history: str) -> Path:
    path = folder / "histories.toml"
    path.write_text(STUDY.replace("{ HISTORY }", history))
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("histories")
    run_study(written(folder, "{ starts = 1 }"), folder / "out")
    return folder / "out"


def test_the_first_starts_are_kept_in_the_order_of_their_ends(out: Path):
    results = load_results(out)
    fits = results.fits
    assert set(results.histories["key"]) == set(fits.loc[fits["start_index"] == 0, "key"])
    em = fits[(fits["method"] == "em, 40") & (fits["data"] == "heights")].iloc[0]
    history = results.history(em["key"])
    assert list(history.steps) == list(range(41))
    assert em["permutation"] == "[1, 0]"  # the tall came first in the start
    np.testing.assert_array_equal(history.theta[0].means[:, 0], [165, 180])
    assert history.loglik[-1] == pytest.approx(em["loglik"], abs=1e-9)
    assert history.better().all()
    assert np.isnan(history.said).all()
    status = list(results.expectations()["status"])
    assert status == [*["reproduced"] * 4, "not reproduced"]
    assert "was not kept" in results.expectations()["note"].iloc[-1]


def test_a_row_does_not_depend_on_whether_its_history_is_kept(out: Path, tmp_path: Path):
    bare = run_study(written(tmp_path, '{ starts = 1, methods = ["bfgs"] }'), tmp_path / "out")
    kept = load_results(out)
    differ = ["seconds", "compile_seconds"]
    assert bare.fits.drop(columns=differ).equals(kept.fits.drop(columns=differ))
    assert set(bare.histories["key"]) < set(kept.histories["key"])


def test_long_histories_are_thinned(tmp_path: Path):
    history = '{ starts = 1, points = 10, methods = ["em, 40"], data = ["geyser"] }'
    results = run_study(written(tmp_path, history), tmp_path / "out")
    steps = results.histories["step"]
    assert 5 <= len(steps) <= 10
    assert (steps.iloc[0], steps.iloc[-1]) == (0, 40)
    assert (np.diff(np.diff(steps)) >= -1).all()  # the later, the farther apart, but for rounding


def test_a_contestant_that_is_wrong_says_so_and_comes_with_its_results(out: Path, tmp_path: Path):
    results = load_results(out)
    wrong = results.fits[results.fits["fault"] != ""]
    assert set(wrong["method"]) == {"prints (wrong)"}
    assert set(wrong["fault"]) == {"It prints the squares of the numbers of its iterations."}
    row = wrong[wrong["data"] == "heights"].iloc[0]
    np.testing.assert_array_equal(results.history(row["key"]).said, [np.nan, 1, 4, 9, 16])
    folder = tmp_path / "own"
    folder.mkdir()
    text = (HERE / "study_faults.py").read_text()
    (folder / "own_faults.py").write_text(text)
    study = written(folder, "{ starts = 1 }")
    study.write_text(study.read_text().replace("study_faults:", "own_faults:"))
    run_study(study, tmp_path / "elsewhere")
    shutil.rmtree(folder)
    key = row["key"]
    arguments = (str(tmp_path / "elsewhere"), str(key))
    code = f"from mixcompare.study.run import replay; print(replay(*{arguments!r}).agrees)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "True", ran.stderr


def test_groups_and_rescaling_are_kept_with_the_data(out: Path):
    results = load_results(out)
    heights, geyser = results.dataset("heights"), results.dataset("geyser")
    assert heights.rescaling == ""
    np.testing.assert_array_equal(heights.labels, mc.load_dataset("davis_heights").labels)
    assert geyser.rescaling == "standardise"
    assert geyser.units == ("", "")
    np.testing.assert_allclose(geyser.moments, [[0, 0], [1, 1]], atol=1e-12)


def test_quick_leaves_out_what_it_is_told(tmp_path: Path):
    results = run_study(written(tmp_path, "{ starts = 1 }"), tmp_path / "out", quick=True)
    assert set(results.fits["method"]) == {"em, 40", "prints (wrong)"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('leave_out = ["bfgs"]', 'leave_out = ["bfg"]', 'quick.leave_out.*unknown method "bfg".*bfgs'),
        ("{ HISTORY }", '{ methods = ["e m"] }', 'history.methods.*unknown method "e m"'),
        ("{ HISTORY }", '{ data = ["height"] }', 'history.data.*unknown data "height".*heights'),
        ("{ HISTORY }", "{ start = 1 }", "start"),
        ('"standardise"', '"standard"', 'rescale.*expected one of standardise, unit, got "standard"'),
    ],
)  # fmt: skip
def test_wrong_keys_are_named(tmp_path: Path, old: str, new: str, said: str):
    path = tmp_path / "wrong.toml"
    text = STUDY.replace(old, new)
    assert text != STUDY
    path.write_text(text.replace("{ HISTORY }", "{}"))
    with pytest.raises((SpecError, DataError), match=f"(?s){said}"):
        run_study(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_history_that_was_not_kept(out: Path):
    results = load_results(out)
    other = results.fits[results.fits["start_index"] == 1]["key"].iloc[0]
    with pytest.raises(SpecError, match=f'history was kept, got "{other}"'):
        results.history(other)


def test_rescaling():
    data = mc.load_dataset("li_hang_gmm15")
    unit = mc.data.rescaled(data, "unit")
    assert (unit.x.min(), unit.x.max()) == (0, 1)
    np.testing.assert_allclose(unit.x * 142 - 67, data.x, atol=1e-12)
    weighed = mc.data.Dataset([0.0, 1.0], counts=[1, 3])
    np.testing.assert_allclose(
        mc.data.rescaled(weighed, "standardise").x[:, 0], [-(3**0.5), 1 / 3**0.5]
    )
    with pytest.raises(DataError, match="features that vary, got x2, which is constant"):
        mc.data.rescaled(mc.data.Dataset([[1.0, 2.0], [3.0, 2.0]]), "unit")
