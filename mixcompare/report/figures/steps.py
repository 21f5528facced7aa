"""Shares that were there by then, as steps: what the figures of profiles have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mixcompare.report import style

LINE = 0.145
"""Inches from one label to the next."""


@dataclass(frozen=True)
class Curve:
    """One method: `share` of its `fits` that were there at `x`, one entry a jump, `reached` in the end.

    `ended` holds where the fits that never got there stopped.
    """

    method: str
    x: np.ndarray
    share: np.ndarray
    reached: int
    fits: int
    ended: np.ndarray = field(default_factory=lambda: np.empty(0))


def steps(curves: Sequence[Curve], label: str, of: str, ax: Axes | None = None) -> Axes:
    """One step function a method over a log axis, named at its right end; small strokes for lost fits.

    `of` says what the shares are of.

    A curve goes on level to the right margin from where it ends: what is missing to 1 never got there.
    """
    height = max(2.3, LINE * len(curves) + 0.75)
    ax = style.own_axes(ax, height)
    ends = [c.x[np.isfinite(c.x)] for c in curves] + [c.ended for c in curves]
    first = min([1.0, *(float(x.min()) for x in ends if x.size)])
    last = max((float(x.max()) for x in ends if x.size), default=1.0)
    ax.set_xscale("log")
    ax.set_xlim(first, 1.25 * max(last, 2.0))
    ax.set_ylim(-0.03, 1.03)
    for curve in curves:
        _step(ax, curve)
    _name(ax, curves, LINE * 1.06 / (height - 0.55))
    ax.set_xlabel(label)
    ax.set_ylabel(f"share of {of}")
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    style.plain_ticks(ax.xaxis, last / 7.5)
    return ax


def _step(ax: Axes, curve: Curve) -> None:
    look = style.look(curve.method)
    kept = np.isfinite(curve.x)
    x, share = curve.x[kept], curve.share[kept]
    left, right = ax.get_xlim()
    across, up = np.concatenate([[left], x, [right]]), np.concatenate([[0.0], share, share[-1:]])
    if not x.size:
        up = np.zeros(2)
    ax.step(
        across, up, where="post", color=look.color, ls=style.line(curve.method), lw=1.1, alpha=0.9
    )
    if x.size:
        mark = _mark(look)
        ax.plot(x[-1:], share[-1:], ls="", color=look.color, zorder=3, **mark)
    if curve.ended.size:
        at = up[np.searchsorted(x, curve.ended, side="right")]
        ax.plot(curve.ended, at, ls="", marker="|", ms=5, mew=0.8, color=look.color, zorder=2)


def _mark(look: style.Look) -> dict[str, Any]:
    return {"marker": look.marker, "mfc": look.face, "mec": look.color, "ms": 3.8, "mew": 0.9}


def _name(ax: Axes, curves: Sequence[Curve], apart: float) -> None:
    """Names and counts beside the right ends, moved apart where they would cover each other."""
    order = sorted(range(len(curves)), key=lambda i: -curves[i].reached / max(curves[i].fits, 1))
    wanted = [curves[i].reached / max(curves[i].fits, 1) for i in order]
    beside = ax.get_yaxis_transform()
    for i, y, place in zip(order, wanted, _apart(wanted, apart), strict=True):
        curve, look = curves[i], style.look(curves[i].method)
        line: dict[str, Any] = {
            "color": look.color,
            "lw": 0.6,
            "clip_on": False,
            "transform": beside,
        }
        ax.plot([1.0, 1.045], [y, place], **line)
        mark = _mark(look)
        ax.plot(
            [1.045, 1.11], [place, place], **{**line, "lw": 1.1, "ls": style.line(curve.method)}
        )
        ax.plot([1.0775], [place], ls="", clip_on=False, transform=beside, **mark)
        text = f"{curve.method} {curve.reached}/{curve.fits}"
        ax.text(1.125, place, text, transform=beside, va="center", fontsize=7, color=look.color)


def _apart(wanted: Sequence[float], apart: float) -> list[float]:
    """Places in falling order, near those wanted, each at least `apart` below the one before."""
    places: list[float] = []
    for y in wanted:
        places.append(min(y, places[-1] - apart) if places else y)
    floor = 0.0
    for i in range(len(places) - 1, -1, -1):
        places[i] = max(places[i], floor)
        floor = places[i] + apart
    return places
