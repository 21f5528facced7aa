"""Fitted densities over the data: the best known optimum, and ends elsewhere by method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mixcompare.report import style
from mixcompare.report.document import Drawing, Section
from mixcompare.report.figures.density import Densities
from mixcompare.report.parts.curves import Fitted, densities
from mixcompare.report.parts.intervals import best_end
from mixcompare.report.parts.optima import as_theta, best_known
from mixcompare.report.parts.part import Part
from mixcompare.report.view import Case, View
from mixcompare.theta import Theta

MOST_ENDS = 60
"""Different ends of a method that are drawn as densities."""


@dataclass(frozen=True)
class Fits:
    """The best known fit with its components, and for methods with an end elsewhere all their ends."""

    overlay: Densities | None
    by_method: list[tuple[str, Densities]]


def compute(view: View, case: Case) -> Fits:
    """Densities on a grid, of the first replicate; none where the data have no picture."""
    return Fits(_overlay(view, case), _by_method(case))


def draw(case: Case, fits: Fits) -> Section:
    """Make the part; no blocks without a density to draw."""
    blocks = []
    replicate = ", first replicate" if case.n_replicates > 1 else ""
    if fits.overlay is not None:
        name, title = f"{case.slug}-density", f"Fitted density, {case.data}"
        caption = f"{_KINDS[fits.overlay.kind].format(replicate)}."
        blocks.append(Drawing(name, title, caption, "density", (fits.overlay,)))
    if fits.by_method:
        caption = (
            f"Methods of which some end is elsewhere{replicate}: their ends as densities (those that agree "
            f"to three digits once, at most {MOST_ENDS} a method). Dark red ends are no "
            f"optimum{', or draws that are not sound' if case.samplers else ''}. Ends "
            "outside the parameter space have no density to draw."
        )
        name, title = f"{case.slug}-densities", f"Densities by method, {case.data}"
        blocks.append(Drawing(name, title, caption, "densities", (fits.by_method,)))
    return Section(f"{case.slug}-fits", "Fitted densities over the data", blocks)


PART = Part(compute, draw)


_KINDS = {
    "line": "Fitted densities over a histogram of the data{}; weighted components thin",
    "plane": "Contours of fitted densities over the data{}",
    "patterns": "Expected shares of the distinct values beside the observed ones{}",
}


def _overlay(view: View, case: Case) -> Densities | None:
    """The best known maximum with its components, posterior means, and the truth if there is one."""
    if case.model is None or case.dataset is None:
        return None
    fitted = []
    best = best_known(view, case)
    if best is not None:
        fitted.append(Fitted("best known optimum", as_theta(best["theta"]), components=True))
    for method in case.samplers:
        end = best_end(case.first, method)
        if end is not None:
            fitted.append(
                Fitted(f"{method}, posterior mean", end["end"], style.look(method).color, "--")
            )
    if case.truth is not None:
        fitted.append(Fitted("truth", case.truth, style.MUTED, ":"))
    return densities(case.model, case.dataset, fitted) if fitted else None


def _by_method(case: Case) -> list[tuple[str, Densities]]:
    """Ends of the first replicate as densities, optima in the method's colour and on top.

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
                good = not row["failed"]
                inside.setdefault((good, _digits(row["end"])), (row["end"], good))
        if not inside:
            continue
        color = style.look(method).color
        ends = sorted(list(inside.values())[:MOST_ENDS], key=lambda pair: pair[1])
        fitted = [Fitted(method, theta, color if good else style.FAILED) for theta, good in ends]
        picture = densities(case.model, case.dataset, fitted)
        if picture is not None and picture.kind == "line":
            found.append((method, picture))
    return found


def _digits(theta: Theta) -> tuple[str, ...]:
    """A point to three digits."""
    return tuple(f"{value:.3g}" for array in theta.values() for value in array.flat)
