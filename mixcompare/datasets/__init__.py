"""The data sets that come with mixcompare: one csv file and one entry in catalogue.toml each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from mixcompare.data import Dataset
from mixcompare.datasets.csv import Names, parse_csv, read_csv
from mixcompare.errors import DataError, nearest

__all__ = ["Entry", "available", "catalogue", "load_dataset", "read_csv"]


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of one data set.

    `n` counts observations, multiplicities included; `units` maps every column of the file to its
    unit or meaning ("" if the source states none); `observations` are the columns loaded by
    default; `status` says what the figures are and the licence of the collection they come from.
    """

    title: str
    n: int
    units: Mapping[str, str]
    observations: tuple[str, ...]
    source: str
    status: str
    labels: tuple[str, ...] = ()
    counts: str | None = None
    note: str = ""


def load_dataset(name: str, columns: Names | None = None) -> Dataset:
    """Load a data set that comes with mixcompare.

    Parameters
    ----------
    name : str
        One of `available()`.
    columns : str or sequence of str, optional
        The d columns to take as observations, in this order; those of the catalogue if not given.

    Returns
    -------
    Dataset
        `x` (n, d) in `units`, those of the catalogue, with counts and labels where the
        file has them.

    Raises
    ------
    DataError
        There is no data set of this name, or no such numeric column in it.
    """
    entry = _entry(name)
    text = _folder().joinpath("files", f"{name}.csv").read_text(encoding="utf-8")
    data = parse_csv(
        text.splitlines(keepends=True),
        f'data set "{name}"',
        entry.observations if columns is None else columns,
        entry.counts,
        entry.labels or None,
        name=name,
        source=entry.source,
    )
    return replace(data, units=tuple(entry.units[column] for column in data.columns))


def available() -> list[str]:
    """Names of the data sets that `load_dataset` knows, in alphabetical order."""
    return sorted(catalogue())


@cache
def catalogue() -> Mapping[str, Entry]:
    """All data sets, by name: title, size, columns with units, source and standing."""
    entries = tomllib.loads(_folder().joinpath("catalogue.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: _as_entry(entry) for name, entry in entries.items()})


def _as_entry(entry: dict) -> Entry:
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    return Entry(**{**entry, **lists, "units": MappingProxyType(entry["units"])})


def _entry(name: str) -> Entry:
    if isinstance(name, str) and name in catalogue():
        return catalogue()[name]
    if isinstance(name, str) and name.lower().endswith(".csv"):
        raise DataError(f"expected the name of a data set, got the file {name!r}: use read_csv")
    hint = nearest(name, available()) if isinstance(name, str) else ""
    raise DataError(
        f"expected the name of a data set that comes with mixcompare, got {name!r}.{hint} "
        'All names: "mixcompare list datasets".'
    )


def _folder() -> Traversable:
    return files("mixcompare.datasets")
