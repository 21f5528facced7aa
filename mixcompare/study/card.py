"""A replayed fit as a card of text: start, data, where it broke, what was said and found, then and now."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from mixcompare.study import words
from mixcompare.study.breakdown import Breakdown
from mixcompare.study.replay import Replay
from mixcompare.theta import Theta

LABEL = 12
"""Width of the column of labels."""


def card(replay: Replay, width: int = 100) -> str:
    """The card, in lines of at most `width` columns."""
    then, now, record = replay.then, replay.now, replay.record
    lines = [
        _line("key", str(then["key"]), width),
        _line("fit", _fit(replay), width),
        _line("data", _data(replay), width),
        _line("start", _point(record.start), width),
        _line("same?", _same(replay), width),
        "",
        *_pair("end", _end(then), _end(now), width),
        *_pair("it said", _said(then), _said(now), width),
        *_pair("we found", _found(then), _found(now), width),
        "",
        *_broken(replay, width),
    ]
    lines += [_line("note", note, width) for note in record.notes]
    return "\n".join(lines)


def _fit(replay: Replay) -> str:
    task, then = replay.task, replay.then
    replicate = f", replicate {task.replicate}" if task.source.simulated else ""
    chains = f", {task.n_starts} chains" if task.estimator.chains else ""
    return (
        f"{task.label} on {task.source.name}{replicate}, {task.model.name}; start {task.start_index} "
        f"({then['start_scheme']}{chains}), seed {task.seed}"
    )


def _data(replay: Replay) -> str:
    data, digest = replay.data, replay.then["digest"]
    same = "as then" if replay.same_data else f"NOT those of the row, which saw {digest}"
    count = words.number_of(round(data.n), "observation")
    return f"{count} of {', '.join(data.columns)}; digest {data.digest}, {same}"


def _same(replay: Replay) -> str:
    """One sentence on how far the two runs are the same, and why not if they are not."""
    if not replay.differences:
        return "yes, bit for bit: only times may differ"
    parts = [f"differs in {words.listed(list(replay.differences))}"]
    if replay.task.estimator.chains:
        parts = [_SAMPLED[replay.agrees]]
    if replay.then["key"] != replay.task.key:
        parts.append(f"the fit's settings are not those of then (its key is now {replay.task.key})")
    if replay.task.budget.seconds is not None:
        parts.append("it has a limit in seconds, which no machine keeps twice")
    if replay.changed:
        changed = [f"{name} {old} then, {new} now" for name, (old, new) in replay.changed.items()]
        parts.append(f"versions differ: {words.listed(changed)}")
    return "; ".join(parts)


_SAMPLED = {
    True: "yes, to Monte Carlo error: every limit of the 95 % intervals is within 4 standard errors",
    False: "NO: a limit of a 95 % interval differs by more than 4 Monte Carlo standard errors",
    None: "not bit for bit, and one of the runs left no intervals to compare",
}


def _end(row: Any) -> str:
    if not np.isfinite(row["loglik"]):
        return f"log-likelihood {row['loglik']:g} after {row['passes']:.0f} passes"
    return f"log-likelihood {row['loglik']:.10f} nats after {row['passes']:.0f} passes"


def _said(row: Any) -> str:
    claim = {True: "success", False: "no success"}.get(row["said_success"], "nothing about success")
    message = row["said_message"] or row["said_status"]
    return f'{claim}: "{message}"' if message else claim


def _found(row: Any) -> str:
    if not row["finding"]:
        return "not verified"
    return f"{words.finding(row['finding'])}: {row['verdict_message']}"


def _broken(replay: Replay, width: int) -> list[str]:
    """Where it broke, or that it did not, with the last finite iterate."""
    lines = []
    broke, before, gone = replay.broke, replay.before, replay.collapsed
    if broke is not None:
        lines.append(_line("broke", _break(replay, broke), width))
        lines.append(_line("at", _point(broke.theta), width))
    elif replay.task.estimator.chains:
        lines.append(_line("broke", "a sampler's own graph is not traced", width))
    elif replay.record.error or before is None:
        reason = replay.record.error or replay.record.solver.message
        when = f"after pass {before[0]:.0f}" if before else "before the first pass"
        lines.append(_line("broke", f"{when}: {reason}", width))
    else:
        lines.append(_line("broke", "nowhere: every evaluation was finite", width))
    if gone is not None:
        where = f"{_observation(replay, gone)}: {gone.words}"
        lines.append(_line("collapsed", where, width))
    if before is not None:
        passes, loglik, theta = before
        text = f"{_point(theta)}; log-likelihood {loglik:.10g} nats at pass {passes:.0f}"
        lines.append(_line("last finite", text, width))
    return lines


def _break(replay: Replay, broke: Breakdown) -> str:
    if broke.raised:
        first = f"at pass {broke.passes:.0f}, which raised {broke.raised.rstrip('.')}"
    elif np.isfinite(broke.passes):
        first = (
            f"at pass {broke.passes:.0f}, the first where the log-likelihood is {broke.loglik:g}"
        )
    else:
        first = f"at its end, where the log-likelihood is {broke.loglik:g}"
    total = replay.record.cost.non_finite
    many = f" ({total} such of {replay.record.cost.passes:.0f} passes)" if total > 1 else ""
    if broke.observation is None:
        return f"{first}{many}: {broke.words}"
    return f"{first}{many}. {_observation(replay, broke)}: {broke.words}"


def _observation(replay: Replay, broke: Breakdown) -> str:
    x = ", ".join(f"{value:.6g}" for value in replay.data.x[broke.observation])
    return f"Observation {(broke.observation or 0) + 1} (x = {x})"


def _point(theta: Theta | None) -> str:
    """A point on one line, six digits a number."""
    if theta is None:
        return "none"
    return "; ".join(f"{name} {_numbers(value)}" for name, value in theta.items())


def _numbers(value: np.ndarray) -> str:
    if value.size == len(value):
        return ", ".join(f"{number:.6g}" for number in value.ravel())
    rows = [np.array2string(part, precision=6, separator=", ") for part in value]
    return " ".join(" ".join(row.split()) for row in rows)


def _pair(label: str, then: str, now: str, width: int) -> list[str]:
    """What was then and what is now: one line if they are the same."""
    if then == now:
        return [_line(label, then, width)]
    return [_line(label, f"then {then}", width), _line("", f"now {now}", width)]


def _line(label: str, text: str, width: int) -> str:
    indent = " " * LABEL
    return textwrap.fill(text, width, initial_indent=f"{label:{LABEL}}", subsequent_indent=indent)
