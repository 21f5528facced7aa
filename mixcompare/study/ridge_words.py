"""What a ridge leaves open, in words: how far apart ends lie that fit equally well."""

from __future__ import annotations

import pandas as pd

from mixcompare.study.ends import parse_theta

APART = 0.01
"""Range of a weight from which it is worth telling."""


def spread(rows: pd.DataFrame) -> str:
    """How the first weight differs between fits that reached the best known value, in words; "" if not."""
    reached = rows[rows["reached"] == True]  # noqa: E712 - None is not True
    first = rows["replicate"] == rows["replicate"].min()
    points = [parse_theta(text) for text in reached.loc[first, "theta"]]
    weights = [float(theta.weights[0]) for theta in points if theta is not None]
    if not weights or max(weights) - min(weights) < APART:
        return ""
    low, high = min(weights), max(weights)
    return (
        f": {len(weights)} ends that fit equally well put weight 1 anywhere from {low:.2f} to "
        f"{high:.2f}"
    )
