"""What is wrong with a study file, and where, in one sentence."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from mixcompare.errors import MixcompareError, SpecError, nearest


def place(*parts: str | int) -> str:
    """A key as a reader counts: ("method", 1, "options") is "method[2].options"."""
    text = ""
    for part in parts:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@contextmanager
def at(path: Path, *where: str | int) -> Iterator[None]:
    """Turn what the inside finds wrong into a SpecError that names file and key."""
    with blame(path, place(*where)):
        yield


@contextmanager
def blame(path: Path, where: str) -> Iterator[None]:
    """The same, with the place in words."""
    try:
        yield
    except MixcompareError as error:
        raise SpecError(f"{path}: {where}: {error}") from error


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": 'a text in quotes, "..."',
    "string_too_short": "a text that is not empty",
    "tuple_type": "a list [ ... ]",
    "dict_type": "a table { key = value, ... }",
    "too_short": "at least one entry",
    "model_type": "a table { key = value, ... }",
}


def explain(error: ValidationError, root: type[BaseModel]) -> str:
    """The most telling of the errors: a misspelt key before the missing one that it leaves behind."""
    errors = error.errors(include_url=False)
    first = min(errors, key=lambda e: e["type"] != "extra_forbidden")
    location, kind, got = first["loc"], first["type"], first["input"]
    context = first.get("ctx", {})
    if kind == "extra_forbidden":
        known = list(_section(root, location[:-1]).model_fields)
        key = str(location[-1])
        inside = f"{place(*location[:-1])}: " if location[:-1] else ""
        return (
            f'{inside}unknown key "{key}": expected one of {", ".join(known)}.{nearest(key, known)}'
        )
    if kind == "missing":
        block = location[-1] in ("data", "model", "method") and len(location) == 1
        what = f"at least one [[{location[-1]}]] block" if block else f'the key "{location[-1]}"'
        inside = f"{place(*location[:-1])}: " if location[:-1] else ""
        return f"{inside}expected {what}, got none: add it"
    where = place(*location)
    if kind in ("tuple_type", "model_type") and len(location) <= 2 and location[0] in _BLOCKS:
        return f"{where}: expected blocks that begin with [[{location[0]}]], got {_short(got)}"
    expected = _EXPECTED.get(kind, "")
    if kind.startswith(("greater_than", "less_than")):
        sign = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}
        expected = " ".join(f"a number {sign[key]} {limit:g}" for key, limit in context.items())
    elif kind == "literal_error":
        expected = context["expected"]
    elif kind == "value_error":
        expected = str(context["error"])
    return f"{where}: expected {expected or first['msg']}, got {_short(got)}"


_BLOCKS = ("data", "model", "method", "slice", "expect")


def _section(root: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel]:
    """The section of the file that a location lies in."""
    section = root
    for part in location:
        if isinstance(part, str):
            section = _inner(section.model_fields[part].annotation) or section
    return section


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation holds, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _inner(part))), None)


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
