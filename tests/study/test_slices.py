"""Slices as parts of a study: checked, run, kept, resumed, and read again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mixcompare as mc
from mixcompare.errors import SpecError
from mixcompare.problem import Problem
from mixcompare.study.expect import find
from mixcompare.study.run import load_results, run_study
from mixcompare.study.spec import load_study

STARTS = """starts.given = [
    { weights = [0.5, 0.5], means = [9.0, 2.0], covariances = [2.0, 2.0] },
    { weights = [0.4, 0.6], means = [2.0, 9.0], covariances = [2.0, 2.0] },
]
"""

STUDY = (
    """
title = "Slices"
seed = 3
quick = { slice_n = 3 }
history = { methods = ["em"], starts = 2 }

[[data]]
name = "points"
dataset = "ten_points"
"""
    + STARTS
    + """

[[model]]
family = "gaussian"
n_components = 2

[[method]]
name = "em"
options = { max_iter = 300 }

[[method]]
name = "l-bfgs-b"
label = "boxed"

[[method]]
name = "study_outsiders:Chains"
label = "chains"

[[slice]]
name = "the means"
data = "points"
axes = [["means", 1], ["means", 2]]
ranges = [[0, 12], [0, 12]]
n = 6
base = { weights = [0.5, 0.5], means = [2.0, 9.0], covariances = [2.0, 2.0] }
methods = ["em", "boxed"]
paths = true

[[slice]]
name = "surface"
data = "points"
axes = [["covariances", 1], ["weights", 2]]
ranges = [[0.1, 4], [0, 1]]
base = { weights = [0.5, 0.5], means = [2.0, 9.0], covariances = [2.0, 2.0] }

[[expect]]
quantity = "slice_share"
where = { slice = "the means", method = "em", standing = "global" }
min = 0.5

[[expect]]
quantity = "slice_share"
where = { slice = "the means", method = "em", finding = "saddle" }
min = 0.1

[[expect]]
quantity = "slice_agreement"
where = { slice = "the means" }
min = 0.2

[[expect]]
quantity = "steps_to"
where = { method = "em", start = 1, loglik = -20.0085 }
min = 1
max = 20

