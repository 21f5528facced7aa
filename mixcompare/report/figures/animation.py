"""A fit in motion: the density at one iteration after the other, with the log-likelihood below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mixcompare.report import style
from mixcompare.report.figures.ascent import Climb, limit
from mixcompare.report.figures.histories import number_steps
from mixcompare.report.figures.stages import Stage, highest, panel

DPI = 120
"""552 pixels wide: sharp enough for text of this size, and still modest."""


@dataclass(frozen=True)
class Film:
    """The stages of one run in their order, its whole climb, and what a step is."""

    method: str
    unit: str
    stages: Sequence[Stage]
    climb: Climb

    def title(self, stage: Stage) -> str:
        """Which frame it is."""
        return f"{self.method}, {self.unit} {stage.step}: {stage.loglik:.3f} nats".replace("-", "−")


@style.styled
def draw(film: Film, ax: Axes | None = None, frame: int = -1) -> Axes:
    """Draw one frame, the last by default; returns the axes of the density."""
    ax = style.own_axes(ax, 2.7)
    stage = film.stages[frame]
    panel(ax, stage, style.look(film.method).color, highest(film.stages))
    picture = stage.picture
    ax.set_xlabel(picture.labels[0])
    ax.set_ylabel(picture.density if picture.kind == "line" else picture.labels[1])
    ax.set_title(film.title(stage))
    return ax


@style.styled
def frames(film: Film) -> list[np.ndarray]:
    """Every frame as an image (height, width, 3) of bytes; the density above, the way up below it.

    The layout is settled on the first frame, so that nothing moves but what the fit moves.
    """
    figure, (above, below) = style.canvas(3.9, 2, 1, height_ratios=[3.2, 1.0])
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(DPI)
    climb, look = film.climb, style.look(film.method)
    below.plot(climb.steps, climb.loglik, color=look.color, lw=0.9)
    (dot,) = below.plot([], [], color=look.color, marker=look.marker, mfc=look.face, ms=5, ls="")
    number_steps(below, float(climb.steps[-1]))
    limit(below, [climb])
    below.set_xlabel(film.unit)
    below.set_ylabel("log-lik. (nats)")
    images = []
    for i, stage in enumerate(film.stages):
        above.clear()
        draw(film, above, i)
        if stage.picture.kind == "plane":
            grid = stage.picture.grid
            above.set_xlim(float(grid[0].min()), float(grid[0].max()))
            above.set_ylim(float(grid[1].min()), float(grid[1].max()))
        dot.set_data([stage.step], [max(stage.loglik, below.get_ylim()[0])])
        canvas.draw()
        if i == 0:
            figure.set_layout_engine("none")
        images.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return images
