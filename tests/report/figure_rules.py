"""What every figure must keep: texts apart and inside, axes labelled, no key over data."""

import itertools

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from mixcompare.report.style import styled

SLACK = 1.0
"""Points by which boxes may touch: letters do not fill theirs."""


@styled
def faults(figure):
    """Sentences on what is wrong with a figure, drawn as it is printed; [] if nothing is."""
    figure.set_dpi(72)  # a pixel is a point
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    shown = [(text, box) for text in _texts(figure) if (box := text.get_window_extent(renderer))]
    said = [
        f'"{one.get_text()}" covers "{other.get_text()}"'
        for (one, a), (other, b) in itertools.combinations(shown, 2)
        if _overlap(a, b)
    ]
    page = figure.bbox
    said += [
        f'"{text.get_text()}" is cut off'
        for text, box in shown
        if box.x0 < -SLACK
        or box.y0 < -SLACK
        or box.x1 > page.x1 + SLACK
        or box.y1 > page.y1 + SLACK
    ]
    said += [f"{what} axis without a label" for what in _unlabelled(figure)]
    said += [
        f"a key covers data ({handle})" for ax in figure.axes for handle in _covered(ax, renderer)
    ]
    return said


def _texts(figure):
    """Every text that can be seen; of ticks those inside the axes. Reliefs place their own."""
    found = []
    flat = [ax for ax in figure.axes if ax.name != "3d"]
    relief = {text for ax in figure.axes if ax.name == "3d" for text in ax.findobj(Text)}
    ticks = {}
    for ax in flat:
        for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                inside = min(low, high) <= tick.get_loc() <= max(low, high)
                for label in (tick.label1, tick.label2):
                    ticks[label] = (
                        inside and axis.get_visible() and label.get_visible() and ax.axison
                    )
    for text in figure.findobj(Text):
        if text in relief or not text.get_text().strip() or not text.get_visible():
            continue
        if not ticks.get(text, True) or text.get_alpha() == 0:
            continue
        if text.axes is not None and not text.axes.axison and text in ticks:
            continue
        found.append(text)
    return found


def _overlap(a, b):
    across = min(a.x1, b.x1) - max(a.x0, b.x0)
    up = min(a.y1, b.y1) - max(a.y0, b.y0)
    return across > SLACK and up > 1.5 * SLACK


def _unlabelled(figure):
    """Axes with ticks that nothing names: no label of their own or the figure's, and no title for x."""
    for ax in figure.axes:
        if not ax.axison or ax.name == "3d":
            continue
        title = ax.get_title() or ax.get_title("left") or ax.get_title("right")
        if len(ax.get_xticks()) and not (ax.get_xlabel() or figure.get_supxlabel() or title):
            shared = any(o.get_xlabel() for o in ax.get_shared_x_axes().get_siblings(ax))
            if not shared:
                yield "horizontal"
        numbers = any(
            tick.label1.get_text().strip("−-.0123456789 \u202fe≤") == "" and tick.label1.get_text()
            for tick in ax.yaxis.get_major_ticks()
        )
        if (
            len(ax.get_yticks())
            and numbers
            and not (ax.get_ylabel() or figure.get_supylabel() or title)
        ):
            yield "vertical"


def _covered(ax, renderer):
    legend = ax.get_legend()
    if legend is None or ax.name == "3d":
        return
    box = legend.get_window_extent(renderer)
    clip = ax.get_window_extent(renderer)
    if (
        box.y0 >= clip.y1 - SLACK
        or box.y1 <= clip.y0 + SLACK
        or box.x0 >= clip.x1
        or box.x1 <= clip.x0
    ):
        return
    box = box.shrunk(0.98, 0.96)
    for line in ax.lines:
        path = line.get_path().transformed(line.get_transform())
        points = path.vertices
        points = points[np.isfinite(points).all(axis=1)]
        marks = line.get_linestyle() in ("None", "")
        if points.size and not marks and path.intersects_bbox(box, filled=False):
            yield f"line {line.get_label()}"
        elif points.size and marks and box.count_contains(points):
            yield f"marks {line.get_label()}"
    for patch in ax.patches:
        path = patch.get_path().transformed(patch.get_transform())
        if path.intersects_bbox(box, filled=patch.get_fill()):
            yield f"area {patch.get_label()}"
    for collection in ax.collections:
        for path in collection.get_paths():
            if len(collection.get_offsets()) > 1:
                points = collection.get_offset_transform().transform(collection.get_offsets())
                if box.count_contains(points):
                    yield "points"
                    break
            elif len(path.vertices) and path.transformed(
                collection.get_transform()
            ).intersects_bbox(box):
                yield "area"
                break
