"""What a quantity of an [[expect]] block is, and what its `where` selects of a Results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from mixcompare.mixture import MixtureModel
    from mixcompare.theta import Theta

FITS = ("data", "model", "method", "replicate")
CASES = ("data", "model", "replicate")
NUMBERS = ("data", "model", "method", "kind", "parameter", "component", "index")


@dataclass(frozen=True)
class Quantity:
    """A number (or word) that can be expected; `keys` may stand in `where`, `required` ones must."""

    doc: str
    keys: tuple[str, ...]
    compute: Callable[[Selection], Any]
    required: tuple[str, ...] = ()


class NoAnswer(Exception):
    """Why a quantity has no value here: nothing selected, or more than one thing."""


@dataclass(frozen=True)
class Selection:
    """What a `where` selects of a Results."""

    results: Any
    where: Mapping[str, Any]

    def pick(self, table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
        """The lines of a table that agree with `where` in these keys."""
        for key in keys:
            if key in self.where:
                table = table[table[key].astype(str) == str(self.where[key])]
        return table

    @property
    def fits(self) -> pd.DataFrame:
        """The selected rows, at least one."""
        rows = self.pick(self.results.rows, FITS)
        if rows.empty:
            raise NoAnswer("no fit is selected")
        return rows

    def one_case(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table, if it is about one data set, replicate and model."""
        for key in CASES:
            values = list(dict.fromkeys(table[key]))
            if len(values) > 1:
                raise NoAnswer(f"{len(values)} values of {key} are selected: name one in where")
        return table

    @property
    def best(self) -> Any:
        """The selected fit with the highest verified optimum that is not narrow."""
        rows = self.one_case(self.fits)
        rows = rows[rows["optimum"] & ~rows["narrow"] & rows["value"].notna()]
        if rows.empty:
            raise NoAnswer("no fit ended at a verified optimum that is not narrow")
        return rows.sort_values("value", kind="stable").iloc[-1]

    @property
    def optima(self) -> pd.DataFrame:
        """The distinct optima of the one case selected."""
        self.one_case(self.fits)
        return self.pick(self.results.optima(), CASES)

    @property
    def diagnostics(self) -> list[dict[str, Any]]:
        """Those of the selected posteriors."""
        from mixcompare.study.ends import (
            parse,
        )  # loads pandas, which a study file can be read without

        found = [cell for cell in map(parse, self.fits["diagnostics"]) if cell]
        if not found:
            raise NoAnswer("no posterior is selected")
        return found


def entry(row: Any, theta: Theta, s: Selection) -> float:
    """The number of a point that `where` names: parameter, natural or reporting scale, component, index.

    NoAnswer, with what there is, for any that is not there. Component and index count from 1.
    """
    model = s.results.model_on(row["model"], s.results.dataset(row["data"]))
    values = {**(_scales(model, theta) if model else {}), **theta}
    name = s.where["parameter"]
    if name not in values:
        raise NoAnswer(f'there is no parameter "{name}": expected one of {", ".join(values)}')
    place = np.atleast_1d(s.where.get("index", 1 if values[name].ndim > 1 else [])).astype(int)
    index = (int(s.where.get("component", 0)) - 1, *(place - 1))
    if (
        len(index) < values[name].ndim
        and values[name].size == values[name].shape[0] * values[name].shape[1]
    ):
        index += (0,) * (values[name].ndim - len(index))
    if min(index) < 0:
        raise NoAnswer(f"{name} has shape {values[name].shape}; component and index count from 1")
    try:
        return float(values[name][index])
    except (IndexError, TypeError) as error:
        raise NoAnswer(
            f"{name} has shape {values[name].shape}; component and index count from 1"
        ) from error


def _scales(model: MixtureModel, theta: Theta) -> dict[str, np.ndarray]:
    return {**model.report_scale(theta), **model.readable(theta)}
