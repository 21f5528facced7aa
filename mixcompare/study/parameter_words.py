"""What single parameters are called in print: "mean 2, waiting"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mixcompare.study.words import NATURAL

MATRICES = ("covariances", "scales")
"""Parameters whose two inner indices are both features."""


def label(
    name: str,
    index: Sequence[int],
    columns: Sequence[str],
    shape: Sequence[int] | None = None,
    names: Mapping[str, str] = NATURAL,
) -> str:
    """For example "mean 2" or "mean 2, waiting".

    Parameters
    ----------
    name : str
        Of the array of parameters (K, ...).
    index : sequence of int
        Component and inner indices, from 0.
    columns : sequence of str
        Names of the features.
    shape : sequence of int, optional
        (K, ...), where it is known: an axis that is not the features' has numbers for names.
    names : mapping
        What one such parameter is called: of natural parameters, or of the reporting scale.
    """
    inner = entry(name, index[1:], columns, None if shape is None else shape[1:])
    return f"{names.get(name, name)} {index[0] + 1}{inner}"


def entry(
    name: str, inner: Sequence[int], columns: Sequence[str], shape: Sequence[int] | None = None
) -> str:
    """Which one within its component, after a comma: ", waiting"; "" where there is but one."""
    d = len(columns)
    if name == "correlations" and inner:
        i, j = (int(axis[inner[0]]) for axis in np.tril_indices(d, -1))
        return "" if d == 2 else f", {columns[j]} and {columns[i]}"
    if name in MATRICES and len(inner) == 2:
        pair = dict.fromkeys(columns[i] for i in sorted(inner))
        return "" if d == 1 else f", {' and '.join(pair)}"
    if not inner or d == 1:
        return _levels(inner[1:])
    along = d if shape is None else shape[0]
    features = along == d and inner[0] < d
    which = f", {columns[inner[0]]}" if features else f", entry {inner[0] + 1}"
    return (which if along > 1 else "") + _levels(inner[1:])


def _levels(rest: Sequence[int]) -> str:
    return "".join(f", level {level + 1}" for level in rest)
