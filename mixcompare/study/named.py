"""Methods as a caller names them, made into estimators by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.base import Estimator, make_estimator


def named_estimators(
    methods: Sequence[str | Estimator], options: Mapping[str, Any]
) -> dict[str, Estimator]:
    """Estimators by label, each with those of the options that it has."""
    if isinstance(methods, (str, Estimator)):
        methods = [methods]
    if not methods:
        raise SpecError('methods: expected at least one, such as "em", got none')
    found: dict[str, Estimator] = {}
    known: set[str] = set()
    for method in methods:
        estimator = make_estimator(method)
        own = {field.name for field in fields(estimator) if field.init}
        known |= own
        label = method if isinstance(method, str) else estimator.name
        if label in found:
            raise SpecError(f'methods: expected each once, got "{label}" twice')
        if isinstance(method, str):
            given = {key: value for key, value in options.items() if key in own}
            estimator = make_estimator(method, **given)
        found[label] = estimator
    for key in options:
        if key not in known:
            raise SpecError(
                f'unknown option "{key}": expected one that a method of {", ".join(found)} has: '
                f"{', '.join(sorted(known))}.{nearest(key, known)}"
            )
    return found
