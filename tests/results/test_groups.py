"""Known groups beside the components found without them."""

import json

import numpy as np
import pytest
from planted import results, row

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

X = np.array([0.0, 0.2, -0.2, 0.1, 5.0, 5.2, 4.8, 5.1])
LABELS = np.array(["a", "a", "a", "b", "b", "b", "b", "b"])
APART = {"weights": [0.5, 0.5], "means": [[0.0], [5.0]], "covariances": [[[1.0]], [[1.0]]]}
ONE = {"weights": [0.5, 0.5], "means": [[2.0], [3.0]], "covariances": [[[9.0]], [[0.01]]]}
NARROW = {"weights": [0.5, 0.5], "means": [[0.0], [2.5]], "covariances": [[[0.01]], [[9.0]]]}


def planted(rows, x=X, labels=LABELS, counts=None, **more):
    data = Dataset(x, counts, labels, name="planted", **more)
    return results(rows, data={("planted", 0): data})


def ends(*points):
    """Rows at (log-likelihood, point), the best first."""
    return [row("em", "maximum", loglik, True, end=end, start_index=k, polished=json.dumps(end), **more)
            for k, (loglik, end, more) in enumerate(points)]  # fmt: skip


def test_agreement_after_the_best_matching():
    found = planted(ends((-10.0, APART, {}))).groups()
    line = found.iloc[0]
    assert (line["point"], line["rank"], line["standing"]) == ("optimum", 1, "global")
    assert (line["agree"], line["n"], line["share"]) == (7, 8, 7 / 8)
    assert line["matched"] == ("a", "b")
    assert 0.5 < line["lower"] < 7 / 8 < line["upper"] < 1
    # of 28 pairs 13 and 12 are together, 9 in both: (9 - 156/28) / (12.5 - 156/28)
    assert line["rand"] == pytest.approx((9 - 156 / 28) / (12.5 - 156 / 28))


def test_names_of_components_do_not_matter():
    swapped = {name: value[::-1] for name, value in APART.items()}
    one = planted(ends((-10.0, APART, {}))).groups().iloc[0]
    other = planted(ends((-10.0, swapped, {}))).groups().iloc[0]
    assert other["matched"] == ("b", "a")
    assert (one["agree"], one["rand"]) == (other["agree"], other["rand"])


def test_the_nearest_optimum_need_not_be_the_highest_and_is_not_narrow():
    rows = ends((-9.0, NARROW, {"narrow": True}), (-10.0, ONE, {}), (-10.68, APART, {}))
    all_ = planted(rows)
    found = all_.groups()
    optima = found[found["point"] == "optimum"]
    assert list(optima["standing"]) == ["local", "global", "local"]
    assert list(optima["nearest"]) == [False, False, True]
    told = [s for s in all_.sentences() if "nearest" in s]
    assert len(told) == 1
    assert "the highest optimum is not the grouping into a and b" in told[0]
    assert "7 of 8 labels" in told[0]
    assert "0.680 nats lower" in told[0]


def test_no_sentence_calls_an_optimum_wrong_that_agrees_best():
    told = " ".join(planted(ends((-10.0, APART, {}), (-11.0, ONE, {}))).sentences())
    assert "more than at any other optimum" in told
    assert "is not the grouping" not in told


def test_estimates_of_the_groups_themselves():
    found = planted(ends((-10.0, APART, {}))).groups()
    line = found[found["point"] == "labels"].iloc[0]
    assert line["theta"].weights == pytest.approx([3 / 8, 5 / 8])
    assert line["theta"].means.ravel() == pytest.approx([0.0, X[3:].mean()])
    assert line["gap"] == pytest.approx(-10.0 - line["loglik"])
    three = np.array(list("aabbccdd"))
    assert "labels" not in set(planted(ends((-10.0, APART, {})), labels=three).groups()["point"])


def test_the_likelihood_of_the_groups_is_that_of_the_reference():
    """002-davis_heights: -718.0372239 at the estimates by sex."""
    data, model = load_dataset("davis_heights"), MixtureModel("gaussian", 2)
    sexes = Theta([0.4, 0.6], means=[178.5, 165.3], covariances=[40.0, 35.0])
    end = model.conform(sexes, 1).to_dict()
    rows = [r | {"data": "davis"} for r in ends((-717.95, end, {}))]
    found = results(rows, data={("davis", 0): data}).groups()
    labelled = found[found["point"] == "labels"].iloc[0]
    assert labelled["loglik"] == pytest.approx(-718.0372239, abs=1e-6)
    assert labelled["groups"] == ("F", "M")


def test_the_truth_is_judged_as_the_optima_are():
    truth = Theta([0.5, 0.5], **{k: v for k, v in APART.items() if k != "weights"})
    found = planted(ends((-10.0, ONE, {})), truth=truth).groups()
    line = found[found["point"] == "truth"].iloc[0]
    assert line["agree"] == 7
    assert found[found["point"] == "optimum"].iloc[0]["agree"] < 7


def test_repeated_rows_count_as_often_as_they_were_seen():
    once = planted(ends((-10.0, APART, {}))).groups().iloc[0]
    counts = np.full(8, 3.0)
    thrice = planted(ends((-10.0, APART, {})), counts=counts).groups().iloc[0]
    assert (thrice["agree"], thrice["n"]) == (21, 24)
    assert thrice["share"] == once["share"]
    assert thrice["rand"] != once["rand"]  # of pairs, of which there are others
    assert planted(ends((-10.0, APART, {})), counts=counts / 2).groups().empty


@pytest.mark.parametrize("labels", [None, np.array(["a"] * 8)])
def test_nothing_is_said_without_groups(labels):
    made = planted(ends((-10.0, APART, {})), labels=labels)
    assert made.groups().empty
    assert not any("labels" in s for s in made.sentences())
