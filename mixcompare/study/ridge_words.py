"""What a ridge leaves open, and what it does not, in words: from ends that fit equally well."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixcompare.study.case import Case
from mixcompare.study.ends import parse_theta
from mixcompare.study.words import listed
from mixcompare.theta import Theta

APART = 0.01
"""Range of a weight from which it is worth telling."""

ALIKE = 1e-3
"""Relative range of a mean up to which ends agree on it."""

MOST = 3
"""Features whose mean is told at most."""


def leads(results: Any) -> bool:
    """Whether the best known optimum of the study's first data set and model is a ridge."""
    first = results.rows.iloc[0]
    optima = results.optima()
    mine = optima[(optima["data"] == first["data"]) & (optima["model"] == first["model"])]
    return bool((mine.loc[mine["standing"] == "global", "finding"] == "ridge").any())


def spread(case: Case) -> str:
    """How weight 1 differs between fits that reached the best known value, and what does not; "" if not.

    Of the first replicate. The means of the features are those of the mixture.
    """
    rows = case.points[case.points["reached"] == True]  # noqa: E712 - None is not True
    rows = rows[rows["replicate"] == rows["replicate"].min()]
    points = [theta for text in rows["theta"] if (theta := parse_theta(text)) is not None]
    weights = [float(theta.weights[0]) for theta in points]
    if not weights or max(weights) - min(weights) < APART:
        return ""
    low, high = min(weights), max(weights)
    agreed = listed(_agreed(case, points))
    return (
        f": {len(points)} ends that fit equally well put weight 1 anywhere from {low:.2f} to {high:.2f}"
        f"{f', and all of them {agreed}' if agreed else ''}"
    )


def _agreed(case: Case, points: list[Theta]) -> list[str]:
    """For example ["the mean of y at 0.6"]; nothing where some end has another."""
    dataset = case.results.dataset(case.data)
    model = case.results.model_on(case.model, dataset)
    if dataset is None or model is None or dataset.n_features > MOST:
        return []
    full = [model.conform(theta, dataset.n_features) for theta in points]
    means = np.array([t.weights @ model.family.moments(t.parameters)[0] for t in full])
    same = np.ptp(means, axis=0) <= ALIKE * np.abs(means).max(axis=0)
    if not (np.isfinite(means).all() and same.all()):
        return []
    return [
        f"the mean of {column} at {mean:.3g}"
        for column, mean in zip(dataset.columns, means.mean(axis=0), strict=True)
    ]
