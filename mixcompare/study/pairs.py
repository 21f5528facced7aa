"""Two methods from the same starts on the same data: how often one got there and the other did not."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from mixcompare.errors import SpecError, nearest
from mixcompare.study.shares import mcnemar

EVENTS = {
    "reached": "ended at the best known value",
    "sound": "ended at a proper optimum, the best or not",
    "borne_out": "said of its end what was found of it",
}
"""What can be compared of two fits from one start."""

PAIR_COLUMNS = [
    *("data", "model", "method", "other", "event", "pairs", "replicates"),
    *("both", "only_method", "only_other", "neither"),
    *("p_value", "difference", "mcse"),
]


def compare_pairs(rows: pd.DataFrame, event: str = "reached") -> pd.DataFrame:
    """One row per data set, model and pair of methods, samplers left out.

    Parameters
    ----------
    rows : DataFrame
        Of `relate`.
    event : str
        One of `EVENTS`. SpecError for any other.

    Returns
    -------
    DataFrame
        `method` and `other` (in the study's order), `pairs` of fits from the same start on the same
        replicate where the event can be told of both, on how many `replicates`; the pairs of which
        `both`, `only_method`, `only_other` or `neither` fit has it. Within one data set `p_value` of the
        exact McNemar test, not adjusted for the number of pairs compared; over replicates nan, because
        starts on the same data are not independent. `difference` of the shares, method minus other: the
        mean over data sets, with its Monte Carlo error `mcse` (sd of the differences / sqrt(replicates),
        nan for one).
    """
    if event not in EVENTS:
        known = ", ".join(EVENTS)
        raise SpecError(f'event: expected one of {known}, got "{event}".{nearest(event, EVENTS)}')
    lines = []
    points = rows[~rows["sampler"]].assign(event=_events(rows, event))
    for (data, model), part in points.groupby(["data", "model"], sort=False):
        wide = part.pivot_table(
            index=["replicate", "start_index"],
            columns="method",
            values="event",
            aggfunc="first",
            sort=False,
        )
        methods = [name for name in dict.fromkeys(part["method"]) if name in wide]
        for first, second in itertools.combinations(methods, 2):
            told = wide[[first, second]].dropna()
            if len(told):
                lines.append((data, model, first, second, event, *_pair(told)))
    return pd.DataFrame(lines, columns=PAIR_COLUMNS)


def _events(rows: pd.DataFrame, event: str) -> pd.Series:
    """1.0, 0.0 or nan where it cannot be told."""
    if event == "borne_out":
        told = rows["claimed"].notna() & rows["sound"].notna()
        return (rows["claimed"] == rows["sound"]).astype(float).where(told)
    values = rows[event].where(rows["finding"] != "")
    return pd.to_numeric(values, errors="coerce").astype(float)


def _pair(told: pd.DataFrame) -> tuple[float, ...]:
    first, second = (told[name].to_numpy() == 1 for name in told)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differences = pd.Series(first.astype(float) - second, index=told.index)
    means = differences.groupby(level="replicate").mean()
    R = len(means)
    return (
        len(told),
        R,
        int((first & second).sum()),
        only_first,
        only_second,
        int((~first & ~second).sum()),
        mcnemar(only_first, only_second) if R == 1 else np.nan,
        float(means.mean()),
        float(means.std(ddof=1) / np.sqrt(R)) if R > 1 else np.nan,
    )
