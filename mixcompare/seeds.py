"""Random numbers by name: the same names give the same stream on any machine and in any order.

A stream belongs to (root seed, what it is for, which one), never to the estimator that will see the
data or the start: that is what makes comparisons paired.
"""

from __future__ import annotations

import hashlib
import operator

import numpy as np

from mixcompare.errors import SpecError


def stream(root: int, *names: str | int) -> np.random.Generator:
    """A generator for the stream called `names` under the root seed.

    The names are hashed (SHA-256) into the entropy of a `numpy.random.SeedSequence`, so streams of
    different names are independent, and adding a stream moves no other.
    """
    return np.random.default_rng(np.random.SeedSequence(entropy(root, *names)))


def entropy(root: int, *names: str | int) -> int:
    """The 128-bit integer seed of the stream called `names`."""
    try:
        whole = operator.index(root)
    except TypeError as error:
        raise SpecError(f"seed: expected a whole number, got {root!r}") from error
    text = "\x1f".join([str(whole), *(f"{type(name).__name__}:{name}" for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def integer(root: int, *names: str | int) -> int:
    """A seed below 2**32 for libraries that want a small integer."""
    return entropy(root, *names) % 2**32
