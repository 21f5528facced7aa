"""The verdict on a point: stationary or not, and if so what kind of point it is.

Order of questions (records.FINDINGS): is it finite, in the domain, collapsed; can it be improved
by first-order means; by second-order means or by splitting equal components; do components coincide; is
it at an edge; is it flat along some direction; else it is a strict interior maximum. Everything is
recomputed from the data and the point, in coordinates that do not depend on units or labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Edge
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import FINDINGS, Verdict
from mixcompare.theta import Theta
from mixcompare.verify.components import (
    coinciding,
    collapse,
    collapsed,
    empty_component_gain,
    narrowness,
    nearest,
)
from mixcompare.verify.directions import ascent, in_words, split_anew
from mixcompare.verify.edges import empty_components, inward_gain, reduced, snap
from mixcompare.verify.intervals import wald
from mixcompare.verify.policy import Policy
from mixcompare.verify.sentences import sentence
from mixcompare.verify.surface import Quadratic, Surface, polish

ROUNDINGS = 8
"""Roundings of one evaluation by which two may differ."""


@dataclass
class Evidence:
    """What has been found so far; becomes a Verdict."""

    flags: set[str] = field(default_factory=set)
    loglik: float = np.nan
    newton_decrement: float = np.nan
    attainable_gain: float = np.nan
    curvature: np.ndarray = field(default_factory=lambda: np.empty(0))
    null_directions: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    components: tuple[int, ...] = ()
    """Those the finding is about: collapsed or coinciding, numbered from 1."""
    coincident: bool = False
    outside: str = ""
    narrow: tuple[float, float, bool] = (np.nan, np.nan, False)
    polished: Theta | None = None
    polished_loglik: float = np.nan
    intervals: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    margins: dict[str, float] = field(default_factory=dict)
    passes: float = 0.0
    notes: list[str] = field(default_factory=list)


@np.errstate(over="ignore")  # what overflows is infinite, and is judged as that
def judge_point(model: MixtureModel, data: Dataset, theta: Theta, policy: Policy) -> Verdict:
    """The verdict on `theta` (components in any order, parameters in full shapes).

    Costs about 2 q + 1 passes a polish step with q free parameters, three steps at a good end.
    """
    found = Evidence()
    if not theta.is_finite:
        found.flags.add("non_finite")
        return _verdict(found, policy)
    found.outside = model.outside(theta)
    if found.outside:
        found.flags.add("out_of_domain")
        return _verdict(found, policy)
    problem = Problem(model, data)
    found.loglik = model.log_likelihood(data, theta)
    if not np.isfinite(found.loglik):
        found.flags.add("non_finite")
        return _verdict(found, policy)
    gone, found.margins = collapse(model, data, theta, policy)
    if gone:
        found.components = tuple(k + 1 for k in gone)
        found.flags.add("singular")
        return _verdict(found, policy)
    empty, emptied = empty_components(problem, theta, found.loglik, policy)
    small, point = reduced(model, theta, empty)
    point, edges, snapped = snap(small, data, point, found.loglik, policy)
    if emptied or snapped:
        found.margins["edge"] = nearest([*emptied, *snapped])
    if empty or edges:
        found.flags.add("boundary")
        weights = [f"weight {k + 1}" for k in empty]
        found.edges = tuple(weights + [f"{edge.name} at {edge.value:g}" for edge in edges])
    found.passes = problem.passes
    _judge_interior(small, data, point, edges, bool(empty), found, policy)
    _restore(model, theta, empty, found)
    return _verdict(found, policy)


def _judge_interior(
    model: MixtureModel,
    data: Dataset,
    theta: Theta,
    edges: list[Edge],
    empty: bool,
    found: Evidence,
    policy: Policy,
) -> None:
    """Stationarity, curvature, coinciding components and flat directions on the free coordinates."""
    surface = Surface(model, data, theta)
    origin = np.zeros(surface.free.size)
    here = surface.quadratic(origin)
    flat = max(policy.flat * data.n, 4 * here.noise)
    held, found.newton_decrement = _newton(here, flat, policy)
    end = polish(surface, origin, flat, policy.polish_steps, held)
    found.polished, found.polished_loglik = surface.theta(end), surface.value(end)
    gains = [found.polished_loglik - found.loglik]
    if edges:
        gains.append(inward_gain(model, data, theta, edges))
    if empty:
        gains.append(empty_component_gain(model, data, theta, policy))
    found.attainable_gain = max(gains)
    worst = np.nanmax([found.attainable_gain, found.newton_decrement])
    limit = policy.stationary + _imprecision(surface.problem, theta, found, policy)
    found.margins["stationary"] = float(worst / limit)
    if worst > limit or not np.isfinite(here.curvature).all():
        found.flags.add("not_stationary")
    gone = collapsed(model, data, found.polished, policy)
    if gone:
        found.notes.append(
            "the polish ran into a collapse: the likelihood is unbounded near this end"
        )
    if not gone or "not_stationary" not in found.flags:
        _classify(surface, data, end, flat, found, policy)
    found.narrow = narrowness(model, data, theta)
    limit, least = model.family.narrow_limits(data.n_features)
    tests = {"narrow_ratio": (found.narrow[0], limit), "narrow_count": (found.narrow[1], least)}
    found.margins |= {name: float(v / bound) for name, (v, bound) in tests.items() if bound > 0}
    if found.flags & {"not_stationary", "saddle"}:
        found.flags -= {"boundary", "ridge", "duplicate"}
        found.null_directions = ()
    if not found.flags:
        found.flags.add("maximum")
        if (found.curvature > flat).all():
            found.intervals = wald(model, theta, surface, end)
    found.passes += surface.problem.passes


def _imprecision(problem: Problem, theta: Theta, found: Evidence, policy: Policy) -> float:
    """Nats that rounding alone may make of a gain at this end; noted where it matters."""
    error = ROUNDINGS * problem.rounding(theta, *problem.statistics(theta))
    if error > policy.stationary / 10:
        found.notes.append(
            f"precision: a component is so narrow and so far from the centre of the data that the "
            f"log-likelihood is only known to {error:.1g} nats"
        )
    return error


def _newton(here: Quadratic, flat: float, policy: Policy) -> tuple[np.ndarray, float]:
    """Directions of ascent of second order with no slope to speak of, and the Newton decrement in nats."""
    upward = here.curvature < -flat
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = here.gradient**2 / (2 * np.abs(here.curvature))
    held = here.basis[:, upward & (gain < policy.stationary)]
    if upward.any():
        return held, np.nan
    return held, float(gain[here.curvature > flat].sum())


def _classify(
    surface: Surface, data: Dataset, end: np.ndarray, flat: float, found: Evidence, policy: Policy
) -> None:
    """What the polished end is: saddle, coinciding components, flat directions."""
    local = surface.quadratic(end)
    flat = max(flat, 4 * local.noise)
    found.curvature = local.curvature
    if local.curvature.size:
        found.margins["flat"] = float(np.abs(local.curvature).min() / flat)
    theta = surface.theta(end)
    pairs, found.margins["coincide"] = coinciding(surface.model, data, theta, policy)
    if pairs:
        found.flags.add("duplicate")
        found.coincident = True
        found.components = tuple(sorted({k + 1 for pair in pairs for k in pair}))
    gain, null = ascent(surface, end, local, flat, policy)
    if null.size:
        found.flags.add("ridge")
        found.null_directions = tuple(in_words(null, surface))
    if pairs and gain <= policy.ascent:
        split, passes = split_anew(surface.model, data, theta, pairs, policy)
        gain, found.passes = max(gain, split), found.passes + passes
    found.margins["ascent"] = float(gain / policy.ascent)
    if gain > policy.ascent:
        found.flags.add("saddle")


def _restore(model: MixtureModel, theta: Theta, empty: list[int], found: Evidence) -> None:
    """Put empty components back into the polished point, so that it has the model's K."""
    if not empty or found.polished is None:
        return
    kept = [k for k in range(model.n_components) if k not in empty]
    weights = np.zeros(model.n_components)
    weights[kept] = found.polished.weights
    parameters = {name: value.copy() for name, value in theta.parameters.items()}
    for name, value in found.polished.parameters.items():
        parameters[name][kept] = value
    found.polished = Theta(weights, **parameters)


def _verdict(found: Evidence, policy: Policy) -> Verdict:
    finding = next(name for name in FINDINGS if name in found.flags)
    ratio, count, narrow = found.narrow
    flags = [name for name in FINDINGS if name in found.flags]
    flags += ["narrow"] if narrow else []
    flags += ["coincident_components"] if found.coincident else []
    return Verdict(
        finding=finding,
        flags=tuple(flags),
        loglik=found.loglik,
        newton_decrement=found.newton_decrement,
        attainable_gain=found.attainable_gain,
        curvature=found.curvature,
        null_directions=found.null_directions,
        edges=found.edges,
        narrow=narrow,
        narrow_ratio=ratio,
        smallest_count=count,
        polished=found.polished,
        polished_loglik=found.polished_loglik,
        intervals=found.intervals,
        thresholds=policy.thresholds(),
        margins={name: value for name, value in found.margins.items() if np.isfinite(value)},
        message=sentence(finding, found),
        passes=found.passes,
        notes=tuple(found.notes),
    )
