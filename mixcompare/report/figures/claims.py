"""How often each solver's word was wrong, with its interval: of success at the left, of failure beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import style


@dataclass(frozen=True)
class Rate:
    """Of `n` claims `wrong` were wrong: a share and its 95 % interval; nan where nothing can be judged."""

    wrong: float = np.nan
    n: int = 0
    share: float = np.nan
    lower: float = np.nan
    upper: float = np.nan


@dataclass(frozen=True)
class Word:
    """Both rates of one method."""

    method: str
    success: Rate
    failure: Rate


@style.styled
def draw(words: Sequence[Word]) -> Any:
    """One row a method, two panels; the counts beside each mark. Returns the array of both axes."""
    _, axes = style.canvas(0.19 * len(words) + 0.75, 1, 2, sharey=True, sharex=True)
    for ax, kind in zip(axes, ("success", "failure"), strict=True):
        for y, word in enumerate(words):
            _rate(ax, y, word.method, getattr(word, kind))
        ax.set_title(f"said: {kind}")
        ax.set_xlim(-0.04, 1.04)
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        ax.set_xlabel("share wrong")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    axes[0].set_yticks(range(len(words)), [word.method for word in words])
    axes[0].set_ylim(len(words) - 0.5, -0.5)
    return axes


def _rate(ax: Any, y: int, method: str, rate: Rate) -> None:
    look = style.look(method)
    if not rate.n:
        count = "–"
    elif np.isnan(rate.share):
        count = f"{rate.n}, not judged"
    else:
        count = f"{rate.wrong:.0f}/{rate.n}"
        ax.plot([rate.lower, rate.upper], [y, y], color=look.color, lw=1.1, solid_capstyle="butt")
        mark = {"marker": look.marker, "mfc": look.face, "mec": look.color, "ms": 4, "mew": 0.9}
        ax.plot([rate.share], [y], ls="", color=look.color, zorder=3, **mark)
    beside = ax.get_yaxis_transform()
    ax.text(1.02, y, count, transform=beside, va="center", fontsize=7, color=style.MUTED)
