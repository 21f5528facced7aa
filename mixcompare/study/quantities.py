"""The quantities that a study file can expect: each a number or a word read off its rows.

A further quantity is one function and one entry of `QUANTITIES`, here or in a file of its kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from mixcompare.registry import NAMES
from mixcompare.study.diagnostics import divergences, rhat
from mixcompare.study.quantities_criteria import CRITERIA
from mixcompare.study.quantities_groups import GROUPS
from mixcompare.study.quantities_iterate import ITERATES
from mixcompare.study.quantities_slices import SLICES
from mixcompare.study.quantity import CASES, FITS, NUMBERS, NoAnswer, Quantity, Selection, entry

if TYPE_CHECKING:
    import pandas as pd


def _share(column: str, of: Any) -> Callable[[Selection], float]:
    return lambda s: float((s.fits[column] == of).mean())


def _count(column: str, of: Any) -> Callable[[Selection], int]:
    return lambda s: int((s.fits[column] == of).sum())


def _median(column: str) -> Callable[[Selection], float]:
    return lambda s: float(s.fits[column].median())


def _count_gap(beyond: bool) -> Callable[[Selection], int]:
    """Ends within, or beyond, `gap` nats of the best known value; of a solver that `said` so, if given."""

    def compute(s: Selection) -> int:
        rows, limit = s.fits, float(s.where["gap"])
        if "said" in s.where:
            rows = rows[rows["said"] == s.where["said"]]
        return int((rows["gap"] > limit if beyond else rows["gap"].abs() <= limit).sum())

    return compute


def _finding(s: Selection) -> str:
    found = list(dict.fromkeys(s.fits["finding"]))
    if len(found) > 1:
        raise NoAnswer(f"the selected fits have several findings: {', '.join(found)}")
    return found[0]


def _best_finding(s: Selection) -> str:
    best = s.optima
    best = best[best["standing"] == "global"]
    if best.empty:
        raise NoAnswer("no fit ended at a verified optimum that is not narrow")
    return str(best["finding"].iloc[0])


def _flags(cell: Any) -> list[str]:
    from mixcompare.study.ends import parse

    return parse(cell) or []


def _null_directions(s: Selection) -> int:
    from mixcompare.study.ends import parse

    return len(parse(s.best["null_directions"]) or [])


def _estimate(s: Selection) -> float:
    """Of the best verified optimum; of a posterior its mean, if nothing is wrong with the draws."""
    from mixcompare.study.ends import parse_theta

    rows = s.one_case(s.fits)
    drawn = rows[rows["sampler"] & (rows["sound"] == True)]  # noqa: E712 - None is not True
    row = drawn.iloc[0] if rows["sampler"].all() and len(drawn) else s.best
    theta = parse_theta(row["theta"])
    if theta is None:
        raise NoAnswer("there is no estimate")
    return entry(row, theta, s)


def _metric(name: str) -> Callable[[Selection], float]:
    def compute(s: Selection) -> float:
        table = s.pick(s.results.accuracy(), NUMBERS)
        table = table[(table["metric"] == name) & (table["n_used"] > 0)]
        if len(table) != 1:
            raise NoAnswer(f"{len(table)} numbers are selected, expected one: see where")
        return float(table["estimate"].iloc[0])

    return compute


def _predictive_difference(s: Selection) -> float:
    table = s.pick(s.results.predictive(), ("data", "model", "method", "density"))
    table = table[table["n_pairs"] > 0]
    if len(table) != 1:
        raise NoAnswer(f"{len(table)} differences are selected, expected one: see where")
    return float(table["difference"].iloc[0])


def _rate(said: bool) -> Callable[[Selection], float]:
    def compute(s: Selection) -> float:
        fits = s.fits
        judged = fits[(fits["claimed"] == said) & fits["sound"].notna()]
        if judged.empty:
            raise NoAnswer(f"no {'success' if said else 'failure'} that can be judged was claimed")
        return float((judged["false_success"] | judged["false_failure"]).mean())

    return compute


def _pair(column: str, swapped: float) -> Callable[[Selection], float]:
    """Of two methods in either order; `swapped` is the sign of the value the other way round."""

    def compute(s: Selection) -> float:
        table = s.pick(s.results.pairs(), ("data", "model"))
        methods = s.where["method"], s.where["other"]
        for (first, second), sign in ((methods, 1.0), (methods[::-1], swapped)):
            lines = table[(table["method"] == first) & (table["other"] == second)]
            if len(lines) == 1:
                return sign * float(lines[column].iloc[0])
        raise NoAnswer("expected one pair of methods on one data set and model: see where")

    return compute


def _cost(column: str) -> Callable[[Selection], float]:
    def compute(s: Selection) -> float:
        table = s.pick(s.results.cost([float(s.where["tolerance"])]), ("data", "model", "method"))
        if len(table) != 1:
            raise NoAnswer(f"{len(table)} methods are selected, expected one: see where")
        return float(table[column].iloc[0])

    return compute


def _chance_of_new(s: Selection) -> float:
    table = s.one_case(s.pick(s.results.discovery(), (*FITS, "start_scheme")))
    if len(table) != 1:
        raise NoAnswer(f"{len(table)} start schemes are selected, expected one: see where")
    return float(table["chance"].iloc[0])


def _ranked(s: Selection) -> pd.DataFrame:
    table = s.pick(s.results.calibration(), NUMBERS)
    table = table[table["p_value"].notna()]
    if table.empty:
        raise NoAnswer("no ranks of truths drawn from a prior are selected")
    return table


def _calibration_p(s: Selection) -> float:
    from mixcompare.study.calibration import adjusted

    return adjusted(_ranked(s)["p_value"])


def _unclean(s: Selection) -> int:
    from mixcompare.study.calibration import is_unclean, ranked

    rows = s.pick(ranked(s.results.rows), FITS)
    if rows.empty:
        raise NoAnswer("no ranks of truths drawn from a prior are selected")
    return int(is_unclean(rows).sum())


def _diagnostic(s: Selection) -> float:
    name = s.where["name"]
    values = [cell[name] for cell in s.diagnostics if cell.get(name) is not None]
    if not values:
        known = list(dict.fromkeys(key for cell in s.diagnostics for key in cell))
        raise NoAnswer(f'there is no diagnostic "{name}": expected one of {", ".join(known)}')
    return float(max(values))


QUANTITIES: dict[str, Quantity] = {
    "best_loglik": Quantity(
        "highest verified optimum that is not narrow among the fits, nats",
        FITS,
        lambda s: s.best["value"],
    ),
    "best_known": Quantity(
        "the same over all methods: the best known value, nats", CASES, lambda s: s.best["value"]
    ),
    "best_finding": Quantity("finding at the best known optimum, a word", CASES, _best_finding),
    "n_null_directions": Quantity("flat directions at the best optimum", FITS, _null_directions),
    "n_optima": Quantity("distinct verified optima", CASES, lambda s: len(s.optima)),
    "n_optima_not_narrow": Quantity(
        "distinct verified optima that are not narrow",
        CASES,
        lambda s: int((~s.optima["narrow"].astype(bool)).sum()),
    ),
    "share_at_best": Quantity(
        "share of fits that ended at the best known value", FITS, _share("reached", True)
    ),
    "count_at_best": Quantity(
        "fits that ended at the best known value", FITS, _count("reached", True)
    ),
    "count_within": Quantity(
        "fits whose end is within `gap` nats of the best known value; with `said`, only those whose "
        "solver claimed success (true) or denied it (false)",
        (*FITS, "gap", "said"),
        _count_gap(beyond=False),
        ("gap",),
    ),
    "count_beyond": Quantity(
        "the same for ends more than `gap` nats below it; what is no end, or narrow and above, is in neither",
        (*FITS, "gap", "said"),
        _count_gap(beyond=True),
        ("gap",),
    ),
    "finding": Quantity("the finding that all the fits have, a word", FITS, _finding),
    "share_finding": Quantity(
        "share of fits with a finding",
        (*FITS, "finding"),
        lambda s: float((s.fits["finding"] == s.where["finding"]).mean()),
        ("finding",),
    ),
    "count_finding": Quantity(
        "fits with a finding",
        (*FITS, "finding"),
        lambda s: int((s.fits["finding"] == s.where["finding"]).sum()),
        ("finding",),
    ),
    "share_flag": Quantity(
        "share of fits with a flag: anything found of them, the headline finding or not",
        (*FITS, "flag"),
        lambda s: float(s.fits["flags"].map(lambda cell: s.where["flag"] in _flags(cell)).mean()),
        ("flag",),
    ),
    "share_said_success": Quantity(
        "share of fits whose solver claimed success", FITS, _share("said", True)
    ),
    "false_success": Quantity(
        "fits whose solver claimed success wrongly", FITS, _count("false_success", True)
    ),
    "false_failure": Quantity(
        "fits whose solver denied success wrongly", FITS, _count("false_failure", True)
    ),
    "false_success_rate": Quantity(
        "share of the claims of success that were wrong", FITS, _rate(True)
    ),
    "false_failure_rate": Quantity(
        "share of the claims of failure that were wrong", FITS, _rate(False)
    ),
    "paired_difference": Quantity(
        "share of starts from which a method reached the best known value, less that of the other",
        ("data", "model", "method", "other"),
        _pair("difference", -1.0),
        ("method", "other"),
    ),
    "mcnemar_p": Quantity(
        "p of the exact McNemar test of the same, within one data set",
        ("data", "model", "method", "other"),
        _pair("p_value", 1.0),
        ("method", "other"),
    ),
    "median_passes_to": Quantity(
        "median of passes to within `tolerance` nats of the best known value",
        ("data", "model", "method", "tolerance"),
        _cost("median_passes"),
        ("tolerance",),
    ),
    "passes_per_success": Quantity(
        "passes paid for each fit that came within `tolerance` nats of the best known value",
        ("data", "model", "method", "tolerance"),
        _cost("per_success"),
        ("tolerance",),
    ),
    "chance_of_new": Quantity(
        "Good and Turing's chance that one more random start finds a new optimum",
        (*FITS, "start_scheme"),
        _chance_of_new,
    ),
    "median_passes": Quantity("median of passes over the data", FITS, _median("passes")),
    "median_gap": Quantity("median of nats below the best known value", FITS, _median("gap")),
    "n_rows": Quantity("fits, whatever became of them", FITS, lambda s: len(s.fits)),
    "estimate": Quantity(
        "a parameter of the best verified optimum (of a sampler: posterior mean), natural or reporting "
        "scale; component and index (within the component) count from 1",
        (*FITS, "parameter", "component", "index"),
        _estimate,
        ("parameter", "component"),
    ),
    **{
        name: Quantity(f"{name} over replicates (see accuracy)", NUMBERS, _metric(name))
        for name in NAMES["metrics"]
    },
    "predictive_difference": Quantity(
        "log density on fresh data less that of the first point estimate, paired over replicates, nats per "
        "observation; `density` is plug-in or posterior predictive",
        ("data", "model", "method", "density"),
        _predictive_difference,
        ("method",),
    ),
    "calibrated": Quantity(
        "share of ranked quantities whose ranks stay inside their simultaneous 95 % band",
        NUMBERS,
        lambda s: float(_ranked(s)["inside"].astype(bool).mean()),
    ),
    "calibration_p": Quantity(
        "smallest p-value of uniform ranks times the number of quantities selected, at most 1",
        NUMBERS,
        _calibration_p,
    ),
    "n_unclean": Quantity(
        "runs on truths drawn from a prior that did not sample cleanly", FITS, _unclean
    ),
    "max_rhat": Quantity(
        "largest R-hat of the posteriors, raw labels left out",
        FITS,
        lambda s: float(np.max([rhat(cell) for cell in s.diagnostics])),
    ),
    "divergences": Quantity(
        "divergent transitions of all the posteriors",
        FITS,
        lambda s: float(np.sum([divergences(cell) for cell in s.diagnostics])),
    ),
    "diagnostic": Quantity(
        "the largest value of a named diagnostic of the posteriors",
        (*FITS, "name"),
        _diagnostic,
        ("name",),
    ),
    **ITERATES,
    **CRITERIA,
    **GROUPS,
    **SLICES,
}
