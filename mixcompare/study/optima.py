"""The distinct optima that were found: verified ends grouped by log-likelihood and fitted density."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.mixture import MixtureModel
from mixcompare.study.ends import CASE, each, parse_theta
from mixcompare.theta import Theta

SAME_LOGLIK = 1e-4
"""Nats of total log-likelihood within which two ends may be one optimum."""

SAME_DENSITY = 1e-3
"""Nats of log-density within which two ends must agree at every observation to be one optimum."""

OPTIMA_COLUMNS = [
    *CASE,
    "rank",
    *("finding", "standing", "narrow", "loglik", "gap", "starts_reaching", "methods", "theta"),
]

LogDensity = Callable[[Any, Theta], np.ndarray | None]


def find_optima(rows: pd.DataFrame, log_density: LogDensity) -> tuple[pd.DataFrame, pd.Series]:
    """One line a distinct optimum, the best first, for each data set, replicate and model.

    And, for each row, the rank of the optimum at which it ended, 0 where it ended at none.

    Parameters
    ----------
    rows : DataFrame
        Of `relate`.
    log_density : callable(row, theta) -> (n,) nats at the data that the row saw, or None
        None (the data are not at hand) leaves the log-likelihood alone to decide.

    Returns
    -------
    DataFrame, Series
        data, replicate, model; `rank` (1 is the highest, narrow or not), `finding` (the most frequent
        among its ends), `standing` ("global" for the best that is not narrow: best known, never proved;
        else "local"), `narrow`, `loglik` (polished, nats), `gap` (nats below the best known; nan if there
        is none), `starts_reaching` (distinct starts that led there by any method), `methods` (name ->
        number of fits), `theta` (a Theta).
    """
    lines = []
    ranks = pd.Series(0, index=rows.index)
    ends = rows.loc[rows["optimum"] & rows["value"].notna(), _READ]
    for case, part in ends.groupby(CASE, sort=False):
        groups = _groups(part, log_density)
        best = next((group for group in groups if not group.narrow), None)
        for rank, group in enumerate(groups, 1):
            ranks[[row.Index for row in group.rows]] = rank
            lines.append(
                (
                    *case,
                    rank,
                    group.finding,
                    "global" if group is best else "local",
                    group.narrow,
                    group.loglik,
                    best.loglik - group.loglik if best else np.nan,
                    len({(row.start_scheme, row.start_index) for row in group.rows}),
                    dict(
                        Counter(row.method for row in sorted(group.rows, key=lambda row: row.Index))
                    ),
                    group.theta,
                )
            )
    table = pd.DataFrame(index=range(len(lines)))
    for k, name in enumerate(OPTIMA_COLUMNS):
        objects = name in ("methods", "theta")  # mappings, which pandas would take apart
        table[name] = _column([line[k] for line in lines], objects)
    return table, ranks


_READ = [
    *(*CASE, "method", "start_scheme", "start_index"),
    *("finding", "narrow", "value", "theta", "polished"),
]
"""Columns of an end that are looked at: to sort out all the others takes long."""


def models_of(study: dict[str, Any]) -> dict[str, MixtureModel]:
    """The models of a study by name, as its [[model]] blocks write them."""
    models = [
        MixtureModel(block["family"], int(K), **block.get("options", {}))
        for block in study.get("model", [])
        for K in np.atleast_1d(block["n_components"])
    ]
    return {model.name: model for model in models}


def same_density(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two fitted log-densities (n,) agree at every observation, to `SAME_DENSITY` nats."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(one - other)
    return bool((np.nan_to_num(difference, nan=0.0) <= SAME_DENSITY).all())  # nan: -inf in both


@dataclass
class _Group:
    """Ends that are one optimum; the first is the best of them and stands for all."""

    theta: Theta
    density: np.ndarray | None
    rows: list[Any] = field(default_factory=list)

    def holds(self, loglik: float, density: np.ndarray | None) -> bool:
        if self.loglik - loglik > SAME_LOGLIK:
            return False
        if density is None or self.density is None:
            return True
        return same_density(self.density, density)

    @property
    def loglik(self) -> float:
        """Of the best that counts: a ridge may hold narrow ends beside others."""
        return max(
            (row.value for row in self.rows if self.narrow or not row.narrow), default=np.nan
        )

    @property
    def narrow(self) -> bool:
        return all(row.narrow for row in self.rows)

    @property
    def finding(self) -> str:
        return Counter(row.finding for row in self.rows).most_common(1)[0][0]


def _groups(part: pd.DataFrame, log_density: LogDensity) -> list[_Group]:
    groups: list[_Group] = []
    densities: dict[str, tuple[Theta | None, np.ndarray | None]] = {}
    for row in each(part.sort_values("value", ascending=False, kind="stable")):
        cell = row.polished if isinstance(row.polished, (str, dict, Theta)) else row.theta
        text = str(cell)  # equal ends are evaluated once
        if text not in densities:
            theta = parse_theta(cell)
            densities[text] = (theta, None if theta is None else log_density(row, theta))
        theta, density = densities[text]
        if theta is None:
            continue
        group = next((group for group in groups if group.holds(row.value, density)), None)
        if group is None:
            group = _Group(theta, density)
            groups.append(group)
        group.rows.append(row)
    return groups


def _column(values: list[Any], objects: bool) -> Any:
    if not objects:
        return values
    column = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        column[k] = value
    return column
