"""Records to rows and tables: the columns of a results folder, their types, and nested values as JSON.

JSON texts hold no nan: null stands for it, and "Infinity" or "-Infinity" for infinities, so that any
reader takes them; `numpy.array(json.loads(text), float)` turns all three back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mixcompare.records import FitRecord, Trajectory, Verdict
from mixcompare.theta import Theta

IMPROVEMENT = 1e-4
"""Nats by which the running best must rise to be kept on a stored trajectory."""

TIMING = ("seconds", "compile_seconds")
"""The only columns in which two runs of one study may differ."""

FITS = pa.schema(
    [
        ("key", pa.string()),
        ("position", pa.int64()),
        ("data", pa.string()),
        ("replicate", pa.int64()),
        ("model", pa.string()),
        ("family", pa.string()),
        ("n_components", pa.int64()),
        ("method", pa.string()),
        ("start_scheme", pa.string()),
        ("start_index", pa.int64()),
        ("seed", pa.int64()),
        ("digest", pa.string()),
        ("theta", pa.string()),
        ("permutation", pa.string()),
        ("start", pa.string()),
        ("loglik", pa.float64()),
        ("said_success", pa.bool_()),
        ("said_status", pa.string()),
        ("said_message", pa.string()),
        ("said_counts", pa.string()),
        ("said_values", pa.string()),
        ("target", pa.string()),
        ("fault", pa.string()),
        ("finding", pa.string()),
        ("flags", pa.string()),
        ("newton_decrement", pa.float64()),
        ("attainable_gain", pa.float64()),
        ("narrow", pa.bool_()),
        ("narrow_ratio", pa.float64()),
        ("smallest_count", pa.float64()),
        ("null_directions", pa.string()),
        ("edges", pa.string()),
        ("curvature", pa.string()),
        ("polished", pa.string()),
        ("polished_loglik", pa.float64()),
        ("wald", pa.string()),
        ("thresholds", pa.string()),
        ("margins", pa.string()),
        ("verdict_message", pa.string()),
        ("verify_passes", pa.float64()),
        ("passes", pa.float64()),
        ("seconds", pa.float64()),
        ("compile_seconds", pa.float64()),
        ("basis", pa.string()),
        ("non_finite", pa.int64()),
        ("notes", pa.string()),
        ("error", pa.string()),
        ("diagnostics", pa.string()),
        ("posterior_intervals", pa.string()),
        ("intervals", pa.string()),
        ("prior", pa.string()),
        ("draws", pa.string()),
        ("metrics", pa.string()),
        ("version", pa.int64()),
    ]
)
"""One row a planned fit. `position` is its place in the study's order, the order of the stored table."""

TRAJECTORIES = pa.schema([("key", pa.string()), ("passes", pa.float64()), ("loglik", pa.float64())])

HISTORIES = pa.schema(
    [
        ("key", pa.string()),
        ("step", pa.int64()),
        ("passes", pa.float64()),
        ("loglik", pa.float64()),
        ("theta", pa.string()),
    ]
)
"""One row an evaluation that was kept, its components in the method's own order; step 0 is the start."""


