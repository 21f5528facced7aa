"""SVG text made smaller without a visible change: styles said once, hidden marks left out, letters shared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_MARKS = re.compile(
    r'(<g (clip-path="[^"]*")>\n)(?:<use [^>]*/>\n)+</g>\n(?:\1(?:<use [^>]*/>\n)+</g>\n)*'
)
_MARK = re.compile(r'<use ([^>]*?) style="([^"]*)"/>\n')
_LINES = re.compile(
    r'<path d="[^"]*"( clip-path="[^"]*" style="[^"]*")/>\n(?:<path d="[^"]*"\1/>\n){2,}'
)
_LAYERED = re.compile(r"(?<![-\w])opacity")
_SHAPE = re.compile(r'<path id="([^"]+)"([^>]*)/>\n')


def compact(text: str) -> str:
    """Neighbours of one style become a group that states it; of equal opaque marks the topmost is kept.

    A mark that another of the same shape, place and style covers cannot be seen. Elements whose opacity is
    that of a layer are left as they are: a group of them would be another picture.
    """
    return _LINES.sub(_lines, _MARKS.sub(_marks, text))


def _marks(found: re.Match[str]) -> str:
    uses = _MARK.findall(found[0])
    if len(uses) != found[0].count("<use ") or any(_LAYERED.search(style) for _, style in uses):
        return found[0]
    seen: set[tuple[str, str]] = set()
    kept: list[tuple[str, str]] = []
    for use in reversed(uses):
        if "opacity" in use[1] or use not in seen:
            kept.append(use)
            seen.add(use)
    groups: list[tuple[str, list[str]]] = []
    for place, style in reversed(kept):
        if not groups or groups[-1][0] != style:
            groups.append((style, []))
        groups[-1][1].append(f"<use {place}/>\n")
    parts = [f'<g style="{style}">\n{"".join(places)}</g>\n' for style, places in groups]
    return f"<g {found[2]}>\n{''.join(parts)}</g>\n"


def _lines(found: re.Match[str]) -> str:
    if _LAYERED.search(found[1]):
        return found[0]
    return f"<g{found[1]}>\n{found[0].replace(found[1], '')}</g>\n"


def share(documents: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The same documents for one page, and the shapes (letters, marks) that several of them use, once."""
    found = {name: _SHAPE.findall(text) for name, text in documents.items()}
    often = Counter(
        shape for shapes in found.values() for shape in dict.fromkeys(shape for _, shape in shapes)
    )
    ids = {shape: f"shape-{i}" for i, shape in enumerate(s for s, n in often.items() if n > 1)}
    made = {}
    for name, text in documents.items():
        shared = {old: ids[shape] for old, shape in found[name] if shape in ids}
        made[name] = _without(text, shared)
    shapes = "".join(f'<path id="{new}"{shape}/>\n' for shape, new in ids.items())
    return made, shapes


def _without(text: str, shared: Mapping[str, str]) -> str:
    """A document whose shapes of these ids are elsewhere, under the ids given."""
    for old, new in shared.items():
        text = re.sub(rf'<path id="{re.escape(old)}"[^>]*/>\n', "", text)
        text = text.replace(f'href="#{old}"', f'href="#{new}"')
    return text.replace("<defs>\n</defs>\n", "")
