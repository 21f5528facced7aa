"""Wald intervals at a strict maximum, from the observed information, on the reporting scale."""

from __future__ import annotations

import numpy as np

from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface

Z95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


def wald(
    model: MixtureModel, theta: Theta, surface: Surface, end: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """95 % intervals: name -> (lower, upper), arrays over components, on `model.report_scale`.

    Estimate +- 1.96 standard errors, by the delta method from the inverse of the observed information
    (Efron and Hinkley 1978, Biometrika 65, 457-487) at the polished end `end` of the surface, which is a
    strict maximum. nan for what is not estimated: the weight of a single component; none where nothing is.
    """
    if not end.size:
        return {}
    local = surface.quadratic(end)
    step = 1e-5

    def flat(delta: np.ndarray) -> np.ndarray:
        scales = model.report_scale(surface.theta(delta))
        return np.concatenate([value.ravel() for value in scales.values()])

    rows = []
    with np.errstate(invalid="ignore"):
        for i in range(end.size):
            up, down = end.copy(), end.copy()
            up[i] += step
            down[i] -= step
            rows.append((flat(up) - flat(down)) / (2 * step))
    jacobian = np.array(rows).T
    # In the eigenbasis every term is a square over a positive curvature: no rounding makes it negative.
    errors = np.sqrt(((jacobian @ local.basis) ** 2 / local.curvature).sum(axis=1))
    intervals, start = {}, 0
    for name, value in model.report_scale(theta).items():
        half = Z95 * errors[start : start + value.size].reshape(value.shape)
        intervals[name] = (value - half, value + half)
        start += value.size
    return intervals
