"""Side by side: what became of each method's fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from mixcompare.study import words
from mixcompare.study.ends import in_order
from mixcompare.study.shares import share_with_error

METHOD = ["data", "model", "method"]

WRONG = ("false_success", "false_failure")

SUMMARY_COLUMNS = [
    *METHOD,
    *(
        "fits",
        "replicates",
        "verified",
        "at_best",
        "share_at_best",
        "share_at_best_mcse",
        "findings",
    ),
    *(
        "median_gap",
        "said_success",
        "said_failure",
        *WRONG,
        "met_non_finite",
    ),
    *("median_passes", "median_seconds"),
]

TABLE_COLUMNS = [
    "data",
    "replicate",
    "model",
    "method",
    "start_scheme",
    "start_index",
    "loglik",
    "gap",
    "finding",
    "narrow",
    "reached",
    "said",
    "passes",
    "seconds",
    "non_finite",
    "key",
]


def fit_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a fit in readable columns; see `relate` for gap, reached and said."""
    table = rows[TABLE_COLUMNS].copy()
    table["message"] = [
        next((text for text in texts if isinstance(text, str) and text), "")
        for texts in zip(rows["error"], rows["said_message"], strict=True)
    ]
    return table.rename(columns={"start_scheme": "start", "start_index": "index"})


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per data, model and method.

    Returns
    -------
    DataFrame
        `fits` (planned: each planned fit is one row), `replicates` (data sets), `verified` (ends without
        a direction of ascent; of a sampler, draws with nothing wrong), `at_best` (ends at the best known
        value) with its share and the share's Monte Carlo error (over replicates, else over starts),
        `findings` (in words), `median_gap` (nats, over fits with an end), `said_success`, `said_failure`,
        `false_success`, `false_failure` (nan where the words were not about the likelihood),
        `met_non_finite` (fits with nan or infinity on their way), `median_passes`, `median_seconds`. What
        has to do with the best known value is nan for samplers, which end nowhere.
    """
    lines = []
    for names, part in rows.groupby(METHOD, sort=False):
        sampler = bool(part["sampler"].any())
        verified = part["sound"] == True if sampler else part["optimum"]  # noqa: E712 - None is not True
        at_best = part["reached"] == True  # noqa: E712
        about = part["said"].isna().all() or part["claimed"].notna().any()
        share, mcse = (np.nan, np.nan) if sampler else share_with_error(at_best, part["replicate"])
        lines.append(
            (
                *names,
                len(part),
                part["replicate"].nunique(),
                int(verified.sum()),
                np.nan if sampler else int(at_best.sum()),
                share,
                mcse,
                breakdown(part["finding"]),
                _median(part["gap"]),
                int((part["said"] == True).sum()),  # noqa: E712
                int((part["said"] == False).sum()),  # noqa: E712
                *(int(part[name].sum()) if about else np.nan for name in WRONG),
                int((part["non_finite"] > 0).sum()),
                _median(part["passes"]),
                _median(part["seconds"]),
            )
        )
    return pd.DataFrame(lines, columns=SUMMARY_COLUMNS)


def breakdown(findings: Iterable[str]) -> str:
    """For example "saddle 2, maximum 18", the worst first; fits without a verdict are "not verified"."""
    counts = Counter(findings)
    return ", ".join(f"{words.finding(name)} {counts[name]}" for name in in_order(list(counts)))


def _median(values: pd.Series) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.median()) if len(finite) else np.nan
