"""All fits of one model to one data set, as sentences speak of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mixcompare.study import words
from mixcompare.study.ends import parse


class Case:
    """Fits of one model to one data set, replicates included.

    Parameters
    ----------
    results : Results
    data, model : str
    rows : DataFrame
        Those of `results.rows` that belong here.
    """

    def __init__(self, results: Any, data: str, model: str, rows: pd.DataFrame) -> None:
        self.results, self.data, self.model, self.rows = results, data, model, rows
        alone = results.rows.loc[results.rows["data"] == data, "model"].nunique() == 1
        self.name = data if alone else f"{data} ({model})"
        self.points = rows[~rows["sampler"]]
        self.draws = rows[rows["sampler"]]
        self.replicates = int(rows["replicate"].nunique())

    def pick(self, table: pd.DataFrame) -> pd.DataFrame:
        """The lines of a table that belong here."""
        return table[(table["data"] == self.data) & (table["model"] == self.model)]

    @property
    def optima(self) -> pd.DataFrame:
        """Distinct optima on all replicates."""
        return self.pick(self.results.optima())

    @property
    def verified(self) -> bool:
        """Whether any point estimate was verified at all."""
        return bool((self.points["finding"] != "").any())

    @property
    def best_row(self) -> Any:
        """The fit behind the best known value of the first replicate that has one, or None."""
        rows = self.points[
            self.points["optimum"] & ~self.points["narrow"] & self.points["value"].notna()
        ]
        if rows.empty:
            return None
        first = rows[rows["replicate"] == rows["replicate"].min()]
        return first.sort_values("value", ascending=False, kind="stable").iloc[0]

    @property
    def directions(self) -> str:
        """Along what the likelihood is flat at the best known optimum, in words."""
        names = self._named("null_directions")
        return (
            f"{words.number_of(len(names), 'direction')} ({'; '.join(names)})"
            if names
            else "some direction"
        )

    @property
    def edges(self) -> str:
        """Which coordinates of the best known optimum are at the edge, in brackets; "" if not known."""
        names = self._named("edges")
        return f" ({words.listed(names)})" if names else ""

    def _named(self, column: str) -> list[str]:
        row = self.best_row
        if row is None:
            return []
        same = self.points[
            self.points["optimum"]
            & (self.points["replicate"] == row["replicate"])
            & (row["value"] - self.points["value"] <= 1e-4)
        ]
        return next((names for names in map(parse, [row[column], *same[column]]) if names), [])
