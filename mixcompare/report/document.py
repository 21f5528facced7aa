"""What a report is made of before it is HTML or Markdown: sections of paragraphs, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mixcompare import registry
from mixcompare.report.film import Reel
from mixcompare.report.tables import Table


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; `about` names its subject, in bold before it."""

    text: str
    about: str = ""
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Items:
    """A list."""

    items: Sequence[str]
    kind: ClassVar[str] = "items"


@dataclass(frozen=True)
class Terms:
    """Terms and what they mean; `badge` shows each as a finding."""

    terms: Sequence[tuple[str, str]]
    badge: bool = False
    kind: ClassVar[str] = "terms"


@dataclass(frozen=True)
class Tabular:
    """A table, folded away behind its caption where `folded`."""

    table: Table
    folded: bool = False
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Drawing:
    """A figure yet to be drawn: what it shows in one line, its message, and which figure of what.

    `figure` is its name in the registry; `data` is what that is called with.
    """

    name: str
    title: str
    caption: str
    figure: str
    data: Sequence[Any]
    kind: ClassVar[str] = "figure"

    def draw(self) -> Any:
        """The figure's axes, drawn now."""
        return registry.load("figures", self.figure)(*self.data)


@dataclass(frozen=True)
class Moving:
    """A film: what it shows, its message, and a label a frame."""

    name: str
    title: str
    caption: str
    reel: Reel
    labels: Sequence[str]
    kind: ClassVar[str] = "film"


@dataclass(frozen=True)
class Section:
    """A part of the report. Level 2 stands in the table of contents, with its level 3 parts below."""

    slug: str
    title: str
    blocks: Sequence[Any]
    parts: Sequence[Section] = field(default_factory=tuple)
