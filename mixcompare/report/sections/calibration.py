"""Simulation-based calibration: ranks of truths drawn from a prior, and the runs that did not sample well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.metrics.rank import LABEL_FREE
from mixcompare.metrics.uniformity import band
from mixcompare.report import words
from mixcompare.report.document import Drawing, Paragraph, Section, Tabular
from mixcompare.report.figures.calibration import Quantity, Ranks
from mixcompare.report.tables import Column, Table, fixed, number, share, text, whole
from mixcompare.report.view import Case, View
from mixcompare.study.calibration import adjusted, ranked, relative_ranks
from mixcompare.study.parameter_words import label

PLACE = ("parameter", "component", "index")


@dataclass(frozen=True)
class Ranked:
    """One case: a line a method, a line a method and quantity, and what is drawn."""

    case: Case
    methods: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    quantities: list[Quantity]


def compute(view: View) -> list[Ranked]:
    """One entry for each data set and model whose truths were drawn from a prior."""
    fits, found = ranked(view.results.rows), []
    tests = int(view.results.calibration()["p_value"].notna().sum())
    for case in view.cases:
        lines = view.of("calibration", case)
        if not lines:
            continue
        for line in lines:
            line["quantity"] = _quantity(case, line)
        mine = fits[(fits["data"] == case.data) & (fits["model"] == case.model_name)]
        found.append(Ranked(case, _methods(lines, tests), lines, _drawn(lines, mine)))
    return found


def draw(found: list[Ranked]) -> Section:
    """Make the section, a part for each case; no blocks where no truth was drawn from a prior."""
    parts = [_part(one) for one in found]
    blocks = [Paragraph(_EXPLAINED)] if parts else []
    return Section("calibration", "Calibration of the samplers", blocks, parts)


_EXPLAINED = (
    "Every truth was drawn from the prior and the data from the truth, so the rank of the truth among "
    "independent posterior draws is uniform, whatever is ranked, if the sampler does what it says. "
    "Components of truths and draws were put in order by one rule before ranking; the log-likelihood and "
    "the moments of the mixture need none. A band holds the whole curve of uniform ranks with "
    "probability 95 %, so one curve in twenty leaves it by chance: the smallest p-value times the number "
    "of all curves in this report says whether that is enough. A run that did not sample cleanly has a "
    "finding against its draws, or fewer effective draws than those ranked; it is counted, and its ranks "
    "stay in."
)


def _part(one: Ranked) -> Section:
    case, slug = one.case, one.case.slug
    blocks: list[Any] = []
    if case.dataset is not None and case.dataset.prior:
        blocks.append(Paragraph(f"Truths were drawn from the {_prior(case.dataset.prior)}."))
    caption = (
        "Truths ranked, runs that did not sample cleanly (kept), and quantities inside their bands."
    )
    blocks.append(Tabular(Table(f"{slug}-calibration", caption, _METHODS, one.methods)))
    if one.quantities:
        blocks.append(
            Drawing(
                f"{slug}-calibration",
                f"Ranks of truths, {case.data}",
                "Distribution function of relative ranks less that of uniform ones, over its simultaneous "
                "95 % band. Above zero on the left: too many truths lie below the draws. Dark red curves "
                "leave their band.",
                "calibration",
                (one.quantities,),
            )
        )
        blocks.append(
            Drawing(
                f"{slug}-ranks",
                f"Histograms of ranks, {case.data}",
                "The same ranks in equal bins; the grey range holds 95 % of the numbers that one bin has "
                "by chance. A valley: posteriors too narrow; a hill: too wide; a slope: shifted.",
                "ranks",
                (one.quantities,),
            )
        )
    caption = "Every ranked quantity: mean relative rank (0.5 if calibrated) and uniformity."
    blocks.append(Tabular(Table(f"{slug}-ranks", caption, _LINES, one.lines), folded=True))
    return Section(f"{slug}-ranked", f"{case.data}: {case.model_name}", blocks)


def _prior(spec: dict[str, Any]) -> str:
    """For example "weak prior with shape 1.5, mean 6"."""
    numbers = {key: np.ravel(value) for key, value in spec.items() if key != "form"}
    said = [f"{key} {' '.join(map(number(4), value))}" for key, value in numbers.items()]
    return f"{spec['form']} prior with {', '.join(said)}"


_METHODS = (
    Column("method", "method", text, number=False),
    Column("ranked", "truths ranked", share, beside=("simulations",)),
    Column("unclean", "not sampled cleanly", whole, alarm=True),
    Column("draws", "draws ranked among", whole),
    Column("same_prior", "with the truths' prior", text, number=False),
    Column("inside", "quantities inside", share, beside=("quantities",)),
    Column("p", "smallest p × all tests", number(2)),
)

_LINES = (
    Column("method", "method", text, number=False),
    Column("quantity", "quantity", text, number=False),
    Column("ranked", "truths ranked", share, beside=("simulations",)),
    Column("mean", "mean rank", fixed(3)),
    Column("p_value", "p", number(2)),
    Column("inside", "inside its band", text, number=False),
)


def _methods(lines: list[dict[str, Any]], tests: int) -> list[dict[str, Any]]:
    rows = []
    for method in dict.fromkeys(line["method"] for line in lines):
        mine = [line for line in lines if line["method"] == method]
        p = pd.Series([line["p_value"] for line in mine], dtype=float)
        inside = sum(line["inside"] is True for line in mine)
        counts = {"inside": inside, "quantities": int(p.notna().sum()), "p": adjusted(p, tests)}
        ranked_ = min(line["ranked"] for line in mine)
        rows.append({**mine[0], "ranked": ranked_, **counts})
    return rows


def _drawn(lines: list[dict[str, Any]], fits: pd.DataFrame) -> list[Quantity]:
    """Quantities in the order of the lines, each with the ranks of every method that has some."""
    values = {method: relative_ranks(rows) for method, rows in fits.groupby("method", sort=False)}
    shown: dict[str, list[Ranks]] = {}
    for line in lines:
        if line["p_value"] is not None:
            of = values[line["method"]][tuple(line[key] for key in PLACE)]
            one = Ranks(line["method"], np.asarray(of), bool(line["inside"]))
            shown.setdefault(line["quantity"], []).append(one)
    return [
        Quantity(name, ranks, band(min(len(one.values) for one in ranks)))
        for name, ranks in shown.items()
    ]


def _quantity(case: Case, line: dict[str, Any]) -> str:
    """For example "sd 2", or "mixture mean, x3"; a monotone scale changes no rank, and is not named."""
    parameter, component, index = (line[key] for key in PLACE)
    columns = case.dataset.columns if case.dataset is not None else ()
    inner = [int(i) - 1 for i in str(index).split(",") if i]
    if parameter in LABEL_FREE or not parameter:
        several = inner and len(columns) > 1
        name = "log-likelihood" if parameter == "loglik" else parameter
        return f"{name}, {columns[inner[0]]}" if several else name
    name = label(parameter, (int(component) - 1, *inner), columns, names=words.PARAMETERS)
    return re.sub(r" \(.*?\)", "", name)
