"""The rows of a study as sections need them: related, JSON read, one case a data set and model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.study.asked import by_label
from mixcompare.study.ends import NO_END, parse, parse_theta
from mixcompare.theta import Theta

CASE = ["data", "model"]


@dataclass(frozen=True)
class Case:
    """All fits of one model to one data set of the study, replicates included.

    `rows` are those of `View.rows`; `dataset` is that of the first replicate, None if it is not at hand;
    `model` is None if the study does not say how to make it.
    """

    slug: str
    data: str
    model_name: str
    model: MixtureModel | None
    dataset: Dataset | None
    rows: pd.DataFrame
    n_replicates: int

    @property
    def methods(self) -> list[str]:
        """In the study's order."""
        return list(dict.fromkeys(self.rows["method"]))

    @property
    def samplers(self) -> list[str]:
        """Those of the methods that sample."""
        return list(dict.fromkeys(self.rows["method"][self.rows["sampler"]]))

    @property
    def truth(self) -> Theta | None:
        """What the data were drawn from, if they were simulated."""
        return self.dataset.truth if self.dataset is not None else None

    @property
    def first(self) -> pd.DataFrame:
        """Rows of the first replicate."""
        return self.rows[self.rows["replicate"] == self.rows["replicate"].min()]

    @property
    def best_known(self) -> float | None:
        """Best known value (nats) of the first replicate, if there is one."""
        found = self.first["best_known"].dropna()
        return float(found.max()) if len(found) else None


class View:
    """Reads a `Results` once for all sections; nothing here is fitted or drawn at random."""

    def __init__(self, results: Any) -> None:
        self.results = results
        self.study: dict[str, Any] = dict(results.study or {})

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The fits as `study.ends.relate` relates them, JSON read, and three more columns.

        `end` is the Theta of the end or None; `reference` the best known value of the row's replicate,
        or, where there is none, the highest log-likelihood of an end that is an estimate. `failed`: no
        optimum, or draws that are not sound; not so an end that was not verified.
        """
        rows = self.results.rows.copy()
        for column in _JSON:
            rows[column] = pd.Series([parse(value) for value in rows[column]], dtype=object)
        rows["end"] = pd.Series([parse_theta(value) for value in rows["theta"]], dtype=object)
        estimates = rows["loglik"].where(
            ~rows["finding"].isin(NO_END) & np.isfinite(rows["loglik"])
        )
        highest = estimates.groupby([rows[name] for name in (*CASE, "replicate")]).transform("max")
        rows["failed"] = (rows["sound"] == False) & ~rows["optimum"]  # noqa: E712 - None is not False
        rows["reference"] = rows["best_known"].fillna(highest)
        return rows

    @cached_property
    def cases(self) -> list[Case]:
        """One a data set and model, in the study's order."""
        return list(self._cases())

    def _cases(self) -> Iterator[Case]:
        for (data, model), rows in self.rows.groupby(CASE, sort=False):
            dataset = self.results.dataset(str(data), int(rows["replicate"].min()))
            yield Case(
                slug=slug(f"{data} {model}"),
                data=str(data),
                model_name=str(model),
                model=self.results.model_on(str(model), dataset),
                dataset=dataset,
                rows=rows,
                n_replicates=rows["replicate"].nunique(),
            )

    @cached_property
    def method_names(self) -> dict[str, str]:
        """What each label of a method in the rows stands for, as typed in the study."""
        return {label: block["name"] for label, block in by_label(self.study).items()}

    @cached_property
    def named(self) -> re.Pattern[str]:
        """Finds the names of methods in a text, the longest first."""
        return naming(set(self.rows["method"]))

    def place(self, method: str) -> int:
        """Where a method stands in the study; unknown ones last."""
        order = list(self.method_names)
        return order.index(method) if method in order else len(order)

    def of(self, table: str, case: Case) -> list[dict[str, Any]]:
        """The rows of a table of the results that belong to a case, as mappings."""
        frame = self._table(table)
        if frame.empty:
            return []
        return records(frame[(frame["data"] == case.data) & (frame["model"] == case.model_name)])

    def of_first(self, table: str, case: Case) -> list[dict[str, Any]]:
        """Those of them that are about the first replicate."""
        replicate = case.first["replicate"].min()
        return [row for row in self.of(table, case) if row["replicate"] == replicate]

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            self._tables[name] = getattr(self.results, name)()
        return self._tables[name]

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}

    def trajectory(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Passes and running best log-likelihood of one fit; empty where none was kept."""
        rows = self._trajectories.get(key)
        if rows is None:
            return np.empty(0), np.empty(0)
        return rows["passes"].to_numpy(float), rows["loglik"].to_numpy(float)

    @cached_property
    def _trajectories(self) -> dict[str, pd.DataFrame]:
        return {
            str(key): rows for key, rows in self.results.trajectories.groupby("key", sort=False)
        }


def naming(methods: Iterable[str]) -> re.Pattern[str]:
    """Finds these names in a text, the longest first."""
    names = sorted(methods, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, names)) or '(?!)'})(?![\w\[-])")


def slug(text: str) -> str:
    """Letters, digits and hyphens: a name for files and anchors."""
    kept = "".join(
        letter if letter.isascii() and letter.isalnum() else " " for letter in text.lower()
    )
    return "-".join(kept.split()) or "case"


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as mappings with Python values; missing ones are None."""
    return [
        {str(key): _plain(value) for key, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return value


_JSON = (
    *("wald", "posterior_intervals", "intervals", "prior", "thresholds", "diagnostics"),
    *("flags", "notes", "null_directions", "curvature"),
)
