from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from mixcompare.errors import MixcompareError, SpecError, StoreError
from mixcompare.store import files
from mixcompare.store.results_store import Store
from mixcompare.store.rows import TIMING
from mixcompare.study import execute, run
from mixcompare.study.executors import processes
from mixcompare.study.plan import plan
from mixcompare.study.run import load_results, run_study
from mixcompare.study.spec import load_study

HERE = Path(__file__).parent

STUDY = """
title = "Run"
seed = 7
starts = { scheme = "random", n = 3 }
replicates = 2

[[data]]
name = "points"
dataset = "ten_points"

[[data]]
name = "two"
scenario = "gaussian"
parameters = { n = 60, weights = [0.3, 0.7], means = [0.0, 0.6], sds = [0.08, 0.12] }

[[model]]
family = "gaussian"
n_components = 2

[[method]]
name = "em"

[[method]]
name = "study_outsiders:Raises"
label = "raises"

[[method]]
name = "study_outsiders:Unable"
label = "unable"

[[method]]
name = "study_outsiders:Chains"
label = "chains"
"""

SLOW = (
    STUDY
    + """
[[method]]
name = "study_outsiders:Slow"
label = "slow"
"""
)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    path = tmp_path / "slow.toml"
    path.write_text(SLOW)
    return path


def assert_same(one: object, other: object) -> None:
    """Equal tables to the last bit, timing apart."""
    fits = [results.fits.drop(columns=list(TIMING)) for results in (one, other)]  # type: ignore[attr-defined]
    pd.testing.assert_frame_equal(*fits, check_exact=True)
    pd.testing.assert_frame_equal(one.trajectories, other.trajectories, check_exact=True)  # type: ignore[attr-defined]


def start_run(study: Path, out: Path, workers: int = 1) -> subprocess.Popen[bytes]:
    """The run as a user starts it, in a process group of its own."""
    code = (
        "from mixcompare.study.run import run_study\n"
        f"if __name__ == '__main__': run_study({str(study)!r}, {str(out)!r}, workers={workers})\n"
    )
    script = study.with_suffix(".py")
    script.write_text(code)
    return subprocess.Popen(
        [sys.executable, str(script)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        },
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )


def heed_interrupts() -> None:
    """A shell starts what runs in the background deaf to Ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_a_part(out: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not list((out / "fits").glob("*.parquet")):
        assert process.poll() is None, "the run ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def assert_group_ends(group: int) -> None:
    """No process of the group is left, at once or soon."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process of the run is still there")


def test_every_planned_fit_is_a_row_in_study_order(study: Path, tmp_path: Path) -> None:
    fits = run_study(study, tmp_path / "out").fits
    assert list(fits["position"]) == list(range(3 * (3 * 3 + 1)))
    assert list(fits["data"].drop_duplicates()) == ["points", "two"]
    finding = fits.groupby("method")["finding"].unique()
    assert list(finding["raises"]) == ["error"]
    assert list(finding["unable"]) == ["unsupported"]
    raised = fits[fits["method"] == "raises"]
    assert (raised["error"] == "ZeroDivisionError: as planned").all()
    assert (raised["passes"] == 1).all()
    assert fits.loc[fits["method"] == "unable", "verdict_message"].eq("it never could").all()
    assert (
        fits.loc[fits["method"] == "em", "metrics"].str.contains("kl").tolist()
        == [False] * 3 + [True] * 6
    )
    chains = fits[fits["method"] == "chains"]
    assert len(chains) == 3
    assert chains["said_counts"].str.contains('"starts": 3').all()


def test_running_again_does_nothing_and_changes_nothing(study: Path, tmp_path: Path) -> None:
    first = run_study(study, tmp_path / "out")
    seen: list[tuple[int, int, str]] = []
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / "fits").iterdir()}
    again = run_study(study, tmp_path / "out", progress=lambda *args: seen.append(args))
    assert seen == [(30, 30, "already stored")]
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / "fits").iterdir()} == files
    assert_same(first, again)
    assert_same(first, load_results(tmp_path / "out"))
    assert_same(first, run_study(study, tmp_path / "other"))


def test_killed_in_mid_run_then_resumed(slow: Path, tmp_path: Path) -> None:
    process = start_run(slow, tmp_path / "killed")
    wait_for_a_part(tmp_path / "killed", process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    left = len(Store(tmp_path / "killed").keys())
    assert 0 < left < 39
    resumed = run_study(slow, tmp_path / "killed")
    assert_same(resumed, run_study(slow, tmp_path / "unbroken"))
    assert len(resumed.fits) == 39


@pytest.mark.parametrize("done", [1, 7, 16])
def test_interrupt_keeps_every_ended_fit(study: Path, tmp_path: Path, done: int) -> None:
    def interrupt(ended: int, planned: int, label: str) -> None:
        if ended == done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path / "out", progress=interrupt)
    assert len(Store(tmp_path / "out").keys()) == done
    assert len(load_results(tmp_path / "out").fits) == done
    assert_same(run_study(study, tmp_path / "out"), run_study(study, tmp_path / "unbroken"))


