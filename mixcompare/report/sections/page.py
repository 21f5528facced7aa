"""The section of one data set and model: tables, figures and what they say."""

from __future__ import annotations

from typing import Any

from mixcompare import registry
from mixcompare.records import DRAW_FINDINGS, FINDINGS, SOUND
from mixcompare.report import words
from mixcompare.report.document import Drawing, Items, Paragraph, Section, Tabular
from mixcompare.report.figures.density import Densities
from mixcompare.report.figures.posterior import Parameter
from mixcompare.report.sections import (
    accuracy,
    clusters,
    cost,
    draws,
    from_starts,
    groups,
    identification,
    iterations,
    optima,
    predictive_check,
    recovery,
    slices,
)
from mixcompare.report.sections.case import MOST_ENDS, CaseData
from mixcompare.report.sections.paths import MOST_RUNS
from mixcompare.report.tables import (
    Column,
    Table,
    findings,
    fixed,
    nats,
    number,
    share,
    text,
    whole,
)
from mixcompare.study.ends import LIKELIHOOD


def draw(data: CaseData) -> Section:
    """Make the section, with a part for each thing shown."""
    case = data.case
    parts = [_methods(data), optima.draw(case, data.optima), _densities(data)]
    parts.append(predictive_check.draw(case, data.features))
    parts += [
        groups.draw(case, data.groups),
        clusters.draw(case, data.members),
        _paths(data),
        iterations.draw(data.iterations),
        from_starts.draw(case, data.from_starts),
        *slices.draw(case, data.slices),
        cost.draw(case, data.cost),
        draws.draw(case, data.sampled),
        _posterior(data),
        identification.draw(data.unidentified),
    ]
    parts.append(recovery.draw(case, data.recovered))
    parts.append(accuracy.draw(case, data.accuracy))
    return Section(case.slug, f"{case.data}: {case.model_name}", [Items(data.sentences)], parts)


_SUMMARY = (
    Column("method", "method", text, number=False),
    Column("at_best", "at best known", share, beside=("fits",)),
    Column("median_gap", "median gap (nats)", nats),
    Column("findings", "found to be", findings, number=False, badge=True),
    Column("false_success", "success said, wrongly", share, beside=("said_success",), alarm=True),
    Column("false_failure", "failure said, wrongly", share, beside=("said_failure",), alarm=True),
    Column("median_passes", "passes", whole),
    Column("median_seconds", "seconds", number(2)),
)

_CLAIMS = (
    Column("method", "method", text, number=False),
    Column("said", "said", text, number=False),
    Column("fits", "fits", whole),
    Column("sound", "sound", whole),
    Column("wrong", "word was wrong", whole, alarm=True),
    Column("share_wrong", "share wrong", fixed(2)),
    Column("lower", "95 % from", fixed(2)),
    Column("upper", "to", fixed(2)),
    Column("interval", "interval", text, number=False),
    Column("findings", "found to be", findings, number=False, badge=True),
)


def _methods(data: CaseData) -> Section:
    case = data.case
    fits = f"{len(case.rows)} fits" + (
        f" on {case.n_replicates} replicates" if case.n_replicates > 1 else ""
    )
    caption = (
        f"Methods side by side, {fits}. At best known: ends within 0.001 nats of the best verified "
        "optimum. Gap: nats below it. Passes and seconds are medians of one fit."
    )
    blocks: list[Any] = []
    if data.summary:
        blocks.append(Tabular(Table(f"{case.slug}-methods", caption, _SUMMARY, data.summary)))
    if any(bar.said_success or bar.said_failure for bar in data.bars):
        drawn = registry.load("figures", "findings")(data.bars, _ORDER, _NAMES)
        message = _claims_message(data.claims)
        blocks.append(
            Drawing(f"{case.slug}-findings", f"Claims and findings, {case.data}", message, drawn)
        )
    if data.claims:
        caption = "What each solver said against what its ends were found to be."
        blocks.append(
            Tabular(Table(f"{case.slug}-claims", caption, _CLAIMS, data.claims), folded=True)
        )
    return Section(f"{case.slug}-side-by-side", "Methods side by side", [*blocks, *data.pairs])


def _claims_message(claims: list[dict[str, Any]]) -> str:
    def total(said: str, key: str) -> int:
        about = [row for row in claims if row["target"] == LIKELIHOOD]
        return int(sum(row[key] or 0 for row in about if row["said"] == said))

    return (
        "What solvers said against what was found. Success was claimed of "
        f"{total('success', 'fits')} ends, {total('success', 'wrong')} of them not sound; failure of "
        f"{total('failure', 'fits')}, {total('failure', 'wrong')} of them sound. "
        "Green ends are sound. Narrow bars: nothing was said, as samplers do."
    )


def _densities(data: CaseData) -> Section:
    case, blocks = data.case, []
    replicate = ", first replicate" if case.n_replicates > 1 else ""
    if data.overlay is not None:
        drawn = registry.load("figures", "density")(data.overlay)
        blocks.append(
            Drawing(
                f"{case.slug}-density",
                f"Fitted density, {case.data}",
                _over(data.overlay, replicate),
                drawn,
            )
        )
    if data.by_method:
        drawn = registry.load("figures", "densities")(data.by_method)
        caption = (
            f"Methods of which some end is elsewhere{replicate}: their ends as densities (those that agree "
            f"to three digits once, at most {MOST_ENDS} a method). Dark red ends are not sound. Ends "
            "outside the parameter space have no density to draw."
        )
        blocks.append(
            Drawing(f"{case.slug}-densities", f"Densities by method, {case.data}", caption, drawn)
        )
    return Section(f"{case.slug}-fits", "Fitted densities over the data", blocks)


