"""Quantities of single iterations: of one observation, of a kept history, by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from planted import NAN, results, several, swapped, theta

from mixcompare.data import Dataset
from mixcompare.study.expect import find

X = Dataset([[0.0], [5.0], [2.5]], name="planted")
START = theta(m1=0.0, m2=5.0, w=0.5)
END = theta(m1=0.0, m2=5.0, w=0.9)


def kept(permutation=(0, 1), start=START, end=END):
    """Two fits of em; of the second one step is kept, in the method's own order."""
    both = ("maximum", -9.0, True, {"permutation": json.dumps(permutation), "end": END})
    made = results(several("em", both, both), data={("planted", 0): X})
    lines = [("key1", 0, 1.0, -10.0, start), ("key1", 1, 2.0, -9.0, end)]
    table = pd.DataFrame(lines, columns=["key", "step", "passes", "loglik", "theta"])
    made.histories = table.assign(theta=[json.dumps(cell) for cell in table["theta"]])
    return made


def value(quantity, made=None, **where):
    return find(made or kept(), quantity, {"start": 1, **where})[0]


def note(quantity, **where):
    found, why = find(kept(), quantity, {"start": 1, **where})
    assert found is None
    return why


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"step": 0, "row": 3, "component": 1}, 0.5),
        ({"step": 1, "row": 3, "component": 1}, 0.9),
        ({"step": 1, "x": 2.5, "component": 2}, 0.1),
        ({"step": 0, "x": 0, "component": 1}, 1 / (1 + np.exp(-12.5))),
    ],
)
def test_responsibilities(where, expected):
    assert np.isclose(value("responsibility", **where), expected)
    other = kept((1, 0), swapped(START), swapped(END))
    assert np.isclose(value("responsibility", other, **where), expected)


def test_labels_and_steps():
    assert [value("label", step=0, row=row) for row in (1, 2)] == [1, 2]
    assert value("label", step=1, row=3) == 1
    assert value("last_step") == 1


def test_what_is_not_there():
    assert "the history of this fit was not kept" in note("last_step", start=0)
    assert "2 fits are selected" in find(kept(), "last_step", {})[1]
    assert "step 2 was not kept: there are 0 to 1" in note("label", step=2, row=1)
    assert "there is no row 4: expected 1 to 3" in note("label", step=0, row=4)
    assert "no observation is 7" in note("label", step=0, x=7)
    assert "either row, which counts from 1, or x" in note("label", step=0)
    assert "either row, which counts from 1, or x" in note("label", step=0, row=1, x=0)
    assert "no component 3: expected 1 to 2" in note("responsibility", step=0, row=1, component=3)


def test_shares_of_flags():
    flags = [json.dumps(["maximum"]), json.dumps(["duplicate", "ridge"]), None]
    rows = several("em", *[("maximum", NAN, None, {"flags": cell}) for cell in flags])
    assert np.isclose(find(results(rows), "share_flag", {"flag": "ridge"})[0], 1 / 3)
