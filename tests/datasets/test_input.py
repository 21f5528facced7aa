"""What users hand over: every shape and type that holds numbers is taken, all else refused in words."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mixcompare.data import Dataset, as_dataset
from mixcompare.errors import DataError
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

VALUES = np.array([[1.0, 2.5], [3.0, -4.0], [0.5, 6.0]])

GOOD = {
    "lists": VALUES.tolist(),
    "tuples": tuple(map(tuple, VALUES)),
    "fortran": np.asfortranarray(VALUES),
    "every other row": np.repeat(VALUES, 2, axis=0)[::2],
    "backwards": VALUES[::-1, ::-1][::-1, ::-1],
    "float32": VALUES.astype(np.float32),
    "longdouble": VALUES.astype(np.longdouble),
    "big-endian": VALUES.astype(">f8"),
    "objects": VALUES.astype(object),
    "decimals": np.array([[Decimal(str(v)) for v in row] for row in VALUES]),
    "nothing masked": np.ma.masked_array(VALUES, mask=False),
    "read-only": np.broadcast_to(VALUES, VALUES.shape),
    "pandas": pd.DataFrame(VALUES, columns=["a", "b"]),
    "pandas float32": pd.DataFrame(VALUES.astype(np.float32)),
    "pandas nullable": pd.DataFrame(VALUES, columns=["a", "b"]).convert_dtypes(),
    "pandas objects": pd.DataFrame(VALUES.astype(object)),
    "pandas category": pd.DataFrame(VALUES).astype("category"),
    "pandas index": pd.DataFrame(VALUES, index=[7, 7, 7]),
    "polars": pl.DataFrame({"a": VALUES[:, 0], "b": VALUES[:, 1]}),
    "polars float32": pl.DataFrame(VALUES.astype(np.float32), schema=["a", "b"]),
}


@pytest.mark.parametrize("kind", GOOD)
def test_numbers_of_any_kind_are_taken(kind):
    data = as_dataset(GOOD[kind])
    np.testing.assert_array_equal(data.x, VALUES)
    assert data.x.dtype == np.float64
    assert data.x.flags.c_contiguous
    assert data.digest == Dataset(VALUES).digest


@pytest.mark.parametrize(
    "column",
    [
        [0, 1, 2],
        np.array([0, 1, 2], dtype=np.uint8),
        np.array([0, 1, 2], dtype=object),
        pd.Series([0, 1, 2], dtype="Int64"),
        pd.Series([0, 1, 2], name="a"),
        pl.Series("a", [0, 1, 2]),
        range(3),
    ],
    ids=repr,
)
def test_whole_numbers_where_reals_are_expected_and_the_reverse(column):
    np.testing.assert_array_equal(as_dataset(column).x[:, 0], [0.0, 1.0, 2.0])
    MixtureModel("gaussian", 2).on(as_dataset(column))
    MixtureModel("poisson", 2).on(as_dataset(column))
    with pytest.raises(DataError, match=r"whole numbers from 0, got 0\.5 in row 2, column x"):
        MixtureModel("poisson", 2).on(as_dataset([0.0, 0.5, 2.0]))


@pytest.mark.parametrize(
    "items",
    [
        [[True, False], [False, True]],
        pd.DataFrame({"x1": [True, False], "x2": [False, True]}),
        pd.DataFrame({"x1": [True, False], "x2": [False, True]}, dtype="boolean"),
        pl.DataFrame({"x1": [True, False], "x2": [False, True]}),
    ],
    ids=["lists", "pandas", "pandas-nullable", "polars"],
)
def test_truth_values_are_zeros_and_ones(items):
    np.testing.assert_array_equal(as_dataset(items).x, np.eye(2))
    MixtureModel("bernoulli", 2).on(as_dataset(items))


BAD = {
    "no data": (None, "expected a Dataset, an array or a data frame, got NoneType"),
    "name": ("old_faithful", "use load_dataset for a name"),
    "mapping": ({"x": [1, 2]}, "a data frame, got dict"),
    "number": (3.0, "a data frame, got float"),
    "scalar array": (np.array(3.0), r"shape \(n,\) or \(n, d\), got shape \(\)"),
    "three axes": (np.zeros((2, 2, 2)), r"got shape \(2, 2, 2\)"),
    "empty": ([], r"at least one observation, got shape \(0, 1\)"),
    "no columns": (np.zeros((3, 0)), r"at least one observation, got shape \(3, 0\)"),
    "empty frame": (pd.DataFrame(), r"at least one observation, got shape \(0, 0\)"),
    "no rows": (pl.DataFrame({"a": []}, schema={"a": pl.Float64}), "at least one observation"),
    "ragged": ([[1, 2], [3]], "expected a rectangular array of numbers"),
    "strings": (["1", "2"], "expected real numbers, got values of type <U1"),
    "string objects": (np.array([[1, 2], [3, "4"]], dtype=object), "got '4' in row 2, column 2"),
    "bytes": ([b"1"], "expected real numbers, got values of type .S1"),
    "complex": ([1j, 2], "expected real numbers, got complex ones"),
    "complex object": (np.array([1, 2j], dtype=object), "expected numbers, got 2j in row 2"),
    "dates": (np.array(["2020-01-01"], dtype="M8[D]"), "got values of type datetime64"),
    "huge integer": ([1, 10**400], "expected numbers, got 1000.* in row 2"),
    "nan": ([1, np.nan, np.nan], "2 missing .nan. and 0 infinite; the first is in row 2, column x"),
    "none": ([1, None, 3], "1 missing .nan. and 0 infinite; the first is in row 2, column x"),
    "infinity": ([[1, 2], [3, np.inf]], "0 missing .nan. and 1 infinite; .* row 2, column x2"),
    "long double": (np.array(["1e4000"], dtype=np.longdouble), "1 infinite; the first is in row 1"),
    "masked": (np.ma.masked_array([1, 2, 3], [0, 0, 1]), "1 missing .nan.*row 3"),
    "masked whole": (np.ma.masked_array([[1, 2]], [[0, 1]]), "1 missing .nan.*row 1, column x2"),
    "pandas gap": (pd.DataFrame({"a": [1.0, None]}), "1 missing .nan.*row 2, column a"),
    "pandas NA": (
        pd.DataFrame({"a": [1, pd.NA]}, dtype="Int64"),
        "1 missing .nan.*row 2, column a",
    ),
    "pandas NaT": (pd.DataFrame({"a": [1, pd.NaT]}, dtype=object), "1 missing .nan.*row 2"),
    "pandas words": (pd.DataFrame({"a": [1], "b": ["x"]}), "column b: expected numbers, got 'x'"),
    "pandas categories": (
        pd.DataFrame({"b": pd.Categorical(["u", "v"])}),
        "column b: expected numbers, got 'u' in row 1",
    ),
    "pandas dates": (
        pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}),
        "column a: .* datetime64",
    ),
    "pandas twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "every column name once, got a 2"),
    "polars gap": (pl.DataFrame({"a": [1, None]}), "1 missing .nan.*row 2, column a"),
    "polars words": (pl.DataFrame({"b": ["x", "y"]}), "column b: expected .*numbers, got"),
    "polars categories": (
        pl.DataFrame({"b": pl.Series(["u", "v"], dtype=pl.Categorical)}),
        "column b: expected .*numbers, got",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_everything_else_is_refused_in_words(kind):
    data, message = BAD[kind]
    with pytest.raises(DataError, match=message):
        as_dataset(data)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([1, -2, 1], "counts that are finite and not negative, got -2.0 in row 2"),
        ([1, np.nan, 1], "not negative, got nan in row 2"),
        ([1, None, 1], "not negative, got nan in row 2"),
        ([1, np.inf, 1], "not negative, got inf in row 2"),
        ([0, 0, 0], "all counts are zero"),
        ([1, 1], r"expected 3 counts, one a row, got shape \(2,\)"),
        (np.ones((3, 1)), r"expected 3 counts, one a row, got shape \(3, 1\)"),
        (["a", "b", "c"], "counts: expected real numbers, got values of type"),
        ([1e308, 1e308, 1e308], "counts with a finite sum"),
        (pd.Series([1, pd.NA, 2], dtype="Int64"), "not negative, got nan in row 2"),
    ],
    ids=str,
)
def test_counts_that_are_none_are_refused(counts, message):
    with pytest.raises(DataError, match=message):
        as_dataset(VALUES, counts)


@pytest.mark.parametrize(
    "counts", [[2, 0, 1], [2.0, 0.0, 1.0], pd.Series([2, 0, 1]), pl.Series([2, 0, 1])], ids=repr
)
def test_rows_counted_zero_times_are_left_out(counts):
    data = as_dataset(VALUES, counts)
    np.testing.assert_array_equal(data.x, VALUES[[0, 2]])
    np.testing.assert_array_equal(data.weights, [2, 1])
    assert data.n == 3
    labelled = Dataset(VALUES, counts=[True, False, True], labels=np.array(["u", "v", "w"]))
    assert labelled.labels.tolist() == ["u", "w"]


def test_what_a_user_handed_over_stays_as_it_was():
    x, counts = VALUES.copy(order="F"), np.array([1, 0, 2])
    start = Theta([1], means=[[0, 0]], covariances=[np.eye(2)])
    fit(MixtureModel("gaussian", 1), x, counts=counts, start=start)
    np.testing.assert_array_equal(x, VALUES)
    np.testing.assert_array_equal(counts, [1, 0, 2])
