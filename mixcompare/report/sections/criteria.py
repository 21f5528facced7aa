"""Choice of model: every criterion of every model of one data set, and what each prefers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.report.document import Drawing, Items, Paragraph, Section, Tabular
from mixcompare.report.figures.criteria import Criterion, Curve
from mixcompare.report.tables import (
    Column,
    Table,
    findings,
    fixed,
    text,
    typeset,
    whole,
    with_error,
)
from mixcompare.report.view import View, records, slug
from mixcompare.study.criteria import NAMES, OF_DRAWS, OF_POINTS, rank
from mixcompare.study.criteria_words import choices, tell
from mixcompare.study.ends import REACHED

MOST = 6
"""Models of one data set that all have their figures; of more, those that some criterion prefers."""


@dataclass(frozen=True)
class Choice:
    """One data set: sentences, a line a model and optimum, a line a posterior, and what is drawn."""

    data: str
    sentences: list[str]
    points: list[dict[str, Any]]
    draws: list[dict[str, Any]]
    panels: list[Criterion]
    n_replicates: int


def compute(view: View) -> list[Choice]:
    """One entry for each data set to which more than one model was fitted; tables of its first replicate."""
    return [_choice(view, data) for data in choices(view.results)]


def draw(found: list[Choice]) -> Section:
    """Make the section, a part for each data set; no blocks where nothing is to be chosen."""
    blocks = [Paragraph(_EXPLAINED)] if found else []
    return Section("criteria", "Choice of model", blocks, [_part(one) for one in found])


def in_brief(found: list[Choice], data: str, model: str) -> bool:
    """Whether a model is one of more than `MOST` of its data, and no criterion prefers it."""
    for one in found:
        lines = [*one.points, *one.draws]
        mine = [line for line in lines if line["model"] == model]
        if one.data == data and len({line["model"] for line in lines}) > MOST:
            return not any(line["preferred"] for line in mine)
    return False


_EXPLAINED = (
    "AIC is -2 l + 2 q and BIC is -2 l + q log n, with l the log-likelihood at the best verified optimum "
    "that is not narrow, q the number of free parameters and n that of observations; ICL adds to BIC the "
    "doubtfulness of the classification, so that it prefers components that do not overlap. Smaller is "
    "better; the R package mclust prints BIC and ICL with the opposite sign. Separation is 1 where every "
    "observation is surely of one component, 0 where all are a toss-up. Leave-one-out is the expected log "
    "density of a new observation times n, larger is better, from draws with nothing wrong; it depends on "
    "the prior, the other three do not. No criterion says that a model is true, and they answer different "
    "questions: ICL looks for groups, BIC for a density, AIC and leave-one-out for prediction."
)


def _choice(view: View, data: str) -> Choice:
    table = view.results.criteria(data)
    first = table[table["replicate"] == table["replicate"].min()]
    points, draws = first[~first["sampler"]], first[first["sampler"]]
    return Choice(
        data,
        [typeset(sentence) for sentence in tell(view.results, data)],
        _point_lines(points),
        _draw_lines(draws),
        _panels(points, draws),
        table["replicate"].nunique(),
    )


def _part(one: Choice) -> Section:
    name = f"{slug(one.data)}-criteria"
    where = " First replicate." if one.n_replicates > 1 else ""
    blocks: list[Any] = [Items(one.sentences)]
    if one.panels:
        caption = (
            "Each criterion against the number of components, as its difference from the lowest (linear up "
            "to 10, logarithmic above). The ring marks the model that the criterion prefers. Bars: two "
            f"standard errors of the difference.{where}"
        )
        title = f"Criteria, {one.data}"
        blocks.append(Drawing(name, title, caption, "criteria", (one.panels,)))
    if one.points:
        caption = (
            "Criteria of every model at the best end of each method; methods that found the same optimum "
            f"(within {REACHED:g} nats) share a line.{where}"
        )
        blocks.append(Tabular(Table(name, caption, _used(_POINTS, one.points), one.points)))
    if one.draws:
        caption = (
            "Leave-one-out of every posterior, nats, with standard errors; differences are from the best "
            "model of the same method, with paired standard errors. p is the effective number of parameters; "
            f"k too large counts observations whose estimate is not to be trusted.{where}"
        )
        blocks.append(Tabular(Table(f"{name}-draws", caption, _used(_DRAWS, one.draws), one.draws)))
    if any(in_brief([one], one.data, line["model"]) for line in [*one.points, *one.draws]):
        blocks.append(Paragraph(_BRIEF))
    return Section(name, one.data, blocks)


_BRIEF = (
    "Below, models that no criterion prefers are told in tables alone; the figures are of those that some "
    "criterion prefers."
)


def _used(columns: Sequence[Column], rows: list[dict[str, Any]]) -> list[Column]:
    """The columns, without that of remarks where there are none."""
    return [c for c in columns if c.key != "remark" or any(row["remark"] for row in rows)]


_POINTS = (
    Column("model", "model", text, number=False),
    Column("methods", "found by", text, number=False),
    Column("finding", "found to be", findings, number=False, badge=True),
    Column("q", "q", whole),
    Column("loglik", "log-likelihood", fixed(3)),
    *(Column(name, NAMES[name], fixed(1)) for name in OF_POINTS),
    Column("separation", "separation", fixed(3)),
    Column("preferred", "preferred by", text, number=False),
    Column("remark", "remark", text, number=False),
)

_DRAWS = (
    Column("model", "model", text, number=False),
    Column("method", "method", text, number=False),
    Column("finding", "found to be", findings, number=False, badge=True),
    Column("elpd_loo", "leave-one-out", with_error, beside=("elpd_loo_se",)),
    Column("elpd_difference", "from the best", with_error, beside=("elpd_difference_se",)),
    Column("p_loo", "p", fixed(1)),
    Column("bad_k", "k too large", whole, alarm=True),
    Column("preferred", "preferred", text, number=False),
    Column("remark", "remark", text, number=False),
)


def _point_lines(points: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a model and optimum, models by form and then size, the highest optimum first."""
    lines: list[dict[str, Any]] = []
    ordered = _ordered(points)
    places = {line["model"]: place for place, line in enumerate(ordered)}
    for line in ordered:
        alike = (other for other in lines if other["model"] == line["model"] and _same(line, other))
        other = next(alike, None)
        if other is None:
            lines.append({**line, "methods": [line["method"]], "remark": _remark(line)})
        else:
            other["methods"].append(line["method"])
    lines.sort(key=lambda line: (places[line["model"]], -(line["loglik"] or -np.inf)))
    return _marked(points, OF_POINTS, lines)


