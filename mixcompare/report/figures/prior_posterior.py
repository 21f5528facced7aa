"""Prior over posterior, one panel a parameter: how much of what is reported the data have to do with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import style


@dataclass(frozen=True)
class Compared:
    """Draws of one quantity from prior and posterior; `best` is its value at all equally good ends."""

    name: str
    prior: np.ndarray
    posterior: np.ndarray
    best: float = np.nan

    @property
    def ratio(self) -> float:
        """Posterior sd over prior sd: 1 where the data say nothing."""
        return float(np.std(self.posterior) / np.std(self.prior))


@style.styled
def draw(compared: Sequence[Compared], method: str, columns: int = 2) -> Any:
    """Histogram of the posterior, outline of the prior, one panel a quantity. Returns the array of axes."""
    rows = -(-len(compared) // columns)
    figure, axes = style.canvas(1.45 * rows + 0.45, rows, columns, squeeze=False)
    color = style.look(method).color
    for ax, one in zip(axes.flat, compared, strict=False):
        _panel(ax, one, color)
    for ax in axes.flat[len(compared) :]:
        ax.set_axis_off()
    figure.legend(axes[0, 0].patches[:2], [method, "prior"], loc="outside upper left", ncols=2)
    figure.supylabel("density", fontsize=8)
    return axes


def _panel(ax: Any, one: Compared, color: str) -> None:
    low = min(np.quantile(one.prior, 0.005), np.quantile(one.posterior, 0.001))
    high = max(np.quantile(one.prior, 0.995), np.quantile(one.posterior, 0.999))
    edges = np.linspace(low, high, 41)
    ax.stairs(_density(one.posterior, edges), edges, fill=True, color=color, alpha=0.35)
    ax.stairs(_density(one.prior, edges), edges, color=style.INK, lw=1.1)
    if np.isfinite(one.best):
        ax.axvline(one.best, color=color, lw=1.0, ls=":")
    ax.set_title(one.name)
    ax.text(
        *(0.98, 0.97, f"sd ratio {one.ratio:.2f}"),
        transform=ax.transAxes,
        ha="right",
        va="top",
        fontsize=7.5,
        color=style.INK,
    )
    ax.set_yticks([])
    ax.set_ylim(0, 1.3 * ax.dataLim.y1)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=5)


def _density(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Heights of a histogram of all the values, those beyond the edges included in its total."""
    heights = np.histogram(values, edges)[0] / (values.size * np.diff(edges))
    return np.asarray(heights)
