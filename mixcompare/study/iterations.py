"""Fits iteration by iteration: parameters as people read them, plateaus, and what methods printed.

Everything is read off kept histories (histories.py); fits without one have no place here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.mixture import MixtureModel
from mixcompare.study.ends import parse
from mixcompare.study.histories import History
from mixcompare.theta import Theta

SHARE = 0.01
"""An iteration is slow if it gained less than this share of what was still to come."""

STILL = 1.0
"""Nats that must still be to come for a slow iteration to lie on a plateau: less is convergence."""

LEAST = 5
"""Slow iterations in a row that make a plateau; of evaluations, those that were better than all before."""

WHOLE = 0.1
"""A plateau as a whole gained less than this share of what came after it."""

LEAP = 5.0
"""A plateau ends in iterations that gain so many times its own mean: what is merely slow never does."""

SMALL = 0.1
"""Nats: an iteration on a plateau gained less, so that a usual stopping rule would have been fooled."""

NOTICED = 1e-6
"""Nats: smaller gains are added up; differences taken for a gradient gain as much."""

ROUNDED = 1e-6
"""Relative difference up to which a printed value is the log-likelihood but for its rounding."""

COLUMNS = (
    *("data", "replicate", "model", "method", "start", "step", "passes", "loglik", "said"),
    *("parameter", "component", "index", "value"),
)


@dataclass(frozen=True)
class Run:
    """A fit whose parameters were kept on its way.

    Parameters
    ----------
    row : mapping
        Its row of `Results.rows`.
    history : History
    values : mapping
        Name -> (m, K, ...), one entry a step: weights, means, sds, correlations, ... (`readable`).
    unit : {"iteration", "evaluation"}
        What a step is: an iteration where the method counts, or prints values of, as many itself.
    """

    row: Any
    history: History
    values: Mapping[str, np.ndarray]
    unit: str

    @property
    def method(self) -> str:
        """The study's label of the method."""
        return str(self.row["method"])

    @property
    def start(self) -> int:
        """From 0."""
        return int(self.row["start_index"])

    @property
    def shown(self) -> np.ndarray:
        """Places of the steps that count: all iterations; of evaluations those better than all before."""
        if self.unit == "iteration":
            return np.arange(self.history.steps.size)
        return np.flatnonzero(self.history.better())

    @property
    def last(self) -> int:
        """The last step."""
        return int(self.history.steps[-1])


def runs(results: Any, rows: pd.DataFrame) -> list[Run]:
    """The fits with a history among these rows, in their order."""
    return [results.runs[key] for key in rows["key"] if key in results.runs]


def read(results: Any) -> dict[str, Run]:
    """Every fit with a history, by key, in the order of the rows."""
    kept = results.rows["key"].isin(results.histories["key"])
    return {str(row["key"]): _run(results, row) for _, row in results.rows[kept].iterrows()}


def _run(results: Any, row: Any) -> Run:
    history = results.history(str(row["key"]))
    model = results.model_on(row["model"], results.dataset(row["data"], row["replicate"]))
    unit = "iteration" if _iterates(row, history) else "evaluation"
    return Run(row, history, readable(model, history.theta), unit)


def _iterates(row: Any, history: History) -> bool:
    """Whether the steps are iterations: as many as the method counts, or prints values of.

    Kept points are those of a second run, whose rounding may stop it elsewhere; the row's own passes tell
    then.
    """
    count, last = (parse(row.get("said_counts")) or {}).get("iterations"), history.steps[-1]
    counted = count is not None and (count == last or row["passes"] - count in (0, 1))
    return counted or bool(np.isfinite(history.said).sum() == last)


# -- parameters as people read them ---------------------------------------------------------------


def readable(model: MixtureModel | None, thetas: Sequence[Theta]) -> dict[str, np.ndarray]:
    """Parameters of m points as people read them (`MixtureModel.readable`): name -> (m, K, ...).

    Natural parameters where the model is not known.
    """
    found = [dict(theta) if model is None else model.readable(theta) for theta in thetas]
    return {name: np.stack([point[name] for point in found]) for name in found[0]}


def places(array: np.ndarray) -> list[tuple[int, ...]]:
    """Indices (component, ...) of the parameters in an array (m, K, ...), those of equal meaning together.

    Without padding: entries that are nan at every step.
    """
    inner = sorted(np.ndindex(array.shape[1:]), key=lambda index: (index[1:], index[0]))
    return [index for index in inner if not np.isnan(array[(slice(None), *index)]).all()]


