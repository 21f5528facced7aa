from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mixcompare.starts.base import make_start
from mixcompare.study.execute import _start
from mixcompare.study.plan import CHUNK, Task, plan
from mixcompare.study.spec import load_study

STUDY = """
title = "Plan"
seed = 7
starts = { scheme = "random", n = 30 }
replicates = 2

[[data]]
name = "points"
dataset = "ten_points"

[[data]]
name = "two"
scenario = "gaussian"
parameters = { n = 40, weights = [0.3, 0.7], means = [0.0, 0.6], sds = [0.08, 0.12] }

[[model]]
family = "gaussian"
n_components = [1, 2]

[[method]]
name = "em"

[[method]]
name = "study_outsiders:Chains"
label = "chains"
replicates = 1

[[method]]
name = "l-bfgs-b"
"""


def tasks(tmp_path: Path, text: str = STUDY) -> list[Task]:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    found = [task for chunk in plan(load_study(path)) for task in chunk.tasks]
    return sorted(found, key=lambda task: task.position)


def test_every_fit_once_and_in_the_order_of_reading(tmp_path: Path) -> None:
    found = tasks(tmp_path)
    order = ("points", "two")
    places = [
        (
            order.index(t.source.name),
            t.replicate,
            t.model.n_components,
            ("em", "chains", "l-bfgs-b").index(t.label),
            t.start_index,
        )
        for t in found
    ]
    assert places == sorted(places)
    assert [t.position for t in found] == list(range(len(found)))
    assert len({t.key for t in found}) == len(found) == 3 * 2 * 2 * 30 + 2 * 2
    assert all(re.fullmatch(r"[A-Za-z0-9.+_-]{1,200}", t.key) for t in found)


def test_plan_is_deterministic(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    assert [t.key for t in tasks(tmp_path)] == [t.key for t in tasks(tmp_path / "again")]


def test_keys_change_with_settings_and_with_nothing_else(tmp_path: Path) -> None:
    before = {t.key for t in tasks(tmp_path)}
    other_words = {t.key for t in tasks(tmp_path, STUDY.replace('"Plan"', '"Another"'))}
    other_seed = {t.key for t in tasks(tmp_path, STUDY.replace("seed = 7", "seed = 8"))}
    one_method = {
        t.key for t in tasks(tmp_path, STUDY.replace('"em"\n', '"em"\noptions = { tol = 1e-3 }\n'))
    }
    assert other_words == before
    assert not other_seed & before
    assert before - one_method == {key for key in before if "_em_" in key}


def test_methods_get_the_same_data_and_starts(tmp_path: Path) -> None:
    by_place: dict[tuple, list[Task]] = {}
    for task in tasks(tmp_path):
        place = (task.source.name, task.replicate, task.model.name, task.start_index)
        by_place.setdefault(place, []).append(task)
    for group in by_place.values():
        data = [task.source.load(task.root, task.replicate) for task in group]
        starts = [_start(task, data[0], task.start_index).theta for task in group]
        assert len({d.digest for d in data}) == 1
        assert all(start == starts[0] for start in starts)


def test_replicates_and_starts_differ_from_each_other(tmp_path: Path) -> None:
    of_two = [t for t in tasks(tmp_path) if t.source.name == "two" and t.model.n_components == 2]
    data = {t.replicate: t.source.load(t.root, t.replicate) for t in of_two}
    assert data[0].digest != data[1].digest
    drawn = {
        make_start(
            "random", t.model, data[t.replicate], t.seed, t.start_index
        ).theta.means.tobytes()
        for t in of_two
    }
    assert len(drawn) == 60


def test_adding_a_method_moves_no_data_start_or_key(tmp_path: Path) -> None:
    more = tasks(tmp_path, STUDY + '\n[[method]]\nname = "powell"\n')
    assert {t.key for t in tasks(tmp_path)} < {t.key for t in more}


def test_chunks_are_bounded_spread_methods_and_put_samplers_first(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(STUDY)
    chunks = plan(load_study(path))
    sampled = [bool(chunk.tasks[0].estimator.chains) for chunk in chunks]
    assert sampled == sorted(sampled, reverse=True)
    assert all(len(chunk.tasks) <= CHUNK for chunk in chunks)
    for chunk, is_sampled in zip(chunks, sampled, strict=True):
        if is_sampled:  # one model structure, whatever the data: compiled once
            assert len({task.model.name for task in chunk.tasks}) == 1
            assert {task.source.name for task in chunk.tasks} == {"points", "two"}
        else:
            assert len({(t.source.name, t.replicate, t.model.name) for t in chunk.tasks}) == 1
            assert {task.label for task in chunk.tasks} == {"em", "l-bfgs-b"}


def test_limit_of_replicates(tmp_path: Path) -> None:
    sampled = [(t.source.name, t.replicate) for t in tasks(tmp_path) if t.label == "chains"]
    assert sorted(set(sampled)) == [("points", 0), ("two", 0)]


@pytest.mark.parametrize("size", [1, 5, 30])
def test_more_starts_keep_the_first_ones(tmp_path: Path, size: int) -> None:
    fewer = tasks(tmp_path, STUDY.replace("n = 30", f"n = {size}", 1))
    assert {t.key for t in fewer} <= {t.key for t in tasks(tmp_path)}
    assert np.max([t.start_index for t in fewer]) == size - 1


GIVEN = """[
    { weights = [1.0], means = [5.0], covariances = [9.0] },
    { weights = [0.5, 0.5], means = [2.0, 9.0], covariances = [2.0, 2.0] },
    { weights = [0.4, 0.6], means = [2.0, 9.0], covariances = [2.0, 2.0] },
]"""


def test_given_starts_are_for_the_models_with_as_many_components(tmp_path: Path) -> None:
    text = STUDY.replace('"ten_points"', f'"ten_points"\nstarts.given = {GIVEN}')
    found = [task for task in tasks(tmp_path, text) if task.source.name == "points"]
    places = [(t.model.n_components, t.label, t.start_index) for t in found]
    assert places == [
        (1, "em", 0), (1, "chains", 0), (1, "l-bfgs-b", 0),
        (2, "em", 0), (2, "em", 1), (2, "chains", 0), (2, "l-bfgs-b", 0), (2, "l-bfgs-b", 1),
    ]  # fmt: skip
    for task in found:
        start = _start(task, task.source.load(task.root, 0), task.start_index)
        assert start.theta.n_components == task.model.n_components
    quick = text.replace("replicates = 2\n", "replicates = 2\nquick = { starts = 1 }\n", 1)
    (tmp_path / "quick.toml").write_text(quick)
    chunks = plan(load_study(tmp_path / "quick.toml"), quick=True)
    kept = [t for chunk in chunks for t in chunk.tasks if t.source.name == "points"]
    assert {(t.model.n_components, t.start_index) for t in kept} == {(1, 0), (2, 0)}
