"""Points as vectors for an optimiser: raw or unconstrained, in the data's own units or standardised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixcompare.families.base import Frame, Parameters
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

STEP = 1e-3
"""Of the fourth-order differences that differentiate the map between two kinds of coordinates."""


@dataclass(frozen=True)
class Coordinates:
    """A point of a model as a vector x (q,), and back.

    Raw: the family's (`Family.naive_kinds`), then the first K - 1 weights; x may lie outside the
    parameter space. Unconstrained: see `MixtureModel`; every x is a point.

    Parameters
    ----------
    model : MixtureModel
    frame : Frame
        What "standardised" means.
    unconstrained, standardised : bool
    """

    model: MixtureModel
    frame: Frame
    unconstrained: bool
    standardised: bool

    def vector(self, theta: Theta) -> np.ndarray:
        """x (q,) of a point in the data's units; infinite at an edge if unconstrained."""
        own = Theta(theta.weights, **self._own(theta.parameters))
        if self.unconstrained:
            return self.model.to_unconstrained(own)
        return np.concatenate([self.model.family.to_naive(own.parameters), own.weights[:-1]])

    def split(self, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Weights, and component parameters in the units of x."""
        K, d = self.model.n_components, self.frame.scale.size
        with np.errstate(all="ignore"):
            if self.unconstrained:
                return self.model.split(x, d)
            raw, first = x[: x.size - (K - 1)], x[x.size - (K - 1) :]
            return np.append(first, 1.0 - first.sum()), self.model.family.from_naive(raw, K, d)

    def framed(self, x: np.ndarray) -> tuple[np.ndarray, Parameters]:
        """The same with component parameters in the frame."""
        weights, parameters = self.split(x)
        if self.standardised:
            return weights, parameters
        with np.errstate(all="ignore"):
            return weights, self.model.family.to_frame(parameters, self.frame)

    def framed_unconstrained(self, x: np.ndarray) -> np.ndarray:
        """z (q,), unconstrained in the frame; not finite at an edge and outside the parameter space."""
        if self.unconstrained and self.standardised:
            return x
        weights, parameters = self.framed(x)
        with np.errstate(all="ignore"):
            return self.model.to_unconstrained(Theta(weights, **parameters))

    def theta(self, x: np.ndarray) -> Theta:
        """The point in the data's units; outside the parameter space where x is."""
        weights, parameters = self.split(x)
        if self.standardised:
            with np.errstate(all="ignore"):
                parameters = self.model.family.from_frame(parameters, self.frame)
        return Theta(weights, **parameters)

    def raw(self, x: np.ndarray) -> np.ndarray:
        """Raw parameters and the first K - 1 weights (q,), in the units of x."""
        if not self.unconstrained:
            return x
        weights, parameters = self.split(x)
        return np.concatenate([self.model.family.to_naive(parameters), weights[:-1]])

    def rescaled(self, raw: np.ndarray) -> np.ndarray:
        """Raw parameters and weights in the data's units (q,), in the units of x: element by element."""
        if not self.standardised:
            return raw
        plain = Coordinates(self.model, self.frame, False, False)
        weights, parameters = plain.split(raw)
        with np.errstate(all="ignore"):
            own = self.model.family.to_naive(self._own(parameters))
        return np.concatenate([own, weights[:-1]])

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """dx/dz (q, q), z unconstrained in the frame; nan outside the parameter space.

        For raw parameters by differences of the map, about twelve digits: no pass over the data.
        """
        K = self.model.n_components
        if self.unconstrained:
            units = self.model.family.coordinate_units(K, self.frame)
            return np.diag(np.append(np.ones(K - 1), units if not self.standardised else units**0))
        z = self.framed_unconstrained(x)
        columns = []
        for e in STEP * np.eye(z.size):
            near = self._from_frame(z + e) - self._from_frame(z - e)
            far = self._from_frame(z + 2 * e) - self._from_frame(z - 2 * e)
            columns.append((8.0 * near - far) / (12.0 * STEP))
        return np.column_stack(columns)

    def _from_frame(self, z: np.ndarray) -> np.ndarray:
        return self.vector(self.model.to_natural(z, self.frame.scale.size, self.frame))

    def _own(self, parameters: Parameters) -> Parameters:
        if not self.standardised:
            return parameters
        return self.model.family.to_frame(parameters, self.frame)
