"""Which model to choose: information criteria of point estimates, leave-one-out of posteriors.

Computed when rows are read. Of point methods each one's best end counts, after the verifier's polish, so that
methods that found the same optimum have the same numbers; of samplers only draws with nothing wrong.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from mixcompare.draws import from_tree
from mixcompare.inference.base import End
from mixcompare.inference.criteria import criteria_at
from mixcompare.inference.loo import LeaveOneOut, leave_one_out
from mixcompare.records import Verdict
from mixcompare.study import words
from mixcompare.study.ends import CASE, in_order, parse, parse_theta

OF_POINTS = ("aic", "bic", "icl")
"""Criteria of point estimates: smaller is better."""

OF_DRAWS = ("elpd_loo",)
"""Criteria of posteriors: larger is better."""

NAMES = {"aic": "AIC", "bic": "BIC", "icl": "ICL", "elpd_loo": "leave-one-out"}
"""Criteria in print."""

CRITERIA_COLUMNS = [
    *(*CASE, "family", "options", "n_components", "method", "sampler", "key", "finding"),
    *("loglik", "q", "n", *OF_POINTS, "separation"),
    *("elpd_loo", "elpd_loo_se", "elpd_difference", "elpd_difference_se", "p_loo", "bad_k"),
    *("refused", "note"),
]


def tabulate(results: Any, data: str | None = None) -> pd.DataFrame:
    """One row per data, replicate, model and method: what criteria say of its best end, or of its draws.

    Parameters
    ----------
    results : Results
    data : str, optional
        Only this data set.

    Returns
    -------
    DataFrame
        `family`, `options` (in words) and `n_components` of the model, the `key` and `finding` of the fit
        that counts; for point methods `loglik` (nats) after the verifier's polish, free parameters `q`,
        observations `n`, `aic`, `bic`, `icl` and `separation` (`inference.information_criteria`; smaller
        is better, and the opposite sign of mclust's); for samplers `elpd_loo` with its standard error,
        effective parameters `p_loo` and `bad_k`, the number of observations whose Pareto k is too large
        (`inference.leave_one_out`; larger is better), and `elpd_difference`, from the best model of the
        same method, with its paired standard error. All nan where `refused` says why; `note` says what
        to be wary of.
    """
    rows = results.rows
    if data is not None:
        rows = rows[rows["data"] == data]
    lines: list[dict[str, Any]] = []
    left_out: dict[int, LeaveOneOut] = {}
    for case, part in rows.groupby(CASE, sort=False):
        for method, fits in part.groupby("method", sort=False):
            sampler = bool(fits["sampler"].iloc[0])
            line = {**dict(zip(CASE, case, strict=True)), "method": method, "sampler": sampler}
            line |= {**_named(results, fits.iloc[0]), **dict.fromkeys(_WORDS, "")}
            if sampler:
                found = _drawn(results, fits.iloc[0], line)
                if found is not None:
                    left_out[len(lines)] = found
            else:
                _pointed(results, fits, line)
            lines.append(line)
    _compare(lines, left_out)
    table = pd.DataFrame(lines, columns=CRITERIA_COLUMNS)
    for name in CRITERIA_COLUMNS[CRITERIA_COLUMNS.index("loglik") : -2]:
        table[name] = pd.to_numeric(table[name]).astype(float)
    return table


_WORDS = ("key", "finding", "refused", "note")


def rank(table: pd.DataFrame, criterion: str) -> pd.DataFrame:
    """The models of one data set and replicate, the best by a criterion first; none without a value.

    One line a model: of several methods the one with the highest log-likelihood, or the first sampler.
    """
    scored = table[table[criterion].notna()]
    if criterion in OF_DRAWS:
        first = scored.drop_duplicates("model")
        return first.sort_values(criterion, ascending=False, kind="stable")
    best = scored.sort_values("loglik", ascending=False, kind="stable").drop_duplicates("model")
    return best.sort_values(criterion, kind="stable")


def _named(results: Any, row: Any) -> dict[str, Any]:
    """What the model is, apart from its name."""
    model = results.models.get(row["model"])
    values = [] if model is None else model.declared.options.values()
    options = " ".join(str(value) for value in values if value is not None)
    return {"family": row["family"], "options": options, "n_components": row["n_components"]}


# -- point estimates ------------------------------------------------------------------------------


def _pointed(results: Any, fits: pd.DataFrame, line: dict[str, Any]) -> None:
    """Criteria at the highest verified optimum that is not narrow."""
    ends = fits[fits["optimum"] & ~fits["narrow"] & fits["value"].notna()]
    if ends.empty:
        line["refused"] = f"no fit ended at a verified optimum that is not narrow: {_ends(fits)}"
        return
    row = ends.sort_values("value", ascending=False, kind="stable").iloc[0]
    line |= {"key": row["key"], "finding": row["finding"], "loglik": row["value"]}
    model, dataset = _at(results, row)
    cell = row["polished"] if parse(row["polished"]) else row["theta"]
    theta = parse_theta(cell)
    if model is None or dataset is None or theta is None:
        line["refused"] = _NOT_AT_HAND
        return
    verdict = Verdict(row["finding"], loglik=row["value"], message=_NATURES.get(row["finding"], ""))
    full = model.conform(theta, dataset.n_features)
    found = criteria_at(End(model, dataset, full, verdict))
    line |= {"q": found.n_parameters, "n": found.n, "separation": found.separation}
    line |= {name: getattr(found, name) for name in OF_POINTS}
    line["note"] = "; ".join(found.notes)


_NOT_AT_HAND = "the data or the model of these rows are not at hand"

_NATURES = {
    "boundary": "this optimum lies at the edge of the parameter space",
    "ridge": "this optimum is flat along some direction",
    "duplicate": "at this optimum components coincide",
}


def _ends(fits: pd.DataFrame) -> str:
    """For example "singular 3, narrow 1"."""
    names = fits["finding"].where(~(fits["optimum"] & fits["narrow"]), "narrow")
    counts = Counter(names)
    return ", ".join(f"{words.finding(name)} {counts[name]}" for name in in_order(list(counts)))


def _at(results: Any, row: Any) -> tuple[Any, Any]:
    """The model on the data of this very replicate, and those; None where they are not at hand."""
    dataset = results.data.get((row["data"], row["replicate"]))
    return results.model_on(row["model"], dataset), dataset


# -- posteriors -----------------------------------------------------------------------------------


def _drawn(results: Any, row: Any, line: dict[str, Any]) -> LeaveOneOut | None:
    """Leave-one-out of a posterior with nothing wrong, or None and why."""
    line |= {"key": row["key"], "finding": row["finding"]}
    line["refused"] = _unfit(row)
    if line["refused"]:
        return None
    model, dataset = _at(results, row)
    tree = results.tree(row["draws"]) if isinstance(row["draws"], str) else None
    if model is None or dataset is None or tree is None:
        line["refused"] = _NOT_AT_HAND if tree is not None else "the draws are not at hand"
        return None
    found = leave_one_out(model, dataset, from_tree(model, dataset.n_features, tree))
    line |= {"q": model.n_parameters(dataset.n_features), "n": dataset.n}
    line |= {"elpd_loo": found.elpd, "elpd_loo_se": found.se, "p_loo": found.p, "bad_k": found.bad}
    if found.bad:
        line["note"] = (
            f"Pareto k is above {found.good_k:.2g} for {words.of(found.bad, int(dataset.n))} observations: "
            f"their importance weights have too heavy a tail for the sum to be trusted"
        )
    return found


def _unfit(row: Any) -> str:
    """Why no criterion can be had of these draws; "" if one can."""
    if "approximate" in (parse(row["flags"]) or []):
        return "these are draws of an approximation, not of the posterior"
    if row["sound"] is True:
        return ""
    if row["finding"] == "":
        return "the draws were not verified"
    return f"the draws are not sound: {words.finding(row['finding'])}"


def _compare(lines: list[dict[str, Any]], found: dict[int, LeaveOneOut]) -> None:
    """Difference of each posterior from the best of the same method on the same data."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place in found:
        line = lines[place]
        groups.setdefault((line["data"], line["replicate"], line["method"]), []).append(place)
    for places in groups.values():
        best = max(places, key=lambda place: found[place].elpd)
        for place in places:
            difference, error = found[place].less(found[best])
            lines[place] |= {"elpd_difference": difference, "elpd_difference_se": error}