def table(results: Any) -> pd.DataFrame:
    """One line a fit, step and parameter: see `COLUMNS`.

    `start` counts from 0; `component`, and `index` within the component, from 1. Components are in the
    canonical order of the fit's end. `said` is what the method itself printed at the step, nan where
    nothing.
    """
    parts = [part for run in results.runs.values() for part in _lines(run)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _lines(run: Run) -> Iterator[pd.DataFrame]:
    row, history = run.row, run.history
    head = {name: row[name] for name in ("data", "replicate", "model", "method")}
    head |= {"start": run.start, "step": history.steps, "passes": history.passes}
    head |= {"loglik": history.loglik, "said": history.said}
    for name, array in run.values.items():
        flat = array.reshape(*array.shape[:2], -1)
        for k, j in places(flat):
            here = {"parameter": name, "component": k + 1, "index": j + 1, "value": flat[:, k, j]}
            yield pd.DataFrame({**head, **here}, columns=list(COLUMNS))


# -- plateaus -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plateau:
    """Iterations `first` to `last`, each of which gained next to nothing of what was still to come.

    `loglik` is their median, `gained` what they gained together, `later` what was gained after them,
    `smallest` the least that one of them gained; nats.
    """

    first: int
    last: int
    loglik: float
    gained: float
    later: float
    smallest: float

    @property
    def length(self) -> int:
        """Iterations."""
        return self.last - self.first + 1

    @property
    def fooled(self) -> float:
        """The lowest power of ten so that a rule that stops at smaller gains stops here, nats."""
        return float(10.0 ** (np.floor(np.log10(max(self.smallest, 1e-300))) + 1))


def plateaus(history: History, unit: str = "iteration") -> list[Plateau]:
    """The plateaus of a run, in their order; see the limits at the head of this file.

    Only steps better than all before count. A gain over several iterations is shared out evenly; of
    evaluations only some are meant to be better, so theirs is not.
    """
    kept = _noticed(history)
    steps, loglik = history.steps[kept], history.loglik[kept]
    if steps.size < 2:
        return []
    clock = steps if unit == "iteration" else np.arange(steps.size)
    gains, still = np.diff(loglik) / np.diff(clock), loglik[-1] - loglik[1:]
    slow = (gains < SHARE * still) & (still > STILL)
    found = []
    for first, last in _stretches(slow):
        gained, later = float(loglik[last] - loglik[first]), float(still[last - 1])
        length, smallest = int(clock[last] - clock[first]), float(gains[first:last].min())
        leaps = gains[last:].max() > LEAP * gained / length
        if length >= LEAST and leaps and gained < WHOLE * later and smallest < SMALL:
            middle = float(np.median(loglik[first : last + 1]))
            ends = int(steps[first]) + 1, int(steps[last])
            found.append(Plateau(*ends, middle, gained, later, smallest))
    return found


def _noticed(history: History) -> list[int]:
    """Places of the steps that are better than the last of these by more than `NOTICED`."""
    found: list[int] = []
    for i in np.flatnonzero(history.better()).tolist():
        if not found or history.loglik[i] - history.loglik[found[-1]] > NOTICED:
            found.append(i)
    return found


def _stretches(slow: np.ndarray) -> Iterator[tuple[int, int]]:
    """Places (first, last) between which all steps are slow: step i leads from place i to i + 1."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], slow, [False]]).astype(int)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


# -- what a method printed ------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """How the values that a method printed differ from the log-likelihood.

    `what` is "same" (but for rounding), "before" (that of the parameters one step earlier) or "other";
    the rest is about the step where they differ most.
    """

    what: str
    step: int
    said: float
    loglik: float


def printed(history: History) -> Printed | None:
    """Compare them with the log-likelihood of the same step; None if nothing was printed."""
    at = np.flatnonzero(np.isfinite(history.said))
    if not at.size:
        return None
    said, true = history.said[at], history.loglik[at]
    worst = int(at[np.argmax(np.abs(said - true))])
    facts = int(history.steps[worst]), float(history.said[worst]), float(history.loglik[worst])
    if np.allclose(said, true, rtol=ROUNDED, atol=ROUNDED):
        return Printed("same", *facts)
    earlier = history.loglik[at - 1] if at[0] > 0 else np.full(at.size, np.nan)
    before = np.allclose(said, earlier, rtol=ROUNDED, atol=ROUNDED)
    return Printed("before" if before else "other", *facts)
