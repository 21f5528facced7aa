"""Expectations: named quantities of a study's rows, checked against the values a study file gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mixcompare.errors import SpecError, nearest
from mixcompare.study.quantities import QUANTITIES, NoAnswer, Selection

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    "quantity",
    "where",
    "expected",
    "value",
    "tolerance",
    "found",
    "status",
    "source",
    "note",
]


def check_names(quantity: str, where: Mapping[str, Any]) -> None:
    """Raise SpecError for an unknown quantity, a key its `where` cannot have, or one that is missing."""
    if quantity not in QUANTITIES:
        raise SpecError(
            f'unknown quantity "{quantity}": expected one of {", ".join(QUANTITIES)}.'
            f"{nearest(quantity, QUANTITIES)}"
        )
    known = QUANTITIES[quantity]
    for key in where:
        if key not in known.keys:
            raise SpecError(
                f'where: unknown key "{key}": {quantity} takes {", ".join(known.keys)}.'
                f"{nearest(key, known.keys)}"
            )
    missing = [key for key in known.required if key not in where]
    if missing:
        raise SpecError(f"where: {quantity} needs {', '.join(missing)}, got none: add it")


def each(blocks: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The blocks, one whose value is a list as one block a value.

    One key of `where`, other than index, then is a list of the same length: `step = [1, 2]` with
    `value = [0.4, 0.5]`. SpecError if none is, or more than one.
    """
    for block in blocks:
        where, value = dict(block.get("where") or {}), block.get("value")
        if not isinstance(value, (list, tuple)):
            yield {**block, "where": where}
            continue
        lists = [key for key, v in where.items() if isinstance(v, list) and key != "index"]
        if len(lists) != 1 or len(where[lists[0]]) != len(value):
            got = ", ".join(f"{key} with {len(where[key])}" for key in lists) or "none"
            raise SpecError(
                f"expected beside {len(value)} values one key of where with as many, got {got}"
            )
        (key,) = lists
        for one, expected in zip(where[key], value, strict=True):
            yield {**block, "where": {**where, key: one}, "value": expected}


def check(results: Any, blocks: Sequence[Mapping[str, Any]], quick: bool) -> pd.DataFrame:
    """Each [[expect]] block beside what was found.

    Parameters
    ----------
    results : Results
    blocks : sequence of mappings
        quantity; where; value with tolerance (absolute) or relative_tolerance, 0 if neither is given, or
        min and max (either or both) instead of value; source; at. Those with lists as `each` has them.
    quick : bool
        At quick size blocks with `at = "full"` are "not checked".

    Returns
    -------
    DataFrame
        One line a value: quantity, where, expected (in words), value, tolerance (absolute), found (None
        without an answer), status ("reproduced", "not reproduced" or "not checked"), source, note (why
        there is no answer). Raises SpecError for names that `check_names` refuses.
    """
    import pandas as pd

    lines = []
    for block in each(blocks):
        where, skip = block["where"], quick and block.get("at") == "full"
        found, note = (
            (None, "only at full size") if skip else find(results, block["quantity"], where)
        )
        status = "reproduced" if _holds(block, found) else "not reproduced"
        lines.append(
            {
                "quantity": block["quantity"],
                "where": where,
                "expected": _words(block),
                "value": block.get("value"),
                "tolerance": _tolerance(block),
                "found": found,
                "status": "not checked" if skip else status,
                "source": block.get("source", ""),
                "note": note,
            }
        )
    return pd.DataFrame(lines, columns=COLUMNS, dtype=object)


def find(results: Any, quantity: str, where: Mapping[str, Any]) -> tuple[Any, str]:
    """The value of a quantity, or None and why there is none."""
    check_names(quantity, where)
    try:
        found = QUANTITIES[quantity].compute(Selection(results, where))
    except NoAnswer as reason:
        return None, str(reason)
    if isinstance(found, str):
        return found, ""
    return (float(found), "") if np.isfinite(found) else (None, "it is not a finite number")


def _holds(block: Mapping[str, Any], found: Any) -> bool:
    value = block.get("value")
    if found is None or isinstance(value, str) or isinstance(found, str):
        return found is not None and found == value
    if value is not None:
        return abs(found - value) <= _tolerance(block)
    low, high = block.get("min"), block.get("max")
    return (
        (low is not None or high is not None)
        and (low is None or found >= low)
        and (high is None or found <= high)
    )


def _tolerance(block: Mapping[str, Any]) -> float:
    if block.get("tolerance") is not None:
        return float(block["tolerance"])
    if block.get("relative_tolerance") is not None and block.get("value") is not None:
        return float(block["relative_tolerance"]) * abs(float(block["value"]))
    return 0.0


def _words(block: Mapping[str, Any]) -> str:
    if block.get("value") is not None:
        tolerance, value = _tolerance(block), _plain(block["value"])
        return f"{value} ± {tolerance:.3g}" if tolerance else value
    parts = [
        f"{word} {_plain(block[key])}"
        for key, word in (("min", "at least"), ("max", "at most"))
        if key in block
    ]
    return " and ".join(parts)


def _plain(value: Any) -> str:
    """As the file has it, without a needless ".0"."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
