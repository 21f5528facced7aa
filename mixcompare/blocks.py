"""Going through the rows of the data in blocks, so that nothing of the size of all n x K is held."""

from __future__ import annotations

from collections.abc import Iterator

BLOCK = 8192
"""Rows that work in blocks holds at once: few enough to stay in the cache, at a few columns."""


def blocks(n: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices of at most `size` that make up range(n)."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
