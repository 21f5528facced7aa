"""Simulation-based calibration, read off the rows: are the ranks of the truths uniform?

A run that did not sample cleanly is counted beside the ranks and never left out of them: leaving it out
would favour the truths that are easy to sample (Talts et al. 2018, arXiv:1804.06788).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.metrics import uniformity
from mixcompare.metrics.base import entries
from mixcompare.metrics.rank import LABEL_FREE
from mixcompare.study import words
from mixcompare.study.case import Case
from mixcompare.study.ends import parse
from mixcompare.study.summaries import METHOD

CALIBRATION_COLUMNS = [
    *METHOD,
    *("parameter", "component", "index", "simulations", "ranked", "unclean", "draws"),
    *("same_prior", "mean", "p_value", "inside"),
]


def calibrate(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per data, model, method and ranked quantity.

    Returns
    -------
    DataFrame
        `parameter`, `component` and `index` as in `accuracy` (a quantity without labels has no component;
        its index is the feature); `simulations` that were planned, `ranked` of them that left draws to
        rank among, `unclean` of them that did not sample cleanly (`is_unclean`), `draws` among which each
        truth was ranked; whether the sampler had the `same_prior` as the truths, without which no ranks
        can be uniform; `mean` of the relative ranks, 0.5 if all is well; `p_value` of uniformity, and
        whether their distribution function is `inside` its simultaneous 95 % band
        (`metrics.uniformity`). Only models of data whose truths were drawn from a prior; of a method
        without any ranks one line says so.
    """
    lines: list[dict[str, Any]] = []
    for names, fits in ranked(rows).groupby(METHOD, sort=False):
        cells = list(fits["measured"])
        used = [cell for cell in cells if cell.get("ranks")]
        shared = {
            **dict(zip(METHOD, names, strict=True)),
            "simulations": len(cells),
            "unclean": int(is_unclean(fits).sum()),
            "draws": max((int(cell["rank_draws"]) for cell in used), default=0),
            "same_prior": all(cell["same_prior"] for cell in used),
        }
        for where, values in (relative_ranks(fits) or _NOTHING).items():
            p = uniformity.p_value(values)
            found = {"ranked": len(values), "mean": values.mean() if len(values) else np.nan}
            inside = None if np.isnan(p) else p > 1 - uniformity.LEVEL
            place = dict(zip(("parameter", "component", "index"), where, strict=True))
            lines.append({**shared, **place, **found, "p_value": p, "inside": inside})
    return pd.DataFrame(lines, columns=CALIBRATION_COLUMNS)


_NOTHING = {("", "", ""): np.empty(0)}


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Samplers' rows on data and models with ranks, with their metrics read in a column `measured`."""
    cells = pd.Series([parse(cell) or {} for cell in rows["metrics"]], rows.index, dtype=object)
    case = list(zip(rows["data"], rows["model"], strict=True))
    known = {names for names, cell in zip(case, cells, strict=True) if cell.get("ranks")}
    kept = [bool(s) and names in known for s, names in zip(rows["sampler"], case, strict=True)]
    return rows.assign(measured=cells).loc[np.array(kept, dtype=bool)]


def relative_ranks(fits: pd.DataFrame) -> dict[tuple[Any, Any, str], np.ndarray]:
    """(parameter, component, index) -> relative ranks (R,) of the runs that have them."""
    table: dict[tuple[Any, Any, str], list[float]] = {}
    for cell in fits["measured"]:
        for place, value in entries(cell.get("ranks")):
            if value is not None:
                table.setdefault(_where(*place), []).append(float(value))
    return {where: np.array(values) for where, values in table.items()}


def _where(parameter: str, *place: int) -> tuple[Any, Any, str]:
    """What a rank is of: quantities without labels have no component, only a feature."""
    if parameter in LABEL_FREE:
        return parameter, "", ",".join(map(str, place))
    return parameter, place[0], ",".join(map(str, place[1:]))