def to_row(
    record: FitRecord,
    metrics: Mapping[str, Any] | None = None,
    intervals: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The row of a record, without its trajectory and draws; its task must hold what identifies it.

    `intervals` are further ones by kind, beside those that record and verdict have.
    """
    solver, cost, posterior = record.solver, record.cost, record.posterior
    return {
        "key": record.key,
        **{name: record.task[name] for name in _IDENTITY},
        "theta": theta_json(record.theta),
        "permutation": to_json(record.permutation),
        "start": theta_json(record.start),
        "loglik": float(record.loglik),
        "said_success": None if solver.success is None else bool(solver.success),
        "said_status": solver.status,
        "said_message": solver.message,
        "said_counts": to_json(solver.counts),
        "said_values": to_json(solver.values),
        "target": record.target,
        "fault": record.task.get("fault", ""),
        **_verdict(record),
        "passes": float(cost.passes),
        "seconds": float(cost.seconds),
        "compile_seconds": float(cost.compile_seconds),
        "basis": cost.basis,
        "non_finite": int(cost.non_finite),
        "notes": to_json((*record.notes, *(record.verdict.notes if record.verdict else ()))),
        "error": record.error,
        "diagnostics": to_json(posterior.diagnostics if posterior else {}),
        "posterior_intervals": to_json(posterior.intervals if posterior else {}),
        "intervals": to_json(intervals or {}),
        "prior": to_json(posterior.prior) if posterior else None,
        "draws": None,
        "metrics": to_json(metrics or {}),
        "version": record.version,
    }


_IDENTITY = (
    *("position", "data", "replicate", "model", "family", "n_components", "method"),
    *("start_scheme", "start_index", "seed", "digest"),
)


def _verdict(record: FitRecord) -> dict[str, Any]:
    """The columns of the verdict; finding and message are empty where verification was skipped."""
    verdict = record.verdict
    if verdict is None:
        verdict = Verdict("")
    return {
        "finding": verdict.finding,
        "flags": to_json(verdict.flags),
        "newton_decrement": float(verdict.newton_decrement),
        "attainable_gain": float(verdict.attainable_gain),
        "narrow": bool(verdict.narrow),
        "narrow_ratio": float(verdict.narrow_ratio),
        "smallest_count": float(verdict.smallest_count),
        "null_directions": to_json(verdict.null_directions),
        "edges": to_json(verdict.edges),
        "curvature": to_json(verdict.curvature),
        "polished": theta_json(verdict.polished),
        "polished_loglik": float(verdict.polished_loglik),
        "wald": to_json(verdict.intervals),
        "thresholds": to_json(verdict.thresholds),
        "margins": to_json(verdict.margins),
        "verdict_message": verdict.message,
        "verify_passes": float(verdict.passes),
    }


def thin(trajectory: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Passes and running best (nats) where it rose by `IMPROVEMENT`, with the first finite and last pass."""
    loglik = np.where(np.isfinite(trajectory.loglik), trajectory.loglik, -np.inf)
    best = np.maximum.accumulate(loglik) if loglik.size else loglik
    kept: list[int] = []
    last = -np.inf
    for i in np.flatnonzero(best > np.append(-np.inf, best[:-1])):
        if best[i] >= last + IMPROVEMENT:
            kept.append(int(i))
            last = best[i]
    if kept and kept[-1] != best.size - 1:
        kept.append(best.size - 1)
    return np.asarray(trajectory.passes, dtype=float)[kept], best[kept]


def fits_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as an Arrow table with the columns of `FITS`, in the study's order."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=FITS).sort_by("position")


def trajectories_table(trajectories: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pa.Table:
    """Trajectories by key as one long Arrow table with the columns of `TRAJECTORIES`."""
    lengths = [passes.size for passes, _ in trajectories.values()]
    columns = [
        np.repeat(np.array(list(trajectories), dtype=object), lengths),
        np.concatenate([np.empty(0), *(passes for passes, _ in trajectories.values())]),
        np.concatenate([np.empty(0), *(loglik for _, loglik in trajectories.values())]),
    ]
    arrays = [
        pa.array(column, kind) for column, kind in zip(columns, TRAJECTORIES.types, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=TRAJECTORIES)


def keep(trajectory: Trajectory, points: int) -> list[dict[str, Any]]:
    """The evaluations of a trajectory that kept its points, as lines of `HISTORIES` without their key.

    Of more than `points` the first and last, and others evenly on a logarithmic scale.
    """
    m = len(trajectory.theta)
    kept = np.arange(m)
    if m > points:
        kept = np.unique(np.geomspace(1, m, points).round().astype(int)) - 1
    return [
        {
            "step": int(i),
            "passes": float(trajectory.passes[i]),
            "loglik": float(trajectory.loglik[i]),
            "theta": theta_json(trajectory.theta[i]),
        }
        for i in kept
    ]


def histories_table(histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> pa.Table:
    """Histories by key as one long Arrow table with the columns of `HISTORIES`."""
    lines = [{"key": key, **line} for key, kept in histories.items() for line in kept]
    return pa.Table.from_pylist(lines, schema=HISTORIES)


def frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as the data frame that results are made of, the same from disk and from memory."""
    return table.to_pandas()


def theta_json(theta: Theta | None) -> str | None:
    """A Theta as JSON, None for none."""
    return None if theta is None else to_json(theta.to_dict())


def theta_from_json(text: str | None) -> Theta | None:
    """The inverse of `theta_json`; a missing value of a data frame counts as None."""
    return Theta.from_dict(json.loads(text)) if isinstance(text, str) else None


def to_json(value: Any) -> str:
    """JSON without nan: see the top of this file."""
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
