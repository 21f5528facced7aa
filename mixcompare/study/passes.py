"""Cost in passes over the data: how soon each fit came near the best known value, and profiles of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mixcompare.study.ends import NO_END, REACHED
from mixcompare.study.shares import share_with_error
from mixcompare.study.summaries import METHOD

TOLERANCES = (1.0, 0.1, 0.01)
"""Nats below the best known value."""

START = ["data", "replicate", "model", "start_index"]
"""Fits that agree in these began at the same point on the same data: one problem of a profile."""

_IDENTITY = ["key", *METHOD, "replicate", "start_scheme", "start_index"]


def passes_to(
    rows: pd.DataFrame,
    trajectories: pd.DataFrame,
    n_parameters: Mapping[tuple[str, str], float] | None = None,
    tolerances: Sequence[float] = TOLERANCES,
) -> pd.DataFrame:
    """One row per fit and tolerance: passes until the fit was that near the best known value.

    Parameters
    ----------
    rows : DataFrame
        Of `relate`. Samplers are left out: they report what they spent, and end nowhere.
    trajectories : DataFrame
        key, passes, loglik (running best, nats), thinned to rises of 1e-4 nats.
    n_parameters : mapping, optional
        (data, model) -> free parameters q.
    tolerances : sequence of float
        Nats.

    Returns
    -------
    DataFrame
        `tolerance`, `level` (nats; nan if there is no best known value), `passes` until the running best
        stood at the level, nan if never; `spent` by the whole fit; `n_parameters`.

    What counts is that the value was reached on the way, whatever the solver then made of it. A fit is
    censored, with `passes` nan, if it never was, and if it ended nowhere (an error, outside the parameter
    space, at a singular or narrow end): it passed through the level on its way to no estimate. Where the
    running best rose above both the best known value and the fit's own end, it was taken where the
    likelihood means nothing (a weight above one), and cannot tell when the level was reached: then, and
    where no trajectory was kept, the fit costs all that it spent if its end is within the tolerance.
    """
    points = rows[~rows["sampler"]].reset_index(drop=True)
    who, passes, best = _in_order(points, trajectories)
    usable = ~points["finding"].isin(NO_END) & ~points["narrow"] & np.isfinite(points["best_known"])
    proper = points[["best_known", "value", "loglik"]].max(axis=1).to_numpy() + REACHED
    peak = np.full(len(points), np.nan)
    peak[who] = best  # the last of each is its highest
    traced = usable.to_numpy() & (peak <= proper)
    parts = []
    for tolerance in tolerances:
        level = points["best_known"].to_numpy() - tolerance
        there = best >= level[who]
        first, place = np.unique(who[there], return_index=True)
        found = np.full(len(points), np.nan)
        found[first] = passes[there][place]
        whole = points["passes"].where(usable & (points["gap"] <= tolerance))
        part = points[_IDENTITY].assign(tolerance=float(tolerance), level=level)
        parts.append(part.assign(passes=np.where(traced, found, whole), spent=points["passes"]))
    table = pd.concat(parts) if parts else points[_IDENTITY].assign(tolerance=[], level=[])
    q = n_parameters or {}
    names = zip(table["data"], table["model"], strict=True)
    return table.assign(n_parameters=[q.get(name, np.nan) for name in names]).reset_index(drop=True)


def _in_order(
    points: pd.DataFrame, trajectories: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The trajectories end to end: place of the fit in `points`, passes, running best; all (N,)."""
    if trajectories.empty:
        return np.empty(0, dtype=int), np.empty(0), np.empty(0)
    who = pd.Index(points["key"]).get_indexer(pd.Index(trajectories["key"]))
    passes = trajectories["passes"].to_numpy(float)
    loglik = trajectories["loglik"].to_numpy(float)
    kept = np.flatnonzero((who >= 0) & np.isfinite(loglik))
    order = kept[np.lexsort((passes[kept], who[kept]))]
    best = pd.Series(loglik[order]).groupby(who[order]).cummax().to_numpy()
    return who[order], passes[order], best


