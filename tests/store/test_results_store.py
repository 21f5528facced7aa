from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import xarray

from mixcompare.data import Dataset
from mixcompare.errors import StoreError
from mixcompare.records import Cost, FitRecord, Posterior, Solver, Trajectory, Verdict
from mixcompare.store.results_store import Store
from mixcompare.store.rows import FITS, TRAJECTORIES, theta_from_json, thin, to_json, to_row
from mixcompare.theta import Theta

RUN = {
    "title": "Store",
    "digest": "abc",
    "quick": False,
    "versions": {"mixcompare": "1"},
    "planned": 4,
}
TEXT = 'title = "Store"\n'
THETA = Theta([0.25, 0.75], means=[[1.0], [np.nan]], covariances=[[[np.inf]], [[0.1]]])


def record(position: int, **changed: Any) -> FitRecord:
    values: dict[str, Any] = {
        "key": f"key-{position}",
        "method": "em",
        "task": {
            "position": position,
            "data": "d",
            "replicate": 0,
            "model": "m",
            "family": "gaussian",
            "n_components": 2,
            "method": "em",
            "start_scheme": "random",
            "start_index": position,
            "seed": 3,
            "digest": "0",
        },
        "theta": THETA,
        "loglik": -1.5,
        "trajectory": Trajectory(np.array([1.0, 2.0, 3.0]), np.array([-3.0, -2.0, -1.5])),
        "cost": Cost(3, 0.1, 0.0),
        "solver": Solver(True, "converged", "done", {"iterations": 2}),
        "verdict": Verdict("maximum", ("maximum",), loglik=-1.5, notes=("by the verifier",)),
        "notes": ("by the fit",),
        **changed,
    }
    return FitRecord(**values)


def batch(*positions: int, **changed: Any) -> tuple[list, dict, dict]:
    records = [record(p, **changed) for p in positions]
    return [to_row(r) for r in records], {r.key: thin(r.trajectory) for r in records}, {}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "out")
    store.create(TEXT, RUN)
    store.write_data({})
    return store


def test_rows_come_back_in_study_order_and_compact(store: Store) -> None:
    store.append(*batch(3, 1))
    store.append(*batch(0))
    before = store.read()
    assert before.fits["key"].tolist() == ["key-0", "key-1", "key-3"]
    store.compact()
    after = store.read()
    assert len(list((store.path / "fits").iterdir())) == 1
    assert len(list((store.path / "trajectories").iterdir())) == 1
    assert before.fits.equals(after.fits)
    assert before.trajectories.equals(after.trajectories)
    assert after.trajectories["key"].drop_duplicates().tolist() == ["key-0", "key-1", "key-3"]
    store.append(*batch(2))
    assert store.keys() == {"key-0", "key-1", "key-2", "key-3"}


def test_readable_without_us(store: Store) -> None:
    unsupported = {"theta": None, "verdict": None, "solver": Solver(None, "unsupported", "no")}
    store.append(*batch(0, **unsupported))  # all cells of some columns are empty: types must hold
    store.append(*batch(1))
    for part in (store.path / "fits").iterdir():
        assert pq.read_schema(part).remove_metadata() == FITS
    for part in (store.path / "trajectories").iterdir():
        assert pq.read_schema(part).remove_metadata() == TRAJECTORIES
    frame = pl.read_parquet(store.path / "fits" / "*.parquet")
    assert frame.height == 2
    assert frame["theta"].is_null().to_list() == [True, False]
    assert frame["said_success"].to_list() == [None, True]
    assert json.loads(frame["notes"][1]) == ["by the fit", "by the verifier"]
    assert not [p for p in store.path.rglob("*") if p.suffix in (".pkl", ".pickle")]


def test_folders_from_before_a_column_can_be_read(store: Store) -> None:
    store.append(*batch(0))
    (part,) = (store.path / "fits").iterdir()
    pq.write_table(pq.read_table(part).drop_columns(["target"]), part)
    store.append(*batch(1, target="penalised"))
    for _ in range(2):
        target = store.read().fits["target"]
        assert target.isna().tolist() == [True, False]
        assert target[1] == "penalised"
        store.compact()


def test_numbers_come_back_to_the_last_bit() -> None:
    theta = Theta([1 / 3, 2 / 3], means=[[np.nan], [np.pi]], covariances=[[[np.inf]], [[-np.inf]]])
    text = to_json(theta.to_dict())
    assert theta_from_json(text) == theta
    assert "NaN" not in text
    assert json.loads(text, parse_constant=pytest.fail)
    assert theta_from_json(None) is None


def test_draws_and_data_come_back(store: Store) -> None:
    tree = xarray.DataTree.from_dict(
        {"posterior": xarray.Dataset({"means": (("chain", "draw"), np.arange(6.0).reshape(2, 3))})}
    )
    posterior = Posterior(
        tree, np.zeros((2, 3)), {"rhat": 1.0}, {"w": (np.array([0.1]), np.array([0.2]))}
    )
    rows, trajectories, _ = batch(0, posterior=posterior)
    store.append(rows, trajectories, {"key-0": tree})
    data = Dataset(
        [[1.0, 2.0], [3.0, 4.5]],
        [2, 3],
        columns=("a", "b"),
        name="a b",
        source="s",
        truth=THETA,
        units=("cm", ""),
    )
    store.write_data({("a b", 0): data})
    pieces = store.read()
    assert pieces.fits["draws"][0] == "draws/key-0.zarr"
    assert pieces.draws(pieces.fits["draws"][0]).identical(tree)
    assert json.loads(pieces.fits["posterior_intervals"][0]) == {"w": [[0.1], [0.2]]}
    back = pieces.data["a b", 0]
    assert back.digest == data.digest
    assert back.units == ("cm", "")
    assert (back.columns, back.name, back.source, back.truth) == (("a", "b"), "a b", "s", THETA)
    with pytest.raises(StoreError, match="there are none"):
        pieces.draws("draws/key-9.zarr")


