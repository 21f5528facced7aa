"""One data set and model: methods side by side, optima, densities, trajectories, posterior."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mixcompare import registry
from mixcompare.records import DRAW_FINDINGS, FINDINGS
from mixcompare.report import style, words
from mixcompare.report.document import Drawing, Paragraph, Section, Tabular
from mixcompare.report.figures.density import Densities
from mixcompare.report.figures.findings import Bar
from mixcompare.report.figures.gaps import Strip
from mixcompare.report.figures.posterior import Parameter
from mixcompare.report.figures.trajectories import Panel
from mixcompare.report.sections import accuracy
from mixcompare.report.sections.curves import Fitted, densities
from mixcompare.report.sections.intervals import best_end, parameters
from mixcompare.report.sections.paths import panels, strips
from mixcompare.report.tables import Column, Table, findings, fixed, nats, number, share, text, whole
from mixcompare.report.view import Case, View
from mixcompare.theta import Theta

MOST_OPTIMA = 12


@dataclass(frozen=True)
class CaseData:
    """All that is drawn of one case."""

    case: Case
    summary: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    optima: list[dict[str, Any]]
    n_optima: int
    bars: list[Bar]
    overlay: Densities | None
    by_method: list[tuple[str, Densities]]
    paths: list[Panel]
    ends: list[Strip]
    parameters: list[Parameter]
    samplers: list[str]
    accuracy: list[Table]


def compute(view: View, case: Case) -> CaseData:
    """Gather what is known of one data set and model."""
    optima = view.of("optima", case)
    first = [row for row in optima if row["replicate"] == case.first["replicate"].min()]
    samplers = list(dict.fromkeys(case.rows["method"][case.rows["sampler"]]))
    return CaseData(
        case=case,
        summary=view.of("summary", case),
        claims=view.of("claims", case),
        optima=first[:MOST_OPTIMA],
        n_optima=len(first),
        bars=_bars(case),
        overlay=_overlay(case, first, samplers),
        by_method=_by_method(case),
        paths=panels(view, case),
        ends=strips(case) if case.n_replicates > 1 else [],
        parameters=parameters(view, case) if samplers else [],
        samplers=samplers,
        accuracy=accuracy.compute(view, case),
    )


def draw(data: CaseData) -> Section:
    """Make the section, with a part for each thing shown."""
    case = data.case
    parts = [_methods(data), _optima(data), _densities(data), _paths(data), _posterior(data)]
    parts.append(accuracy.draw(case, data.accuracy))
    return Section(case.slug, f"{case.data}: {case.model_name}", [], [p for p in parts if p.blocks])


# -- what is gathered -----------------------------------------------------------------------------


def _bars(case: Case) -> list[Bar]:
    bars = []
    for method in case.methods:
        rows = case.rows[case.rows["method"] == method]
        judged = rows[rows["finding"] != ""]
        claimed = judged["said"].map(lambda said: said is True).astype(bool)
        bars.append(
            Bar(method, _counted(judged[claimed]["finding"]), _counted(judged[~claimed]["finding"]))
        )
    return bars


def _counted(names: pd.Series) -> dict[str, int]:
    return dict(Counter(names))


def _overlay(case: Case, optima: list[dict[str, Any]], samplers: list[str]) -> Densities | None:
    """The best known maximum with its components, posterior means, and the truth if there is one."""
    if case.model is None or case.dataset is None:
        return None
    fitted = []
    best = next((row for row in optima if row["standing"] == "global"), None)
    if best is not None:
        fitted.append(Fitted("best known maximum", _theta(best["theta"]), components=True))
    for method in samplers:
        end = best_end(case.first, method)
        if end is not None:
            fitted.append(Fitted(f"{method}, posterior mean", end["end"], style.look(method).color, "--"))
    if case.truth is not None:
        fitted.append(Fitted("truth", case.truth, style.MUTED, ":"))
    return densities(case.model, case.dataset, fitted) if fitted else None


def _by_method(case: Case) -> list[tuple[str, Densities]]:
    """Every end of replicate 0 as a density, sound ones in the method's colour, last and on top."""
    if case.model is None or case.dataset is None:
        return []
    found = []
    for method in case.methods:
        rows = case.first[(case.first["method"] == method) & case.first["end"].notna()]
        inside = [(row["end"], row["sound"] is not False) for _, row in rows.iterrows()
                  if not case.model.outside(case.model.conform(row["end"], case.dataset.n_features))]  # fmt: skip
        if not inside:
            continue
        color = style.look(method).color
        ends = sorted(inside, key=lambda pair: pair[1])
        fitted = [Fitted(method, theta, color if sound else style.FAILED) for theta, sound in ends]
        picture = densities(case.model, case.dataset, fitted)
        if picture is not None and picture.kind == "line":
            found.append((method, picture))
    return found


