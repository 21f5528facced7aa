"""The data sets that come along, and what is said of a user's file that cannot be used."""

import re
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from mixcompare.data import Dataset, as_dataset
from mixcompare.datasets import available, catalogue, load_dataset, read_csv
from mixcompare.errors import DataError

# Written out here, not read from the catalogue: rows in the file, observations, features, groups.
SIZES = {
    "acidity": (155, 155, 1, 0),
    "air_conditioning": (36, 36, 1, 2),
    "banknote": (200, 200, 6, 2),
    "coal_intervals": (190, 190, 1, 0),
    "crabs": (200, 200, 5, 4),
    "cross": (500, 500, 2, 2),
    "davis_heights": (200, 200, 1, 2),
    "diabetes": (145, 145, 3, 3),
    "discoveries": (100, 100, 1, 0),
    "four_classes_200": (200, 200, 1, 0),
    "galaxies": (82, 82, 1, 0),
    "geyser": (299, 299, 2, 0),
    "horse_kicks": (5, 200, 1, 0),
    "iris": (150, 150, 4, 3),
    "li_hang_coins": (10, 10, 1, 0),
    "li_hang_gmm15": (15, 15, 1, 0),
    "london_deaths": (10, 1096, 1, 0),
    "lsat6": (30, 1000, 5, 0),
    "old_faithful": (272, 272, 2, 0),
    "precip": (70, 70, 1, 0),
    "quine_days": (146, 146, 1, 0),
    "role_conflict": (16, 216, 4, 0),
    "saxony_families": (13, 6115, 1, 0),
    "schizophrenia_age": (251, 251, 1, 2),
    "student_heights": (647, 647, 1, 2),
    "ten_points": (10, 10, 1, 0),
    "thyroid": (215, 215, 5, 3),
    "women_queues": (10, 100, 1, 0),  # eleven rows in the file, one of count zero
    "wreath": (1000, 1000, 2, 0),
}


@pytest.fixture
def write(tmp_path):
    def file(text, name="my.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return file


def test_the_sizes_cover_all_and_only_what_is_there():
    stems = [file.name[:-4] for file in files("mixcompare.datasets").joinpath("files").iterdir()]
    assert sorted(SIZES) == available() == sorted(stems)


def test_what_may_not_come_along_does_not():
    assert not {"galton_heights", "enzyme"} & set(available())


@pytest.mark.parametrize("name", SIZES)
def test_size(name):
    rows, n, d, groups = SIZES[name]
    data = load_dataset(name)
    assert data.x.shape == (rows, d)
    assert data.x.dtype == np.float64
    assert np.isfinite(data.x).all()
    assert data.n == n == catalogue()[name].n
    assert (data.counts is None) == (rows == n)
    assert (0 if data.labels is None else len(set(data.labels))) == groups


@pytest.mark.parametrize("name", SIZES)
def test_the_catalogue_describes_the_file(name):
    entry = catalogue()[name]
    file = files("mixcompare.datasets").joinpath("files", f"{name}.csv")
    header = file.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert list(entry.units) == header
    assert {*entry.observations, *entry.labels, entry.counts} <= {*header, None}
    assert all((entry.title, entry.source, entry.status))
    data = load_dataset(name)
    assert data.columns == entry.observations
    assert (data.name, data.source) == (name, entry.source)


def test_values_are_those_of_the_file():
    data = load_dataset("old_faithful")
    assert data.x[[0, 1, -1]].tolist() == [[3.6, 79.0], [1.8, 54.0], [4.467, 74.0]]
    assert data.x.mean(axis=0) == pytest.approx([3.487783, 70.897059], abs=1e-6)


def test_columns_are_chosen_and_ordered_by_name():
    both = load_dataset("old_faithful").x
    one = load_dataset("old_faithful", columns=["waiting"])
    assert one.x.shape == (272, 1)
    assert one.columns == ("waiting",)
    assert np.array_equal(load_dataset("old_faithful", columns="waiting").x, one.x)
    turned = load_dataset("old_faithful", columns=["waiting", "eruptions"])
    assert np.array_equal(turned.x, both[:, ::-1])


def test_labels_of_several_columns_are_joined():
    labels = load_dataset("crabs").labels
    assert {label: int((labels == label).sum()) for label in np.unique(labels)} == {
        "B-F": 50,
        "B-M": 50,
        "O-F": 50,
        "O-M": 50,
    }


def test_counts_stay_with_their_rows():
    data = load_dataset("women_queues")
    assert dict(zip(data.x[:, 0], data.counts, strict=True))[4.0] == 25
    assert 9.0 in data.x
    assert data.x.shape == (10, 1)
    roles = load_dataset("role_conflict")
    assert roles.counts[(roles.x == [1, 0, 0, 0]).all(axis=1)] == [38]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("old_faitful", 'Did you mean "old_faithful"'),
        ("zzzzzz", "mixcompare list datasets"),
        ("mine.csv", "use read_csv"),
        (3, "got 3"),
    ],
)
def test_unknown_name(name, message):
    with pytest.raises(DataError, match=message):
        load_dataset(name)