def test_two_runs_at_one_folder_are_refused(study: Path, tmp_path: Path) -> None:
    refused: list[str] = []

    def begin_another(ended: int, planned: int, label: str) -> None:
        for fresh in (False, True):
            with pytest.raises(StoreError, match="another run is writing to now") as caught:
                run_study(study, tmp_path / "out", fresh=fresh)
            refused.append(str(caught.value))

    first = run_study(study, tmp_path / "out", progress=begin_another)
    assert len(refused) == 2 * 30
    assert_same(first, run_study(study, tmp_path / "out"))  # nobody holds it afterwards
    assert_same(first, run_study(study, tmp_path / "alone"))


def test_a_full_disk_keeps_what_was_stored(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files.pq.write_table

    def fill(table: object, path: Path) -> None:
        if path.parent.name == "fits" and list(path.parent.glob("*.parquet")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(table, path)

    monkeypatch.setattr(run, "FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(files.pq, "write_table", fill)
    with pytest.raises(
        StoreError, match=r"No space left on device. What was stored before is kept"
    ):
        run_study(study, tmp_path / "out")
    monkeypatch.setattr(files.pq, "write_table", whole)
    assert len(load_results(tmp_path / "out").fits) == 1
    assert_same(run_study(study, tmp_path / "out"), run_study(study, tmp_path / "unbroken"))


def test_two_workers_give_the_table_of_one(study: Path, tmp_path: Path) -> None:
    one = run_study(study, tmp_path / "one")
    two = run_study(study, tmp_path / "two", workers=2)
    assert_same(one, two)


def test_workers_hand_over_each_fit_when_it_has_ended(study: Path) -> None:
    """Not when its chunk has: of samplers that takes minutes, and an interrupt keeps what was handed over."""
    chunks = plan(load_study(study))
    assert max(len(chunk.tasks) for chunk in chunks) > 1
    pieces = [(index, len(outcomes)) for index, outcomes in processes(chunks, 2)]
    assert {size for _, size in pieces} == {1}
    found = Counter(index for index, _ in pieces)
    assert found == {index: len(chunk.tasks) for index, chunk in enumerate(chunks)}


@pytest.mark.slow
def test_ctrl_c_with_workers_leaves_no_process_and_no_noise(slow: Path, tmp_path: Path) -> None:
    process = start_run(slow, tmp_path / "out", workers=2)
    wait_for_a_part(tmp_path / "out", process)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert errors.decode().count("Traceback") == 1  # the coordinator's own KeyboardInterrupt
    assert errors.decode().rstrip().endswith("KeyboardInterrupt")
    assert_group_ends(process.pid)
    assert 0 < len(Store(tmp_path / "out").keys()) < 39


@pytest.mark.slow
def test_workers_end_with_a_killed_coordinator(slow: Path, tmp_path: Path) -> None:
    process = start_run(slow, tmp_path / "out", workers=2)
    wait_for_a_part(tmp_path / "out", process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert_group_ends(process.pid)
    assert_same(run_study(slow, tmp_path / "out"), run_study(slow, tmp_path / "unbroken"))


@pytest.mark.slow
def test_interrupt_with_workers_ends_them(slow: Path, tmp_path: Path) -> None:
    def interrupt(ended: int, planned: int, label: str) -> None:
        raise KeyboardInterrupt

    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt):
        run_study(slow, tmp_path / "out", workers=2, progress=interrupt)
    for process in set(multiprocessing.active_children()) - before:
        process.join(timeout=10)
    assert set(multiprocessing.active_children()) <= before
    assert len(Store(tmp_path / "out").keys()) > 0


@pytest.mark.slow
def test_dask_gives_the_table_of_one_worker(study: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask is an extra: mixcompare[dask]")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        there = run_study(study, tmp_path / "there", scheduler=cluster.scheduler_address)
    assert_same(run_study(study, tmp_path / "here"), there)


@pytest.mark.slow
def test_dask_refuses_workers_of_several_threads(study: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask is an extra: mixcompare[dask]")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        pytest.raises(SpecError, match=r"one thread each, got up to 2.*--nthreads 1"),
    ):
        run_study(study, tmp_path / "out", scheduler=cluster.scheduler_address)


def test_no_dask_and_no_scheduler(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SpecError, match=r"pip install mixcompare\[dask\]"):
        run_study(study, tmp_path / "out", scheduler="tcp://localhost:1")


@pytest.mark.slow
def test_no_scheduler_answers(study: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask is an extra: mixcompare[dask]")
    with pytest.raises(SpecError, match="tcp://localhost:1"):
        run_study(study, tmp_path / "out", scheduler="tcp://localhost:1")


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2", True])
def test_wrong_workers(study: Path, tmp_path: Path, workers: object) -> None:
    with pytest.raises(SpecError, match="workers: expected a whole number of at least 1"):
        run_study(study, tmp_path / "out", workers=workers)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_wrong_study_writes_nothing(study: Path, tmp_path: Path) -> None:
    study.write_text(STUDY.replace('"em"', '"me"'))
    with pytest.raises(SpecError, match="me"):
        run_study(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_study_is_refused_and_fresh_replaces_it(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_study(study, out)
    study.write_text(STUDY.replace('"Run"', '"Other"').replace("seed = 7", "seed = 8"))
    with pytest.raises(StoreError, match=r'"Other".*"Run".*--fresh.*--out'):
        run_study(study, out)
    assert len(Store(out).keys()) == 30
    fresh = run_study(study, out, fresh=True)
    assert fresh.study["seed"] == 8
    assert_same(fresh, run_study(study, tmp_path / "elsewhere"))


def test_changed_settings_quick_size_and_changed_data_are_other_studies(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("v\n" + "\n".join(str(v) for v in (1, 2, 3, 4, 5.5, 7, 9)))
    study = tmp_path / "own.toml"
    text = (
        'title = "Own"\nstarts = { scheme = "random", n = 2 }\nquick = { starts = 1 }\n'
        '[[data]]\nname = "own"\nfile = "own.csv"\n'
        '[[model]]\nfamily = "gaussian"\nn_components = 2\n[[method]]\nname = "em"\n'
    )
    study.write_text(text)
    run_study(study, tmp_path / "out")
    with pytest.raises(StoreError, match="at full size, not at --quick size"):
        run_study(study, tmp_path / "out", quick=True)
    study.write_text(text.replace("n = 2", "n = 3"))
    with pytest.raises(StoreError, match="an earlier form of it"):
        run_study(study, tmp_path / "out")
    study.write_text(text.replace('"Own"', '"Renamed"'))
    assert run_study(study, tmp_path / "out").study["title"] == "Renamed"
    own.write_text(own.read_text().replace("9", "10"))
    with pytest.raises(StoreError, match="expected results of the study"):
        run_study(study, tmp_path / "out")


def test_data_are_kept_with_their_truth(study: Path, tmp_path: Path) -> None:
    results = run_study(study, tmp_path / "out")
    assert set(results.data) == {("points", 0), ("two", 0)}
    assert results.data["points", 0].n == 10
    assert results.data["points", 0].truth is None
    assert results.data["two", 0].truth.means.ravel().tolist() == [0.0, 0.6]
    digests = results.fits.drop_duplicates(["data", "replicate"]).set_index(["data", "replicate"])[
        "digest"
    ]
    assert results.data["two", 0].digest == digests["two", 0]


def test_a_mistake_of_ours_is_not_hidden_and_names_the_task(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken metric")

    monkeypatch.setattr(execute, "compute_metrics", broken)
    with pytest.raises(RuntimeError, match="broken metric") as caught:
        run_study(study, tmp_path / "out")
    assert not isinstance(caught.value, MixcompareError)
    assert any("points-0_gaussian-K-2-full_chains_0" in note for note in caught.value.__notes__)


def test_start_that_cannot_be_made_is_a_row(study: Path, tmp_path: Path) -> None:
    # given points are checked when the study is read; what a scheme draws shows only when it does
    study.write_text(STUDY.replace('scheme = "random"', 'scheme = "study_starts:Fails"'))
    fits = run_study(study, tmp_path / "out").fits
    failed = fits[fits["start_index"] == 1]
    assert (failed["finding"] == "error").all()
    assert failed["error"].str.startswith("DataError: ").all()
    assert (
        fits.loc[(fits["start_index"] == 0) & (fits["method"] == "em"), "finding"] != "error"
    ).all()


@pytest.mark.slow
def test_posteriors_are_stored_and_read_from_worker_processes(tmp_path: Path) -> None:
    path = tmp_path / "posterior.toml"
    path.write_text(
        'title = "P"\nstarts = { scheme = "mixed", n = 2 }\n[[data]]\nname = "two"\nscenario = "gaussian"\n'
        "parameters = { n = 60, weights = [0.3, 0.7], means = [0.0, 0.6], sds = [0.08, 0.12] }\n"
        'replicates = 2\n[[model]]\nfamily = "gaussian"\nn_components = 2\n[[method]]\nname = "em"\n'
        '[[method]]\nname = "nuts"\noptions = { draws = 100, tune = 200, n_chains = 2 }\n'
    )
    results = run_study(path, tmp_path / "out", workers=2)
    rows = results.fits[results.fits["method"] == "nuts"]
    assert len(rows) == 2
    assert (rows["error"] == "").all()
    assert rows["basis"].eq("reported").all()
    for place in rows["draws"]:
        posterior = load_results(tmp_path / "out").draws(place)["posterior"].to_dataset()
        assert posterior["means"].sizes["draw"] == 100
        assert posterior["means"].sizes["chain"] == 2
    assert rows["metrics"].str.contains('"covered": {"').all()
    assert results.fits.loc[results.fits["method"] == "em", "draws"].isna().all()
