"""What a fit leaves behind: claim, cost, trajectory, verdict, record. Plain frozen data, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixcompare.theta import Theta

FINDINGS = (
    "unsupported",
    "error",
    "non_finite",
    "out_of_domain",
    "singular",
    "not_stationary",
    "saddle",
    "duplicate",
    "boundary",
    "ridge",
    "maximum",
)
"""Findings about a point, in their order of precedence."""

DRAW_FINDINGS = (
    "unsupported",
    "error",
    "non_finite",
    "chains_in_different_modes",
    "main_mode_missed",
    "divergences",
    "tree_depth",
    "low_energy_mixing",
    "not_mixed",
    "verified",
)
"""Findings about posterior draws, in their order of precedence."""

OPTIMA = ("maximum", "boundary", "ridge", "duplicate")
"""Findings of ends without a direction of ascent."""

SOUND = (*OPTIMA[:3], "verified")
"""Findings that confirm a claim of success: a proper optimum, or draws with nothing wrong."""


@dataclass(frozen=True)
class Trajectory:
    """Log-likelihood (nats) against passes spent.

    `passes` and `loglik` have one entry a recorded evaluation; `theta`, where it was asked for, holds the
    point of every recorded evaluation.
    """

    passes: np.ndarray
    loglik: np.ndarray
    theta: tuple[Theta, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What a fit cost. `basis` is "metered" (counted at the door to the data) or "reported" (samplers)."""

    passes: float = 0.0
    seconds: float = 0.0
    compile_seconds: float = 0.0
    basis: str = "metered"
    non_finite: int = 0


@dataclass(frozen=True)
class Solver:
    """What the solver said, verbatim. Nothing here has any influence on the verdict.

    `values` are log-likelihoods that it printed on its way, one an iteration, whatever they are.
    """

    success: bool | None = None
    status: str = ""
    message: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Posterior:
    """Draws after relabelling, and what is computed from them alone.

    Parameters
    ----------
    draws : xarray.DataTree
        ArviZ object with groups `posterior` (relabelled, natural parameters), `sample_stats`.
    loglik : ndarray, shape (chains, draws)
        Log-likelihood of each draw, nats.
    diagnostics : mapping
        Named numbers: R-hat and effective sizes (raw, label-free, relabelled), divergences, E-BFMI, ...
    intervals : mapping
        95 % equal-tailed intervals on the reporting scale, name -> (lower, upper), arrays over components.
    prior : mapping
        The prior of the posterior, as `Prior.of` takes it.
    approximate : bool
        The draws come from an approximation to the posterior, and not from the posterior itself.
    """

    draws: Any
    loglik: np.ndarray
    diagnostics: Mapping[str, float]
    intervals: Mapping[str, tuple[np.ndarray, np.ndarray]]
    prior: Mapping[str, Any] = field(default_factory=dict)
    approximate: bool = False


@dataclass(frozen=True)
class Claim:
    """What an estimator hands back: a point (or draws), and its own words about it."""

    theta: Theta | None
    solver: Solver
    posterior: Posterior | None = None
    passes: float | None = None
    compile_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    unsupported: str = ""


@dataclass(frozen=True)
class Verdict:
    """What an end was found to be, whoever claimed it and whatever was claimed.

    Parameters
    ----------
    finding : str
        The headline: the first of `FINDINGS` (for draws `DRAW_FINDINGS`) that holds.
    flags : tuple of str
        Everything that holds.
    loglik : float
        Log-likelihood at the end, recomputed by the verifier, nats.
    newton_decrement : float
        g' H^-1 g / 2 in nats over directions with curvature above round-off; nan where not positive.
    attainable_gain : float
        Nats gained by the verifier's guarded polish.
    curvature : ndarray
        Eigenvalues of the negative Hessian on the free subspace, scaled unconstrained coordinates.
    null_directions, edges : tuple of str
        Directions along which the likelihood is flat, and coordinates at the edge, in words.
    narrow : bool
        Rests on a handful of nearly tied observations; see `narrow_ratio`, `smallest_count`.
    polished : Theta or None
        Where the polish ended, for grouping equal optima; the record's own end stays as it was.
    polished_loglik : float
        Log-likelihood there, nats.
    intervals : mapping
        95 % Wald intervals on the reporting scale at a maximum, name -> (lower, upper); else empty.
    thresholds : mapping
        The policy's numbers used, stored beside what they judged.
    margins : mapping
        For each threshold test, judged value / threshold (of R-hat the excesses over 1): near 1 means
        the finding hung on it. Of several values the nearest to 1 on a log scale.
    message : str
        One plain sentence.
    passes : float
        Passes that verification took, booked apart from the fit's.
    """

    finding: str
    flags: tuple[str, ...] = ()
    loglik: float = np.nan
    newton_decrement: float = np.nan
    attainable_gain: float = np.nan
    curvature: np.ndarray = field(default_factory=lambda: np.empty(0))
    null_directions: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    narrow: bool = False
    narrow_ratio: float = np.nan
    smallest_count: float = np.nan
    polished: Theta | None = None
    polished_loglik: float = np.nan
    intervals: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    margins: Mapping[str, float] = field(default_factory=dict)
    message: str = ""
    passes: float = 0.0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.finding}: {self.message}"


@dataclass(frozen=True)
class FitRecord:
    """One planned fit, ended: what was asked, what the method said, what it was found to be.

    `theta` has its components in canonical order; `permutation` takes the method's own order there.
    `loglik` is the total log-likelihood of the observed data, nats, as computed by the verifier (or, with
    verify=False, at the driver). `error` holds exception type and message of a fit that raised.
    `target` is what the method maximises, and so what its claims are about (`Estimator.target`).
    `task` holds what identifies the fit: data, replicate, model, method, start, seeds, digests, versions.
    """

    key: str
    method: str
    task: Mapping[str, Any]
    theta: Theta | None
    loglik: float
    trajectory: Trajectory
    cost: Cost
    solver: Solver
    verdict: Verdict | None
    start: Theta | None = None
    permutation: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""
    posterior: Posterior | None = None
    target: str = "likelihood"
    version: int = 1

    @property
    def finding(self) -> str:
        """The headline finding, or "" if verification was skipped."""
        return self.verdict.finding if self.verdict else ""

    def __repr__(self) -> str:
        return (
            f"FitRecord({self.method}: loglik {self.loglik:.6g} nats, found {self.finding or 'unverified'}, "
            f"said {self.solver.message or self.solver.status!r}, {self.cost.passes:.0f} passes)"
        )
