"""Does the model look like the data? The data beside samples from the best known optimum."""

from __future__ import annotations

from typing import Any

from mixcompare.report.document import Drawing, Paragraph, Section, Tabular
from mixcompare.report.figures.quantiles import MOST
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import Column, Table, number, text
from mixcompare.report.view import Case, View
from mixcompare.study.predictive_check import SAMPLES, Feature


def compute(view: View, case: Case) -> tuple[Feature, ...]:
    """The features of the first replicate beside samples; none where they cannot be drawn."""
    found: tuple[Feature, ...] = view.results.predictive_check(case.data, case.model_name)
    return found


def draw(case: Case, features: tuple[Feature, ...]) -> Section:
    """Make the part; no blocks without features."""
    name, title = f"{case.slug}-predictive-check", "Does the model look like the data?"
    if not features:
        return Section(f"{name}-part", title, [])
    several = len(features) > 1
    more = f" The first {MOST} of {len(features)} features." if len(features) > MOST else ""
    replicate = " of the first replicate" if case.n_replicates > 1 else ""
    rows = [
        {"feature": one.name, "statistic": what, "observed": value, "low": low, "high": high,
         "inside": low <= value <= high}
        for one in features
        for what, value, low, high in one.statistics
    ]  # fmt: skip
    caption = f"The data{replicate} beside {SAMPLES} samples of the same size: central 95 % of the samples."
    table = Table(name, caption, _COLUMNS if several else _COLUMNS[1:], rows)
    blocks: list[Any] = [
        Paragraph(" ".join(_sentence(one, several) for one in features)),
        Drawing(
            f"{case.slug}-quantiles",
            f"Quantiles of the data and of samples, {case.data}",
            "Observed quantiles against the middle ones of samples from the best known optimum. Where a dark "
            f"red cross leaves the envelope, the model does not look like the data.{more}",
            "quantiles",
            (features,),
        ),
        Drawing(
            f"{case.slug}-sampled",
            f"The data and one sample from the fit, {case.data}",
            f"The data, and one sample of their size from the best known optimum.{more}",
            "sampled",
            (features,),
        ),
        Tabular(table, folded=True),
    ]
    return Section(f"{name}-part", title, blocks)


PART = Part(compute, draw)


def _sentence(one: Feature, several: bool) -> str:
    """What the comparison says of one feature."""
    out, what = int(one.outside.sum()), f"{one.name}: " if several else ""
    p = f"p = {one.p_value:.3f}"
    if not out:
        return (
            f"{what}No quantile leaves what samples from the best known optimum do ({p}): nothing here "
            f"speaks against the model."
        )
    return (
        f"{what}{out} of {one.outside.size} quantiles lie outside what samples from the best known optimum "
        f"do ({p}): the model does not look like the data."
    )


_COLUMNS = (
    Column("feature", "feature", text, number=False),
    Column("statistic", "statistic", text, number=False),
    Column("observed", "observed", number(4)),
    Column("low", "samples from", number(4)),
    Column("high", "to", number(4)),
    Column("inside", "inside", text, number=False),
)
