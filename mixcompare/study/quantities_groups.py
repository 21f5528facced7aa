"""Quantities about known groups and about single ends, for [[expect]] blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mixcompare.study.quantity import CASES, FITS, NoAnswer, Quantity, Selection, entry


def _group(column: str, point: str = "optimum") -> Callable[[Selection], float]:
    """Of the optimum of a `rank` (the best known without), or of another point of `groups.tabulate`."""

    def compute(s: Selection) -> float:
        table = s.one_case(s.pick(s.results.groups(), CASES))
        table = table[table["point"] == point]
        if point == "optimum":
            ranked = "rank" in s.where
            which = (
                table["rank"] == int(s.where["rank"]) if ranked else table["standing"] == "global"
            )
            table = table[which]
        if len(table) != 1:
            raise NoAnswer(f"{len(table)} points beside known groups are selected, expected one")
        return float(table[column].iloc[0])

    return compute


def _end(s: Selection) -> float:
    from mixcompare.study.ends import parse_theta  # loads pandas

    rows = s.one_case(s.fits)
    if "start" in s.where:
        rows = rows[rows["start_index"] == int(s.where["start"])]
    if len(rows) != 1:
        raise NoAnswer(f"{len(rows)} fits are selected, expected one: see where")
    row: Any = rows.iloc[0]
    if s.where["parameter"] in ("loglik", "gap", "passes"):
        return float(row[s.where["parameter"]])
    theta = parse_theta(row["theta"])
    if theta is None:
        raise NoAnswer("there is no estimate")
    return entry(row, theta, s)


def _optimum(s: Selection) -> float:
    lines = s.optima[s.optima["rank"] == int(s.where["rank"])]
    if lines.empty:
        raise NoAnswer(f"there are {len(s.optima)} optima")
    return float(lines["loglik"].iloc[0])


GROUPS = {
    "agreement": Quantity(
        "observations whose most probable component is that of their known group, at the best known optimum "
        "or that of a `rank`",
        (*CASES, "rank"),
        _group("agree"),
    ),
    "adjusted_rand": Quantity("adjusted Rand index of the same", (*CASES, "rank"), _group("rand")),
    "labelled_loglik": Quantity(
        "log-likelihood of the mixture at the known groups' own estimates, nats",
        CASES,
        _group("loglik", "labels"),
    ),
    "optimum_loglik": Quantity(
        "log-likelihood of the distinct optimum of a `rank`, 1 the highest, narrow or not, nats",
        (*CASES, "rank"),
        _optimum,
        ("rank",),
    ),
    "end": Quantity(
        "a parameter of one fit's end, whatever was found of it, or its loglik, gap or passes; `start` "
        "counts from 0",
        (*FITS, "start", "parameter", "component", "index"),
        _end,
        ("parameter",),
    ),
}