def test_unknown_column_of_a_known_data_set():
    with pytest.raises(DataError, match=r'"old_faithful".*Did you mean "waiting"'):
        load_dataset("old_faithful", columns=["waitings"])
    with pytest.raises(DataError, match=r"expected numbers, got 'M' in row 1 .*\"sex\""):
        load_dataset("davis_heights", columns=["sex"])
    with pytest.raises(DataError, match=r'"days".* once'):
        load_dataset("london_deaths", columns=["days"])


def test_the_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        catalogue()["iris"] = replace(catalogue()["iris"], n=1)
    with pytest.raises(TypeError):
        catalogue()["iris"].units["species"] = "cm"


def test_import_stays_light():
    code = (
        "import sys, mixcompare.datasets as d; d.load_dataset('iris')\n"
        "sys.exit(', '.join({'pandas', 'scipy', 'numba', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_plain_file(write):
    data = read_csv(write("a,b\n1,2\n3.5,-4e-1\n"))
    assert data.x.tolist() == [[1, 2], [3.5, -0.4]]
    assert (data.columns, data.name, data.source) == (("a", "b"), "my", "my.csv")
    assert data.counts is None
    assert data.labels is None


def test_a_file_as_others_write_it(write):
    text = '\ufeff"", "a","group, by name"\r\n"1", 2,"x, y"\r\n"2",3,"z"\r\n\r\n'
    data = read_csv(write(text), labels="group, by name")
    assert data.columns == ("a",)  # neither the row numbers nor the labels
    assert data.x.tolist() == [[2], [3]]
    assert data.labels.tolist() == ["x, y", "z"]


def test_all_numeric_columns_by_default(write):
    data = read_csv(write("who,a,n,b\nx,1,2,3\ny,4,5,6\n"), counts="n")
    assert data.columns == ("a", "b")
    assert data.x.tolist() == [[1, 3], [4, 6]]
    assert data.counts.tolist() == [2, 5]


def test_columns_that_are_not_used_may_hold_anything(write):
    path = write("a,b\n1,x\n2,\n")
    assert read_csv(path, columns=["a"]).x.tolist() == [[1], [2]]


def test_a_slip_in_a_numeric_column_is_not_skipped(write):
    with pytest.raises(DataError, match=r"'2;5' in row 3 \(line 4\), column \"b\""):
        read_csv(write("a,b\n1,1\n2,2\n3,2;5\n4,4\n"))


BAD = {
    "empty file": ("", {}, "column names, got an empty one"),
    "header only": ("a,b\n", {}, "rows of data below the header, got none"),
    "no header": ("1,2\n3,4\n", {}, "column names in the first line, got numbers (1, 2)"),
    "column twice": ("a,a\n1,2\n", {}, 'every column name once, got "a" 2 times'),
    "semicolons": ("a;b\n1;2\n", {}, "separated by commas"),
    "ragged": (
        "a,b\n1,2\n1,2,3\n",
        {},
        "expected 2 cells in every row, as in the header, got 3 in line 3",
    ),
    "decimal commas": (
        "a\n1,5\n2,5\n",
        {},
        "expected 1 cell in every row, as in the header, got 2 in line 2: look for an extra or decimal comma",
    ),
    "row names without a name": ('"a"\n"1",1.5\n', {}, "or a name missing in the header"),
    "short row": ("a,b\n1,2\n\n1\n", {}, "got 1 in line 4"),
    "open quote": ('a,b\n1,"2\n3,4\n', {}, "look at the quotation marks there"),
    "no utf-8": (b"a\n\xff\xfe\n", {}, "text file in UTF-8"),
    "binary": (b"PK\x03\x04\x00a,b\n1\n", {}, "got a binary one"),
    "nothing numeric": (
        "a,b\nx,y\nz,w\n",
        {},
        "at least one column of numbers, got none among a, b",
    ),
    "unknown column": (
        "waiting,b\n1,2\n",
        {"columns": ["waitng"]},
        "(waiting, b), got 'waitng'. Did you mean \"waiting\"?",
    ),
    "column asked for twice": (
        "a,b\n1,2\n",
        {"columns": ["a", "a"]},
        'every column once, got "a" 2',
    ),
    "no column asked for": ("a,b\n1,2\n", {"columns": []}, "at least one column name, got none"),
    "column by number": (
        "a,b\n1,2\n",
        {"columns": [0]},
        "expected columns of this file (a, b), got 0",
    ),
    "no number": (
        "a\n1\n2\nx\n4\nx\n",
        {},
        "got 'x' in row 3 (line 4), column \"a\" (2 such of 5 rows)",
    ),
    "underscore": ("a\n1\n2\n1_0\n", {}, "got '1_0' in row 3"),
    "missing": (
        "a,b\n1,1\nNA,2\n,3\n4,nan\n",
        {},
        'got 2 missing of 4 in column "a", the first in row 2 (line 3)',
    ),
    "blank line in one column": ("a\n1\n\n3\n", {}, "got 1 missing of 3"),
    "infinite": ("a\n1\n-inf\n", {}, "finite numbers, got '-inf' in row 2 (line 3)"),
    "too large": ("a\n1\n1e400\n", {}, "finite numbers, got '1e400'"),
    "unknown counts": (
        "a,days\n1,2\n",
        {"counts": "day"},
        "counts: expected columns of this file (a, days), got 'day'. Did you mean",
    ),
    "two columns of counts": (
        "a,b,c\n1,2,3\n",
        {"counts": ["b", "c"]},
        "one column of counts, got b, c",
    ),
    "counts as observations": (
        "a,n\n1,2\n",
        {"columns": ["n"], "counts": "n"},
        "in a column of their own",
    ),
    "negative count": (
        "a,n\n1,2\n2,-1\n",
        {"counts": "n"},
        'the negative -1 in row 2 (line 3), column "n"',
    ),
    "fractional count": ("a,n\n1,2\n2,1.5\n", {"counts": "n"}, "the fractional 1.5 in row 2"),
    "missing count": ("a,n\n1,2\n2,\n", {"counts": "n"}, 'got 1 missing of 2 in column "n"'),
    "zero counts": ("a,n\n1,0\n2,0\n", {"counts": "n"}, 'got only zeros in column "n"'),
    "missing label": (
        "a,g\n1,x\n2,\n",
        {"labels": "g"},
        "a label in every row, got 1 missing of 2",
    ),
    "unknown label": (
        "a,sex\n1,x\n",
        {"labels": "sec"},
        "labels: expected columns of this file (a, sex), got 'sec'. Did you mean",
    ),
}


@pytest.mark.parametrize(("text", "options", "message"), BAD.values(), ids=BAD)
def test_bad_file(write, text, options, message):
    path = write(text)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_csv(path, **options)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(write, tmp_path):
    write("a\n1\n", "heights.csv")
    with pytest.raises(DataError, match=r'none of this name\. Did you mean "heights\.csv"'):
        read_csv(tmp_path / "height.csv")
    with pytest.raises(DataError, match="there is no folder"):
        read_csv(tmp_path / "no" / "heights.csv")
    with pytest.raises(DataError, match="got a folder"):
        read_csv(tmp_path)
    with pytest.raises(DataError, match="got NoneType"):
        read_csv(None)


def test_units_follow_the_columns():
    assert load_dataset("old_faithful", columns=["waiting"]).units == ("min",)
    for name, entry in catalogue().items():
        data = load_dataset(name)
        assert data.units == tuple(entry.units[column] for column in data.columns)


def test_units_are_one_a_column():
    assert Dataset([[1.0, 2.0]]).units == ("", "")
    assert Dataset([[1.0, 2.0]], units=("cm", "")).units == ("cm", "")
    with pytest.raises(DataError, match="expected 2 units, got 1"):
        Dataset([[1.0, 2.0]], units=("cm",))


def test_counts_given_later_leave_the_rest():
    data = Dataset([1.0, 2.0], columns=("a",), name="n", source="s", units=("cm",))
    again = as_dataset(data, counts=[1, 3])
    assert (again.units, again.columns, again.source, again.n) == (("cm",), ("a",), "s", 4)
