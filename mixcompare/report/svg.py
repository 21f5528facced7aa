"""Figures as SVG text: the same bytes for the same picture, without what nobody can see."""

from __future__ import annotations

import io
import re
import zlib

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from mixcompare.report.compact import compact
from mixcompare.report.style import styled

DOTS = 150
"""Per inch, of what is a picture in the figure: maps, and reliefs of many thousand faces."""


@styled
def document(figure: Figure, name: str, title: str) -> str:
    """The figure as an SVG document that depends on nothing but what is drawn.

    Element ids are numbered in order after a digest of `name`, so that many figures can share a page;
    there are none but those referred to. No date, creator or document type, nothing from outside.
    """
    FigureCanvasSVG(figure)
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing, facecolor="none", dpi=DOTS)
    text = buffer.getvalue()
    text = re.sub(r"<!--.*?-->\s*", "", text[text.index("<svg") :], flags=re.S)
    text = re.sub(r' d="([^"]*)"', lambda m: f' d="{short_path(m[1])}"', text)
    text = re.sub(r' (x|y|transform)="([^"]*)"', lambda m: f' {m[1]}="{_rounded(m[2])}"', text)
    text = re.sub(r'style="[^"]*"', lambda m: re.sub(r"([:;]) ", r"\1", m[0]), text)
    text = compact(re.sub(r">\s+<", ">\n<", _ungrouped(_renumbered(text, name))))
    label = f'<title id="{name}-title">{_escaped(title)}</title>'
    opening = f'<svg role="img" aria-labelledby="{name}-title" '
    return re.sub(
        r"<svg (.*?>)", lambda m: opening + m[1] + "\n" + label, text, count=1, flags=re.S
    )


def inline(text: str) -> str:
    """The SVG as it stands inside an HTML page, where namespaces are understood."""
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    return text.replace("xlink:href", "href")


def short_path(data: str) -> str:
    """The same path in relative coordinates, to a hundredth of a point: nobody sees more.

    Positions are rounded before they are subtracted, so that errors do not add up. Understands what
    matplotlib writes: M, L, Q, C and z, absolute.
    """
    made: list[str] = []
    at = (0, 0)
    for command, numbers in re.findall(r"([MLQCz])([^MLQCz]*)", data):
        values = [round(100 * float(number)) for number in numbers.split()]
        if command in "Mz":
            made.append(f"M{_pairs(values)}" if command == "M" else "z")
        elif command == "L":
            made.append(_line(values[0] - at[0], values[1] - at[1]))
        else:
            steps = [value - at[i % 2] for i, value in enumerate(values)]
            made.append(f"{command.lower()}{_pairs(steps)}")
        at = (values[-2], values[-1]) if values else at
    return "".join(made)


def _line(dx: int, dy: int) -> str:
    if dy == 0:
        return f"h{_hundredths(dx)}"
    return f"v{_hundredths(dy)}" if dx == 0 else f"l{_pairs([dx, dy])}"


def _pairs(values: list[int]) -> str:
    return " ".join(map(_hundredths, values)).replace(" -", "-")


def _hundredths(value: int) -> str:
    return f"{value / 100:.2f}".rstrip("0").rstrip(".")


def _rounded(numbers: str) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda m: _decimals(m[0]), numbers)


def _decimals(number: str) -> str:
    """A position to a hundredth; a scale below one to four significant digits."""
    value = float(number)
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"


def _renumbered(text: str, name: str) -> str:
    """Only ids that something refers to, numbered in order after a short form of `name`."""
    referred = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    order = [old for old in dict.fromkeys(re.findall(r' id="([^"]+)"', text)) if old in referred]
    short = f"f{zlib.crc32(name.encode()):x}"
    ids = {old: f"{short}-{i}" for i, old in enumerate(order)}
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{ids[m[1]]}"' if m[1] in ids else "", text)
    return re.sub(r'((?:href="#|url\(#))([^")]+)', lambda m: m[1] + ids[m[2]], text)


def _ungrouped(text: str) -> str:
    """Without groups that say nothing of what is in them."""
    kept: list[bool] = []

    def decide(tag: re.Match[str]) -> str:
        if tag[0] == "</g>":
            return tag[0] if kept.pop() else ""
        empty = tag[0].endswith("/>")
        says = tag[1].strip() not in ("", "/")
        if not empty:
            kept.append(says)
        return tag[0] if says else ""

    return re.sub(r"</g>|<g((?:\s[^>]*)?/?)>", decide, text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
