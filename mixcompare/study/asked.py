"""What a study as parsed asked of its methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def by_label(study: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The blocks of a study's methods, in its order, by what the rows call them: the label, else the name."""
    return {block.get("label") or block["name"]: block for block in study.get("method", [])}
