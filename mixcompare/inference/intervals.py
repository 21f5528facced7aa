"""Confidence intervals for the parameters of a mixture, of three kinds, in one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mixcompare.errors import SpecError, nearest
from mixcompare.inference.base import End, Place, examine, places, refusal
from mixcompare.inference.bootstrap import Bootstrap, bootstrap, percentile, rank
from mixcompare.inference.information import caveats, wald_bounds
from mixcompare.inference.profile import Follower, OpenSide
from mixcompare.inference.scalars import scalars, twins
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface

Bounds = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Intervals:
    """Intervals for the scalars of the reporting scale, or why there are none.

    Parameters
    ----------
    kind : str
        "wald", "profile" or "bootstrap".
    level : float
        Nominal coverage of each interval alone.
    finding : str
        What the verifier found the end to be.
    refused : str
        Why there are none, in words; "" if there are. `bounds` is then empty.
    estimate : mapping
        The end on `model.report_scale`: name -> (K, ...).
    bounds : mapping
        name -> (lower, upper), arrays like the estimate; infinite at an open end, nan for what is not
        estimated (the weight of a single component).
    open : tuple of OpenSide
        The ends that could not be closed, with the reasons.
    profiles : mapping
        For profiles: (name, index) -> (m, 2) points of value and deviance along the curve.
    bootstrap : Bootstrap or None
        For the bootstrap: its replicates.
    notes : tuple of str
        What to be wary of.
    passes : float
        Verification included.
    """

    kind: str
    level: float
    finding: str
    refused: str = ""
    estimate: Mapping[str, np.ndarray] = field(default_factory=dict)
    bounds: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    open: tuple[OpenSide, ...] = ()
    profiles: Mapping[tuple[str, tuple[int, ...]], np.ndarray] = field(default_factory=dict)
    bootstrap: Bootstrap | None = None
    notes: tuple[str, ...] = ()
    passes: float = 0.0


def intervals(
    model: MixtureModel,
    data: Any,
    theta: Theta,
    kind: str = "wald",
    level: float = 0.95,
    *,
    counts: Any = None,
    of: Sequence[str] | None = None,
    replicates: int = 500,
    parametric: bool = False,
    seed: int = 0,
) -> Intervals:
    """Confidence intervals at a strict maximum, on the reporting scale (`model.report_scale`).

    - "wald": estimate -+ normal quantile x standard error (see `standard_errors`).
    - "profile": the values at which the profile log-likelihood lies less than half the chi-squared
      quantile below the maximum (see profile.py); an end that runs into a collapse, an edge, lost
      curvature, a label swap or another maximum is open, with that reason.
    - "bootstrap": percentiles of refits to resampled data (see bootstrap.py). Failed refits count as
      lying beyond both ends.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    theta : Theta
        The estimate, components in any order; the intervals keep it.
    kind : str
    level : float
        Between 0 and 1.
    counts : array (n,), optional
        Multiplicities of the rows.
    of : sequence of str, optional
        Names on the reporting scale to leave it at, for example ["means"]; all by default.
    replicates, parametric, seed : int, bool, int
        Of the bootstrap: how many, drawn from the estimate rather than from the rows, root seed.

    Returns
    -------
    Intervals
        With `refused` set, and no exception, where the theory fails: at a ridge, a singular, duplicate or
        boundary end, and at a point that is no maximum.

    Raises
    ------
    SpecError
        Unknown kind or name, a level outside (0, 1), fewer than two replicates.
    DataError
        The data do not suit the model, or the names or shapes of `theta` do not.
    """
    _require(kind, level, replicates)
    end = examine(model, data, theta, counts)
    model, verdict = end.model, end.verdict
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = {} if model.outside(end.theta) else model.report_scale(end.theta)
    names = _names(estimate, of)
    refused = refusal(verdict, f"{kind} intervals")
    partial = end.data.weights[end.data.weights % 1 != 0]
    if not refused and kind == "bootstrap" and partial.size:
        refused = f"a bootstrap draws whole observations, and a row has the count {partial[0]:g}"
    if refused:
        return Intervals(kind, level, verdict.finding, refused, estimate, passes=verdict.passes)
    request = _Request(end, level, names, replicates, parametric, seed)
    bounds, passes, rest = KINDS[kind](request)
    return Intervals(
        kind,
        level,
        verdict.finding,
        "",
        {name: estimate[name] for name in names},
        {name: bounds[name] for name in names},
        notes=(*caveats(verdict.narrow), *rest.pop("notes", ())),
        passes=verdict.passes + passes,
        **rest,
    )


@dataclass(frozen=True)
class _Request:
    end: End
    level: float
    names: list[str]
    replicates: int
    parametric: bool
    seed: int

    @property
    def quantile(self) -> float:
        """The normal quantile: also the root of the chi-squared one."""
        from scipy.special import ndtri  # slow to import

        return float(ndtri(0.5 + self.level / 2))


def _wald(request: _Request) -> tuple[Bounds, float, dict[str, Any]]:
    bounds, passes = wald_bounds(request.end, request.quantile)
    return bounds, passes, {}


def _profile(request: _Request) -> tuple[Bounds, float, dict[str, Any]]:
    end = request.end
    surface = Surface(end.model, end.data, end.polished)
    wanted = _estimated(end, request.names)
    follower = Follower(end.model, end.data, surface, request.quantile)
    made = scalars(end.model, surface, wanted)
    same = twins(made, surface.free.size)
    found = {i: follower.profile(made[i]) for i in sorted(set(same))}
    bounds, open_ends, traces = _blank(end, request.names), [], {}
    for (name, index), first in zip(wanted, same, strict=True):
        profile = found[first]
        bounds[name][0][index], bounds[name][1][index] = profile.lower, profile.upper
        traces[name, index] = profile.points
        open_ends += [replace(ending, name=name, index=index) for ending in profile.open]
    return bounds, surface.problem.passes, {"open": tuple(open_ends), "profiles": traces}


def _bootstrap(request: _Request) -> tuple[Bounds, float, dict[str, Any]]:
    end, tail = request.end, (1 - request.level) / 2
    found, passes = bootstrap(end, request.replicates, request.parametric, request.seed)
    bounds, open_ends = _blank(end, request.names), []
    detail = f"{found.n_failed} of {request.replicates} replicates gave no estimate"
    for name, index in _estimated(end, request.names):
        ends = percentile(found.column(name, index), tail)
        bounds[name][0][index], bounds[name][1][index] = ends
        if rank(tail, request.replicates) <= found.n_failed:
            open_ends += [
                OpenSide(name, index, side, "failures", detail) for side in ("lower", "upper")
            ]
    notes = []
    if found.n_failed:
        kinds = ", ".join(f"{word} {count}" for word, count in found.failures.items())
        notes.append(f"{detail} ({kinds}); they count as lying beyond both ends")
    return bounds, passes, {"bootstrap": found, "open": tuple(open_ends), "notes": notes}


def _estimated(end: End, names: list[str]) -> list[Place]:
    """Places with a finite estimate: not the weight of a single component, which is 1."""
    estimate = end.model.report_scale(end.theta)
    chosen = places({name: estimate[name] for name in names})
    return [(name, index) for name, index in chosen if np.isfinite(estimate[name][index])]


def _blank(end: End, names: list[str]) -> Bounds:
    """nan for every bound asked for."""
    estimate = end.model.report_scale(end.theta)
    return {
        name: (np.full(estimate[name].shape, np.nan), np.full(estimate[name].shape, np.nan))
        for name in names
    }


KINDS: dict[str, Callable[[_Request], tuple[Bounds, float, dict[str, Any]]]] = {
    "wald": _wald,
    "profile": _profile,
    "bootstrap": _bootstrap,
}
"""How each kind is computed."""


def _require(kind: str, level: float, replicates: int) -> None:
    if kind not in KINDS:
        raise SpecError(
            f'intervals: unknown kind "{kind}": expected one of {", ".join(KINDS)}.{nearest(kind, KINDS)}'
        )
    if not 0 < level < 1:
        raise SpecError(f"intervals, level: expected a number between 0 and 1, got {level!r}")
    if replicates < 2:
        raise SpecError(f"intervals, replicates: expected at least 2, got {replicates}")


def _names(estimate: Mapping[str, np.ndarray], of: Sequence[str] | None) -> list[str]:
    known = list(estimate)
    if of is None:
        return known
    wanted = [of] if isinstance(of, str) else list(of)
    for name in wanted:
        if known and name not in known:
            raise SpecError(
                f'intervals, of: unknown name "{name}": expected some of {", ".join(known)}.'
                f"{nearest(name, known)}"
            )
    return wanted
