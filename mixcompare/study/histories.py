"""Kept histories: the parameters of a fit at every evaluation, as a study asked for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixcompare.errors import SpecError
from mixcompare.study.ends import parse, parse_theta
from mixcompare.theta import Theta

COLUMNS = ["key", "step", "passes", "loglik", "theta"]


@dataclass(frozen=True)
class History:
    """The evaluations of one fit, those kept of them.

    Parameters
    ----------
    key : str
    steps : ndarray (m,) of int
        Number of the evaluation: 0 is the start; of EM t is the end of iteration t.
    passes : ndarray (m,)
    loglik : ndarray (m,)
        Of the point evaluated, nats; it may be nan or infinite.
    theta : tuple of m Theta
        Components in the order of the row's end.
    said : ndarray (m,)
        What the method itself printed after iteration t, whatever it is; nan where it printed nothing.
    """

    key: str
    steps: np.ndarray
    passes: np.ndarray
    loglik: np.ndarray
    theta: tuple[Theta, ...]
    said: np.ndarray

    def better(self) -> np.ndarray:
        """(m,) bool: the evaluations that were better than all before them."""
        value = np.where(np.isfinite(self.loglik), self.loglik, -np.inf)
        best = np.maximum.accumulate(value) if value.size else value
        return np.asarray(value > np.append(-np.inf, best[:-1]))


def read(fits: pd.DataFrame, histories: pd.DataFrame, key: str) -> History:
    """The history of one fit; SpecError if none was kept."""
    lines = histories[histories["key"] == key].sort_values("step")
    if lines.empty:
        raise SpecError(
            f'key: expected that of a fit whose history was kept, got "{key}": the key `history` of a '
            f"study file says of which fits it is"
        )
    row = fits[fits["key"] == key].iloc[0]
    order = parse(row["permutation"])
    points = [parse_theta(text) for text in lines["theta"]]
    steps = lines["step"].to_numpy(int)
    printed = np.array(parse(row.get("said_values")) or [], dtype=float)
    said = np.full(steps.size, np.nan)
    there = (steps >= 1) & (steps <= printed.size)
    said[there] = printed[steps[there] - 1]
    return History(
        key,
        steps,
        lines["passes"].to_numpy(float),
        lines["loglik"].to_numpy(float),
        tuple(point.take(order) if order else point for point in points if point is not None),
        said,
    )
