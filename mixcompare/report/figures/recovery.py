"""Learned against true parameters, components paired: one panel a kind of parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.report import style
from mixcompare.report.figures.groups import HUES

MARKS = "os^Dv"
"""Of components in turn."""

WIDEST = 3
"""Panels in a row at most."""


@dataclass(frozen=True)
class Panel:
    """One kind of parameter: truths and estimates (m,), of which component, and whether it is the answer.

    `component` counts from 1 in the order of the truth; where `answer` is False the end was another one
    that a method found on the same data.
    """

    label: str
    truth: np.ndarray
    estimate: np.ndarray
    component: np.ndarray
    answer: np.ndarray


@style.styled
def draw(panels: Sequence[Panel], ax: Any = None) -> Any:
    """Draw estimate against truth with the line of equality; returns the array of axes.

    With `ax` only the first panel is drawn, on it.
    """
    if ax is not None:
        _panel(ax, panels[0])
        return ax
    columns = min(len(panels), WIDEST)
    rows = -(-len(panels) // columns)
    figure, axes = style.canvas(1.75 * rows + 0.45, rows, columns, squeeze=False)
    for i, own in enumerate(axes.flat):
        if i < len(panels):
            _panel(own, panels[i])
        else:
            own.set_axis_off()
    components = sorted({int(k) for panel in panels for k in panel.component})
    handles = [
        axes.flat[0].plot([], [], ls="", ms=4, label=f"component {k}", **_look(k))[0]
        for k in components
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 5),
                  handletextpad=0.1, columnspacing=1.0)  # fmt: skip
    figure.supxlabel("true", fontsize=8)
    figure.supylabel("learned", fontsize=8)
    return axes


def _panel(ax: Any, panel: Panel) -> None:
    ax.set_title(panel.label)
    seen = np.isfinite(panel.truth) & np.isfinite(panel.estimate)
    own = seen & panel.answer if (seen & panel.answer).any() else seen
    values = np.concatenate([panel.truth[own], panel.estimate[own]])
    low, high = (values.min(), values.max()) if values.size else (0.0, 1.0)
    pad = 0.08 * (high - low) or 1.0
    ax.axline((low, low), slope=1, color=style.FAINT, lw=0.8, zorder=0)
    for k in dict.fromkeys(panel.component):
        mine = seen & (panel.component == k)
        look = _look(int(k))
        others, answers = mine & ~panel.answer, mine & panel.answer
        ax.plot(panel.truth[others], panel.estimate[others], ls="", ms=3.5, mew=0.6, alpha=0.6,
                **{**look, "mfc": "none"})  # fmt: skip
        alpha = float(np.clip(12 / max(answers.sum(), 1), 0.25, 1.0))
        ax.plot(panel.truth[answers], panel.estimate[answers], ls="", ms=4, mew=0, alpha=alpha,
                zorder=3, **look)  # fmt: skip
    ax.set_xlim(low - pad, high + pad)
    ax.set_ylim(low - pad, high + pad)
    ax.locator_params(nbins=4)
    ax.set_box_aspect(1)


def _look(component: int) -> dict[str, Any]:
    place = component - 1
    return {"marker": MARKS[place % len(MARKS)], "color": HUES[place % len(HUES)]}