def _over(picture: Densities, replicate: str) -> str:
    """What the figure of the fitted density shows."""
    kinds = {
        "line": f"Fitted densities over a histogram of the data{replicate}; weighted components thin.",
        "plane": f"Contours of fitted densities over the data{replicate}.",
        "patterns": f"Expected shares of the distinct values beside the observed ones{replicate}.",
    }
    return kinds[picture.kind]


def _paths(data: CaseData) -> Section:
    case, blocks = data.case, []
    if data.paths:
        drawn = registry.load("figures", "trajectories")(data.paths)
        cut = any(panel.counted and panel.counted[1] > len(panel.runs) for panel in data.paths)
        which = f"the first {MOST_RUNS} fits" if cut else "every start"
        caption = (
            f"Nats below the best known value against passes over the data, {which}, one panel a "
            "method, with the number of sound ends. A dark red cross marks an end that is not sound; "
            "one on the lowest line has gone above every proper optimum, outside the parameter space or "
            "where the likelihood has no bound."
        )
        blocks.append(
            Drawing(f"{case.slug}-trajectories", f"Trajectories, {case.data}", caption, drawn)
        )
    if data.ends:
        drawn = registry.load("figures", "gaps")(data.ends)
        caption = (
            f"Where every end of the {case.n_replicates} replicates lies below the best known value of "
            "its own replicate. Numbers count ends that nearly agree; crosses are ends that are not sound. "
            "Ends that are no estimate have no place here."
        )
        blocks.append(
            Drawing(f"{case.slug}-gaps", f"End gaps over replicates, {case.data}", caption, drawn)
        )
    return Section(f"{case.slug}-paths", "Log-likelihood against passes", blocks)


def _posterior(data: CaseData) -> Section:
    case, blocks = data.case, []
    if _first(data) is not None:
        drawn = registry.load("figures", "posterior")(data.parameters)
        blocks = [
            *_priors(data.priors),
            *(Paragraph(reason) for reason in data.refusals),
            Drawing(
                f"{case.slug}-posterior",
                f"Estimates and intervals, {case.data}",
                _intervals_caption(data),
                drawn,
            ),
            Tabular(_estimates(data), folded=True),
            *_logliks(data),
        ]
    title = "Posterior beside the point estimates" if data.samplers else "Estimates and intervals"
    return Section(f"{case.slug}-posterior-beside", title, blocks)


def _intervals_caption(data: CaseData) -> str:
    kinds = (
        [e.kind for e in data.parameters[0].estimates if e.further] if data.parameters[0] else []
    )
    further = f" (below it: {', '.join(dict.fromkeys(kinds))})" if kinds else ""
    parts = [f"Each method's best end with its 95 % Wald interval{further}"]
    if data.samplers:
        parts.append(
            f"the posterior mean of {', '.join(data.samplers)} with its 95 % equal-tailed interval and draws"
        )
    return (
        f"{', and '.join(parts)}, on the reporting scale; components of every end, and of the draws, are "
        "numbered as in the best point estimate. No interval is drawn where the information matrix gives "
        "none; arrows point to values outside the axes. "
        f"{'The dotted line is the truth. ' if data.case.truth is not None else ''}{_together(data)}"
    ).strip()


def _logliks(data: CaseData) -> list[Any]:
    """The posterior of the log-likelihood, with the best known value."""
    case = data.case
    if not data.logliks or case.model is None or case.dataset is None:
        return []
    best, q = (
        float(case.first["best_known"].max()),
        case.model.n_parameters(case.dataset.n_features),
    )
    above = any((one.loglik > best).any() for one in data.logliks)
    drawn = registry.load("figures", "loglik-posterior")(data.logliks, best, q)
    caption = (
        "The posterior of the log-likelihood, with the best known value: "
        f"{'a draw lies' if above else 'no draw lies'} above it. Where the likelihood is normal and the "
        "prior weighs little, draws lie "
        f"q/2 = {q / 2:g} nats below it on average (dotted; grey: their distribution), q being the number of "
        "free parameters; fewer where the data do not identify all of them, more where the prior pulls away."
    )
    return [
        Drawing(
            f"{case.slug}-loglik-posterior",
            f"Posterior log-likelihood, {case.data}",
            caption,
            drawn,
        )
    ]


def _priors(stated: dict[str, list[str]]) -> list[Any]:
    """What was assumed, and of which samplers where they differ."""
    if not stated:
        return []
    if len(stated) == 1:
        return [Paragraph(f"Priors: {next(iter(stated))}. {words.PRIORS}")]
    parts = [f"Priors of {', '.join(methods)}: {text}." for text, methods in stated.items()]
    return [Paragraph(f"{' '.join(parts)} {words.OTHER_PRIORS} {words.PRIORS}")]


def _first(data: CaseData) -> Parameter | None:
    return next((place for place in data.parameters if place is not None), None)


def _together(data: CaseData) -> str:
    first = _first(data)
    groups = [e for e in first.estimates if len(e.methods) > 1] if first else []
    return " ".join(f"{e.label}: {', '.join(e.methods)}." for e in groups)


def _estimates(data: CaseData) -> Table:
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
        for parameter in data.parameters
        if parameter is not None
        for e in parameter.estimates
        for method in e.methods
    ]
    return Table(
        f"{data.case.slug}-estimates", "Estimates and intervals, reporting scale.", columns, rows
    )


_ORDER = list(dict.fromkeys([*SOUND, "duplicate", *reversed(FINDINGS), *DRAW_FINDINGS]))
_NAMES = {name: words.finding(name) for name in _ORDER}
