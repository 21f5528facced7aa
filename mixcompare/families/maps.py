"""Maps between bounded parameters and unconstrained coordinates that several families share, compiled.

Tables P (K, p) and coordinates z (K p,) as in `families/core.py`.
"""

from __future__ import annotations

import math

from mixcompare.numerics import inlinable

TINY = 1e-300
"""Stands for a rate or probability of zero in a compiled pass, where 0 * log 0 must be 0."""


@inlinable
def log_of_share(p):  # type: ignore[no-untyped-def]
    """log p, but finite at 0; nan for nan."""
    return math.log(TINY if p < TINY else p)


@inlinable
def to_log_weights(z, log_weights):  # type: ignore[no-untyped-def]
    """log w (K,) from the log-ratios log(w_k / w_K), k < K, that stand first in z."""
    K, top, total = log_weights.size, 0.0, 0.0
    for k in range(K):
        log_weights[k] = z[k] if k < K - 1 else 0.0
        top = max(top, log_weights[k])
    for k in range(K):
        total += math.exp(log_weights[k] - top)
    for k in range(K):
        log_weights[k] -= top + math.log(total)


@inlinable
def lesser(a, b):  # type: ignore[no-untyped-def]
    """The smaller one; nan if either is."""
    return a if a <= b or a != a else b


@inlinable
def to_log(P, layout, z):  # type: ignore[no-untyped-def]
    """Logarithms, component by component."""
    K, p = P.shape
    for k in range(K):
        for i in range(p):
            z[k * p + i] = math.log(P[k, i])


@inlinable
def from_log(z, layout, P):  # type: ignore[no-untyped-def]
    """The inverse of `to_log`."""
    K, p = P.shape
    for k in range(K):
        for i in range(p):
            P[k, i] = math.exp(z[k * p + i])


@inlinable
def to_logit(P, layout, z):  # type: ignore[no-untyped-def]
    """Logits, component by component; infinite at 0 and 1."""
    K, p = P.shape
    for k in range(K):
        for i in range(p):
            z[k * p + i] = math.log(P[k, i]) - math.log1p(-P[k, i])


@inlinable
def from_logit(z, layout, P):  # type: ignore[no-untyped-def]
    """The inverse of `to_logit`."""
    K, p = P.shape
    for k in range(K):
        for i in range(p):
            P[k, i] = 1.0 / (1.0 + math.exp(-z[k * p + i]))
