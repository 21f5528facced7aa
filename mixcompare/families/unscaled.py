"""What families share whose observations have no unit that we know of, and whose likelihood is bounded."""

from __future__ import annotations

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Family, Frame, Parameters


class Unscaled(Family):
    """A family whose frame is the identity, and of which nothing collapses."""

    def frame(self, data: Dataset) -> Frame:
        """Identity."""
        return Frame(np.zeros(data.n_features), np.ones(data.n_features))

    def coordinate_units(self, n_components: int, frame: Frame) -> np.ndarray:
        """Ones."""
        return np.ones(self.n_coordinates(n_components, frame.scale.size))

    def to_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """Unchanged."""
        return dict(parameters)

    def from_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """Unchanged."""
        return dict(parameters)

    def spread(self, parameters: Parameters) -> np.ndarray:
        """inf: nothing collapses."""
        return np.full(_components(parameters), np.inf)

    def extent(self, parameters: Parameters) -> np.ndarray:
        """inf."""
        return np.full(_components(parameters), np.inf)

    def contraction(
        self, data: Dataset, parameters: Parameters, responsibilities: np.ndarray
    ) -> np.ndarray:
        """nan: nothing collapses."""
        return np.full(_components(parameters), np.nan)

    def narrow_limits(self, n_features: int) -> tuple[float, float]:
        """Never narrow."""
        return 0.0, 0.0


def _components(parameters: Parameters) -> int:
    """K."""
    return len(next(iter(parameters.values())))
