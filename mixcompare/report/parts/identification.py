"""What the data do not identify: flat directions, the ridge, the prior over the posterior."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.draws import Draws, label_free
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.report import words
from mixcompare.report.document import Drawing, Paragraph, Section, Tabular
from mixcompare.report.figures.prior_posterior import Compared
from mixcompare.report.figures.ridge import Ridge
from mixcompare.report.parts.flat import picture
from mixcompare.report.parts.intervals import best_end, draws_of, reference
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, number, share, text
from mixcompare.report.view import Case, View
from mixcompare.seeds import stream
from mixcompare.study.parameter_words import entry
from mixcompare.study.words import listed, quoted

PRIOR_DRAWS = 20_000

MOST = 9
"""Quantities compared with their prior at most."""


@dataclass(frozen=True)
class Identified:
    """A quantity that labels cannot change: prior and posterior, and its value at every ridge end."""

    compared: Compared
    interval: tuple[float, float]


@dataclass(frozen=True)
class Unidentified:
    """All that is drawn of a case whose data leave something open.

    `spectra` are rows of the table of eigenvalues; `compared` are parameters pooled over components, and
    `means` the mixture's means beside them, of the sampler `method` ("" without one); `sound` says whether
    every check of it passed.
    """

    spectra: list[dict[str, Any]]
    ridge: Ridge | None = None
    method: str = ""
    sound: bool = False
    compared: list[Compared] = field(default_factory=list)
    means: list[Identified] = field(default_factory=list)
    at_ends: list[tuple[str, float, float]] = field(default_factory=list)
    """Mean of each feature under the mixture: name, and the range over the ridge ends."""


def compute(view: View, case: Case) -> Unidentified | None:
    """None where every best end is identified, and no posterior was found as wide as its prior."""
    model, dataset = case.model, case.dataset
    found = {method: best_end(case.first, method) for method in case.methods}
    rows = {method: row for method, row in found.items() if row is not None}
    ridges = {method: row for method, row in rows.items() if row["finding"] == "ridge"}
    open_ = [method for method, row in rows.items() if "unidentified" in (row["flags"] or [])]
    if model is None or dataset is None or not (ridges or open_):
        return None
    spectra = [_spectrum(method, row, dataset.n) for method, row in ridges.items()]
    drawn = next(iter(open_ or [m for m, row in rows.items() if row["sampler"]]), "")
    draws = draws_of(view, case, rows[drawn]) if drawn else None
    first = reference(case)
    ridge = picture(case, ridges, first, {drawn: draws} if draws is not None else {})
    at_ends = _at_ends(model, dataset.columns, ridges, dataset.n_features)
    if draws is None or not rows[drawn]["prior"]:
        return Unidentified(spectra, ridge, at_ends=at_ends)
    prior = Prior.of(rows[drawn]["prior"]).on(model, dataset)
    weights, parameters = prior.sample(PRIOR_DRAWS, stream(0, "report", "prior"))
    before = Draws(weights[None], {name: value[None] for name, value in parameters.items()})
    return Unidentified(
        spectra,
        ridge,
        drawn,
        rows[drawn]["sound"] is not False,
        compare(model, before, draws, dataset.columns)[:MOST],
        _means(model, before, draws, dataset.columns, at_ends),
        at_ends,
    )


def compare(
    model: MixtureModel, before: Draws, after: Draws, columns: tuple[str, ...]
) -> list[Compared]:
    """Prior and posterior of each parameter on the reporting scale, pooled over components.

    An exchangeable prior speaks of all components alike, so it is compared with the posterior of any of
    them. The weight of K = 1, and what is padding, is left out.
    """
    scales = [model.report_scales(draws.weights, draws.parameters) for draws in (before, after)]
    found = []
    for name, value in scales[1].items():
        for index in np.ndindex(value.shape[3:]):
            prior, posterior = (scale[name][:, :, :, *index].ravel() for scale in scales)
            prior = prior[np.isfinite(prior)]
            if np.isfinite(posterior).all() and prior.size and np.ptp(posterior) > 0:
                called = words.PARAMETERS.get(name, name) + entry(
                    name, index, columns, value.shape[3:]
                )
                found.append(Compared(called, prior, posterior))
    return found


def _means(
    model: MixtureModel,
    before: Draws,
    after: Draws,
    columns: tuple[str, ...],
    at_ends: list[tuple[str, float, float]],
) -> list[Identified]:
    """The mixture's mean of each feature where it exists in every draw, and at the ends if they agree."""
    prior, posterior = (
        label_free(model, draws, np.zeros(draws.shape))["mixture mean"] for draws in (before, after)
    )
    if prior.shape[2] != len(columns) or posterior.shape[2] != len(columns):
        return []
    found = []
    for j, column in enumerate(columns[:MOST]):
        own = posterior[..., j].ravel()
        name = "mixture mean" if len(columns) == 1 else f"mixture mean, {column}"
        low, high = np.quantile(own, [0.025, 0.975])
        at = (np.nan, np.nan) if not at_ends else at_ends[j][1:]
        best = at[0] if _agree(*at) else np.nan
        compared = Compared(name, prior[..., j].ravel(), own, best)
        found.append(Identified(compared, (float(low), float(high))))
    return found


