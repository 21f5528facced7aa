"""Cholesky factors of matrices in tables of parameters, compiled."""

from __future__ import annotations

import math

import numpy as np

from mixcompare.numerics import inlinable


@inlinable
def factor(p, d, L):  # type: ignore[no-untyped-def]
    """L (d, d) = the lower Cholesky factor of the matrix in p (d + d d); nan if it has none."""
    for i in range(d):
        for j in range(i + 1):
            rest = p[d + i * d + j]
            for m in range(j):
                rest -= L[i, m] * L[j, m]
            if i == j:
                L[i, i] = math.sqrt(rest) if rest > 0 else np.nan
            else:
                L[i, j] = rest / L[j, j]


@inlinable
def invert(L, d, inverse):  # type: ignore[no-untyped-def]
    """inverse (d, d) = L^-1, both lower triangular."""
    for j in range(d):
        inverse[j, j] = 1.0 / L[j, j]
        for i in range(j + 1, d):
            rest = 0.0
            for m in range(j, i):
                rest -= L[i, m] * inverse[m, j]
            inverse[i, j] = rest / L[i, i]
