"""Passes over the data in blocks of rows, in numpy: for families that are no exponential families.

A block is large enough for numpy and small enough for the cache; nothing of the size of all n x K is held.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mixcompare.blocks import blocks
from mixcompare.data import Dataset
from mixcompare.families.base import Family, Frame, Parameters
from mixcompare.families.passes import Pass


class BlockFamily(Family):
    """A family whose densities and statistics are computed block by block; all in the frame."""

    @abstractmethod
    def block_density(self, u: np.ndarray, parameters: Parameters) -> tuple[np.ndarray, Any]:
        """(b, K) log-densities of a block u (b, d), nan outside the domain; and what `block_sums` needs."""

    @abstractmethod
    def block_sums(
        self, u: np.ndarray, shares: np.ndarray, known: Any, parameters: Parameters
    ) -> np.ndarray:
        """A block's part of the statistics, for shares (b, K): responsibilities times counts."""

    @abstractmethod
    def collect(self, data: Dataset, parts: Sequence[np.ndarray]) -> np.ndarray:
        """The statistics (K, 1 + ...), expected counts first, from the parts of all blocks in order."""

    def cancelled(self, statistics: np.ndarray, parameters: Parameters) -> float:
        """Sum of the magnitudes (nats) that cancel in the M-step from these statistics; 0 if none do.

        Densities are taken about each component's own centre, where nothing large cancels.
        """
        return 0.0

    def begin(self, data: Dataset, n_components: int) -> BlockPass:
        """Prepare passes by blocks."""
        return BlockPass(self, data)


class BlockPass(Pass):
    """Passes by blocks over one data set."""

    def __init__(self, family: BlockFamily, data: Dataset) -> None:
        self.family, self.data = family, data
        self.frame = family.frame(data)
        self.volume = data.n * self.frame.log_volume
        self.last: Parameters = {}

    def __call__(self, weights: np.ndarray, parameters: Parameters) -> tuple[float, np.ndarray]:
        """See `Pass`."""
        family, total, parts = self.family, 0.0, []
        self.last = parameters
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            log_weights = np.log(weights)
            for u, counts, _ in framed(self.data, self.frame):
                density, known = family.block_density(u, parameters)
                value, r = mixed(density + log_weights)
                total += float(counts @ value)
                parts.append(family.block_sums(u, r * counts[:, None], known, parameters))
            return total - self.volume, family.collect(self.data, parts)

    def value(self, weights: np.ndarray, parameters: Parameters) -> float:
        """See `Pass`."""
        total = 0.0
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            log_weights = np.log(weights)
            for u, counts, _ in framed(self.data, self.frame):
                density, _ = self.family.block_density(u, parameters)
                total += float(counts @ mixed(density + log_weights)[0])
        return total - self.volume

    def magnitude(self, statistics: np.ndarray) -> float:
        """See `BlockFamily.cancelled`."""
        return self.family.cancelled(statistics, self.last)


def framed(data: Dataset, frame: Frame) -> Iterator[tuple[np.ndarray, np.ndarray, slice]]:
    """Rows in the frame (b, d), their counts (b,), and which they are."""
    for rows in blocks(data.n_rows):
        x, counts = data.part(rows)
        yield frame(x), counts, rows


def mixed(joint: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log sum_k exp (b,) of joint log-densities (b, K), and the responsibilities (b, K)."""
    top = joint.max(axis=1, keepdims=True)
    r = np.exp(joint - top)
    total = r.sum(axis=1, keepdims=True)
    return (top + np.log(total))[:, 0], r / total
