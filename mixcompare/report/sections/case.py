"""What is gathered about one data set and model; page.py makes its section of the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.prior import Prior
from mixcompare.problem import Problem
from mixcompare.report import style
from mixcompare.report.figures.density import Densities
from mixcompare.report.figures.findings import Bar
from mixcompare.report.figures.gaps import Strip
from mixcompare.report.figures.loglik_posterior import Drawn
from mixcompare.report.figures.posterior import Parameter
from mixcompare.report.figures.trajectories import Panel
from mixcompare.report.sections import (
    accuracy,
    claims,
    clusters,
    cost,
    draws,
    from_starts,
    groups,
    identification,
    iterations,
    optima,
    overview,
    predictive_check,
    recovery,
    slices,
)
from mixcompare.report.sections.clusters import Members
from mixcompare.report.sections.cost import Cost
from mixcompare.report.sections.curves import Fitted, densities
from mixcompare.report.sections.draws import Sampled
from mixcompare.report.sections.groups import Known
from mixcompare.report.sections.identification import Unidentified
from mixcompare.report.sections.intervals import best_end, draws_of, parameters, refusals
from mixcompare.report.sections.iterations import Iterations
from mixcompare.report.sections.optima import Optima, as_theta
from mixcompare.report.sections.paths import panels, strips
from mixcompare.report.sections.recovery import Recovered
from mixcompare.report.sections.slices import Shown
from mixcompare.report.tables import Table
from mixcompare.report.view import Case, View
from mixcompare.study.predictive_check import Feature
from mixcompare.theta import Theta

MOST_DRAWS = 1000
"""Draws whose log-likelihood is drawn, evenly spread over the chains: one pass each."""

MOST_ENDS = 60
"""Different ends of a method that are drawn as densities."""


@dataclass(frozen=True)
class CaseData:
    """All that is drawn of one case."""

    case: Case
    sentences: list[str]
    summary: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    pairs: list[Any]
    optima: Optima
    bars: list[Bar]
    groups: Known | None
    members: Members | None
    overlay: Densities | None
    by_method: list[tuple[str, Densities]]
    paths: list[Panel]
    ends: list[Strip]
    iterations: Iterations | None
    cost: Cost
    parameters: list[Parameter | None]
    refusals: list[str]
    logliks: list[Drawn]
    unidentified: Unidentified | None
    samplers: list[str]
    sampled: Sampled
    priors: dict[str, list[str]]
    """A prior in words -> the samplers that used it."""
    recovered: Recovered | None
    accuracy: list[Table]
    slices: list[Shown]
    features: tuple[Feature, ...]
    from_starts: pd.DataFrame


def compute(view: View, case: Case) -> CaseData:
    """Gather what is known of one data set and model."""
    found = optima.compute(view, case)
    known = groups.compute(view, case)
    samplers = list(dict.fromkeys(case.rows["method"][case.rows["sampler"]]))
    return CaseData(
        case=case,
        sentences=overview.of_case(view, case),
        summary=view.of("summary", case),
        claims=view.of("claims", case),
        pairs=claims.pairs(view, case),
        optima=found,
        bars=_bars(case),
        groups=known,
        members=clusters.compute(
            view, case, grouped=known is not None and known.picture is not None
        ),
        overlay=_overlay(case, found.rows, samplers),
        by_method=_by_method(case),
        paths=panels(view, case),
        ends=strips(case) if case.n_replicates > 1 else [],
        iterations=iterations.compute(view, case),
        cost=cost.compute(view, case),
        parameters=parameters(view, case) if samplers or _further(case) else [],
        refusals=refusals(case),
        logliks=_logliks(view, case, samplers),
        unidentified=identification.compute(view, case),
        samplers=samplers,
        sampled=draws.compute(view, case),
        priors=_priors(case, samplers),
        recovered=recovery.compute(view, case),
        accuracy=accuracy.compute(view, case),
        slices=slices.compute(view, case),
        features=predictive_check.compute(view, case),
        from_starts=from_starts.compute(view, case),
    )


def _bars(case: Case) -> list[Bar]:
    bars = []
    for method in case.methods:
        rows = case.rows[case.rows["method"] == method]
        judged = rows[rows["finding"] != ""]
        said = [
            _counted(judged["finding"][[word is what for word in judged["said"]]]) for what in _SAID
        ]
        bars.append(Bar(method, *said))
    return bars


_SAID = (True, False, None)


def _counted(names: pd.Series) -> dict[str, int]:
    return dict(Counter(names))


def _overlay(case: Case, rows: list[dict[str, Any]], samplers: list[str]) -> Densities | None:
    """The best known maximum with its components, posterior means, and the truth if there is one."""
    if case.model is None or case.dataset is None:
        return None
    fitted = []
    best = next((row for row in rows if row["standing"] == "global"), None)
    if best is not None:
        fitted.append(Fitted("best known optimum", as_theta(best["theta"]), components=True))
    for method in samplers:
        end = best_end(case.first, method)
        if end is not None:
            fitted.append(
                Fitted(f"{method}, posterior mean", end["end"], style.look(method).color, "--")
            )
    if case.truth is not None:
        fitted.append(Fitted("truth", case.truth, style.MUTED, ":"))
    return densities(case.model, case.dataset, fitted) if fitted else None


def _further(case: Case) -> bool:
    """Whether the study asked for intervals beside those of Wald."""
    return any(case.first["intervals"].map(bool))


def _logliks(view: View, case: Case, samplers: list[str]) -> list[Drawn]:
    """Log-likelihoods of at most `MOST_DRAWS` draws of each sampler; first replicate."""
    if case.model is None or case.dataset is None:
        return []
    found = []
    for method in samplers:
        row = case.first[case.first["method"] == method].iloc[0]
        draws = draws_of(view, case, row)
        if draws is None or not draws.is_finite:
            continue
        problem = Problem(case.model, case.dataset)
        loglik = [problem.log_likelihood(theta) for theta in draws.spread(MOST_DRAWS)]
        found.append(Drawn(method, np.array(loglik), row["sound"] is not False))
    return found


def _priors(case: Case, samplers: list[str]) -> dict[str, list[str]]:
    """On the first replicate; samplers without draws have none."""
    found: dict[str, list[str]] = {}
    if case.model is None or case.dataset is None:
        return found
    for method in samplers:
        row = case.first[case.first["method"] == method].iloc[0]
        if row["prior"]:
            text = Prior.of(row["prior"]).on(case.model, case.dataset).text
            found.setdefault(text, []).append(method)
    return found


def _by_method(case: Case) -> list[tuple[str, Densities]]:
    """Ends of the first replicate as densities, sound ones in the method's colour and on top.

    Only methods with an end elsewhere than at the best known optimum: all others look the same. Ends that
    agree to three digits once, and of different ones the first `MOST_ENDS`.
    """
    if case.model is None or case.dataset is None:
        return []
    found = []
    for method in case.methods:
        rows = case.first[(case.first["method"] == method) & case.first["end"].notna()]
        if rows["reached"].isin([True, None]).all():
            continue
        d = case.dataset.n_features
        inside: dict[Any, tuple[Theta, bool]] = {}
        for _, row in rows.iterrows():
            if not case.model.outside(case.model.conform(row["end"], d)):
                sound = row["sound"] is not False
                inside.setdefault((sound, _digits(row["end"])), (row["end"], sound))
        if not inside:
            continue
        color = style.look(method).color
        ends = sorted(list(inside.values())[:MOST_ENDS], key=lambda pair: pair[1])
        fitted = [Fitted(method, theta, color if sound else style.FAILED) for theta, sound in ends]
        picture = densities(case.model, case.dataset, fitted)
        if picture is not None and picture.kind == "line":
            found.append((method, picture))
    return found


def _digits(theta: Theta) -> tuple[str, ...]:
    """A point to three digits."""
    return tuple(f"{value:.3g}" for array in theta.values() for value in array.flat)
