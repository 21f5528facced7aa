"""Options as a user writes them, made into settings: a value of the wrong type is named, not passed on."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

from mixcompare.errors import SpecError

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def with_options[Made](
    make: Callable[..., Made], settings: type, options: Mapping[str, Any]
) -> Made:
    """`make(**options)` for a class of settings, or SpecError if a value is not of its field's type.

    What `make` itself refuses with a SpecError, unknown names above all, passes through.
    """
    hints = typing.get_type_hints(settings)
    for key, value in options.items():
        hint = hints.get(key, object)
        kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        words = [_WORDS[kind] for kind in kinds if kind in _WORDS]
        optional = value is None and type(None) in kinds
        if words and not optional and not any(_fits(value, k) for k in kinds if k in _WORDS):
            raise SpecError(f"{key}: expected {' or '.join(words)}, got {value!r}")
    try:
        return make(**options)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{key} = {value!r}" for key, value in options.items())
        raise SpecError(f"expected options of another kind, got {given} ({error})") from error


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, _NUMBERS.get(kind, kind))


_NUMBERS: dict[type, type] = {int: Integral, float: Real}