def _theta(value: Any) -> Theta:
    return value if isinstance(value, Theta) else Theta.from_dict(value)


# -- what is shown --------------------------------------------------------------------------------

_SUMMARY = (
    Column("method", "method", text, number=False),
    Column("at_best", "at best known", share, beside=("fits",)),
    Column("median_gap", "median gap (nats)", nats),
    Column("findings", "found to be", findings, number=False, badge=True),
    Column("false_success", "success said, wrongly", share, beside=("said_success",)),
    Column("false_failure", "failure said, wrongly", share, beside=("said_failure",)),
    Column("median_passes", "passes", whole),
    Column("median_seconds", "seconds", number(2)),
)

_CLAIMS = (
    Column("method", "method", text, number=False),
    Column("said", "said", text, number=False),
    Column("fits", "fits", whole),
    Column("sound", "sound", whole),
    Column("wrong", "word was wrong", whole),
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
        blocks.append(Drawing(f"{case.slug}-findings", f"Claims and findings, {case.data}", message, drawn))
    if data.claims:
        caption = "What each solver said against what its ends were found to be."
        blocks.append(Tabular(Table(f"{case.slug}-claims", caption, _CLAIMS, data.claims), folded=True))
    return Section(f"{case.slug}-side-by-side", "Methods side by side", blocks)


def _claims_message(claims: list[dict[str, Any]]) -> str:
    def total(said: str, key: str) -> int:
        return int(sum(row[key] or 0 for row in claims if row["said"] == said))

    return (
        "What solvers said against what was found. Success was claimed "
        f"{total('success', 'fits')} times and was wrong {total('success', 'wrong')} times; failure was "
        f"reported {total('failure', 'fits')} times, {total('failure', 'wrong')} of them at a sound end. "
        "Green ends are sound. A sampler that says nothing stands on the left."
    )


_OPTIMA = (
    Column("loglik", "log-likelihood (nats)", fixed(4)),
    Column("gap", "gap (nats)", nats),
    Column("standing", "standing", text, number=False),
    Column("finding", "finding", findings, number=False, badge=True),
    Column("narrow", "narrow", lambda value: "narrow" if value else "", number=False),
    Column("starts_reaching", "starts reaching", whole),
    Column("theta", "parameters", lambda value: point(value), number=False),
    Column("methods", "fits by method", text, number=False),
)


def _optima(data: CaseData) -> Section:
    if not data.optima:
        return Section(f"{data.case.slug}-optima", "Distinct optima", [])
    where = " of the first replicate" if data.case.n_replicates > 1 else ""
    more = f" The best {MOST_OPTIMA} of {data.n_optima}." if data.n_optima > MOST_OPTIMA else ""
    caption = (
        f"Distinct optima{where}, grouped by log-likelihood and fitted density. Global means the best "
        f"found here that is not narrow: best known, never proved.{more}"
    )
    table = Table(f"{data.case.slug}-optima", caption, _OPTIMA, data.optima)
    return Section(f"{data.case.slug}-optima", "Distinct optima", [Tabular(table)])


def point(value: Any) -> str:
    """A Theta in words: four digits, every parameter by name."""
    if value is None:
        return ""
    return "; ".join(f"{name} {_numbers(array.tolist())}" for name, array in _theta(value).items())


def _numbers(value: Any) -> str:
    if not isinstance(value, list):
        return number(4)(value)
    if len(value) == 1:
        return _numbers(value[0])
    inner = ", ".join(_numbers(part) for part in value)
    return f"({inner})"


def _densities(data: CaseData) -> Section:
    case, blocks = data.case, []
    replicate = ", first replicate" if case.n_replicates > 1 else ""
    if data.overlay is not None:
        drawn = registry.load("figures", "density")(data.overlay)
        shown = "distinct values" if data.overlay.kind == "patterns" else "data"
        caption = (
            f"The best known maximum over the {shown}{replicate}, its weighted components thin, with "
            "posterior mean and truth where there are any."
        )
        blocks.append(Drawing(f"{case.slug}-density", f"Fitted density, {case.data}", caption, drawn))
    if len(data.by_method) > 1:
        drawn = registry.load("figures", "densities")(data.by_method)
        caption = (
            f"Every end as a density, one panel a method{replicate}. Dark red ends are not sound: a fit "
            "that stopped early often looks plausible."
        )
        blocks.append(Drawing(f"{case.slug}-densities", f"Densities by method, {case.data}", caption, drawn))
    return Section(f"{case.slug}-fits", "Fitted densities over the data", blocks)


def _paths(data: CaseData) -> Section:
    case, blocks = data.case, []
    if data.paths:
        drawn = registry.load("figures", "trajectories")(data.paths)
        caption = (
            "Nats below the best known value against passes over the data, every start, one panel a "
            "method. A dark red cross marks an end that is not sound; one on the lowest line has gone "
            "above every proper optimum, where the likelihood has no bound."
        )
        blocks.append(
            Drawing(f"{case.slug}-trajectories", f"Trajectories, {case.data}", caption, drawn)
        )
    if data.ends:
        drawn = registry.load("figures", "gaps")(data.ends)
        caption = (
            f"Where every end of the {case.n_replicates} replicates lies below the best known value of "
            "its own replicate. Crosses are ends that are not sound."
        )
        blocks.append(Drawing(f"{case.slug}-gaps", f"End gaps over replicates, {case.data}", caption, drawn))
    return Section(f"{case.slug}-paths", "Log-likelihood against passes", blocks)


def _posterior(data: CaseData) -> Section:
    case, blocks = data.case, []
    if data.parameters and data.parameters[0].estimates:
        drawn = registry.load("figures", "posterior")(data.parameters)
        caption = (
            "Each method's best end with its 95 % Wald interval, and the posterior mean of "
            f"{', '.join(data.samplers)} with its 95 % equal-tailed interval and draws, on the reporting "
            "scale. No interval is drawn where the information matrix gives none. A dotted line is the truth."
        )
        blocks = [
            Paragraph(words.PRIORS),
            Drawing(f"{case.slug}-posterior", f"Estimates and posterior, {case.data}", caption, drawn),
            Tabular(_estimates(data), folded=True),
        ]
    return Section(f"{case.slug}-posterior-beside", "Posterior beside the point estimates", blocks)


def _estimates(data: CaseData) -> Table:
    columns = (
        Column("parameter", "parameter", text, number=False),
        Column("method", "method", text, number=False),
        Column("estimate", "estimate", number(5)),
        Column("lower", "95 % from", number(5)),
        Column("upper", "to", number(5)),
        Column("sound", "sound", text, number=False),
    )
    rows = [
        {
            "parameter": parameter.name,
            "method": e.method,
            "estimate": e.value,
            "lower": e.low,
            "upper": e.high,
            "sound": e.sound,
        }
        for parameter in data.parameters
        for e in parameter.estimates
    ]
    return Table(f"{data.case.slug}-estimates", "Estimates and intervals, reporting scale.", columns, rows)


_ORDER = [
    name
    for name in ("maximum", "verified", "boundary", "ridge", "duplicate", *reversed(FINDINGS), *DRAW_FINDINGS)
]
_ORDER = list(dict.fromkeys(_ORDER))
_NAMES = {name: words.finding(name) for name in _ORDER}
