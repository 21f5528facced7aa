"""Side by side: what became of each method's fits, and what each solver's word was worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.seeds import stream
from mixcompare.study import words
from mixcompare.study.ends import in_order

METHOD = ["data", "model", "method"]

RESAMPLES = 2000
"""Bootstrap samples of data sets."""

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
        "false_success",
        "false_failure",
        "met_non_finite",
    ),
    *("median_passes", "median_seconds"),
]

CLAIM_COLUMNS = [
    *METHOD,
    *(
        "said",
        "fits",
        "sound",
        "wrong",
        "unjudged",
        "share_wrong",
        "lower",
        "upper",
        "interval",
        "findings",
    ),
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
        `false_success`, `false_failure`, `met_non_finite` (fits with nan or infinity on their way),
        `median_passes`, `median_seconds`. What has to do with the best known value is nan for samplers,
        which end nowhere.
    """
    lines = []
    for names, part in rows.groupby(METHOD, sort=False):
        sampler = bool(part["sampler"].any())
        verified = part["sound"] == True if sampler else part["optimum"]  # noqa: E712 - None is not True
        at_best = part["reached"] == True  # noqa: E712
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
                int(part["false_success"].sum()),
                int(part["false_failure"].sum()),
                int((part["non_finite"] > 0).sum()),
                _median(part["passes"]),
                _median(part["seconds"]),
            )
        )
    return pd.DataFrame(lines, columns=SUMMARY_COLUMNS)


def judge_claims(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What solvers said against what their ends were found to be; one row per data, model, method, word.

    Returns
    -------
    DataFrame
        `said` ("success", "failure" or "nothing"), `fits` of which it was said, how many of these were
        `sound`, how many `wrong` (success said of an end that is not sound, or failure of one that is;
        nan where nothing was said), how many `unjudged` (not verified), `share_wrong` of the judged ones
        with a 95 % interval `lower`, `upper` and the kind of `interval`, `findings` in words.

    The interval is Wilson's within one data set. Over several it is a percentile bootstrap over data
    sets, because fits to the same data are not independent; where all resamples agree (nothing or
    everything wrong) Wilson's with data sets as the trials. Source: Wilson (1927).
    """
    lines = []
    said = rows["said"].map({True: "success", False: "failure"}).fillna("nothing")
    for names, part in rows.assign(word=said).groupby([*METHOD, "word"], sort=False):
        judged = part["sound"].notna()
        wrong = part["false_success"] | part["false_failure"]
        share, lower, upper, kind = np.nan, np.nan, np.nan, ""
        if names[-1] != "nothing" and judged.any():
            rng = stream(seed, "bootstrap", *map(str, names))
            share, lower, upper, kind = share_interval(
                wrong[judged], part["replicate"][judged], rng
            )
        lines.append(
            (
                *names,
                len(part),
                int((part["sound"] == True).sum()),  # noqa: E712
                np.nan if names[-1] == "nothing" else int(wrong.sum()),
                int((~judged).sum()),
                *(share, lower, upper, kind),
                breakdown(part["finding"]),
            )
        )
    return pd.DataFrame(lines, columns=CLAIM_COLUMNS)


def breakdown(findings: Iterable[str]) -> str:
    """For example "saddle 2, maximum 18", the worst first; fits without a verdict are "not verified"."""
    counts = Counter(findings)
    return ", ".join(f"{words.finding(name)} {counts[name]}" for name in in_order(list(counts)))


def share_with_error(hits: Any, replicates: Any) -> tuple[float, float]:
    """A share and its Monte Carlo error: over replicates sd / sqrt(R), within one sqrt(p (1 - p) / n)."""
    hits = np.asarray(hits, dtype=float)
    if not hits.size:
        return np.nan, np.nan
    share = float(hits.mean())
    shares = pd.Series(hits).groupby(np.asarray(replicates)).mean().to_numpy()
    if shares.size > 1:
        return share, float(shares.std(ddof=1) / np.sqrt(shares.size))
    return share, float(np.sqrt(share * (1 - share) / hits.size))


def share_interval(
    hits: Any, replicates: Any, rng: np.random.Generator
) -> tuple[float, float, float, str]:
    """A share with its 95 % interval and the interval's kind; see `judge_claims`."""
    hits = np.asarray(hits, dtype=float)
    share = float(hits.mean())
    groups = pd.Series(hits).groupby(np.asarray(replicates))
    sums, sizes = groups.sum().to_numpy(), groups.size().to_numpy()
    R = sums.size
    if R == 1:
        return share, *wilson(share, hits.size), "Wilson"
    if share in (0.0, 1.0):
        return share, *wilson(share, R), "Wilson over data sets"
    draws = rng.integers(R, size=(RESAMPLES, R))
    shares = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    lower, upper = np.quantile(shares, [0.025, 0.975])
    return share, float(lower), float(upper), "bootstrap over data sets"


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval for a share of n independent trials."""
    z = 1.959963984540054
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def _median(values: pd.Series) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.median()) if len(finite) else np.nan
