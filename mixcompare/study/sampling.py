"""What draws cost: effective draws per pass and per second of each sampler, compilation apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mixcompare.study.diagnostics import effective
from mixcompare.study.summaries import METHOD

COLUMNS = [
    *METHOD,
    "fits",
    "with_draws",
    "verified",
    "ess_bulk",
    "passes",
    "seconds",
    "compile_seconds",
    "ess_per_pass",
    "ess_per_second",
]


def efficiency(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per data, model and sampler.

    Returns
    -------
    DataFrame
        `fits`, `with_draws` (those that left any), `verified` (with nothing wrong), and medians over fits
        with draws: `ess_bulk` (the smallest bulk effective sample size of any parameter, relabelled, all
        chains), `passes` (evaluations of the likelihood, warm-up included), `seconds` (compilation apart,
        relabelling and summary included), `ess_per_pass`, `ess_per_second`. `compile_seconds` is the
        largest: only the first fit of a process compiles. Effective draws of an end that is not verified
        count what was drawn, not what is to be believed.
    """
    drew = rows[rows["sampler"]]
    lines = []
    for names, part in drew.groupby(METHOD, sort=False):
        ess = np.array([effective(cell) for cell in part["diagnostics"]])
        kept = part[np.isfinite(ess)]
        ess = ess[np.isfinite(ess)]
        passes, seconds = (kept[name].to_numpy(dtype=float) for name in ("passes", "seconds"))
        compiling = pd.to_numeric(part.get("compile_seconds", np.nan), errors="coerce")
        with np.errstate(divide="ignore", invalid="ignore"):
            medians = [_median(v) for v in (ess / passes, ess / seconds)]
        lines.append(
            (
                *names,
                len(part),
                len(kept),
                int((part["sound"] == True).sum()),  # noqa: E712 - None is not True
                _median(ess),
                _median(passes),
                _median(seconds),
                float(np.max(compiling)),
                *medians,
            )
        )
    return pd.DataFrame(lines, columns=COLUMNS)


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else np.nan
