"""Probabilities: Beta for one, Dirichlet for several. See base.py for the protocol."""

from __future__ import annotations

from mixcompare.numerics import inlinable

LEAST = 1e-300
"""A sum by which parts can be divided: of shapes near 0 all of them may underflow."""


@inlinable
def draw_share(rng, a, b):  # type: ignore[no-untyped-def]
    """p ~ Beta(a, b).

    Shares do not depend on the sum, so that parts of too small a one are drawn again.
    """
    u = v = 0.0
    while u + v < LEAST:
        u = rng.standard_gamma(a)
        v = rng.standard_gamma(b)
    return u / (u + v)


@inlinable
def draw_bernoulli(rng, S, numbers, layout, P):  # type: ignore[no-untyped-def]
    """p ~ Beta(a + ones, b + zeros), item by item; numbers: a, b."""
    K, d = P.shape
    for k in range(K):
        for i in range(d):
            P[k, i] = draw_share(rng, numbers[0] + S[k, 1 + i], numbers[1] + S[k, 0] - S[k, 1 + i])


@inlinable
def draw_binomial(rng, S, numbers, layout, P):  # type: ignore[no-untyped-def]
    """p ~ Beta(a + successes, b + failures); numbers: a, b."""
    for k in range(P.shape[0]):
        failures = layout[0] * S[k, 0] - S[k, 1]
        P[k, 0] = draw_share(rng, numbers[0] + S[k, 1], numbers[1] + failures)


@inlinable
def draw_categorical(rng, S, numbers, layout, P):  # type: ignore[no-untyped-def]
    """p ~ Dirichlet(a + occurrences of each level), item by item; numbers: a."""
    P[:] = 0.0
    for k in range(P.shape[0]):
        f = 1
        for i in range(layout.size - 1):
            at, total = i * layout[0], 0.0
            while total < LEAST:
                total = 0.0
                for v in range(layout[1 + i]):
                    P[k, at + v] = rng.standard_gamma(numbers[0] + S[k, f + v])
                    total += P[k, at + v]
            for v in range(layout[1 + i]):
                P[k, at + v] /= total
            f += layout[1 + i]
