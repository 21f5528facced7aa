"""Profile-likelihood intervals, by continuation from the optimum.

For one scalar g of the reporting scale, l_p(c) = max {l(theta): g(theta) = c}. The interval holds the c with
deviance 2 (l_max - l_p(c)) up to the quantile of chi-squared with one degree of freedom (Wilks 1938, Ann.
Math. Statist. 9, 60-62). The curve of constrained maxima is followed outward in steps of the signed root
deviance r = sqrt(deviance) (Chen and Jennrich 1996, J. Amer. Statist. Assoc. 91, 993-998), which is nearly
linear in c: dr/dc = -lambda / r with lambda = dl_p/dc the Lagrange multiplier. The likelihood of a mixture
has other maxima, edges and points where it has no bound; where the curve runs into one, that end is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from mixcompare.data import Dataset
from mixcompare.inference.scalars import Scalar
from mixcompare.metrics.base import match_components
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta
from mixcompare.verify.components import collapsed
from mixcompare.verify.edges import NEAR, empty_components, snap
from mixcompare.verify.policy import Policy
from mixcompare.verify.surface import Quadratic, Surface

REASONS = ("collapse", "edge", "label_swap", "lost_curvature", "another_maximum", "failures")
"""Why an end can be open (the last one in a bootstrap only)."""

STRIDE = 0.5
"""Root deviance between points of the curve."""

TOLERANCE = 1e-6
"""Root deviance by which an end may miss the level."""

LONGEST = 3.0
"""Longest Newton step, scaled coordinates: beyond it the quadratic picture means nothing."""

SMALLEST = 1e-4
"""Step of the scalar, in standard errors, below which the curve counts as lost."""

LOST = ("lost_curvature", "the other parameters have no strict maximum at the next value")
ANOTHER = (
    "another_maximum",
    "the profile rises again to another maximum before it reaches the level",
)
"""What can be said where nothing more definite can."""

STEPS = 200
"""Tries to extend the curve, at most."""


@dataclass(frozen=True)
class OpenSide:
    """An end of an interval that could not be closed.

    `name`, `index` and `side` ("lower" or "upper") say which; `reason` is one of `REASONS`; `detail` says it
    in words; `reached` is how far the profile was followed, and `deviance` how far it had fallen there.
    """

    name: str
    index: tuple[int, ...]
    side: str
    reason: str
    detail: str
    reached: float = np.nan
    deviance: float = np.nan


@dataclass(frozen=True)
class Profile:
    """The profile of one scalar: its ends (infinite where open) and the points (m, 2) of value, deviance."""

    lower: float
    upper: float
    points: np.ndarray
    open: tuple[OpenSide, ...] = ()


@dataclass(frozen=True)
class _Point:
    """A point of the curve, with what the next step needs."""

    delta: np.ndarray
    scalar: float
    slope: np.ndarray
    local: Quadratic
    multiplier: float
    root: float = 0.0
    """Signed root of the deviance: 0 at the optimum, negative at a higher likelihood."""

    @property
    def deviance(self) -> float:
        """Twice the nats below the optimum."""
        return self.root * abs(self.root)


@dataclass
class Follower:
    """Follows profiles on one surface, whose origin is the optimum.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset
    surface : Surface
        Around the optimum.
    level : float
        Root deviance at which an interval ends: the normal quantile.
    policy : Policy
    """

    model: MixtureModel
    data: Dataset
    surface: Surface
    level: float
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        self.origin = np.zeros(self.surface.free.size)
        self.optimum = self.surface.theta(self.origin)
        self.local = self.surface.quadratic(self.origin)
        # An end is at an edge once going all the way changes less than what counts as stationary.
        self.lenient = replace(self.policy, edge=self.policy.stationary)

    def profile(self, scalar: Scalar) -> Profile:
        """Both ends of one scalar's interval."""
        slope = scalar.slope(self.origin)
        if not slope.any():  # a parameter that is fixed
            value = scalar.value(self.origin)
            return Profile(value, value, np.array([[value, 0.0]]))
        error = float(np.linalg.norm((self.local.basis.T @ slope) / np.sqrt(self.local.curvature)))
        start = _Point(self.origin, scalar.value(self.origin), slope, self.local, 0.0)
        ends, open_ends = {}, []
        points = [(start.scalar, 0.0)]
        for side, sign in (("lower", -1), ("upper", 1)):
            end, trail, trouble = self._follow(scalar, start, sign, error)
            ends[side] = end.scalar if not trouble else sign * np.inf
            points += [(point.scalar, point.deviance) for point in trail]
            if trouble:
                name, index = scalar.place
                reached = (end.scalar, end.deviance)
                open_ends.append(OpenSide(name, index, side, *trouble, *reached))
        return Profile(ends["lower"], ends["upper"], np.array(sorted(points)), tuple(open_ends))

    def _follow(
        self, scalar: Scalar, start: _Point, sign: int, error: float
    ) -> tuple[_Point, list[_Point], tuple[str, str] | None]:
        """The end on one side, the points of the curve, and (reason, words) if that end is open."""
        inner, outer, turned = start, None, False
        trail: list[_Point] = []
        longest = STRIDE * error
        for _ in range(STEPS):
            target = self._target(inner, outer, sign, error, longest)
            found = self._constrained(scalar, inner, target, error)
            if found is None or abs(found.root - inner.root) > 3 * STRIDE:
                longest, outer = abs(target - inner.scalar) / 2, None
                if longest < SMALLEST * error:
                    return inner, trail, self._trouble(inner) or LOST
                continue
            longest = 2 * abs(target - inner.scalar)
            trail.append(found)
            if not turned and abs(found.root - self.level) < TOLERANCE:
                return found, trail, None
            if not turned and found.root > self.level:
                outer = found
                continue
            trouble = self._trouble(found)
            if trouble:
                return found, trail, trouble
            # Once the profile rises again the level is out of reach: only what it rises to is of interest.
            rising = sign * found.multiplier >= 0
            if turned and not rising:
                return found, trail, ANOTHER
            turned, inner = turned or rising, found
        return inner, trail, ANOTHER if turned else LOST

    def _target(
        self, inner: _Point, outer: _Point | None, sign: int, error: float, longest: float
    ) -> float:
        """The next value of the scalar: a stride outward, or onto the level where that is near."""
        rate = sign * -inner.multiplier / inner.root if inner.root > 0 else 1.0 / error
        wanted = min(STRIDE, self.level - inner.root)
        if outer is None:
            return inner.scalar + sign * min(wanted / rate if rate > 0 else np.inf, longest)
        near = inner if self.level - inner.root < outer.root - self.level else outer
        if near.root > 0 and near.multiplier != 0:
            newton = near.scalar - (self.level - near.root) * near.root / near.multiplier
            if min(inner.scalar, outer.scalar) < newton < max(inner.scalar, outer.scalar):
                return newton
        share = (self.level - inner.root) / (outer.root - inner.root)
        return inner.scalar + share * (outer.scalar - inner.scalar)

    def _constrained(
        self, scalar: Scalar, start: _Point, target: float, error: float
    ) -> _Point | None:
        """The constrained maximum at g = target near `start`, by Newton's method; None if it is lost.

        Each step solves the quadratic model of the Lagrangian on the tangent space of the constraint
        (Nocedal and Wright 2006, Numerical Optimization, section 18.1), which must be strictly concave.
        """
        point = start
        for _ in range(12):
            step, gain = self._step(scalar, point, target)
            if step is None or np.linalg.norm(step) > LONGEST:
                return None
            if gain < 1e-11 and abs(target - point.scalar) < 1e-8 * error:
                drop = 2 * (self.local.value - point.local.value)
                return replace(point, root=float(np.copysign(np.sqrt(abs(drop)), drop)))
            try:
                point = self._at(scalar, point.delta + step)
            except np.linalg.LinAlgError:  # curvature that is not finite has no eigenvalues
                return None
            if not (np.isfinite(point.local.value) and np.isfinite(point.slope).all()):
                return None
        return None

    def _step(
        self, scalar: Scalar, point: _Point, target: float
    ) -> tuple[np.ndarray | None, float]:
        """Newton's step to the constraint and along it, and the nats it predicts along it."""
        local, a = point.local, point.slope
        if not np.isfinite(local.curvature).all():
            return None, np.nan
        onto = a * (target - point.scalar) / (a @ a)
        tangent = np.linalg.qr(a[:, None], mode="complete")[0][:, 1:]
        curvature = (local.basis * local.curvature) @ local.basis.T
        curvature = curvature + point.multiplier * scalar.bend(point.delta)
        reduced = tangent.T @ curvature @ tangent
        flat = max(self.policy.flat * self.data.n, 4 * local.noise)
        if (np.linalg.eigvalsh(reduced) <= flat).any():
            return None, np.nan
        slope = tangent.T @ (local.basis @ local.gradient - curvature @ onto)
        along = np.linalg.solve(reduced, slope)
        return onto + tangent @ along, float(0.5 * slope @ along)

    def _at(self, scalar: Scalar, delta: np.ndarray) -> _Point:
        local = self.surface.quadratic(delta)
        slope = scalar.slope(delta)
        multiplier = float((local.basis @ local.gradient) @ slope / (slope @ slope))
        return _Point(delta, scalar.value(delta), slope, local, multiplier)

    # -- why an end is open -----------------------------------------------------------------------

    def _trouble(self, point: _Point) -> tuple[str, str] | None:
        """Why the curve must not be followed beyond this point; None if it may be."""
        theta = self.surface.theta(point.delta)
        if self.model.n_components > 1:
            match = match_components(self.model, theta, self.optimum, 0, "profile")
            moved = np.flatnonzero(match != np.arange(match.size)) + 1
            if moved.size:
                numbers = ", ".join(map(str, moved))
                return "label_swap", f"components {numbers} have taken each other's place"
        gone = collapsed(self.model, self.data, theta, self.policy)
        if gone:
            return (
                "collapse",
                f"component {gone[0] + 1} collapsed: the likelihood has no bound there",
            )
        edge = self._edge(theta, point.local.value)
        if edge:
            return "edge", f"{edge} is at the edge of the parameter space"
        return None

    def _edge(self, theta: Theta, loglik: float) -> str:
        """A coordinate at its edge, in words; "" if there is none."""
        problem = self.surface.problem
        empty, _ = empty_components(problem, theta, loglik, self.lenient)
        if empty:
            return f"weight {empty[0] + 1}"
        near = [
            edge
            for edge in self.model.family.edges(theta.parameters)
            if abs(theta[edge.parameter][(edge.component, *edge.index)] - edge.value) < NEAR
        ]
        edges = snap(self.model, self.data, theta, loglik, self.lenient)[1] if near else []
        return edges[0].name if edges else ""
