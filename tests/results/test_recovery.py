"""Learned against true parameters: components paired once, all parameters carried along."""

import json

import numpy as np
import pytest
from planted import results, row

from mixcompare.data import Dataset
from mixcompare.theta import Theta

TRUTH = Theta([0.3, 0.7], means=[[0.0], [5.0]], covariances=[[[4.0]], [[1.0]]])
MATCHED = {"match": [1, 0], "errors": {}}


def ends(*points):
    """Rows at (log-likelihood, means, variances, more), matched crosswise with the truth."""
    return [
        row("em", "maximum", loglik, True, start_index=k, metrics=json.dumps(MATCHED),
            end={"weights": [0.6, 0.4], "means": [[a] for a in means],
                 "covariances": [[[v]] for v in variances]}, **more)
        for k, (loglik, means, variances, more) in enumerate(points)
    ]  # fmt: skip


def planted(rows, **more):
    x = Dataset(np.linspace(-2, 7, 30), name="planted", truth=TRUTH, **more)
    return results(rows, data={("planted", 0): x})


def values(table, parameter, column):
    return table[table["parameter"] == parameter][column].tolist()


def test_a_spread_goes_with_its_own_mean():
    """The notebook sorted means and variances apart: 5 would have got the variance 0.81 of the other."""
    found = planted(ends((-10.0, [4.9, 0.2], [0.81, 3.61], {}))).recovery()
    assert values(found, "means", "truth") == [0.0, 5.0]
    assert values(found, "means", "estimate") == [0.2, 4.9]
    assert values(found, "sds", "truth") == [2.0, 1.0]
    assert values(found, "sds", "estimate") == pytest.approx([1.9, 0.9])
    assert values(found, "weights", "estimate") == [0.4, 0.6]
    assert found["component"].tolist() == [1, 2] * 3
    assert set(found["index"]) == {""}


def test_the_answer_is_the_highest_end_that_is_not_narrow():
    rows = ends(
        (-12.0, [4.0, 1.0], [1.0, 4.0], {}),
        (-9.0, [4.0, 1.0], [1e-6, 4.0], {"narrow": True}),
        (-10.0, [4.9, 0.2], [0.81, 3.61], {}),
    )
    found = planted(rows).recovery()
    assert set(found.loc[found["answer"], "start_index"]) == {2}
    assert len(found) == 18


def test_the_sentence_names_the_worst_component():
    told = [s for s in planted(ends((-10.0, [4.9, 0.2], [0.81, 3.61], {}))).sentences()
            if "paired" in s]  # fmt: skip
    assert len(told) == 1
    assert "means by at most 0.2 (component 1: 0.2 for 0)" in told[0]


def test_nothing_without_a_fixed_truth():
    rows = ends((-10.0, [4.9, 0.2], [0.81, 3.61], {}))
    assert results(rows).recovery().empty
    assert planted(rows, prior={"form": "weak"}).recovery().empty
    unmatched = [r | {"metrics": json.dumps({"kl": 0.1})} for r in rows]
    assert planted(unmatched).recovery().empty
