"""What a slice shows, in plain English: where it is high, and where starts all over it lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mixcompare.records import SOUND
from mixcompare.study import words
from mixcompare.study.basins import Basins
from mixcompare.study.ends import REACHED
from mixcompare.study.slices import StudySlice

MOST = 12
"""Numbers of one parameter that are written out at most."""


def tell(one: StudySlice, best_known: float | None = None) -> Iterator[str]:
    """Sentences about a slice; `best_known` (nats) is that of the study's fits on the same data."""
    first, second = one.cut.names
    yield f"Only {first} and {second} move; everything else is held: {_held(one)}."
    loglik = one.landscape.loglik
    if np.isfinite(loglik).any():
        row, column = np.unravel_index(np.nanargmax(np.where(np.isfinite(loglik), loglik, -np.inf)),
                                       loglik.shape)  # fmt: skip
        x, y = (grid[i] for grid, i in zip(one.landscape.slice.grids, (column, row), strict=True))
        top = float(loglik[row, column])
        yield (
            f"The highest point of the grid, {words.nats(top)} nats, is at {first} = {x:.3g}, {second} = "
            f"{y:.3g}{_below(top, best_known)}."
        )
    if one.basins is not None:
        yield from _basins(one.basins, best_known)


def summed(results: Any) -> Iterator[str]:
    """One sentence a slice with basins, for the answer to the study's question."""
    for one in results.slices.values():
        basins, starts = one.basins, one.cut.n**2
        if basins is None or basins.best is None:
            continue
        best = _at_best(basins)
        saddle = np.array([what.finding == "saddle" for what in basins.reached])
        held = {
            method: saddle[index] for method, index in basins.maps.items() if saddle[index].any()
        }
        kept = f"; these end at a saddle: {_shares(held)}" if held else ""
        first, second = one.cut.names
        yield (
            f"Of {starts:,} starts all over {first} and {second} ({one.data.name}) these shares lead to the "
            f"best optimum found from there: {best}{kept}."
        )


def _at_best(basins: Basins) -> str:
    return _shares({method: index == basins.best for method, index in basins.maps.items()})


def _shares(maps: Mapping[str, np.ndarray]) -> str:
    """Methods with the share of their starts that are meant, the largest first."""
    shares = {method: float(here.mean()) for method, here in maps.items()}
    order = sorted(shares, key=lambda method: -shares[method])
    return words.listed(
        [f"{words.quoted(method)} {words.percent(shares[method])}" for method in order]
    )


def _held(one: StudySlice) -> str:
    """The base, without what moves."""
    base = {name: np.array(value) for name, value in one.cut.base.items()}
    parts = []
    for name, value in base.items():
        for axis in one.cut.axes:
            if axis[0] == name:
                value[axis[1:]] = np.nan
        kept = value[~np.isnan(value)]
        if not kept.size:
            continue
        shown = ", ".join(f"{number:.4g}" for number in kept.ravel())
        parts.append(f"{name} {shown}" if kept.size <= MOST else f"{name} as in the study file")
    return "; ".join(parts) or "nothing"


def _below(top: float, best_known: float | None) -> str:
    if best_known is None or best_known - top < REACHED:
        return ""
    return (
        f", {words.gap(best_known - top)} nats below the best known optimum, which has other values of "
        f"what is held here"
    )


def _basins(basins: Basins, best_known: float | None) -> Iterator[str]:
    starts = basins.slice.n**2
    if basins.best is None:
        yield f"None of the {starts:,} starts of any method leads to an optimum that is not narrow."
        return
    loglik = basins.reached[basins.best].loglik
    what = "the best known optimum"
    if best_known is None or best_known - loglik > REACHED:
        what = f"the best of what is reached ({words.nats(loglik)} nats)"
    yield (
        f"Share of the {starts:,} starts, one at each point of the grid, from which a method reaches "
        f"{what}: {_at_best(basins)}."
    )
    if len(basins.methods) > 1:
        same = float((basins.disagreement() == 1).mean())
        yield f"The {words.spelled(len(basins.methods))} methods reach the same from {words.percent(same)}."
    yield from _claims(basins)


def _claims(basins: Basins) -> Iterator[str]:
    """Who claimed success at ends that are no optimum."""
    unsound = np.array([what.finding not in SOUND for what in basins.reached])
    said = []
    for method, index in basins.maps.items():
        claimed = basins.said[method] == 1
        wrong = int((claimed & unsound[index]).sum())
        if wrong:
            said.append(f"{words.quoted(method)} at {wrong:,} of {int(claimed.sum()):,}")
    if said:
        yield f"Claims of success at ends that are not sound: {words.listed(said)}."