def _at_ends(
    model: MixtureModel, columns: tuple[str, ...], rows: dict[str, pd.Series], n_features: int
) -> list[tuple[str, float, float]]:
    values = []
    for row in rows.values():
        theta = model.conform(row["end"], n_features)
        means, _ = model.family.moments(theta.parameters)
        values.append(theta.weights @ means)
    if not values or not np.isfinite(values).all():
        return []
    low, high = np.min(values, axis=0), np.max(values, axis=0)
    return [(str(name), float(a), float(b)) for name, a, b in zip(columns, low, high, strict=True)]


def _spectrum(method: str, row: pd.Series, n: float) -> dict[str, Any]:
    """A ridge end's line in the table: the eigenvalues of its information, and what is flat."""
    curvature = np.sort(np.array(row["curvature"] or [], dtype=float))
    flat = list(row["null_directions"] or [])
    return {
        "method": method,
        "loglik": row["loglik"],
        "eigenvalues": [float(value) / n for value in curvature],
        "rank": curvature.size - len(flat),
        "size": curvature.size,
        "flat": "; ".join(flat),
    }


# -- the section ----------------------------------------------------------------------------------

_COLUMNS = (
    Column("method", "method", text, number=False),
    Column("loglik", "log-likelihood", number(9)),
    Column("eigenvalues", "eigenvalues per observation", lambda values: _eigenvalues(values)),
    Column("rank", "rank", share, beside=("size",)),
    Column("flat", "flat along", text, number=False),
)


def draw(case: Case, found: Unidentified | None) -> Section:
    """Make the part; no blocks where nothing is left open."""
    name, title = f"{case.slug}-unidentified", "What the data do not identify"
    if found is None:
        return Section(name, title, [])
    blocks: list[Any] = [Paragraph(sentence(found))]
    if found.spectra:
        caption = (
            "Eigenvalues of the observed information per observation at each method's best end, smallest "
            "first, in the verifier's scaled coordinates (at most about 1; 0 is flat), and its rank: how "
            "many directions of the parameter space the data speak of at all."
        )
        blocks.append(Tabular(Table(f"{case.slug}-information", caption, _COLUMNS, found.spectra)))
    if found.ridge is not None:
        blocks.append(_ridge(case, found, found.ridge))
    if found.compared:
        blocks.append(_prior(case, found))
    return Section(name, title, blocks)


PART = Part(compute, draw)


def _eigenvalues(values: list[float]) -> str:
    """Those beyond the verifier's resolution, and 0 for what is flat."""
    return ", ".join("0" if abs(value) < 1e-6 else number(3)(value) for value in values)


