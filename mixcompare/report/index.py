"""The index of a folder of reports: one entry a study, and every expectation of all of them in one table."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mixcompare.errors import StoreError
from mixcompare.report import summary
from mixcompare.report.rendering import environment, tidy, write
from mixcompare.report.summary import Expected, Summary
from mixcompare.report.tables import Column, Table, number, text, typeset
from mixcompare.report.view import naming
from mixcompare.report.words import finding
from mixcompare.study import words

BROKEN = "not reproduced"


@dataclass(frozen=True)
class Entry:
    """A report in the folder; `summary` is None where it was written without one."""

    name: str
    summary: Summary | None
    figure: str

    @property
    def title(self) -> str:
        """The study's title, else the name of its folder."""
        return self.summary.title if self.summary else self.name


@dataclass(frozen=True)
class Index:
    """What was written: the main page, the entries, and expectations in the order of their studies."""

    page: Path
    entries: Sequence[Entry]
    rows: Sequence[dict[str, Any]]

    def count(self, status: str) -> int:
        """How many expectations have a status."""
        return sum(row["status"] == status for row in self.rows)

    @property
    def tally(self) -> str:
        """For example "All 24 expected numbers were reproduced."."""
        return tally(self.rows) or "No study states an expectation."

    @property
    def broken(self) -> Table:
        """What was not reproduced, of all studies."""
        rows = [row for row in self.rows if row["status"] == BROKEN]
        return Table("not-reproduced", "", _COLUMNS, rows)

    def tables(self) -> list[tuple[Entry, str, Table]]:
        """Each study that states expectations: how many were reproduced, and the table of them."""
        columns = [column for column in _COLUMNS if column.key != "study"]
        made = []
        for i, entry in enumerate(self.entries, 1):
            rows = [row for row in self.rows if row["study"] == entry.name]
            if rows:
                made.append((entry, tally(rows), Table(f"study-{i}", "", columns, rows)))
        return made


def tally(rows: Sequence[dict[str, Any]]) -> str:
    """How many of some expectations were reproduced, were not, and cannot be told; "" without any."""
    n = len(rows)
    count = Counter(row["status"] for row in rows)
    good, broken = count["reproduced"], count[BROKEN]
    if not n:
        return ""
    if n == 1:
        verb = (
            "was"
            if good
            else "was not"
            if broken
            else "cannot be checked at quick size, so was not"
        )
        return f"The one expected number {verb} reproduced."
    parts = [f"{words.of(good, n)} expected numbers were reproduced"]
    if broken:
        parts.append(f"{broken:,} {'was' if broken == 1 else 'were'} not")
    if unchecked := n - good - broken:
        parts.append(f"{unchecked:,} cannot be checked at quick size")
    text = words.listed(parts)
    return f"{text[:1].upper()}{text[1:]}."


def write_index(folder: str | Path) -> Index:
    """Write `README.md` and `index.html` into a folder of reports, from the `summary.json` of each.

    Raises StoreError where the folder is not there, holds no report, or one of the summaries is none.
    """
    folder = Path(folder)
    entries = _entries(folder)
    rows = [
        _row(entry, expected)
        for entry in entries
        for expected in (entry.summary.expectations if entry.summary else ())
    ]
    index = Index(folder / "index.html", entries, rows)
    for name, template in (("index.html", "index.html.j2"), ("README.md", "index.md.j2")):
        write(folder / name, _render(template, index))
    return index


def _entries(folder: Path) -> list[Entry]:
    if not folder.is_dir():
        raise StoreError(
            f"{folder}: expected a folder of reports, got "
            f"{'a file' if folder.exists() else 'nothing there'}: name the folder that holds them"
        )
    made = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        if (place / summary.FILE).is_file():
            found = summary.read(place / summary.FILE)
            drawn = place / "figures" / f"{found.figure}.svg"
            made.append(Entry(place.name, found, drawn.name if drawn.is_file() else ""))
        elif (place / "report.html").is_file():
            made.append(Entry(place.name, None, ""))
    if not any(entry.summary for entry in made):
        raise StoreError(
            f"{folder}: expected folders with a {summary.FILE} in them, got none: write the reports there "
            "first (mixcompare run, or mixcompare report)"
        )
    return made


def _row(entry: Entry, expected: Expected) -> dict[str, Any]:
    """A line of the table of expectations."""
    return {
        "study": entry.name,
        "quantity": expected.quantity.replace("_", " "),
        "where": _where(expected.where),
        "expected": _plain(expected.expected),
        "found": _plain(expected.found),
        "status": expected.status,
        "source": expected.source,
        "note": expected.note,
    }


def _where(where: dict[str, Any]) -> str:
    """In words: names of data, models and methods alone, everything else after its key."""
    alone = ("data", "model", "method")
    parts = [
        text(value) if key in alone else f"{key.replace('_', ' ')} {text(value)}"
        for key, value in where.items()
    ]
    return "; ".join(parts)


def _plain(value: Any) -> Any:
    """The name of a finding in words; all else as it is."""
    return finding(value) if isinstance(value, str) else value


def _found(value: Any, note: str | None = None) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(9)(value)
    return typeset(note if value is None else value)


def _render(template: str, index: Index) -> str:
    meanings = {
        name.replace("_", " "): meaning
        for entry in index.entries
        if entry.summary
        for name, meaning in entry.summary.quantities.items()
    }
    methods = {name for entry in index.entries if entry.summary for name in entry.summary.methods}
    made = environment(template, naming(methods))
    page = made.get_template(template).render(
        index=index,
        number_of=words.number_of,
        picture=partial(_picture, index.page.parent),
        meanings=sorted(meanings.items()),
    )
    return tidy(page)


def _picture(folder: Path, entry: Entry) -> str:
    """The figure of an entry as a data URI, so that the page stands alone and no ids meet."""
    drawn = (folder / entry.name / "figures" / entry.figure).read_bytes()
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"


_COLUMNS = (
    Column("status", "outcome", text, number=False, badge=True),
    Column("study", "study", text, number=False),
    Column("quantity", "quantity", text, number=False),
    Column("where", "where", text, number=False),
    Column("expected", "expected", typeset),
    Column("found", "found", _found, beside=("note",)),
    Column("source", "checked against", text, number=False),
)
