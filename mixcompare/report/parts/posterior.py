"""Point estimates beside posteriors: every interval in one figure, priors, and log-likelihoods of draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.prior import Prior
from mixcompare.problem import Problem
from mixcompare.report import words
from mixcompare.report.document import Drawing, Paragraph, Section, Tabular
from mixcompare.report.figures.loglik_posterior import Drawn
from mixcompare.report.figures.posterior import Parameter
from mixcompare.report.parts.intervals import draws_of, parameters, refusals
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, number, text
from mixcompare.report.view import Case, View
from mixcompare.study.words import listed, quoted

MOST_DRAWS = 1000
"""Draws whose log-likelihood is drawn, evenly spread over the chains: one pass each."""


@dataclass(frozen=True)
class Beside:
    """Estimates with their intervals; of samplers also priors in words -> who used it, and their draws."""

    parameters: list[Parameter | None]
    refusals: list[str]
    priors: dict[str, list[str]]
    logliks: list[Drawn]


def compute(view: View, case: Case) -> Beside:
    """Gather estimates, where something was sampled or intervals beside those of Wald were asked for."""
    asked = case.samplers or any(case.first["intervals"].map(bool))
    shown = parameters(view, case) if asked else []
    return Beside(shown, refusals(case), _priors(case), _logliks(view, case))


def draw(case: Case, beside: Beside) -> Section:
    """Make the part; no blocks without estimates to compare."""
    title = "Posterior beside the point estimates" if case.samplers else "Estimates and intervals"
    shown = [place for place in beside.parameters if place is not None]
    blocks: list[Any] = []
    if shown:
        name, head = f"{case.slug}-posterior", f"Estimates and intervals, {case.data}"
        caption = _caption(case, shown[0])
        blocks = [
            *_assumed(beside.priors),
            *(Paragraph(reason) for reason in beside.refusals),
            Drawing(name, head, caption, "posterior", (beside.parameters,)),
            Tabular(_estimates(case, shown), folded=True),
            *_heights(case, beside.logliks),
        ]
    return Section(f"{case.slug}-posterior-beside", title, blocks)


PART = Part(compute, draw)


# -- estimates ------------------------------------------------------------------------------------


def _caption(case: Case, first: Parameter) -> str:
    kinds = [e.kind for e in first.estimates if e.further]
    further = f" (below it: {', '.join(dict.fromkeys(kinds))})" if kinds else ""
    parts = [f"Each method's best end with its 95 % Wald interval{further}"]
    if case.samplers:
        samplers = listed([quoted(method) for method in case.samplers])
        parts.append(
            f"the posterior mean of {samplers} with its 95 % equal-tailed interval and draws"
        )
    together = [e for e in first.estimates if len(e.methods) > 1]
    return (
        f"{', and '.join(parts)}, on the reporting scale; components of every end, and of the draws, are "
        "numbered as in the best point estimate. No interval is drawn where the information matrix gives "
        "none; arrows point to values outside the axes. "
        f"{'The dotted line is the truth. ' if case.truth is not None else ''}"
        f"{' '.join(f'{e.label}: {listed([quoted(m) for m in e.methods])}.' for e in together)}"
    ).strip()


def _estimates(case: Case, shown: list[Parameter]) -> Table:
    columns = (
        Column("parameter", "parameter", text, number=False),
        Column("method", "method", text, number=False),
        Column("estimate", "estimate", number(5)),
        Column("kind", "interval", text, number=False),
        Column("lower", "95 % from", number(5)),
        Column("upper", "to", number(5)),
        Column("sound", "sound", text, number=False),
    )
    rows = [
        {
            "parameter": parameter.name,
            "method": method,
            "estimate": e.value,
            "kind": e.kind,
            "lower": e.low,
            "upper": e.high,
            "sound": e.sound,
        }
        for parameter in shown
        for e in parameter.estimates
        for method in e.methods
    ]
    return Table(
        f"{case.slug}-estimates", "Estimates and intervals, reporting scale.", columns, rows
    )


# -- priors ---------------------------------------------------------------------------------------


def _priors(case: Case) -> dict[str, list[str]]:
    """On the first replicate; samplers without draws have none."""
    found: dict[str, list[str]] = {}
    if case.model is None or case.dataset is None:
        return found
    for method in case.samplers:
        row = case.first[case.first["method"] == method].iloc[0]
        if row["prior"]:
            text = Prior.of(row["prior"]).on(case.model, case.dataset).text
            found.setdefault(text, []).append(method)
    return found


def _assumed(stated: dict[str, list[str]]) -> list[Any]:
    """What was assumed, and of which samplers where they differ."""
    if not stated:
        return []
    if len(stated) == 1:
        return [Paragraph(f"Priors: {next(iter(stated))}. {words.PRIORS}")]
    parts = [
        f"Priors of {listed([quoted(method) for method in methods])}: {text}."
        for text, methods in stated.items()
    ]
    return [Paragraph(f"{' '.join(parts)} {words.OTHER_PRIORS} {words.PRIORS}")]


# -- log-likelihoods of draws ---------------------------------------------------------------------


def _logliks(view: View, case: Case) -> list[Drawn]:
    """Log-likelihoods of at most `MOST_DRAWS` draws of each sampler; first replicate."""
    if case.model is None or case.dataset is None:
        return []
    found = []
    for method in case.samplers:
        row = case.first[case.first["method"] == method].iloc[0]
        draws = draws_of(view, case, row)
        if draws is None or not draws.is_finite:
            continue
        problem = Problem(case.model, case.dataset)
        loglik = [problem.log_likelihood(theta) for theta in draws.spread(MOST_DRAWS)]
        found.append(Drawn(method, np.array(loglik), row["sound"] is not False))
    return found


def _heights(case: Case, logliks: list[Drawn]) -> list[Any]:
    """The posterior of the log-likelihood, with the best known value if there is one."""
    if not logliks or case.model is None or case.dataset is None:
        return []
    name, title = f"{case.slug}-loglik-posterior", f"Posterior log-likelihood, {case.data}"
    q = case.model.n_parameters(case.dataset.n_features)
    if case.best_known is None:
        caption, drawn = "The posterior of the log-likelihood.", (logliks, np.nan, q)
    else:
        caption, drawn = _below(case.best_known, q, logliks), (logliks, case.best_known, q)
    return [Drawing(name, title, caption, "loglik-posterior", drawn)]


def _below(best: float, q: int, logliks: list[Drawn]) -> str:
    above = any((one.loglik > best).any() for one in logliks)
    return (
        "The posterior of the log-likelihood, with the best known value: "
        f"{'a draw lies' if above else 'no draw lies'} above it. Where the likelihood is normal and the "
        "prior weighs little, draws lie "
        f"q/2 = {q / 2:g} nats below it on average (dotted; grey: their distribution), q being the number of "
        "free parameters; fewer where the data do not identify all of them, more where the prior pulls away."
    )
