"""Expectations about known groups and about single ends."""

import json

import numpy as np
import pytest
from planted import LOWER, results, row

from mixcompare.data import Dataset
from mixcompare.study import expect

HIGH = {"weights": [0.2, 0.8], "means": [[2.0], [2.1]], "covariances": [[[0.5]], [[9.0]]]}
APART = {"weights": [0.5, 0.5], "means": [[0.0], [5.0]], "covariances": [[[1.0]], [[4.0]]]}


@pytest.fixture
def made():
    x = np.array([0.0, 0.2, -0.2, 0.1, 5.0, 5.2, 4.8, 5.1])
    data = Dataset(x, labels=list("aaabbbbb"), name="planted")
    rows = [
        row("em", "maximum", -10.0, True, end=HIGH),
        row("em", "maximum", -10.7, True, start_index=1, end=APART),
        row("em, 3 iterations", "not_stationary", -11.0, True, theta=json.dumps(LOWER)),
    ]
    return results(rows, data={("planted", 0): data})


def found(made, quantity, **where):
    line = expect.check(made, [{"quantity": quantity, "where": where, "value": 0.0}], False).iloc[0]
    return line["found"] if line["found"] is not None else line["note"]


def test_agreement_is_that_of_the_best_known_optimum_or_of_a_rank(made):
    assert found(made, "agreement", rank=2) == 7
    assert found(made, "agreement") == found(made, "agreement", rank=1) != 7
    assert found(made, "adjusted_rand", rank=2) > found(made, "adjusted_rand")
    assert "0 points" in found(made, "agreement", rank=3)


def test_optima_by_rank(made):
    assert found(made, "optimum_loglik", rank=2) == -10.7
    assert "there are 2 optima" in found(made, "optimum_loglik", rank=3)


def test_likelihood_of_the_groups(made):
    x = made.data["planted", 0].x[:, 0]
    w, m, s = (
        np.array([3, 5]) / 8,
        np.array([x[:3].mean(), x[3:].mean()]),
        [x[:3].std(), x[3:].std()],
    )
    density = w / s / np.sqrt(2 * np.pi) * np.exp(-(((x[:, None] - m) / s) ** 2) / 2)
    assert found(made, "labelled_loglik") == pytest.approx(np.log(density.sum(axis=1)).sum())


def test_an_end_is_read_whatever_was_found_of_it(made):
    place = {"method": "em, 3 iterations", "parameter": "means"}
    assert found(made, "end", component=2, **place) == 3.0
    assert found(made, "end", method="em", start=1, parameter="sds", component=2) == 2.0
    assert found(made, "end", method="em", start=1, parameter="loglik") == -10.7
    assert found(made, "end", method="em", start=1, parameter="gap") == pytest.approx(0.7)
    assert "2 fits are selected" in found(made, "end", method="em", parameter="loglik")