def test_what_a_kill_leaves_is_ignored_and_removed(store: Store) -> None:
    store.append(*batch(0))
    (store.path / "fits" / "part-000002.parquet.tmp").write_bytes(b"PAR1 half")
    (store.path / "draws" / "key-1.zarr.tmp").mkdir()
    committed = store.path / "trajectories" / "part-000001.parquet"
    orphan = store.path / "trajectories" / "part-000002.parquet"  # its fits were never written
    orphan.write_bytes(committed.read_bytes())
    assert len(store.read().trajectories) == 3
    store.create(TEXT, RUN)
    assert not orphan.exists()
    assert not list(store.path.rglob("*.tmp"))
    assert store.keys() == {"key-0"}


def test_a_kill_while_compacting_doubles_nothing(store: Store) -> None:
    store.append(*batch(0, 1))
    store.append(*batch(2))
    before = store.read()
    store._write(
        store._fits(), store._trajectories(), store._histories()
    )  # the new part is there, the old ones still too
    assert store.read().fits.equals(before.fits)
    assert store.read().trajectories.equals(before.trajectories)
    (store.path / "fits" / "part-000001.parquet").unlink()
    store.create(TEXT, RUN)
    store.compact()
    assert store.read().fits.equals(before.fits)
    assert store.read().trajectories.equals(before.trajectories)


def test_unreadable_part_is_named(store: Store) -> None:
    store.append(*batch(0))
    part = store.path / "fits" / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(StoreError, match=r"part-000001.parquet.*Remove it and run the study again"):
        store.keys()


def test_a_folder_without_fits_yet_can_be_read(store: Store) -> None:
    pieces = store.read()
    assert len(pieces.fits) == len(pieces.trajectories) == 0
    assert list(pieces.fits.columns) == FITS.names


def test_fits_whose_trajectories_are_gone_are_done_anew(store: Store) -> None:
    store.append(*batch(0))
    store.append(*batch(1))
    (store.path / "trajectories" / "part-000001.parquet").unlink()
    with pytest.raises(
        StoreError, match=r"trajectories/part-000001.*got none. Run the study again"
    ):
        store.read()
    store.create(TEXT, RUN)
    assert store.keys() == {"key-1"}
    assert len(store.read().fits) == 1


def test_an_index_of_data_that_is_none_is_told(store: Store) -> None:
    (store.path / "data" / "index.json").write_text('{"data": 3}')
    with pytest.raises(StoreError, match="a part of it cannot be read"):
        store.read()


def test_foreign_folders_are_refused_and_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("dear")
    for fresh in (False, True):
        with pytest.raises(StoreError, match=r"thesis.tex and no run.json.*nothing was changed"):
            Store(foreign).create(TEXT, RUN, fresh=fresh)
    assert [p.name for p in foreign.iterdir()] == ["thesis.tex"]
    with pytest.raises(StoreError, match="got a file"):
        Store(foreign / "thesis.tex").create(TEXT, RUN)
    with pytest.raises(StoreError, match=r"no run.json that can be read"):
        Store(foreign).read()
    with pytest.raises(StoreError, match="no folder of this name"):
        Store(tmp_path / "absent").read()


def test_fresh_removes_what_is_ours_and_nothing_else(store: Store) -> None:
    store.append(*batch(0))
    (store.path / "report.html").write_text("old")
    (store.path / "notes.txt").write_text("dear")
    store.create(TEXT, {**RUN, "digest": "other"}, fresh=True)
    assert store.keys() == set()
    assert not (store.path / "report.html").exists()
    assert (store.path / "notes.txt").read_text() == "dear"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"title": "Other", "digest": "x"}, '"Other", got those of another one, "Store"'),
        ({"quick": True, "digest": "x"}, "at full size, not at --quick size"),
        ({"digest": "x"}, "an earlier form of it"),
        ({"versions": {"mixcompare": "2"}}, "mixcompare 1 began, and this is 2"),
    ],
)
def test_another_study_is_refused(store: Store, changed: dict, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        store.create(TEXT, {**RUN, **changed})
    assert "--fresh" in str(caught.value)
    assert "--out" in str(caught.value)
    store.create(TEXT, {**RUN, "title": "A better title"})


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="Choose another one with --out"):
        Store(tmp_path / "file" / "out").create(TEXT, RUN)


def test_thinned_trajectory_keeps_first_gains_and_last() -> None:
    loglik = np.array([np.nan, -np.inf, -10.0, -12.0, -9.99995, -9.5, np.nan, -9.49995, -9.6])
    passes, best = thin(Trajectory(np.arange(1.0, 10.0), loglik))
    assert passes.tolist() == [3, 6, 9]
    assert best.tolist() == [-10.0, -9.5, -9.49995]
    for empty in (np.empty(0), np.array([np.nan])):
        assert thin(Trajectory(np.arange(float(empty.size)), empty))[0].size == 0
