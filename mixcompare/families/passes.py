"""What goes through the observations during a fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from mixcompare.errors import ContractError
from mixcompare.families.base import Parameters


class Pass(ABC):
    """Passes over one data set: the only code that reads the observations during a fit."""

    @abstractmethod
    def __call__(self, weights: np.ndarray, parameters: Parameters) -> tuple[float, np.ndarray]:
        """Log-likelihood (nats, data's units) and expected statistics at a point in the frame."""

    def value(self, weights: np.ndarray, parameters: Parameters) -> float:
        """The log-likelihood alone, where that is less work."""
        return self(weights, parameters)[0]

    def values(self, weights: np.ndarray, parameters: Parameters) -> np.ndarray:
        """The log-likelihoods (M,) of M points: weights (M, K), parameters name -> (M, K, ...)."""
        return np.array(
            [
                self.value(w, {name: array[t] for name, array in parameters.items()})
                for t, w in enumerate(weights)
            ]
        )

    def value_at(
        self, z: np.ndarray, split: Callable[[np.ndarray], tuple[np.ndarray, Parameters]]
    ) -> float:
        """The same at unconstrained coordinates z (q,) of the frame; `split` gives weights and parameters."""
        return self.value(*split(z))

    def value_and_score(
        self, z: np.ndarray, generic: Callable[[np.ndarray], tuple[float, np.ndarray]]
    ) -> tuple[float, np.ndarray]:
        """Log-likelihood (nats) and its gradient at unconstrained coordinates z (q,) of the frame.

        `generic(z)` makes both from one pass by the family's own methods; there may be a faster way.
        """
        return generic(z)

    exact_products: ClassVar[bool] = False
    """Whether there is a `value_and_product`."""

    def value_and_product(self, z: np.ndarray, v: np.ndarray) -> tuple[float, np.ndarray]:
        """Log-likelihood (nats) at z (q,), and its Hessian there times a direction v (q,), not 0.

        Coordinates as in `value_and_score`; nothing over the data is a difference.
        """
        raise ContractError("this pass has no exact products with the Hessian; take differences")

    @abstractmethod
    def magnitude(self, statistics: np.ndarray) -> float:
        """Sum of the magnitudes (nats) that cancelled in the last pass, which gave these statistics.

        Rounding errors of its log-likelihood are a small multiple of this times the machine's eps.
        """
