"""Which mode each chain was in, draw by draw: one panel a sampler, one band a chain, one lane a mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mixcompare.report import style

LANE = 0.055
"""Inches of height of a lane."""

COLORS = (style.EM, style.QUASI_NEWTON, style.SEARCH, style.SAMPLER, style.OTHER)


@dataclass(frozen=True)
class Visited:
    """Places (chains, kept) of a sampler's draws, one in `every` kept, and the name of each place."""

    method: str
    places: np.ndarray
    every: int
    names: Mapping[int, str]


@style.styled
def draw(samplers: Sequence[Visited]) -> Any:
    """Draw one panel a sampler, below each other; lanes and hues both tell modes apart."""
    bands = [_band(visited) * len(visited.places) for visited in samplers]
    height = LANE * sum(bands) + 0.75 * len(samplers)
    _, axes = style.canvas(
        height, len(samplers), squeeze=False, gridspec_kw={"height_ratios": bands}
    )
    for ax, visited in zip(axes.flat, samplers, strict=True):
        _panel(ax, visited)
    return axes


def _band(visited: Visited) -> int:
    """Lanes of a chain, with one empty below them."""
    return len(visited.names) + 1


def _panel(ax: Axes, visited: Visited) -> None:
    band, end = _band(visited), visited.every * visited.places.shape[1]
    middles = []
    for chain, places in enumerate(visited.places):
        top = chain * band
        middles.append(top + (band - 2) / 2)
        for lane, rank in enumerate(visited.names):
            y = top + lane
            ax.plot([0, end], [y, y], color=style.FAINT, lw=0.5, zorder=0)
            stays = _stays(places == rank, visited.every)
            ax.broken_barh(stays, (y - 0.45, 0.9), color=_color(lane, rank), lw=0.4)
    for lane, (rank, name) in enumerate(visited.names.items()):
        below = 9.0 * lane  # points: lanes are lower than their names
        ax.annotate(
            name,
            (1, 1),
            (4, -below),
            xycoords="axes fraction",
            textcoords="offset points",
            color=_color(lane, rank),
            fontsize=7,
            va="top",
        )
    ax.set_xlim(-0.01 * end, 1.01 * end)
    ax.set_ylim(band * len(visited.places) - 1, -1)
    ax.set_yticks(middles, [f"chain {chain + 1}" for chain in range(len(middles))])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("draw")
    ax.set_title(visited.method)


def _stays(there: np.ndarray, every: int) -> list[tuple[float, float]]:
    """First draw and length of each stay in a place; there (kept,), one draw in `every`."""
    edges = every * np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(int)))
    return [(float(a), float(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _color(lane: int, rank: int) -> str:
    return COLORS[lane % len(COLORS)] if rank else style.MUTED
