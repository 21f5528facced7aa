"""`fit_many`: a record a start, the same as fits one by one give."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mixcompare as mc
from mixcompare.fit import fit_many
from mixcompare.problem import Problem
from mixcompare.theta import Theta

WAITING = mc.Dataset(mc.load_dataset("old_faithful").x[:, 1:])
MODEL = mc.MixtureModel("gaussian", 2)


@pytest.mark.parametrize("method", ["em", "squarem", "l-bfgs-b", "sem"])
def test_every_start_has_the_record_that_a_fit_of_its_own_gives(method):
    records = fit_many(MODEL, WAITING, method, n_starts=6, seed=3)
    rows = mc.compare(MODEL, WAITING, [method], n_starts=6, seed=3).fits
    assert len(records) == len(rows) == 6
    for record, row in zip(records, rows.itertuples(), strict=True):
        assert record.theta is not None
        assert record.verdict is not None
        assert record.theta.to_dict() == json.loads(row.theta)
        assert record.loglik == row.loglik
        assert record.cost.passes == row.passes == len(record.trajectory.loglik)
        assert record.verdict.finding == row.finding
        assert record.task["start_scheme"] == row.start_scheme
        assert record.task["start_index"] == row.start_index
        assert record.solver.message == row.said_message


def test_points_given_and_a_budget_of_each():
    points = [
        Theta([0.5, 0.5], means=[[50.0], [80.0]], covariances=[[[30.0]], [[30.0]]]),
        Theta([0.5, 0.5], means=[[70.0], [70.0]], covariances=[[[90.0]], [[90.0]]]),
    ]
    good, equal = fit_many(MODEL, WAITING, "em", starts=points, budget=7, verify=False, tol=0)
    assert (good.cost.passes, equal.cost.passes) == (7, 7)
    assert good.solver.status == equal.solver.status == "budget"
    assert good.verdict is None
    assert equal.notes == ("components 1 and 2 of the start coincide",)
    assert good.cost.seconds == pytest.approx(equal.cost.seconds)  # the same passes


def test_a_method_that_cannot_fit_the_model_leaves_a_row_a_start():
    records = fit_many(MODEL, WAITING, "bfgs[bounded]", n_starts=3)
    assert [record.verdict.finding for record in records if record.verdict] == ["unsupported"] * 3


def test_what_one_fit_raises_is_its_own_record(monkeypatch):
    right, calls = Problem.value_and_score, []

    def once(problem: Problem, z: np.ndarray) -> tuple[float, np.ndarray]:
        calls.append(1)
        if len(calls) == 1:
            raise ArithmeticError("planted")
        return right(problem, z)

    monkeypatch.setattr(Problem, "value_and_score", once)
    broken, whole = fit_many(MODEL, WAITING, "bfgs", n_starts=2, verify=False)
    assert broken.error == "ArithmeticError: planted"
    assert broken.theta is None
    assert whole.error == ""
    assert whole.solver.success


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n_starts": 0}, "n_starts: expected a whole number of at least 1, got 0"),
        ({"n_starts": 2.0}, "n_starts: expected a whole number"),
        ({"starts": []}, "starts: expected a start scheme or at least one point"),
        ({"method": "nuts"}, "a sampler takes its starts by itself"),
        ({"starts": "kmean"}, "kmeans"),
        ({"itr": 3}, "unknown option"),
    ],
)
def test_wrong_input(wrong, words):
    with pytest.raises(mc.SpecError, match=words):
        fit_many(MODEL, WAITING, **wrong)


def test_the_same_likelihood_again_has_nothing_of_the_fit_before():
    first = Problem(MODEL, WAITING)
    z = np.array([0.1, -1.0, 0.8, -0.7, -0.9])
    first.lend("a sampler's own graph")
    first.read = lambda vector: Theta([1.0])
    first.value(z)
    twin = first.again()
    assert (twin.passes, twin.lent, twin.best_point) == (0, "", None)
    assert twin.read(z) == MODEL.to_natural(z, 1, first.frame)
