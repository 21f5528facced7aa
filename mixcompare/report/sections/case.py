"""The section of one data set and model: sentences, and every part that the registry names."""

from __future__ import annotations

from dataclasses import replace

from mixcompare import registry
from mixcompare.report.document import Drawing, Items, Section
from mixcompare.report.sections import overview
from mixcompare.report.view import Case, View


def draw(view: View, case: Case, brief: bool = False) -> Section:
    """Make the section, its parts in the registry's order; in brief it has no figures."""
    parts: list[Section] = []
    for name in registry.names("parts"):
        shown = registry.load("parts", name).show(view, case)
        parts += shown.parts or [shown]
    if brief:
        parts = [_told(part) for part in parts]
    told = Items(overview.of_case(view, case))
    return Section(case.slug, f"{case.data}: {case.model_name}", [told], parts)


def _told(part: Section) -> Section:
    """Without the figures, which nobody has drawn yet."""
    blocks = [block for block in part.blocks if not isinstance(block, Drawing)]
    return replace(part, blocks=blocks)
