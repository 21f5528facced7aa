"""Verdicts that hung on a threshold: judged values that came near the limit they were held against."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mixcompare.study.ends import parse
from mixcompare.study.summaries import METHOD

NEAR = 3.0
"""A judged value within this factor of its threshold, on either side, is near it."""

MARGIN_COLUMNS = [
    *METHOD,
    *("replicate", "start_scheme", "start_index", "finding", "test", "margin", "threshold", "key"),
]


def near_thresholds(rows: pd.DataFrame, factor: float = NEAR) -> pd.DataFrame:
    """One row per fit and test whose value was within `factor` of its threshold, the nearest first.

    `margin` is the judged value over the threshold, as the verdict stored it: below 1 the test passed
    (for effective draws and E-BFMI: failed). `threshold` is that of the policy in force, nan where the
    test has a limit of its own.
    """
    lines = []
    shown = [name for name in MARGIN_COLUMNS if name in rows]
    for names, margins, thresholds in zip(
        rows[shown].to_dict(orient="records"), rows["margins"], rows["thresholds"], strict=True
    ):
        for test, margin in (parse(margins) or {}).items():
            if margin is not None and 1 / factor <= float(margin) <= factor:
                limit = (parse(thresholds) or {}).get(test, np.nan)
                lines.append({**names, "test": test, "margin": float(margin), "threshold": limit})
    table = pd.DataFrame(lines, columns=MARGIN_COLUMNS)
    distance = np.abs(np.log(table["margin"].to_numpy(float)))
    return table.iloc[np.argsort(distance, kind="stable")].reset_index(drop=True)
