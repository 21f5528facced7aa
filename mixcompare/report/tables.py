"""A table once, printed four ways: HTML cells, Markdown, CSV at full precision, booktabs LaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from tabulate import tabulate

from mixcompare.report import words


@dataclass(frozen=True)
class Column:
    """One column: its key in the rows, its heading, how a value is printed, and whether it is a number.

    `beside` names more keys whose values `show` takes after the first, for cells such as "18 of 20".
    `badge` marks a column of findings, or counts of findings, shown as coloured words in HTML; `alarm`
    one whose values above zero are to be noticed.
    """

    key: str
    heading: str
    show: Callable[..., str]
    number: bool = True
    badge: bool = False
    alarm: bool = False
    beside: tuple[str, ...] = ()

    def print(self, row: Mapping[str, Any]) -> str:
        """The cell of a row."""
        return self.show(*(row.get(key) for key in (self.key, *self.beside)))


@dataclass(frozen=True)
class Table:
    """A named table with a caption that says what it shows; `rows` hold raw values by column key."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]

    def cells(self) -> list[list[str]]:
        """What is printed, row by row."""
        return [[column.print(row) for column in self.columns] for row in self.rows]

    def badges(self, row: int, column: int) -> list[tuple[str, str]]:
        """(finding, printed words) for each finding of a cell in a badge column."""
        value = self.rows[row].get(self.columns[column].key)
        return [(name, f"{words.finding(name)} {count}".strip()) for name, count in counts(value)]

    def alarms(self, row: int, column: int) -> bool:
        """Whether a cell is to be noticed."""
        one = self.columns[column]
        return one.alarm and (self.rows[row].get(one.key) or 0) > 0

    def markdown(self) -> str:
        """A pipe table."""
        align = ["right" if column.number else "left" for column in self.columns]
        body = [[cell.replace("|", "\\|") for cell in row] for row in self.cells()]
        return tabulate(body, self.headings, tablefmt="pipe", colalign=align, disable_numparse=True)

    def csv(self) -> str:
        """Raw values at full precision under their keys; lists and mappings as in the store."""
        keys = list(
            dict.fromkeys(key for column in self.columns for key in (column.key, *column.beside))
        )
        frame = pd.DataFrame(
            [[_raw(row.get(key)) for key in keys] for row in self.rows], columns=keys
        )
        text: str = frame.to_csv(index=False, lineterminator="\n")
        return text

    def tex(self) -> str:
        """A booktabs table with its text escaped; needs the package booktabs."""
        spec = "".join("r" if column.number else "l" for column in self.columns)
        lines = [" & ".join(map(_tex, row)) + r" \\" for row in [self.headings, *self.cells()]]
        body = [r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{_tex(self.caption)}}}",
                rf"\label{{tab:{self.name}}}",
                rf"\begin{{tabular}}{{{spec}}}",
                *body,
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )

    @property
    def headings(self) -> list[str]:
        """Column headings."""
        return [column.heading for column in self.columns]


# -- how values are printed -----------------------------------------------------------------------


def text(value: Any) -> str:
    """Words; lists joined, nothing for a missing value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_nested(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(text(inner) for inner in value)
    return "" if _missing(value) else str(value)


def findings(value: Any) -> str:
    """One finding, or counts of findings, in words: "not stationary 2, maximum 18"."""
    return ", ".join(f"{words.finding(name)} {count}".strip() for name, count in counts(value))


def counts(value: Any) -> list[tuple[str, str]]:
    """(finding, number) of a text such as "saddle 2, maximum 18"; no number where there is none."""
    found = []
    for part in text(value).split(", "):
        name, _, count = part.rpartition(" ")
        found.append((name, count) if count.isdigit() else (part, ""))
    return [(words.named(name), count) for name, count in found if name]


def share(part: Any, total: Any) -> str:
    """For example 18 of 20; a dash for none of none."""
    if _missing(part):
        return ""
    return f"{whole(part)} of {whole(total)}" if total else "–"


def with_error(estimate: Any, mcse: Any = None) -> str:
    """An estimate ± its Monte Carlo standard error, to two digits of the error."""
    if _missing(estimate):
        return ""
    if _missing(mcse):
        return number(3)(estimate)
    rounded = float(f"{mcse:.1e}")
    decimals = min(max(1 - math.floor(math.log10(rounded)), 0), 7) if rounded > 0 else 2
    return f"{fixed(decimals)(estimate)} ± {fixed(decimals)(mcse)}"


def with_interval(estimate: Any, lower: Any = None, upper: Any = None) -> str:
    """An estimate and its interval to two decimals: 0.10 (0.03–0.28)."""
    if _missing(estimate):
        return ""
    if _missing(lower) or _missing(upper):
        return fixed(2)(estimate)
    return f"{fixed(2)(estimate)} ({fixed(2)(lower)}–{fixed(2)(upper)})"


def whole(value: Any) -> str:
    """A whole number, thousands apart."""
    return "" if _missing(value) else f"{value:,.0f}"


def number(digits: int = 4) -> Callable[[Any], str]:
    """So many significant digits, no exponent between 1e-4 and 1e6."""

    def show(value: Any) -> str:
        if _missing(value):
            return ""
        if not math.isfinite(value):
            return "∞" if value > 0 else "−∞"
        if value and not 1e-4 <= abs(value) < 1e6:
            mantissa, exponent = f"{value:.{min(digits, 3) - 1}e}".split("e")
            return f"{_minus(mantissa)}e{_minus(str(int(exponent)))}"
        return _minus(f"{value:.{digits}g}")

    return show


def fixed(decimals: int) -> Callable[[Any], str]:
    """So many decimals."""

    def show(value: Any) -> str:
        if _missing(value):
            return ""
        return _minus(f"{value:.{decimals}f}") if math.isfinite(value) else number()(value)

    return show


def nats(value: Any) -> str:
    """A gap in nats: what is below the verifier's resolution is printed as a bound."""
    if _missing(value):
        return ""
    if value == 0:
        return "0"
    return "< 1e−4" if abs(value) < 1e-4 else number(3)(value)


def _nested(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({text(value)})"
    return f"[{text(value)}]" if isinstance(value, (list, tuple)) else text(value)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def typeset(value: Any) -> str:
    """Words with a true minus before numbers: "-1.5", "1e-06" become "−1.5", "1e−6"; hyphens stay."""
    return re.sub(r"(?<![\w.)\]-])-(?=\d)|(?<=\de)-0*(?=\d)", "−", text(value))


def _minus(digits: str) -> str:
    return digits.replace("-", "−")


def _raw(value: Any) -> Any:
    if isinstance(value, (Mapping, list, tuple)):
        return text(value)
    return None if _missing(value) else value


_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "[": "{[}",  # after \\ a bracket would be read as an optional argument
    "]": "{]}",
    "−": "$-$",
    "±": r"$\pm$",
    "≤": r"$\le$",
    "×": r"$\times$",
    "∞": r"$\infty$",
    "…": r"\dots{}",
    "–": "--",
}


def _tex(words_: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in words_).replace("\n", " ")
