"""Further intervals of a method's best end, by profile likelihood and bootstrap, where a study asks for them.

Every strict maximum has Wald intervals and every posterior its own; these cost as much as many fits, so
only one end a method has them: its best among the starts that are executed together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.inference.intervals import Intervals, intervals
from mixcompare.mixture import MixtureModel
from mixcompare.records import FitRecord
from mixcompare.study.design import AskedIntervals
from mixcompare.study.ends import NO_END

Found = Mapping[str, Intervals]
"""Intervals by kind."""


def best_ends(records: Sequence[tuple[str, FitRecord]]) -> list[int]:
    """Which of the records are the best ends of their methods; each comes with its method's label.

    The highest log-likelihood of an end that is an estimate, ends that are not narrow first, the first of
    equals: the order of `accuracy.answer`, so that the best of all starts is the best of its own chunk.
    """
    best: dict[str, int] = {}
    for i, (label, record) in enumerate(records):
        if not has_point(record):
            continue
        first = best.setdefault(label, i)
        if _rank(record) > _rank(records[first][1]):
            best[label] = i
    return sorted(best.values())


def has_point(record: FitRecord) -> bool:
    """Whether a record is a verified point estimate: no posterior, and no end without one."""
    return (
        record.posterior is None
        and record.verdict is not None
        and record.finding not in NO_END
        and record.theta is not None
        and bool(np.isfinite(record.loglik))
    )


def _rank(record: FitRecord) -> tuple[bool, float]:
    return record.verdict is not None and not record.verdict.narrow, record.loglik


def find(
    model: MixtureModel, data: Dataset, record: FitRecord, asked: AskedIntervals, seed: int
) -> Found:
    """The intervals of one end by kind, refused where it is no strict maximum.

    They belong to the end after the verifier's polish. The bootstrap depends on `seed` alone, so that all
    methods see the same resampled data.
    """
    polished = record.verdict.polished if record.verdict is not None else None
    end = record.theta if polished is None else polished
    if end is None:
        return {}
    options: dict[str, Any] = {"replicates": asked.replicates, "seed": seed}
    return {kind: intervals(model, data, end, kind, **options) for kind in asked.kinds}


def plain(found: Found) -> dict[str, Any]:
    """As a row keeps them: kind -> bounds, why there are none, ends that are open, notes, passes."""
    return {
        kind: {
            "bounds": dict(one.bounds),
            "refused": one.refused,
            "open": [
                {"name": side.name, "index": side.index, "side": side.side, "reason": side.reason}
                for side in one.open
            ],
            "notes": one.notes,
            "passes": one.passes,
        }
        for kind, one in found.items()
    }
