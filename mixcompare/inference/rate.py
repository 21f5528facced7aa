"""The rate of EM at a fixed point: how much of the information is missing, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.inference.base import examine, jacobian
from mixcompare.mixture import MixtureModel
from mixcompare.records import OPTIMA
from mixcompare.theta import Theta
from mixcompare.verify.edges import reduced
from mixcompare.verify.surface import Surface


@dataclass(frozen=True)
class EMRate:
    """The rate matrix of EM at a fixed point, or why there is none.

    Parameters
    ----------
    finding : str
        What the verifier found the end to be.
    refused : str
        Why there is none, in words; "" if there is.
    matrix : ndarray, shape (q, q)
        Jacobian of the EM map in unconstrained coordinates (the frame's units), named by `coordinates`;
        q counts the free ones only, without those held at an edge.
    eigenvalues : ndarray, shape (q,)
        In falling order. At a maximum they lie in [0, 1) and are the shares of missing information along
        their eigenvectors; 1 along a ridge; above 1 where EM leaves a saddle.
    rate : float
        The largest: the factor by which an EM iteration shrinks the distance to the fixed point, in the
        end; gains in nats shrink by its square.
    notes : tuple of str
    passes : float
        Verification included.
    """

    finding: str
    refused: str = ""
    coordinates: tuple[str, ...] = ()
    matrix: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    eigenvalues: np.ndarray = field(default_factory=lambda: np.empty(0))
    rate: float = np.nan
    notes: tuple[str, ...] = ()
    passes: float = 0.0

    @property
    def iterations_per_digit(self) -> float:
        """EM iterations that take the distance down tenfold; infinite where rate >= 1, 0 where it is 0."""
        if np.isnan(self.rate):
            return np.nan
        if self.rate >= 1:
            return np.inf
        return float(-1.0 / np.log10(self.rate)) if self.rate > 0 else 0.0


def em_rate(model: MixtureModel, data: Any, theta: Theta, *, counts: Any = None) -> EMRate:
    """The Jacobian of one EM iteration at a fixed point, and the rate of convergence it predicts.

    DM = I - I_c^-1 I = I_c^-1 I_m, with I_c the complete, I the observed and I_m the missing information
    (Dempster, Laird and Rubin 1977, JRSS B 39, 1-38, section 3; Orchard and Woodbury 1972). Taken by
    five-point differences of the EM map, at the verifier's polished point: 4 q passes.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    theta : Theta
        A fixed point of EM: a maximum, a ridge, a saddle, coinciding components; at a boundary the
        coordinates there are held, and a note says so.
    counts : array (n,), optional
        Multiplicities of the rows.

    Returns
    -------
    EMRate
        With `refused` set where there is no fixed point: a singular end, one that is not stationary.

    Raises
    ------
    DataError
        The data do not suit the model, or the names or shapes of `theta` do not.
    """
    end = examine(model, data, theta, counts)
    verdict = end.verdict
    if verdict.finding not in (*OPTIMA, "saddle"):
        reason = f"the rate is defined at a fixed point of EM; this end is {verdict.finding}: "
        return EMRate(verdict.finding, reason + verdict.message, passes=verdict.passes)
    # A saddle's polish holds its directions of ascent, so the polished point is the saddle itself.
    empty = [int(k) for k in np.flatnonzero(end.polished.weights == 0)]
    small, point = reduced(end.model, end.polished, empty)
    matrix, surface = _rate_matrix(small, end.data, point)
    eigenvalues = np.sort(np.linalg.eigvals(matrix).real)[::-1]
    notes = []
    if verdict.edges:
        notes.append(f"held at the edge, as EM does once there: {', '.join(verdict.edges)}")
    return EMRate(
        verdict.finding,
        coordinates=tuple(surface.names),
        matrix=matrix,
        eigenvalues=eigenvalues,
        rate=float(eigenvalues[0]) if eigenvalues.size else 0.0,
        notes=tuple(notes),
        passes=verdict.passes + surface.problem.passes,
    )


def _rate_matrix(model: MixtureModel, data: Dataset, point: Theta) -> tuple[np.ndarray, Surface]:
    """The Jacobian of the EM map in unscaled free coordinates, and the surface that names them."""
    surface = Surface(model, data, point)
    problem = surface.problem

    def mapped(delta: np.ndarray) -> np.ndarray:
        after = problem.maximise(problem.statistics(surface.theta(delta))[1])
        z = model.to_unconstrained(after.take(surface.order), problem.frame)
        return z[surface.free]

    return jacobian(mapped, np.zeros(surface.free.size)) / surface.scale, surface
