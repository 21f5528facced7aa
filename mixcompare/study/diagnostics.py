"""What samplers said of their draws and what was found: the diagnostics of posteriors, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.study.ends import CASE, parse

SAID = ("rhat_label_free", "rhat", "rhat_raw", "ess_bulk", "ess_tail")
OF_TRANSITIONS = ("divergences", "max_depth_share", "bfmi")
"""Only of samplers that move by trajectories."""

DIAGNOSTICS_COLUMNS = [
    *(*CASE, "method", "key", "finding", "flags", "sound"),
    *(*SAID, *OF_TRANSITIONS),
    *("passes", "seconds", "compile_seconds", "ess_per_kilopass", "ess_per_second"),
]


def tabulate(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a posterior with draws: whether its chains agree, on what, and what they cost.

    Returns
    -------
    DataFrame
        data, replicate, model, method, key; `finding`, other `flags` that hold, `sound`; the largest
        R-hat of quantities without labels (`rhat_label_free`), of all parameters after relabelling
        (`rhat`) and as sampled (`rhat_raw`); the smallest effective sizes after relabelling;
        `divergences`, `max_depth_share` (of the draws), `bfmi`, nan for samplers without; `passes`,
        warm-up included; `seconds`, compilation apart; `ess_per_kilopass` and `ess_per_second`: the
        smaller effective size over a thousand passes, and over seconds.
    """
    lines = []
    for _, row in rows[rows["sampler"]].iterrows():
        said = parse(row["diagnostics"]) or {}
        if not said:
            continue
        numbers = {name: _number(said.get(name)) for name in (*SAID, *OF_TRANSITIONS)}
        least = min(numbers["ess_bulk"], numbers["ess_tail"])
        flags = [name for name in parse(row["flags"]) or [] if name != row["finding"]]
        lines.append(
            {
                **{name: row[name] for name in DIAGNOSTICS_COLUMNS if name in row},
                "flags": flags,
                **numbers,
                "ess_per_kilopass": _ratio(1000 * least, row["passes"]),
                "ess_per_second": _ratio(least, row["seconds"]),
            }
        )
    return pd.DataFrame(lines, columns=DIAGNOSTICS_COLUMNS)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def rhat(diagnostics: Mapping[str, Any]) -> float:
    """The largest R-hat among diagnostics, that of raw labels (which may switch) left out; else nan."""
    names = {k: k.lower().replace("_", "").replace("-", "") for k in diagnostics}
    values = [diagnostics[k] for k, name in names.items() if "rhat" in name and "raw" not in name]
    return float(max((float(v) for v in values if v is not None), default=np.nan))


def divergences(diagnostics: Mapping[str, Any]) -> float:
    """The number of divergent transitions, or nan."""
    values = [v for k, v in diagnostics.items() if k.lower().startswith("diverg") and v is not None]
    return float(values[0]) if values else np.nan
