"""Rates: Gamma, of counts and of waiting times. See base.py for the protocol."""

from __future__ import annotations

from mixcompare.numerics import inlinable


@inlinable
def draw_poisson(rng, S, numbers, layout, P):  # type: ignore[no-untyped-def]
    """r ~ Gamma(a + sum of counts, b + number of observations); numbers: a, b (a rate)."""
    for k in range(P.shape[0]):
        P[k, 0] = rng.standard_gamma(numbers[0] + S[k, 1]) / (numbers[1] + S[k, 0])


@inlinable
def draw_exponential(rng, S, numbers, layout, P):  # type: ignore[no-untyped-def]
    """r ~ Gamma(a + number of observations, b + sum of times); numbers: a, b (a rate)."""
    for k in range(P.shape[0]):
        P[k, 0] = rng.standard_gamma(numbers[0] + S[k, 0]) / (numbers[1] + S[k, 1])