def sentence(found: Unidentified) -> str:
    """In plain words: what the data say nothing of, what is reported instead, and what they do say."""
    parts = []
    flat = next((row for row in found.spectra if row["flat"]), None)
    if flat is not None:
        k, q = flat["size"] - flat["rank"], flat["size"]
        parts.append(
            "The data hold no answer about single parameters: at the best known optimum the log-likelihood "
            f"is flat along {k} of {q} directions ({flat['flat']}). Every point of that ridge fits exactly "
            "as well, there are no standard errors, and where on it a method ends is decided by its start."
        )
    else:
        parts.append(
            "The data hold no answer about some parameters: the information matrix is singular."
        )
    if found.compared:
        checks = "Every check of" if found.sound else "Whatever the checks say of"
        passes = " passed all the same" if found.sound else ""
        kept = listed([f"{one.name} {100 * one.ratio:.0f} %" for one in found.compared])
        parts.append(
            f"{checks} the draws of {found.method}{passes}: converged is not identified. What its "
            "posterior says of these parameters is mostly the prior; of the prior's standard deviation they "
            f"keep: {kept}."
        )
    if found.means or found.at_ends:
        parts.append(_identified(found))
    return " ".join(parts)


def _identified(found: Unidentified) -> str:
    """The mean of the mixture at the ends and in the posterior."""
    said = []
    ends = {name: _range(low, high) for name, low, high in found.at_ends}
    if ends:
        one = len(ends) == 1
        values = next(iter(ends.values())) if one else listed([f"{n} {v}" for n, v in ends.items()])
        said.append(
            f"{values} at {'the end' if len(found.spectra) == 1 else 'every end'} on the ridge"
        )
    for mean in found.means:
        low, high = mean.interval
        about = "" if len(found.means) == 1 else f"{mean.compared.name.partition(', ')[2]}: "
        said.append(
            f"{about}95 % posterior interval {low:.3g} to {high:.3g}, {100 * mean.compared.ratio:.0f} % of "
            "the prior's standard deviation"
        )
    what = "What the data do speak of is the fitted density, such as the mean of the mixture"
    return f"{what}: {'; '.join(said)}."


def _range(low: float, high: float) -> str:
    return f"{low:.4g}" if _agree(low, high) else f"{low:.4g} to {high:.4g}"


def _agree(low: float, high: float) -> bool:
    return high - low <= 1e-3 * max(abs(low), 1e-12)


def _ridge(case: Case, found: Unidentified, ridge: Ridge) -> Drawing:
    drawn_by = listed([quoted(points.method) for points in ridge.points if points.drawn])
    third = f" for some values of {ridge.names[2]}, the colour" if len(ridge.names) > 2 else ""
    more = max((row["size"] for row in found.spectra), default=0) > len(ridge.names)
    others = ", the other parameters as at the best end" if more else ""
    outside = ": those outside the bands differ in the other parameters" if more else ""
    caption = (
        f"The ridge: bands where the log-likelihood is within {ridge.tolerance:g} nats of the best known "
        f"value{third}{others}; marks are ends of the methods"
        f"{', dots draws of ' + drawn_by if drawn_by else ''}. All marks fit equally well{outside}."
    )
    return Drawing(f"{case.slug}-ridge", f"The ridge, {case.data}", caption, "ridge", (ridge,))


def _prior(case: Case, found: Unidentified) -> Drawing:
    every = [*found.compared, *(mean.compared for mean in found.means)]
    caption = (
        f"Prior (outline) over the posterior of {found.method}, on the reporting scale, of any component: "
        "a posterior as wide as its prior (sd ratio 1) has learnt nothing from the data. Last, for contrast, "
        "the mean of the mixture, which no relabelling and no flat direction changes (dotted: at the ends)."
    )
    name, title = f"{case.slug}-prior-posterior", f"Prior and posterior, {case.data}"
    return Drawing(name, title, caption, "prior-posterior", (every, found.method))
