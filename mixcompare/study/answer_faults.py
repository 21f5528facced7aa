"""Contestants that are wrong on purpose: what each does wrong, where it ended and what it said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mixcompare.study import contests, words
from mixcompare.study.case import Case
from mixcompare.study.ends import parse
from mixcompare.study.words import quoted

PRINTED = 1e-3
"""Nats by which what a method printed may differ from the log-likelihood of its end."""


def faults(rows: pd.DataFrame) -> pd.Series:
    """What the method of each row does wrong on purpose, "" for all others."""
    if "fault" not in rows:
        return pd.Series("", index=rows.index)
    return rows["fault"].map(lambda fault: fault if isinstance(fault, str) else "")


def tell(results: Any) -> Iterator[str]:
    """One sentence for each such method."""
    rows = results.rows.assign(fault=faults(results.rows))
    wrong = rows[rows["fault"] != ""]
    for method, fits in wrong.groupby("method", sort=False):
        cases = list(fits.groupby(["data", "model"], sort=False))
        parts = []
        for (data, model), mine in cases:
            name = Case(results, str(data), str(model), mine).name
            where = f"{name}: " if rows["data"].nunique() > 1 or len(cases) > 1 else ""
            parts.append(f"{where}{_one(mine.iloc[0]) if len(mine) == 1 else _many(mine)}")
        text = "; ".join(parts)
        yield (
            f"{quoted(str(method))} is wrong on purpose: {_clause(fits)}. {text[:1].upper()}{text[1:]}."
        )


def ended(results: Any) -> str:
    """Where the first fit of the first of them ended, in one clause; "" without any."""
    rows = results.rows
    wrong = rows[faults(rows) != ""]
    if wrong.empty:
        return ""
    row = wrong.iloc[0]
    return f"{quoted(str(row['method']))} ended {_place(row)}{_below(row)}"


def _clause(fits: pd.DataFrame) -> str:
    """The fault as a clause; a first word that is no name or abbreviation loses its capital."""
    text = str(fits["fault"].iloc[0]).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _one(row: Any) -> str:
    parts = [f"it ended {_place(row)}{_below(row)}"]
    if row["claimed"] is not None:
        borne = row["sound"] is not None and row["claimed"] != row["sound"]
        said = "that it had succeeded" if row["claimed"] else "that it had failed"
        parts.append(f"said{', wrongly,' if borne else ''} {said}")
    parts += _printed(row)
    return ", and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _place(row: Any) -> str:
    return _PLACES.get(row["finding"]) or contests.place(row)


def _below(row: Any) -> str:
    """Nats below the best known optimum, where that can be said."""
    if row["reached"] or pd.isna(row["gap"]) or row["gap"] <= 0:
        return ""
    return f", {words.gap(float(row['gap']))} nats below the best known optimum"


def _printed(row: Any) -> Iterator[str]:
    """That its own last number is not the log-likelihood of its end, if so."""
    values = parse(row.get("said_values")) or []
    if values and pd.notna(row["loglik"]) and abs(values[-1] - row["loglik"]) > PRINTED:
        yield (
            f"printed {values[-1]:.3f} where the log-likelihood of its end is {words.nats(row['loglik'])}"
        )


def _many(fits: pd.DataFrame) -> str:
    hits, n = int(fits["reached"].eq(True).sum()), len(fits)
    text = f"{words.of(hits, n)} fits ended at the best known optimum"
    missed = fits[~fits["reached"].eq(True)]
    if len(missed):
        text += f" ({contests.places(missed)})"
    claimed = int(fits["claimed"].eq(True).sum())
    return f"{text}, and success was claimed {words.times(claimed)}" if claimed else text


_PLACES = {"": "where nothing was verified", "not_stationary": "at no optimum (not stationary)"}
"""Where a single fit ended, where `contests.place` is not a place."""