[[expect]]
quantity = "quantiles_outside"
where = { data = "points", model = "gaussian K=2 full" }
value = 0
"""
)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "slices.toml"
    path.write_text(STUDY)
    return path


def replaced(old: str, new: str) -> str:
    assert STUDY.count(old) >= 1, old
    return STUDY.replace(old, new, 1)


def test_a_slice_is_what_basins_and_surface_are(study: Path, tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []
    results = run_study(study, tmp_path / "out", progress=lambda *line: said.append(line))
    found = results.slices
    assert list(found) == ["the means", "surface"]
    made = found["the means"].basins
    assert made is not None
    data = results.dataset("points")
    model = mc.MixtureModel("gaussian", 2)
    base = found["the means"].cut.base
    cut = {"base": base, "axes": [("means", 0), ("means", 1)], "ranges": [(0, 12), (0, 12)]}
    for label, method, options in (("em", "em", {"max_iter": 300}), ("boxed", "l-bfgs-b", {})):
        alone = mc.basins(model, data, [method], n=6, seed=3, **cut, **options)
        reached = [made.reached[i].finding for i in made.maps[label].ravel()]
        assert reached == [alone.reached[i].finding for i in alone.maps[method].ravel()]
        np.testing.assert_array_equal(made.passes[label], alone.passes[method])
        np.testing.assert_array_equal(made.loglik[label], alone.loglik[method])
    assert made.reached[0].standing == "global"
    assert made.reached[0].theta is not None
    assert said[-1] == (72, 72, "slice the means, boxed")
    assert (results.expectations()["status"] == "reproduced").all()
    assert find(results, "slice_share", {"slice": "surface", "method": "em"})[0] is None
    beyond = {"method": "em", "start": 1, "loglik": 0.0}
    assert find(results, "steps_to", beyond) == (None, "its log-likelihood never rose above 0.0")
    only = found["surface"]
    assert only.basins is None
    assert only.paths == ()
    landscape = only.landscape
    assert landscape.loglik.shape == (81, 81)
    theta = landscape.slice.point(40)
    assert landscape.loglik[0, 40] == Problem(landscape.slice.model, data).log_likelihood(theta)


def test_paths_are_kept_histories_in_the_order_of_their_start(study: Path, tmp_path: Path) -> None:
    results = run_study(study, tmp_path / "out", quick=True)
    (path,) = results.slices["the means"].paths  # the other start is not on the slice
    assert (path.method, path.finding) == ("em", "maximum")
    assert path.points[0] == pytest.approx((9.0, 2.0))
    assert path.steps[-1] == pytest.approx((10.7, 2.42), abs=1e-3)
    row = results.rows[results.rows["key"].isin(results.histories["key"])].iloc[0]
    assert json.loads(row["permutation"]) == [1, 0]
    assert path.loglik[-1] == pytest.approx(row["loglik"], abs=1e-6)


@pytest.mark.slow
def test_the_report_shows_slices(study: Path, tmp_path: Path) -> None:
    results = run_study(study, tmp_path / "out", quick=True)
    page = results.report(tmp_path / "page").read_text()
    again = load_results(tmp_path / "out").report(tmp_path / "again").read_text()
    assert page == again
    assert "Over two parameters: the means" in page
    assert "Over two parameters: surface" in page
    assert "Does the model look like the data?" in page
    assert "Only mean 1 and mean 2 move; everything else is held: weights 0.5, 0.5;" in page
    name = "points-gaussian-k-2-full-slice"
    made = {path.stem for path in (tmp_path / "page" / "figures").glob(f"{name}*")}
    kinds = ("surface", "relief", "paths", "basins", "disagreement")
    assert made == {f"{name}-the-means-{kind}" for kind in kinds} | {
        f"{name}-surface-{kind}" for kind in kinds[:2]
    }
    relief = tmp_path / "page" / "figures" / f"{name}-the-means-relief.svg"
    assert relief.stat().st_size < 300_000  # thousands of faces are one picture
    shares = pd.read_csv(tmp_path / "page" / "tables" / f"{name}-the-means-shares.csv")
    assert shares.groupby("method")["starts"].sum().to_dict() == {"em": 9, "boxed": 9}


def test_a_slice_that_is_there_is_not_made_again(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_study(study, out, quick=True)
    table, facts = out / "slices" / "surface.json", out / "slices"
    stems = sorted(path.stem.partition("-")[0] for path in facts.glob("*"))
    assert stems == ["surface", "the", "the"]
    kept = next(facts.glob("the*.parquet"))
    frame = pd.read_parquet(kept)
    assert len(frame) == 2 * 3 * 3
    before = kept.stat().st_mtime_ns, table.stat().st_mtime_ns
    said: list[str] = []
    run_study(study, out, quick=True, progress=lambda *line: said.append(line[2]))
    assert said == ["already stored"]
    assert (kept.stat().st_mtime_ns, table.stat().st_mtime_ns) == before
    # another range makes this slice anew, and one that the study no longer has goes; fits stay
    text = replaced("ranges = [[0, 12], [0, 12]]", "ranges = [[0, 12], [0, 11]]")
    study.write_text(text[: text.index('[[slice]]\nname = "surface"')])
    said.clear()
    run_study(study, out, quick=True, progress=lambda *line: said.append(line[2]))
    assert said[0] == "already stored"
    assert said[1:] == ["slice the means, em", "slice the means, boxed"]
    assert [path.suffix for path in sorted(facts.glob("*"))] == [".json", ".parquet"]
    assert json.loads(next(facts.glob("*.json")).read_text())["ranges"][1] == [0, 11]
    assert list(load_results(out).slices) == ["the means"]


@pytest.mark.slow
def test_processes_keep_the_same_bytes(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mixcompare.study.slices.BLOCK", 10)
    run_study(study, tmp_path / "one")
    run_study(study, tmp_path / "two", workers=2)
    for path in (tmp_path / "one" / "slices").glob("*"):
        assert path.read_bytes() == (tmp_path / "two" / "slices" / path.name).read_bytes()


WRONG: dict[str, tuple[str, list[str]]] = {
    "data": (replaced('data = "points"', 'data = "point"'), ["slice[1].data", "Did you mean"]),
    "model": (
        replaced('data = "points"', 'data = "points"\nmodel = "gaussian K=3 full"'),
        ["slice[1].model", "gaussian K=2 full"],
    ),
    "no model named": (
        replaced("n_components = 2", "n_components = [1, 2]").replace(STARTS, ""),
        ["slice[1].model", "got 2: name one of"],
    ),
    "method": (
        replaced('["em", "boxed"]', '["em", "boxd"]'),
        ["slice[1].methods[2]", 'Did you mean "boxed"'],
    ),
    "method twice": (replaced('["em", "boxed"]', '["em", "em"]'), ["methods[2]", "twice"]),
    "sampler": (replaced('["em", "boxed"]', '["chains"]'), ["from point to point"]),
    "axis": (replaced('["means", 2]', '["mean", 2]'), ["slice[1]", 'Did you mean "means"']),
    "axis from 0": (
        replaced('["means", 1]', '["means", 0]'),
        ["slice[1]", "from 1", '["means", 0]'],
    ),
    "one axis": (replaced('[["means", 1], ["means", 2]]', '[["means", 1]]'), ["expected two"]),
    "range": (replaced("[[0, 12], [0, 12]]", "[[0, 12], [12, 0]]"), ["low < high", "mean 2"]),
    "base": (
        replaced("base = { weights = [0.5, 0.5]", "base = { weights = [0.7, 0.5]"),
        ["slice[1].base", "sum"],
    ),
    "n": (replaced("n = 6", "n = 1"), ["slice[1].n", "at least 2"]),
    "paths": (replaced("paths = true", 'paths = "yes"'), ["slice[1].paths"]),
    "unknown key": (replaced("n = 6", "m = 6"), ["slice[1]", 'unknown key "m"']),
    "name twice": (replaced('name = "surface"', 'name = "the means"'), ["slice", "twice"]),
    "seconds": (
        replaced("seed = 3", "seed = 3\nbudget = { seconds = 5 }"),
        ["slice[1].methods", "seconds"],
    ),
    "quick": (replaced("slice_n = 3", "slice_n = 1"), ["quick.slice_n", "at least 2"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_slice_is_told_in_one_message(case: str, tmp_path: Path) -> None:
    text, phrases = WRONG[case]
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_study(path)
    for phrase in phrases:
        assert phrase in str(caught.value)


@pytest.mark.slow
def test_dask_keeps_the_same_slice(study: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask is an extra: mixcompare[dask]")
    run_study(study, tmp_path / "one", quick=True)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        run_study(study, tmp_path / "dask", quick=True, scheduler=address)
    for path in (tmp_path / "one" / "slices").glob("*"):
        assert path.read_bytes() == (tmp_path / "dask" / "slices" / path.name).read_bytes()
