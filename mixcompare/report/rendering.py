"""What pages are made with: the templates, how text is written in them, and files written whole."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mixcompare.records import DRAW_FINDINGS, FINDINGS, SOUND
from mixcompare.report import words

NO_NAMES = re.compile(r"(?!)")
"""Finds no name of a method."""


def environment(template: str, names: re.Pattern[str]) -> Environment:
    """What reads the templates; it escapes where they make HTML. `names` finds those of methods in a text."""
    loader = PackageLoader("mixcompare.report", "templates")
    made = Environment(
        loader=loader,
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    made.filters["md"] = markdown
    made.filters["named"] = lambda text: _named(text, names)
    made.globals |= {
        "css": Markup(loader.get_source(made, "style.css")[0]),
        "tone": _tone,
        "finding": words.finding,
    }
    return made


def tidy(page: str) -> str:
    """A rendered page with no more than one empty line at a time."""
    return re.sub(r"\n{3,}", "\n\n", page).strip() + "\n"


def markdown(text: str) -> str:
    """Text whose asterisks, underscores and brackets are not markup."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|" else letter for letter in str(text))


def write(path: Path, content: str | bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _tone(name: str) -> str:
    """Which of the badge's looks a finding or status has; its words say the rest."""
    if name in (*SOUND, "reproduced"):
        return "sound"
    if name in ("duplicate", "saddle", "not checked", "unsupported"):
        return "warn"
    return "failed" if name in (*FINDINGS, *DRAW_FINDINGS, "not reproduced") else ""


def _named(text: str, names: re.Pattern[str]) -> Markup:
    """Text for HTML that breaks after underscores, but not "95 %" nor l-bfgs-b[naive] (a method)."""
    parts = names.split(str(text).replace(" %", "\u00a0%"))
    return Markup("").join(
        Markup('<span class="name">{}</span>').format(part)
        if i % 2
        else escape(part).replace("_", Markup("_<wbr>"))
        for i, part in enumerate(parts)
    )
