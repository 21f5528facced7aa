"""Reading comma-separated files: either a Dataset, or one sentence about what is wrong and where."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import DataError, nearest

_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "."})

Names = str | Sequence[str]


def read_csv(
    path: str | os.PathLike[str],
    columns: Names | None = None,
    counts: str | None = None,
    labels: Names | None = None,
) -> Dataset:
    """Read a user's own comma-separated file whose first line names the columns.

    Parameters
    ----------
    path : str or path
        The file, in UTF-8. Blank lines are skipped, except inside a file of one column, where
        they are missing values.
    columns : str or sequence of str, optional
        The d columns that hold the observations; all numeric ones if not given, leaving out
        `counts`, `labels` and columns without a name (row numbers). A column counts as numeric if
        most of its cells are numbers, so that a slip in one cell is reported, not skipped.
    counts : str, optional
        The column that says how often each row was observed: whole numbers, not all zero. Rows
        of count zero are left out.
    labels : str or sequence of str, optional
        The column of known groups; several are joined with a hyphen.

    Returns
    -------
    Dataset
        `x` (n, d) in the file's own units, named after the file.

    Raises
    ------
    DataError
        The file cannot be read or is not a table; a column is not there, or named twice; a cell
        is missing, infinite or no number; a count is negative or fractional, or all are zero.
    """
    if not isinstance(path, str | os.PathLike):
        raise DataError(f"expected the path of a csv file, got {type(path).__name__}")
    file = Path(path)
    _require_file(file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = _table(lines, str(file))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: expected a text file in UTF-8, got bytes that are not (at byte {error.start}): "
            "export it as csv, encoding UTF-8"
        ) from error
    except OSError as error:
        raise DataError(
            f"{file}: expected a file that can be read, got: {error.strerror}"
        ) from error
    return _dataset(table, columns, counts, labels, name=file.stem, source=file.name)


def parse_csv(
    lines: Iterable[str],
    where: str,
    columns: Names | None,
    counts: str | None,
    labels: Names | None,
    *,
    name: str,
    source: str,
) -> Dataset:
    """Make a Dataset of the lines of a table; `where` opens every message. Fails as `read_csv` does."""
    return _dataset(_table(lines, where), columns, counts, labels, name=name, source=source)


@dataclass(frozen=True)
class _Table:
    where: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]  # of each row, in the file

    def cells(self, column: str) -> list[str]:
        j = self.header.index(column)
        return [row[j] for row in self.rows]

    def place(self, row: int, column: str) -> str:
        return f'row {row + 1} (line {self.lines[row]}), column "{column}"'


def _require_file(file: Path) -> None:
    if file.is_dir():
        raise DataError(f"{file}: expected a csv file, got a folder: name one file in it")
    if file.exists():
        return
    folder = file.parent
    if not folder.is_dir():
        raise DataError(f'{file}: expected a csv file, but there is no folder "{folder}"')
    hint = nearest(file.name, sorted(other.name for other in folder.iterdir() if other.is_file()))
    raise DataError(f"{file}: expected a csv file, but there is none of this name.{hint}")


def _table(lines: Iterable[str], where: str) -> _Table:
    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    rows, numbers = [], []
    try:
        header = [name.strip() for name in next(reader, [])]
        _require_header(header, where)
        for row in reader:
            rows.append([cell.strip() for cell in row])
            numbers.append(reader.line_num)
    except csv.Error as error:
        raise DataError(
            f"{where}: expected a comma-separated text file, got one that cannot be split into cells "
            f"at line {reader.line_num} ({error}): look at the quotation marks there"
        ) from error
    while rows and not any(rows[-1]) and len(rows[-1]) <= 1:
        del rows[-1], numbers[-1]
    if len(header) == 1:
        rows = [row or [""] for row in rows]
    kept = [(row, line) for row, line in zip(rows, numbers, strict=True) if row]
    for row, line in kept:
        if len(row) != len(header):
            cells = f"{len(header)} cell{'s' if len(header) > 1 else ''}"
            causes = "a missing or extra comma there"
            if len(row) > len(header):  # as R's write.table leaves out the name of the row names
                causes = "an extra or decimal comma there, or a name missing in the header"
            raise DataError(
                f"{where}: expected {cells} in every row, as in the header, got {len(row)} in line "
                f"{line}: look for {causes}"
            )
    if not kept:
        raise DataError(
            f"{where}: expected rows of data below the header, got none: add at least one"
        )
    return _Table(where, header, [row for row, _ in kept], [line for _, line in kept])


def _require_header(header: list[str], where: str) -> None:
    if not any(header):
        raise DataError(
            f"{where}: expected a first line of column names, got an empty one: add a header"
        )
    if any("\0" in name for name in header) or header[0].startswith("PK\x03"):
        raise DataError(f"{where}: expected a text file, got a binary one: export it as csv")
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise DataError(
            f"{where}: expected columns separated by commas, got the header {header[0]!r}: save the "
            "file with commas between columns and decimal points"
        )
    if all(_number(name) is not None for name in header):
        raise DataError(
            f"{where}: expected column names in the first line, got numbers ({', '.join(header)}): "
            "add a line of names at the top"
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataError(
            f'{where}: expected every column name once, got "{twice[0]}" {header.count(twice[0])} '
            "times: rename all but one"
        )


def _dataset(
    table: _Table,
    columns: Names | None,
    counts: str | None,
    labels: Names | None,
    *,
    name: str,
    source: str,
) -> Dataset:
    groups = _names(table, labels, "labels") if labels is not None else []
    multiplicity = _names(table, counts, "counts") if counts is not None else []
    if len(multiplicity) > 1:
        raise DataError(
            f"{table.where}: expected one column of counts, got {_listed(multiplicity)}"
        )
    if columns is None:
        chosen = _numeric_columns(table, leave_out={*groups, *multiplicity})
    else:
        chosen = _names(table, columns, "columns")
    for column in (*chosen, *groups):
        if column in multiplicity:
            raise DataError(
                f'{table.where}: expected the counts in a column of their own, got "{column}" '
                "asked for as something else too: name it once"
            )
    return Dataset(
        x=np.column_stack([_numbers(table, column) for column in chosen]),
        counts=_counts(table, multiplicity[0]) if multiplicity else None,
        labels=_labels(table, groups) if groups else None,
        columns=tuple(chosen),
        name=name,
        source=source,
    )


def _names(table: _Table, wanted: Names, what: str) -> list[str]:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    options = [name for name in table.header if name]
    if not names:
        raise DataError(
            f"{table.where}, {what}: expected at least one column name, got none: "
            f"the file has {_listed(options)}"
        )
    for name in names:
        if not isinstance(name, str) or name not in options:
            hint = nearest(name, options) if isinstance(name, str) else ""
            raise DataError(
                f"{table.where}, {what}: expected columns of this file ({_listed(options)}), got "
                f"{name!r}.{hint}"
            )
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(
            f'{table.where}, {what}: expected every column once, got "{twice[0]}" {len(twice)} times: '
            "name it once"
        )
    return names


def _numeric_columns(table: _Table, leave_out: set[str]) -> list[str]:
    candidates = [name for name in table.header if name and name not in leave_out]
    numeric = [name for name in candidates if _is_numeric(table.cells(name))]
    if not numeric:
        raise DataError(
            f"{table.where}: expected at least one column of numbers, got none among "
            f"{_listed(candidates) or 'the columns left'}: give numbers with a decimal point, one in "
            "a cell"
        )
    return numeric


def _is_numeric(cells: list[str]) -> bool:
    present = [_number(cell) for cell in cells if cell.lower() not in _MISSING]
    return sum(value is not None for value in present) > len(present) / 2


def _number(cell: str) -> float | None:
    """The number in a cell, nan if it is missing, None if it holds something else."""
    if cell.lower() in _MISSING:
        return math.nan
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _numbers(table: _Table, column: str) -> np.ndarray:
    cells = table.cells(column)
    values = [_number(cell) for cell in cells]
    foreign = [i for i, value in enumerate(values) if value is None]
    if foreign:
        raise DataError(
            f"{table.where}: expected numbers, got {cells[foreign[0]]!r} in "
            f"{table.place(foreign[0], column)}{_more(foreign, cells)}: correct the file, or name the "
            "columns to use"
        )
    array = np.array(values, dtype=np.float64)
    missing = np.flatnonzero(np.isnan(array)).tolist()
    if missing:
        raise DataError(
            f"{table.where}: expected a number in every row, got {len(missing)} missing of "
            f'{len(cells)} in column "{column}", the first in {table.place(missing[0], column)}: '
            "remove these rows or fill them in, or name the columns to use"
        )
    infinite = np.flatnonzero(np.isinf(array)).tolist()
    if infinite:
        raise DataError(
            f"{table.where}: expected finite numbers, got {cells[infinite[0]]!r} in "
            f"{table.place(infinite[0], column)}{_more(infinite, cells)}: correct or remove these rows"
        )
    return array


def _counts(table: _Table, column: str) -> np.ndarray:
    values = _numbers(table, column)
    for wrong, what in ((values < 0, "negative"), (values != np.floor(values), "fractional")):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise DataError(
                f"{table.where}: expected counts that are whole numbers from 0 up, got the {what} "
                f"{table.cells(column)[row]} in {table.place(row, column)}: correct it, or name "
                "another column of counts"
            )
    if not values.any():
        raise DataError(
            f'{table.where}: expected at least one observation, got only zeros in column "{column}": '
            "correct them, or leave the counts away if each row is one observation"
        )
    return values


def _labels(table: _Table, columns: list[str]) -> np.ndarray:
    for column in columns:
        cells = table.cells(column)
        missing = [i for i, cell in enumerate(cells) if cell.lower() in _MISSING]
        if missing:
            raise DataError(
                f"{table.where}: expected a label in every row, got {len(missing)} missing of "
                f"{len(cells)}, the first in {table.place(missing[0], column)}: fill them in, or read "
                "the file without labels"
            )
    return np.array(
        ["-".join(parts) for parts in zip(*map(table.cells, columns), strict=True)], dtype=np.str_
    )


def _more(rows: list[int], cells: list[str]) -> str:
    return "" if len(rows) == 1 else f" ({len(rows)} such of {len(cells)} rows)"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"