def summarise_cost(costs: pd.DataFrame) -> pd.DataFrame:
    """One row per data, model, method and tolerance, from the table of `passes_to`.

    Returns
    -------
    DataFrame
        `fits`, `reached`, `share` with its Monte Carlo error `share_mcse`; `median_passes`, `lower` and
        `upper` quartile over all fits, one that never got there counting as infinite; `per_success`: all
        passes spent, up to the level or to the fit's end, over the number that reached it, which is what a
        user pays who starts anew until it is reached (infinite if none did). Source: Auger & Hansen (2005).
    """
    lines = []
    for names, part in costs.groupby([*METHOD, "tolerance"], sort=False):
        passes = part["passes"].fillna(np.inf).to_numpy()
        hits = np.isfinite(passes)
        paid = float(np.where(hits, passes, part["spent"].fillna(0.0)).sum())
        share, mcse = share_with_error(hits, part["replicate"])
        quartiles = np.quantile(passes, [0.25, 0.5, 0.75], method="inverted_cdf")
        lower, median, upper = map(float, quartiles)
        per_success = paid / hits.sum() if hits.any() else np.inf
        found = (len(part), int(hits.sum()), share, mcse, median, lower, upper, per_success)
        lines.append((*names, *found))
    counts = ("fits", "reached", "share", "share_mcse")
    columns = [*METHOD, "tolerance", *counts, "median_passes", "lower", "upper", "per_success"]
    return pd.DataFrame(lines, columns=columns)


def performance_profiles(costs: pd.DataFrame) -> pd.DataFrame:
    """Share of all problems that a method solved within `ratio` times the passes of the cheapest method.

    One curve a method and tolerance (columns method, tolerance, ratio, share, reached, fits), over all
    data sets and models; a problem is one start on one data set and model, solved if the level was
    reached. Unsolved ones stay in the denominator. Source: Dolan & More (2002), eq. 2.1.
    """
    cheapest = costs.groupby([*START, "tolerance"])["passes"].transform("min")
    return _curves(costs.assign(ratio=costs["passes"] / cheapest), "ratio", ["method"])


def data_profiles(costs: pd.DataFrame) -> pd.DataFrame:
    """Share of all problems that a method solved with a budget of so many passes per q + 1.

    Columns method, tolerance, budget, share, reached, fits. q + 1 passes are what one gradient by forward
    differences costs. Problems whose number of free parameters q is not known are left out. Source: More
    & Wild (2009), eq. 2.8.
    """
    known = costs[costs["n_parameters"].notna()]
    budget = known["passes"] / (known["n_parameters"] + 1)
    return _curves(known.assign(budget=budget), "budget", ["method"])


def runtime_distributions(costs: pd.DataFrame) -> pd.DataFrame:
    """Share of the fits of a method to one data set and model that were there after so many passes.

    Columns data, model, method, tolerance, passes, share, reached, fits. Fits that never got there stay in
    the denominator, so that a curve ends at the share of them that did. Source: Hoos & Stuetzle (2005),
    chapter 4.
    """
    return _curves(costs, "passes", METHOD)


def _curves(costs: pd.DataFrame, x: str, by: Sequence[str]) -> pd.DataFrame:
    """Empirical distributions of `x`, nan never reached: one row a jump; (nan, 0) if there is none."""
    parts = []
    for names, part in costs.groupby([*by, "tolerance"], sort=False):
        values, counts = np.unique(part[x].dropna(), return_counts=True)
        if not values.size:
            values, counts = np.array([np.nan]), np.array([0])
        found = {x: values, "share": counts.cumsum() / len(part)}
        ends = {"reached": int(counts.sum()), "fits": len(part)}
        parts.append(pd.DataFrame(dict(zip([*by, "tolerance"], names, strict=True)) | found | ends))
    columns = [*by, "tolerance", x, "share", "reached", "fits"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
