"""Data and options that families refuse, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError, nearest
from mixcompare.families.base import Family


def one_feature(family: Family, data: Dataset) -> None:
    """Refuse data of several features, for families of univariate components."""
    if data.n_features != 1:
        raise DataError(
            f"{data.name}: the {family.name} family expects one feature, got {data.n_features} "
            f"({', '.join(data.columns)}). Choose one column."
        )


SMALLEST_SD, LARGEST_SD = 1e-145, 1e145
"""Of a feature whose variance, and that of much narrower components, can be held as a number."""


def require_scale(data: Dataset) -> None:
    """Refuse features whose variances are not numbers, for families that have variances."""
    sds = data.moments[1]
    wrong = (sds > LARGEST_SD) | ((sds < SMALLEST_SD) & (sds > 0))
    if wrong.any():
        j = int(np.argmax(wrong))
        raise DataError(
            f"{data.name}: expected features with standard deviations from {SMALLEST_SD:g} to "
            f"{LARGEST_SD:g}, whose squares are numbers, got {sds[j]:.3g} in column {data.columns[j]}. "
            "Rescale it: choose a unit in which it is near 1."
        )


def refuse(data: Dataset, wrong: np.ndarray, family: Family, expected: str, advice: str) -> None:
    """DataError at the first observation marked in `wrong` (n, d), if any is."""
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{data.name}: the {family.name} family expects {expected}, got {data.x[row, column]:g} in "
            f"row {row + 1}, column {data.columns[column]} ({int(wrong.sum())} such "
            f"value{'s' if wrong.sum() > 1 else ''}). {advice}"
        )


def option(name: str, value: Any, allowed: Sequence[str]) -> None:
    """Refuse an option value that is not among the allowed ones."""
    if value not in allowed:
        raise SpecError(
            f'{name}: expected one of {", ".join(allowed)}, got "{value}".{nearest(str(value), allowed)}'
        )
