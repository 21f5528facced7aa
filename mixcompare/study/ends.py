"""What relates rows to each other: best known value, gap, who reached it, whose word was wrong.

Nothing here is stored: it is computed whenever rows are read, so that a later better fit corrects old
rows without touching them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.records import DRAW_FINDINGS, FINDINGS, OPTIMA, SOUND
from mixcompare.theta import Theta

REACHED = 1e-3
"""Nats: a verified optimum within so much of the best known value has reached it."""

NO_END = ("unsupported", "error", "non_finite", "out_of_domain", "singular")
"""Findings of ends that are no estimate: there is none, or the likelihood is unbounded at it."""

LIKELIHOOD = "likelihood"
"""The target of methods whose claims are about the likelihood."""

MISSED = "main_mode_missed"
"""The finding of draws that come nowhere near a mode with a good share of the posterior."""

CASE = ["data", "replicate", "model"]
"""Rows that agree in these saw the same likelihood."""

COLUMNS = (
    "key",
    "data",
    "replicate",
    "model",
    "family",
    "n_components",
    "method",
    "start_scheme",
    "start_index",
    "target",
    "start",
    "theta",
    "loglik",
    "said_success",
    "said_message",
    "said_values",
    "fault",
    "finding",
    "flags",
    "narrow",
    "null_directions",
    "edges",
    "polished",
    "polished_loglik",
    "margins",
    "thresholds",
    "passes",
    "seconds",
    "compile_seconds",
    "non_finite",
    "error",
    "diagnostics",
    "posterior_intervals",
    "intervals",
    "prior",
    "draws",
    "metrics",
)
"""Columns of the fits table that are read here; missing ones are read as empty."""

NUMBERS = (
    "replicate",
    "start_index",
    "loglik",
    "polished_loglik",
    "passes",
    "seconds",
    "compile_seconds",
    "non_finite",
    "n_components",
)


def relate(fits: pd.DataFrame) -> pd.DataFrame:
    """The rows in their order, with what relates them.

    `method` becomes the study's label for it, where there is one. Adds the columns

    - `said`: True, False or None, the solver's word;
    - `sampler`: whether the method draws from a posterior;
    - `optimum`: a verified end without a direction of ascent (records.OPTIMA);
    - `sound`: True, False or None (not verified), whether the finding is in records.SOUND;
    - `value`: log-likelihood of a verified optimum after the verifier's polish, nats, else nan;
    - `best_known`: the highest `value` of an end that is not narrow, same data, replicate and model; nan
      if there is none;
    - `gap`: nats below the best known; nan where there is no end or no best known value. Negative only
      for ends that do not count as the best known value: narrow ones, and those that are no optimum.
    - `reached`: True, False, or None (samplers): a verified optimum that is not narrow, within 1e-3 nats;
    - `fault`: what the method does wrong on purpose, "" for nearly all;
    - `target`: what the method maximises, "likelihood" where nothing else is stored;
    - `claimed`: `said` of a method that maximises the likelihood, else None: the word of the others was
      not about it, though their ends are judged by it;
    - `false_success`: claimed True, but not sound; `false_failure`: claimed False, but sound.
    """
    rows = fits.reindex(columns=[*COLUMNS, *(c for c in fits.columns if c not in COLUMNS)]).copy()
    rows = rows.reset_index(drop=True)
    if "label" in rows:
        labels = rows["label"].map(lambda label: isinstance(label, str) and label != "")
        rows["method"] = rows["label"].where(labels, rows["method"])
    for name in NUMBERS:
        rows[name] = pd.to_numeric(rows[name], errors="coerce").astype(float)
    for name in ("replicate", "start_index"):
        rows[name] = rows[name].fillna(0).astype(int)
    rows["finding"] = [value if isinstance(value, str) else "" for value in rows["finding"]]
    rows["fault"] = [value if isinstance(value, str) else "" for value in rows["fault"]]
    rows["narrow"] = [truth_value(value) is True for value in rows["narrow"]]
    rows["said"] = _objects([truth_value(value) for value in rows["said_success"]])
    rows["sampler"] = _samplers(rows)
    rows["optimum"] = rows["finding"].isin(OPTIMA)
    rows["sound"] = _objects([finding in SOUND if finding else None for finding in rows["finding"]])
    value = rows["polished_loglik"].where(np.isfinite(rows["polished_loglik"]), rows["loglik"])
    rows["value"] = value.where(rows["optimum"] & np.isfinite(value))
    counting = rows["value"].where(~rows["narrow"])
    rows["best_known"] = counting.groupby([rows[name] for name in CASE]).transform("max")
    has_end = ~rows["finding"].isin(NO_END) & np.isfinite(rows["loglik"])
    rows["gap"] = (rows["best_known"] - rows["loglik"]).where(has_end)
    near = (rows["best_known"] - counting <= REACHED).fillna(False)
    reached = [None if s else bool(r) for s, r in zip(rows["sampler"], near, strict=True)]
    rows["reached"] = _objects(reached)
    rows["target"] = [t if isinstance(t, str) and t else LIKELIHOOD for t in rows["target"]]
    about = rows["target"] == LIKELIHOOD
    rows["claimed"] = _objects([s if a else None for s, a in zip(rows["said"], about, strict=True)])
    rows["false_success"] = (rows["claimed"] == True) & (rows["sound"] == False)  # noqa: E712 - None is neither
    rows["false_failure"] = (rows["claimed"] == False) & (rows["sound"] == True)  # noqa: E712
    return rows


def correct(rows: pd.DataFrame, missed: Mapping[str, str]) -> pd.DataFrame:
    """The rows of `relate`, posteriors that missed a mode (key -> which, in words) corrected.

    Adds `missed`, the words, "" for all others. Such a posterior is not `sound`, and its `finding` is
    `main_mode_missed` unless what was found when it was judged comes before that.
    """
    rows = rows.copy()
    rows["missed"] = [missed.get(str(key), "") for key in rows["key"]]
    late = DRAW_FINDINGS[DRAW_FINDINGS.index(MISSED) :]
    wrong = (rows["missed"] != "") & (rows["finding"] != "")
    rows.loc[wrong, "sound"] = False
    rows.loc[wrong & rows["finding"].isin(late), "finding"] = MISSED
    return rows


def each(table: pd.DataFrame) -> Iterator[Any]:
    """The lines of a table, with columns as attributes."""
    yield from table.itertuples()


def truth_value(value: Any) -> bool | None:
    """True, False, or None for everything that is missing."""
    return None if value is None or pd.isna(value) else bool(value)


def parse(value: Any) -> Any:
    """What a JSON cell holds; None where it is empty. A cell that is not text is passed on."""
    if isinstance(value, str):
        return json.loads(value) if value else None
    return None if value is None or value is pd.NA or isinstance(value, float) else value


def parse_theta(value: Any) -> Theta | None:
    """The Theta in a JSON cell, or None."""
    values = parse(value)
    return values if values is None or isinstance(values, Theta) else Theta.from_dict(values)


def in_order(findings: Sequence[str]) -> list[str]:
    """The distinct findings, from the worst to the best; unknown ones last."""
    order = {name: k for k, name in enumerate(dict.fromkeys([*FINDINGS, *DRAW_FINDINGS]))}
    return sorted(set(findings), key=lambda name: (order.get(name, len(order)), name))


def _samplers(rows: pd.DataFrame) -> pd.Series:
    """A method is a sampler if any of its rows has a finding about draws or posterior intervals."""
    own = [name for name in DRAW_FINDINGS if name not in FINDINGS]
    drew = rows["finding"].isin(own) | rows["posterior_intervals"].map(
        lambda cell: bool(parse(cell))
    )
    return rows["method"].isin(set(rows["method"][drew]))


def _objects(values: list[Any]) -> pd.Series:
    return pd.Series(values, dtype=object)