def is_unclean(fits: pd.DataFrame) -> pd.Series:
    """Which runs left no ranks, have a finding against their draws, or fewer effective draws than ranked."""
    found = []
    for finding, cell in zip(fits["finding"], fits["measured"], strict=True):
        enough = bool(cell.get("ranks")) and (cell["rank_ess"] or 0.0) >= cell["rank_draws"]
        found.append(not enough or finding not in ("", "verified"))
    return pd.Series(found, fits.index, dtype=bool)


def adjusted(p_values: pd.Series, tests: int = 0) -> float:
    """The smallest of some p-values times the number of tests, at most 1 (Bonferroni); nan without any.

    `tests` is the number of all tests that were made; that of the p-values if it is 0.
    """
    p = p_values.dropna()
    return float(min(1.0, (tests or len(p)) * p.min())) if len(p) else float("nan")


def tell(case: Case) -> Iterator[str]:
    """For each sampler on truths drawn from a prior: whether its ranks are uniform, how many runs failed."""
    table = case.results.calibration()
    tests = int(table["p_value"].notna().sum())
    for method, lines in case.pick(table).groupby("method", sort=False):
        first, judged = lines.iloc[0], lines[lines["p_value"].notna()]
        runs = words.number_of(int(first["simulations"]), "truth")
        if judged.empty:
            yield f"{case.name}, {method}: of {runs} drawn from the prior too few were ranked to tell."
            continue
        n, within = len(judged), int((judged["inside"] == True).sum())  # noqa: E712 - None is not True
        p = adjusted(judged["p_value"], tests)
        verdict = _UNIFORM if p > 1 - uniformity.LEVEL else _NOT_UNIFORM
        other = "" if first["same_prior"] else _OTHER
        yield (
            f"{case.name}, {method}: over {runs} drawn from the prior {verdict}.{other} The ranks of "
            f"{words.of(within, n)} quantities stay inside their simultaneous 95 % band; the smallest "
            f"p-value times {tests:,}, the number of all that were tested here, is {p:.2g}. {_runs(first)}"
        )


def summed(table: pd.DataFrame) -> Iterator[str]:
    """All of a calibration table in one phrase: whose ranks are not uniform, and how many runs failed."""
    runs, judged = table.drop_duplicates(METHOD), table[table["p_value"].notna()]
    if judged.empty:
        return
    p = judged.groupby("method", sort=False)["p_value"].agg(adjusted, tests=len(judged))
    bad = [str(method) for method in p.index[p <= 1 - uniformity.LEVEL]]
    within = words.of(int((judged["inside"] == True).sum()), len(judged))  # noqa: E712
    unclean = words.of(int(runs["unclean"].sum()), int(runs["simulations"].sum()))
    who = f"are not uniform with {words.listed(bad)}" if bad else _NO_SIGN
    yield (
        f"the ranks of truths drawn from the prior {who} ({within} quantities inside their 95 % band; "
        f"{unclean} runs did not sample cleanly and stay in)"
    )


_NO_SIGN = "show no departure from calibration"
_UNIFORM = f"the ranks {_NO_SIGN}"
_NOT_UNIFORM = "the ranks are not uniform, so the posterior is not calibrated"
_OTHER = (
    " The sampler's prior is not the one that truths were drawn from: its ranks can't be expected to be "
    "uniform."
)


def _runs(line: Any) -> str:
    bad, missing = int(line["unclean"]), int(line["simulations"] - line["ranked"])
    if not bad:
        return "Every run sampled cleanly."
    text = f"{words.number_of(bad, 'run')} did not sample cleanly"
    if not missing:
        return f"{text}, and {'is' if bad == 1 else 'are'} among the ranks all the same."
    if missing == bad:
        return f"{text}: no draws were left to rank among."
    kept = "the other is" if bad - missing == 1 else "the others are"
    return f"{text}; {missing:,} of them left no draws to rank among, {kept} among the ranks."
