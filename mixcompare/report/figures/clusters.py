"""The observations by their most probable component, with how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.groups import HUES, LINES
from mixcompare.report.figures.recovery import MARKS

SURE, UNSURE = 2.2, 7.0
"""Sizes of marks, in points, where one component is certain, and where all are equally probable."""


@dataclass(frozen=True)
class Clusters:
    """Distinct observations, and the probabilities of the components at each.

    Parameters
    ----------
    x : ndarray (n, d), d 1 or 2
    weights : ndarray (n,), multiplicities
    responsibilities : ndarray (n, K)
    labels : names of the features with units
    grid, curves : ndarray (m,) and (m, K); the same along the line, for one continuous feature, else empty
    """

    x: np.ndarray
    weights: np.ndarray
    responsibilities: np.ndarray
    labels: tuple[str, ...]
    grid: np.ndarray = field(default_factory=lambda: np.empty(0))
    curves: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def most_probable(self) -> np.ndarray:
        """(n,) from 0."""
        return self.responsibilities.argmax(axis=1)

    @property
    def uncertainty(self) -> np.ndarray:
        """(n,): 1 less the largest probability, over its largest possible value; from 0 to 1."""
        K = self.responsibilities.shape[1]
        return (1 - self.responsibilities.max(axis=1)) / (1 - 1 / K)


@style.styled
def draw(data: Clusters, ax: Axes | None = None) -> Axes:
    """Draw the observations, marked by component; returns the axes.

    One feature: their largest probability against the value, with those of all components as curves. Two
    features: in the plane, larger where it is less sure.
    """
    plane = data.x.shape[1] == 2
    ax = style.own_axes(ax, 3.4 if plane else 2.3)
    kind: Callable[[Axes, Clusters], None] = _plane if plane else _line
    kind(ax, data)
    ax.set_xlabel(data.labels[0])
    style.key_above(ax, fontsize=6.5)
    return ax


def _line(ax: Axes, data: Clusters) -> None:
    for k in range(data.responsibilities.shape[1]):
        look = _look(k)
        if data.grid.size:
            ax.plot(data.grid, data.curves[:, k], color=look["color"], lw=0.9,
                    ls=LINES[k % len(LINES)])  # fmt: skip
        mine = data.most_probable == k
        top = data.responsibilities[mine, k]
        ax.plot(
            data.x[mine, 0], top, ls="", ms=3.6, mew=0, alpha=0.8, label=_label(data, k), **look
        )
    ax.set_ylim(-0.03, 1.06)
    ax.set_ylabel("probability of component")


def _plane(ax: Axes, data: Clusters) -> None:
    area = (SURE + (UNSURE - SURE) * data.uncertainty) ** 2
    for k in range(data.responsibilities.shape[1]):
        mine, look = data.most_probable == k, _look(k)
        ax.scatter(data.x[mine, 0], data.x[mine, 1], s=area[mine], lw=0.5, alpha=0.8,
                   facecolor="none", edgecolor=look["color"], marker=look["marker"],
                   label=_label(data, k))  # fmt: skip
    ax.set_ylabel(data.labels[1])


def _label(data: Clusters, k: int) -> str:
    share = data.weights[data.most_probable == k].sum() / data.weights.sum()
    return f"component {k + 1}: {100 * share:.0f} % of the data"


def _look(k: int) -> dict[str, Any]:
    return {"marker": MARKS[k % len(MARKS)], "color": HUES[k % len(HUES)]}
