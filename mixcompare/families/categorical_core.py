"""What compiled code must know of categorical components: indicators of levels, see categorical.py.

`layout` holds the most levels of an item, then the levels of each.
"""

from __future__ import annotations

import math

import numpy as np

from mixcompare.families.core import Core
from mixcompare.families.kernel import identity
from mixcompare.families.maps import log_of_share
from mixcompare.numerics import inlinable


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """Weighted shares of the levels."""
    P[:] = 0.0
    for k in range(P.shape[0]):
        f = 1
        for i in range(layout.size - 1):
            total = 0.0
            for v in range(layout[1 + i]):
                total += S[k, f + v]
            for v in range(layout[1 + i]):
                P[k, i * layout[0] + v] = S[k, f + v] / total
            f += layout[1 + i]


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = log p, a = 0."""
    for k in range(P.shape[0]):
        a[k], f = 0.0, 0
        for i in range(layout.size - 1):
            for v in range(layout[1 + i]):
                p = P[k, i * layout[0] + v]
                p = p if 0 <= p <= 1 else np.nan
                eta[k, f] = log_of_share(p)
                f += 1
    return np.inf


@inlinable
def to_free(P, layout, z):  # type: ignore[no-untyped-def]
    """Continuation logits; infinite for a share of nothing too."""
    f = 0
    for k in range(P.shape[0]):
        for i in range(layout.size - 1):
            at, last = i * layout[0], layout[1 + i] - 1
            behind = P[k, at + last]
            for v in range(last - 1, -1, -1):
                p = P[k, at + v]
                z[f + v] = np.inf if p == 0 and behind == 0 else math.log(p) - math.log(behind)
                behind += p
            f += last


@inlinable
def to_natural(z, layout, P):  # type: ignore[no-untyped-def]
    """Each level's share of what the levels before it have left."""
    P[:] = 0.0
    f = 0
    for k in range(P.shape[0]):
        for i in range(layout.size - 1):
            at, last, left = i * layout[0], layout[1 + i] - 1, 1.0
            for v in range(last):
                P[k, at + v] = left / (1.0 + math.exp(-z[f + v]))
                left /= 1.0 + math.exp(z[f + v])
            P[k, at + last] = left
            f += last


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """n_l - (n_l + ... + n_L) p_l / (p_l + ... + p_L)."""
    f, at_count = 0, 1
    for k in range(P.shape[0]):
        at_count = 1
        for i in range(layout.size - 1):
            at, last = i * layout[0], layout[1 + i] - 1
            n, left = S[k, at_count + last], P[k, at + last]
            for v in range(last - 1, -1, -1):
                n += S[k, at_count + v]
                left += P[k, at + v]
                share = P[k, at + v] / left if left > 0 else 1.0
                g[f + v] = S[k, at_count + v] - n * share
            f += last
            at_count += last + 1


CORE = Core(identity, maximise, natural, to_free, to_natural, score)
