"""Dataset, and the one place where what a user hands over becomes one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mixcompare.blocks import blocks
from mixcompare.distinct import compress, count_distinct, distinct
from mixcompare.errors import DataError, nearest

RESCALINGS = ("standardise", "unit")
"""What `rescaled` can make of each feature: mean 0 and standard deviation 1, or from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Observations with multiplicities.

    Parameters
    ----------
    x : ndarray, shape (n, d), float64
        One row an observation (or one row a distinct value, with `counts`).
    counts : ndarray, shape (n,), or None
        How often each row was observed; None means once each. Rows of count zero are left out.
    labels : ndarray, shape (n,), or None
        Known groups, never seen by an estimator.
    columns : tuple of str
        Names of the d features.
    name, source : str
        What it is called, and where it comes from.
    truth : Theta or None
        What the data were drawn from, if they were simulated.
    units : tuple of str
        Unit of each of the d features, "" where it is not known.
    prior : mapping or None
        What the truth itself was drawn from, as `Prior.of` takes it; None where it is fixed.
    rescaling : str
        How the features were rescaled, one of `RESCALINGS`; "" if they were not.

    Raises
    ------
    DataError
        No rows, values that are not finite, counts that are negative or not finite, lengths that differ.
    """

    x: np.ndarray
    counts: np.ndarray | None = None
    labels: np.ndarray | None = None
    columns: tuple[str, ...] = ()
    name: str = "data"
    source: str = ""
    truth: Any = field(default=None, repr=False)
    units: tuple[str, ...] = ()
    prior: Any = field(default=None, repr=False)
    rescaling: str = ""

    def __post_init__(self) -> None:
        x = _numbers(self.x, self.name)
        if x.ndim not in (1, 2):
            raise DataError(
                f"{self.name}: expected an array of shape (n,) or (n, d), got shape {x.shape}"
            )
        x = np.ascontiguousarray(x[:, None] if x.ndim == 1 else x)
        if x.shape[0] == 0 or x.shape[1] == 0:
            raise DataError(f"{self.name}: expected at least one observation, got shape {x.shape}")
        columns = tuple(self.columns) or tuple(
            "x" if x.shape[1] == 1 else f"x{j + 1}" for j in range(x.shape[1])
        )
        if len(columns) != x.shape[1]:
            raise DataError(f"{self.name}: expected {x.shape[1]} column names, got {len(columns)}")
        units = tuple(self.units) or ("",) * x.shape[1]
        if len(units) != x.shape[1]:
            raise DataError(f"{self.name}: expected {x.shape[1]} units, got {len(units)}")
        _require_finite(x, self.name, columns)
        counts, labels = self.counts, self.labels
        if labels is not None:
            labels = np.asarray(labels)
            if labels.shape != (x.shape[0],):
                raise DataError(
                    f"{self.name}: expected {x.shape[0]} labels, got shape {labels.shape}"
                )
        if counts is not None:
            counts = _counts(counts, x.shape[0], self.name)
            if (counts == 0).any():
                keep = counts > 0
                x, counts = np.ascontiguousarray(x[keep]), counts[keep]
                labels = None if labels is None else labels[keep]
        settled = {"x": x, "counts": counts, "labels": labels, "columns": columns, "units": units}
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    @property
    def n_rows(self) -> int:
        """Rows held: the distinct values where there are counts."""
        return self.x.shape[0]

    @property
    def n_features(self) -> int:
        """d."""
        return self.x.shape[1]

    @cached_property
    def n(self) -> float:
        """Number of observations, multiplicities included."""
        return float(self.n_rows if self.counts is None else self.counts.sum())

    @cached_property
    def weights(self) -> np.ndarray:
        """Multiplicities (n,), ones where there are no counts."""
        return np.ones(self.n_rows) if self.counts is None else self.counts

    def part(self, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Observations (m, d) and multiplicities (m,) of some rows, for work in blocks."""
        x = self.x[rows]
        return x, np.ones(len(x)) if self.counts is None else self.counts[rows]

    @cached_property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (divisor n) of each feature (d,), at any scale of the data.

        Exact for a feature that is constant; infinite where differences are.
        """
        mean = np.zeros(self.n_features)
        low, high = self.x[0], self.x[0]
        for rows in blocks(self.n_rows):
            x, counts = self.part(rows)
            mean += counts / self.n @ x
            low, high = np.minimum(low, x.min(axis=0)), np.maximum(high, x.max(axis=0))
        constant = low == high
        mean[constant] = low[constant]
        with np.errstate(over="ignore", invalid="ignore"):
            widest = np.maximum(high - mean, mean - low)
            unit, total = np.where(widest > 0, widest, 1.0), np.zeros(self.n_features)
            for rows in blocks(self.n_rows):
                x, counts = self.part(rows)
                total += counts / self.n @ ((x - mean) / unit) ** 2
            return mean, np.where(np.isfinite(widest), unit * np.sqrt(total), np.inf)

    def total(self, values: np.ndarray) -> Any:
        """sum_i c_i v_i for values (n,) or (n, m)."""
        return values.sum(axis=0) if self.counts is None else self.counts @ values

    @cached_property
    def distinct(self) -> Dataset:
        """The distinct rows in lexicographic order, with counts and without labels."""
        rows, counts = distinct(self.x, self.counts)
        return replace(self, x=rows, counts=counts, labels=None)

    @cached_property
    def compact(self) -> Dataset:
        """The distinct rows where that halves the data or more, else these; any sum over it is the same."""
        found = compress(self.x, self.counts)
        if found is None:
            return self
        return replace(self, x=found[0], counts=found[1], labels=None)

    def count_distinct(self, most: int) -> int:
        """Number of distinct rows, counted no further than `most`; counted once."""
        if most not in self._distinct_found:
            self._distinct_found[most] = count_distinct(self.x, most)
        return self._distinct_found[most]

    @cached_property
    def _distinct_found(self) -> dict[int, int]:
        return {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the observations and counts, first 16 hex digits: which data a stored row saw."""
        content = hashlib.sha256(np.ascontiguousarray(self.x, dtype="<f8").data)
        content.update(str(self.x.shape).encode())
        if self.counts is not None:
            content.update(np.ascontiguousarray(self.counts, dtype="<f8").data)
        return content.hexdigest()[:16]


