"""Dataset, and the one place where what a user hands over becomes one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mixcompare.distinct import compress, count_distinct, distinct
from mixcompare.errors import DataError


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

    def __post_init__(self) -> None:
        x = np.ascontiguousarray(_numbers(self.x, self.name), dtype=float)
        if x.ndim == 1:
            x = x[:, None]
        if x.ndim != 2:
            raise DataError(
                f"{self.name}: expected an array of shape (n,) or (n, d), got shape {x.shape}"
            )
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
        """Number of distinct rows, counted no further than `most`."""
        return count_distinct(self.x, most)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the observations and counts, first 16 hex digits: which data a stored row saw."""
        content = hashlib.sha256(np.ascontiguousarray(self.x, dtype="<f8").data)
        content.update(str(self.x.shape).encode())
        if self.counts is not None:
            content.update(np.ascontiguousarray(self.counts, dtype="<f8").data)
        return content.hexdigest()[:16]


def as_dataset(data: Any, counts: Any = None, name: str = "data") -> Dataset:
    """A Dataset from a Dataset, a numpy array (n,) or (n, d), a pandas or polars frame or series.

    Raises DataError for anything else, and for everything Dataset refuses.
    """
    if isinstance(data, Dataset):
        if counts is None:
            return data
        return replace(data, counts=counts)
    columns: tuple[str, ...] = ()
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
        columns = tuple(str(column) for column in data.columns)
        for column in columns:
            _numbers(np.asarray(data[column].to_numpy()), f"{name}, column {column}")
    values = data.to_numpy() if hasattr(data, "to_numpy") else data
    return Dataset(values, counts=counts, columns=columns, name=name)


def _numbers(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{name}: expected a rectangular array of numbers ({error})") from error
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind == "c":
        raise DataError(f"{name}: expected real numbers, got complex ones")
    if array.dtype.kind == "O":
        try:
            return array.astype(float)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{name}: expected numbers, got a value that is none ({error})"
            ) from error
    raise DataError(f"{name}: expected numbers, got values of type {array.dtype}")


def _require_finite(x: np.ndarray, name: str, columns: tuple[str, ...]) -> None:
    finite = np.isfinite(x)
    if finite.all():
        return
    row, column = np.argwhere(~finite)[0]
    missing, infinite = int(np.isnan(x).sum()), int(np.isinf(x).sum())
    raise DataError(
        f"{name}: expected finite numbers, got {missing} missing (nan) and {infinite} infinite; the first "
        f"is in row {row + 1}, column {columns[column]}. Remove or impute these rows first."
    )


def _counts(counts: Any, rows: int, name: str) -> np.ndarray:
    counts = _numbers(counts, f"{name}, counts").astype(float)
    if counts.shape != (rows,):
        raise DataError(f"{name}: expected {rows} counts, one a row, got shape {counts.shape}")
    if not np.isfinite(counts).all() or (counts < 0).any():
        row = int(np.argwhere(~np.isfinite(counts) | (counts < 0))[0, 0])
        raise DataError(
            f"{name}: expected counts that are finite and not negative, got {counts[row]} in row {row + 1}"
        )
    if counts.sum() == 0:
        raise DataError(f"{name}: expected at least one observation, but all counts are zero")
    return counts
