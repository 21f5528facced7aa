"""Log-likelihoods of posterior draws, beside the best known value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from mixcompare.report import style
from mixcompare.report.figures.histories import STYLES


@dataclass(frozen=True)
class Drawn:
    """Log-likelihoods (nats) of one sampler's draws, and whether nothing was found wrong with them."""

    method: str
    loglik: np.ndarray
    sound: bool = True


@style.styled
def draw(samplers: Sequence[Drawn], best: float, q: int, ax: Axes | None = None) -> Axes:
    """One histogram a sampler, as a density; a line at the best known value, a dotted one q / 2 below it.

    With q free parameters, a normal posterior under a flat prior has best - loglik ~ Gamma(q / 2, 1), whose
    mean is q / 2 (half a chi-squared variable): the grey curve. Best may be nan: then there are no lines.
    """
    ax = style.own_axes(ax, 2.1)
    every = np.concatenate([s.loglik for s in samplers])
    low, high = np.quantile(every, 0.001), every.max()
    if np.isfinite(best):
        low, high = min(low, best - q / 2 - 1), max(high, best)
    pad = 0.03 * (high - low) or 0.5
    edges = np.linspace(low, high + 1e-9, 46)
    for place, sampler in enumerate(samplers):
        look = style.look(sampler.method)
        color = look.color if sampler.sound else style.FAILED
        kept = sampler.loglik[sampler.loglik >= low]
        heights = np.histogram(kept, edges)[0] / (sampler.loglik.size * (edges[1] - edges[0]))
        ax.stairs(heights, edges, fill=True, color=color, alpha=0.18)
        line = STYLES[place % len(STYLES)]
        ax.stairs(heights, edges, color=color, lw=1.1, ls=line, label=_label(sampler, best))
    if np.isfinite(best):
        _lines(ax, best, q, low)
    ax.set_xlim(low - pad, high + 2 * pad)
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("log-likelihood (nats)")
    ax.set_ylabel("density (1/nat)")
    style.key_above(ax)
    return ax


def _lines(ax: Axes, best: float, q: int, low: float) -> None:
    ax.axvline(best, color=style.INK, lw=1.0, label="best known")
    ax.axvline(best - q / 2, color=style.INK, lw=0.9, ls=":", label=f"q/2 = {q / 2:g} below it")
    below = np.linspace(1e-3, best - low, 200)
    logs = (q / 2 - 1) * np.log(below) - below - math.lgamma(q / 2)
    kept = logs < math.log(1.5)  # with one parameter the density has no bound at the best value
    ax.plot(best - below[kept], np.exp(logs[kept]), color=style.MUTED, lw=0.9)


def _label(sampler: Drawn, best: float) -> str:
    if not np.isfinite(best):
        return sampler.method
    return f"{sampler.method}: {best - sampler.loglik.mean():.2f} below on average"
