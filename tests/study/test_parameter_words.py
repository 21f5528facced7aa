"""What single parameters are called: by feature, by pair of features, by level, by number."""

import numpy as np
import pytest

from mixcompare.report.words import PARAMETERS
from mixcompare.study.parameter_words import entry, label

TWO, THREE = ("a", "b"), ("a", "b", "c")


@pytest.mark.parametrize(
    ("name", "index", "columns", "shape", "expected"),
    [
        ("means", (1,), ("x",), None, "mean 2"),
        ("means", (1, 0), ("x",), (2, 1), "mean 2"),
        ("means", (0, 1), TWO, (2, 2), "mean 1, b"),
        ("correlations", (0, 0), TWO, (2, 1), "correlation 1"),
        ("correlations", (0, 1), THREE, (2, 3), "correlation 1, a and c"),
        ("correlations", (0, 2), THREE, None, "correlation 1, b and c"),
        ("covariances", (0, 0, 0), ("x",), (2, 1, 1), "covariance 1"),
        ("covariances", (0, 1, 1), TWO, (2, 2, 2), "covariance 1, b"),
        ("covariances", (1, 1, 0), TWO, (2, 2, 2), "covariance 2, a and b"),
        ("scales", (0, 1), TWO, (2, 2), "scale 1, b"),
        ("probs", (0, 0, 2), ("x",), (2, 1, 3), "probability 1, level 3"),
        ("probs", (0, 1, 2), TWO, (2, 2, 3), "probability 1, b, level 3"),
        ("own", (0, 1), THREE, (2, 2), "own 1, entry 2"),
        ("own", (0, 0), THREE, (2, 1), "own 1"),
        ("own", (0, 3), THREE, None, "own 1, entry 4"),
    ],
)
def test_a_parameter_is_named_after_what_it_is_of(name, index, columns, shape, expected):
    assert label(name, index, columns, shape) == expected


def test_the_reporting_scale_has_names_of_its_own():
    assert label("log_rates", (1,), ("x",), names=PARAMETERS) == "rate (log) 2"
    assert label("correlations", (0, 0), TWO, names=PARAMETERS) == "correlation (Fisher z) 1"
    assert entry("means", (), TWO) == ""


def test_names_are_different_for_all_correlations_and_covariances():
    d = 4
    columns = tuple("wxyz")
    pairs = [label("correlations", (0, i), columns) for i in range(d * (d - 1) // 2)]
    assert len(set(pairs)) == 6
    lower = [
        label("covariances", (0, i, j), columns) for i, j in zip(*np.tril_indices(d), strict=True)
    ]
    assert len(set(lower)) == 10