def rescaled(data: Dataset, how: str) -> Dataset:
    """The data with every feature rescaled, and without units.

    "standardise": (x - mean) / sd, divisor n; "unit": (x - min) / (max - min). DataError for another
    word, or a feature that is constant.
    """
    if how not in RESCALINGS:
        raise DataError(
            f'rescale: expected one of {", ".join(RESCALINGS)}, got "{how}".{nearest(how, RESCALINGS)}'
        )
    low, high = data.x.min(axis=0), data.x.max(axis=0)
    centre, scale = data.moments if how == "standardise" else (low, high - low)
    if (low == high).any():
        name = data.columns[int(np.argmax(low == high))]
        raise DataError(
            f"{data.name}: expected features that vary, got {name}, which is constant: it has no scale"
        )
    return replace(data, x=(data.x - centre) / scale, units=(), rescaling=how)


def as_dataset(data: Any, counts: Any = None, name: str = "data") -> Dataset:
    """A Dataset from a Dataset, a numpy array (n,) or (n, d), a pandas or polars frame or series.

    Raises DataError for anything else, and for everything Dataset refuses.
    """
    if isinstance(data, Dataset):
        if counts is None:
            return data
        return replace(data, counts=counts)
    if isinstance(data, (str, bytes, dict)) or np.isscalar(data) or data is None:
        raise DataError(
            f"{name}: expected a Dataset, an array or a data frame, got {type(data).__name__}"
            + (
                " (use load_dataset for a name, read_csv for a file)"
                if isinstance(data, str)
                else ""
            )
        )
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        return _from_frame(data, counts, name)
    values = data.to_numpy() if hasattr(data, "to_numpy") else data
    return Dataset(values, counts=counts, name=name)


def _from_frame(frame: Any, counts: Any, name: str) -> Dataset:
    """A Dataset from a pandas or polars frame, column by column: each has a type of its own."""
    columns = tuple(str(column) for column in frame.columns)
    twice = [column for column in columns if columns.count(column) > 1]
    if twice:
        raise DataError(
            f"{name}: expected every column name once, got {twice[0]} {columns.count(twice[0])} times. "
            "Rename all but one."
        )
    values = [
        _numbers(frame[key].to_numpy(), f"{name}, column {column}")
        for key, column in zip(frame.columns, columns, strict=True)
    ]
    x = np.stack(values, axis=1) if values else np.empty((len(frame), 0))
    return Dataset(x, counts=counts, columns=columns, name=name)


def _numbers(values: Any, name: str) -> np.ndarray:
    """An array of float64; nan where a value is missing."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{name}: expected a rectangular array of numbers ({error})") from error
    if array.dtype.kind == "O":
        array = _from_objects(array, name)
    if array.dtype.kind not in "biuf":
        what = "complex ones" if array.dtype.kind == "c" else f"values of type {array.dtype}"
        raise DataError(f"{name}: expected real numbers, got {what}")
    with np.errstate(over="ignore"):  # a long double may be too large; that is refused as infinite
        array = np.asarray(array, dtype=float)
    if np.ma.is_masked(values):
        array = np.where(np.ma.getmaskarray(values), np.nan, array)
    return array


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers from an array of Python objects; DataError at the first that is none."""
    out = np.empty(array.shape)
    for at, value in np.ndenumerate(array):
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            out[at] = np.nan if _is_missing(value) else value
        except (TypeError, ValueError, OverflowError) as error:
            where = ", ".join(
                f"{axis} {i + 1}" for axis, i in zip(("row", "column"), at, strict=False)
            )
            raise DataError(
                f"{name}: expected numbers, got {value!r}{f' in {where}' if where else ''}. Convert or "
                "remove it first."
            ) from error
    return out


def _is_missing(value: Any) -> bool:
    """None, or what is not equal to itself; pandas' NA can't say whether it is."""
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True


def _require_finite(x: np.ndarray, name: str, columns: tuple[str, ...]) -> None:
    if all(bool(np.isfinite(x[rows]).all()) for rows in blocks(len(x))):
        return
    row, column = np.argwhere(~np.isfinite(x))[0]
    missing, infinite = int(np.isnan(x).sum()), int(np.isinf(x).sum())
    raise DataError(
        f"{name}: expected finite numbers, got {missing} missing (nan) and {infinite} infinite; the first "
        f"is in row {row + 1}, column {columns[column]}. Remove or impute these rows first."
    )


def _counts(counts: Any, rows: int, name: str) -> np.ndarray:
    counts = _numbers(counts, f"{name}, counts")
    if counts.shape != (rows,):
        raise DataError(f"{name}: expected {rows} counts, one a row, got shape {counts.shape}")
    if not np.isfinite(counts).all() or (counts < 0).any():
        row = int(np.argwhere(~np.isfinite(counts) | (counts < 0))[0, 0])
        raise DataError(
            f"{name}: expected counts that are finite and not negative, got {counts[row]} in row {row + 1}"
        )
    with np.errstate(over="ignore"):
        total = counts.sum()
    if np.isinf(total):
        raise DataError(f"{name}: expected counts with a finite sum, got one beyond 1.8e308")
    if total == 0:
        raise DataError(f"{name}: expected at least one observation, but all counts are zero")
    return counts
