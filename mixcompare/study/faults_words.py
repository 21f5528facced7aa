"""Methods that are wrong on purpose, as sentences: what they do, and where that led."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mixcompare.study import words
from mixcompare.study.ends import parse

FAR = 1e-6
"""Share of a log-likelihood by which a printed value may miss it, as cut digits may do."""


def tell(rows: pd.DataFrame) -> Iterator[str]:
    """A paragraph a method: what it does wrong, where its first fit to each data set led, what it printed."""
    for method, fits in rows[rows["fault"] != ""].groupby("method", sort=False):
        fault = str(fits["fault"].iloc[0]).removesuffix(".")
        first = [row for _, row in fits.drop_duplicates(["data", "model"]).iterrows()]
        ends = words.listed([_ended(row) for row in first])
        told = f"{method} is wrong on purpose: {fault[:1].lower()}{fault[1:]}; it ended {ends}."
        yield " ".join([told, *(text for row in first if (text := _printed(row)))])


def _ended(row: pd.Series) -> str:
    """For example "at a saddle on x, 4.17 nats below the best known optimum, claiming success"."""
    place = _AT.get(row["finding"], words.finding(row["finding"]))
    parts = [f"{place} on {row['data']}"]
    if np.isfinite(row["gap"]) and row["gap"] > 0:
        parts.append(f"{words.gap(row['gap'])} nats below the best known optimum")
    if row["said"] is True:
        parts.append("claiming success")
    return ", ".join(parts)


_AT = {
    "": "unverified",
    "error": "in an error",
    "unsupported": "before it began, unable to fit it,",
    "non_finite": "without a finite estimate",
    "out_of_domain": "outside the parameter space",
    "singular": "with a collapsed component",
    "not_stationary": "at a point that is not stationary",
    "saddle": "at a saddle",
    "duplicate": "with components that coincide",
    "boundary": "at the edge of the parameter space",
    "ridge": "on a ridge",
    "maximum": "at a maximum",
}


def _printed(row: pd.Series) -> str:
    """That the last value it printed is not the log-likelihood of its end; "" if it printed none, or that."""
    values, loglik = parse(row["said_values"]) or [], row["loglik"]
    if not values or not np.isfinite(loglik) or abs(values[-1] - loglik) <= FAR * (1 + abs(loglik)):
        return ""
    return (
        f"The last value that it printed for the log-likelihood, {words.nats(values[-1])}, is none: that "
        f"of its end is {words.nats(loglik)} nats."
    )
