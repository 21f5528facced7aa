"""Sentences about posteriors, beside the point estimates of the same model and data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.study import words
from mixcompare.study.case import Case
from mixcompare.study.diagnostics import divergences, rhat
from mixcompare.study.ends import each, in_order, parse, parse_theta


def sampled(case: Case) -> Iterator[str]:
    """For each sampler: whether its draws can be believed, and how they agree with the best known point."""
    for method, fits in case.draws.groupby("method", sort=False):
        bad = fits[fits["sound"] != True]  # noqa: E712 - None is not True
        if len(fits) == 1:
            text = (
                "nothing wrong was found with the draws" if bad.empty else _complaint(fits.iloc[0])
            )
        elif bad.empty:
            text = f"nothing wrong was found with the draws on any of {len(fits):,} data sets"
        elif len(bad) == len(fits):
            sets = f"{words.of(len(bad), len(bad))} data sets"
            text = f"the draws should not be believed on {sets}: {_counts(bad)}"
        else:
            fine = words.of(len(fits) - len(bad), len(fits))
            text = f"nothing wrong was found with the draws on {fine} data sets"
            text += f"; on the others: {_counts(bad)}"
        who = words.quoted(str(method))
        yield f"{case.name}, {who}: {text}{_numbers(fits)}.{_flags(fits)}{_agreement(case, fits)}"


def _complaint(row: Any) -> str:
    reason = next((t for t in (row["error"], row["said_message"]) if isinstance(t, str) and t), "")
    if row["finding"] in ("unsupported", "error") and reason:
        return f"there are no draws: {reason.rstrip('.')}"
    later = f": {row['missed']}" if row["missed"] else ""
    return f"the draws should not be believed: {words.finding(row['finding'])}{later}"


def _counts(rows: pd.DataFrame) -> str:
    findings = list(rows["finding"])
    return ", ".join(f"{words.finding(name)} {findings.count(name)}" for name in in_order(findings))


def _numbers(fits: pd.DataFrame) -> str:
    cells = [parse(cell) or {} for cell in fits["diagnostics"]]
    largest = np.array([rhat(cell) for cell in cells])
    diverged = np.array([divergences(cell) for cell in cells])
    parts = []
    if np.isfinite(largest).any():
        parts.append(f"largest R-hat {np.nanmax(largest):.3f}")
    if np.isfinite(diverged).any():
        parts.append(words.number_of(int(np.nansum(diverged)), "divergence"))
    return f" ({', '.join(parts)})" if parts else ""


def _flags(fits: pd.DataFrame) -> str:
    flags = [parse(cell) or [] for cell in fits["flags"]]
    text = ""
    for flag, meaning in _FLAGS.items():
        k = sum(flag in row for row in flags)
        on = f" (on {words.of(k, len(fits))} data sets)" if len(fits) > 1 else ""
        text += f" {meaning}{on}." if k else ""
    return text


_FLAGS = {
    "label_switching": "The labels of the components switched during sampling and were put right afterwards",
    "unidentified": "The data do not identify the parameters: what the posterior says of them is the prior",
    "approximate": "They are draws of an approximation: nothing here says how near it is to the posterior",
}


def _agreement(case: Case, fits: pd.DataFrame) -> str:
    """How many 95 % posterior intervals hold the best known point, where that is a strict maximum."""
    model = case.results.model_on(case.model, case.results.dataset(case.data))
    best = case.optima
    best = best[(best["standing"] == "global") & (best["finding"] == "maximum")].set_index(
        "replicate"
    )
    inside, sets, total = 0, 0, 0
    for row in each(fits):
        intervals = parse(row.posterior_intervals)
        if model is None or not intervals or row.replicate not in best.index:
            continue
        point = model.report_scale(parse_theta(best.loc[row.replicate, "theta"]))
        sets += 1
        for name, (lower, upper) in intervals.items():
            held = (np.asarray(lower, dtype=float) <= point[name]) & (
                point[name] <= np.asarray(upper, float)
            )
            inside, total = inside + int(held.sum()), total + held.size
    if not total:
        return ""
    over = f" (over {sets:,} data sets)" if sets > 1 else ""
    return f" {_holding(inside, total)} the best known point{over}."


def _holding(k: int, n: int) -> str:
    """For example "All six 95 % posterior intervals hold"; never two numbers in digits side by side."""
    which = (
        "95 % posterior intervals" if words.spelled(n).isalpha() else "posterior intervals (95 %)"
    )
    if n == 1:
        return f"The one 95 % posterior interval {'holds' if k else 'does not hold'}"
    if k == n:
        return f"{'Both' if n == 2 else f'All {words.spelled(n)}'} {which} hold"
    verb = "holds" if k < 2 else "hold"
    return f"{words.spelled(k).capitalize()} of the {words.spelled(n)} {which} {verb}"
