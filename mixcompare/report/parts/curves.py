"""Densities to draw over the data: which kind of picture the data allow, and the curves on its grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.report import style
from mixcompare.report.figures.density import Curve, Densities
from mixcompare.theta import Theta

POINTS = 401
PATTERNS = 32
"""Distinct rows of discrete data shown at most, the most frequent first."""


@dataclass(frozen=True)
class Fitted:
    """A point to be drawn as a density, and how."""

    label: str
    theta: Theta
    color: str = style.INK
    line: str = "-"
    components: bool = False


def densities(model: MixtureModel, data: Dataset, fitted: Sequence[Fitted]) -> Densities | None:
    """The data and the fitted densities as a picture; None for continuous data of three or more features."""
    if model.family.discrete:
        kind, grid, points = "patterns", *_patterns(data)
    elif data.n_features == 1:
        kind, grid, points = "line", *_line(data)
    elif data.n_features == 2:
        kind, grid, points = "plane", *_plane(data)
    else:
        return None
    curves = [_curve(model, data, f, points, grid.shape[1:] or grid.shape, kind) for f in fitted]
    return Densities(kind, data.columns, data.x, data.weights, grid, curves, data.units)


def _curve(
    model: MixtureModel,
    data: Dataset,
    fitted: Fitted,
    points: np.ndarray,
    shape: tuple[int, ...],
    kind: str,
) -> Curve:
    K = fitted.theta.n_components  # a truth may have others than the model
    model = model if model.n_components == K else MixtureModel(model.declared, K).on(data)
    theta = model.conform(fitted.theta, data.n_features)
    with np.errstate(all="ignore"):
        parts = np.exp(model.joint_log_density(points, theta))
    total = parts.sum(axis=1)
    values = total if kind == "patterns" else total.reshape(shape)
    apart = fitted.components and kind != "patterns"
    components = parts.T.reshape(-1, *shape) if apart else np.empty((0, 0))
    return Curve(fitted.label, values, fitted.color, fitted.line, components)


def _line(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    low, high = float(data.x.min()), float(data.x.max())
    pad = 0.06 * (high - low) or 1.0
    grid = np.linspace(low - pad, high + pad, POINTS)
    return grid, grid[:, None]


def _plane(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    low, high = data.x.min(axis=0), data.x.max(axis=0)
    pad = np.where(high > low, 0.06 * (high - low), 1.0)
    axes = [np.linspace(a, b, 121) for a, b in zip(low - pad, high + pad, strict=True)]
    grid = np.array(np.meshgrid(*axes))
    return grid, grid.reshape(2, -1).T


def _patterns(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    kept = np.sort(np.argsort(-data.distinct.weights, kind="stable")[:PATTERNS])
    rows = data.distinct.x[kept]
    return rows, rows