def _draw_lines(draws: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a model and sampler."""
    lines = [{**line, "remark": _remark(line)} for line in _ordered(draws)]
    found = []
    for method in dict.fromkeys(line["method"] for line in lines):
        own = [line for line in lines if line["method"] == method]
        found += _marked(draws[draws["method"] == method], OF_DRAWS, own)
    return found


def _ordered(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Models by form, then by size."""
    forms = {form: place for place, form in enumerate(dict.fromkeys(map(_form, records(table))))}
    return sorted(records(table), key=lambda line: (forms[_form(line)], line["n_components"]))


def _form(line: Mapping[str, Any]) -> tuple[str, str]:
    """What a model is but for its number of components."""
    return line["family"], line["options"]


def _same(line: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two methods found the same optimum, or have none for the same reason."""
    if line["loglik"] is None or other["loglik"] is None:
        return line["loglik"] is other["loglik"] and line["refused"] == other["refused"]
    return abs(line["loglik"] - other["loglik"]) <= REACHED


def _remark(line: Mapping[str, Any]) -> str:
    return typeset(line["refused"] or line["note"])


def _marked(
    table: pd.DataFrame, criteria: Sequence[str], lines: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The lines with the criteria that prefer them."""
    for line in lines:
        line["preferred"] = []
    for criterion in criteria:
        ranked = rank(table, criterion)
        if len(ranked) > 1:
            best = ranked.iloc[0]
            line = next(line for line in lines if line["model"] == best["model"])
            line["preferred"].append(NAMES[criterion])
    return lines


# -- what is drawn --------------------------------------------------------------------------------


def _panels(points: pd.DataFrame, draws: pd.DataFrame) -> list[Criterion]:
    """One panel a criterion, none where no form of model has been tried with several sizes."""
    sizes = pd.concat([points, draws]).groupby(["family", "options"])["n_components"].nunique()
    if not (sizes > 1).any():
        return []
    forms = dict.fromkeys(map(_form, records(pd.concat([points, draws]))))
    several = len({family for family, _ in forms}) > 1
    labels = {(f, o): " ".join(filter(None, [f if several or not o else "", o])) for f, o in forms}
    panels = [_panel(rank(points, name), name, NAMES[name], labels) for name in OF_POINTS]
    for method, lines in draws.groupby("method", sort=False):
        title = f"−2 × {NAMES[OF_DRAWS[0]]}, {method}"
        panels.append(_panel(rank(lines, OF_DRAWS[0]), OF_DRAWS[0], title, labels))
    return [panel for panel in panels if panel.curves]


def _panel(
    ranked: pd.DataFrame, criterion: str, title: str, labels: Mapping[tuple[str, str], str]
) -> Criterion:
    """Differences on the scale of -2 log-likelihood, from the best model that the criterion knows."""
    curves = []
    for form, label in labels.items():
        lines = ranked[(ranked["family"] == form[0]) & (ranked["options"] == form[1])]
        lines = lines.sort_values("n_components")
        if criterion in OF_DRAWS:
            above = -2 * lines["elpd_difference"].to_numpy(float)
            errors = 2 * lines["elpd_difference_se"].to_numpy(float)
        else:
            above = (lines[criterion] - ranked[criterion].min()).to_numpy(float)
            errors = np.full(len(lines), np.nan)
        if len(lines):
            curves.append(Curve(label, lines["n_components"].to_numpy(float), above, errors))
    return Criterion(title, curves)
