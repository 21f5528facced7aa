"""What compiled code must know of an exponential family, and the functions that are compiled from it.

In compiled code the parameters of all components are one table P (K, p): the natural parameters of a
component, raveled and side by side in the order of `Family.shapes`, in the frame's units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mixcompare.numerics import compiled


class Core(NamedTuple):
    """The functions of an exponential family that compiled code calls (marked `inlinable`).

    `layout` holds what they must know of the model, as whole numbers: see the family.
    """

    statistics: Callable[..., None]
    """(x, start, n, centre, scale, T): fills T[:M, :n] from columns of x (d, N)."""
    maximise: Callable[..., None]
    """(S, layout, P): the M-step, from expected sums S (K, 1 + M) of (1, T); nan where one is empty."""
    natural: Callable[..., float]
    """(P, layout, a, eta): fills a (K,), without weights, and eta (K, M); nan outside the domain.

    Returns the smallest spread (see `Family.spread`), or a bound from below that is never less than a
    d-th of its square; inf if nothing collapses.
    """
    to_free: Callable[..., None]
    """(P, layout, z): fills the family's unconstrained coordinates; infinite at an edge."""
    to_natural: Callable[..., None]
    """(z, layout, P): the inverse."""
    score: Callable[..., None]
    """(P, S, layout, g): fills the gradient of the log-likelihood in the same coordinates, nats, from the
    expected sums S at the same point (Fisher's identity); linear in S, whatever S holds."""


_RUN: dict[Any, Any] = {}
_MADE: dict[Any, Any] = {}


def run(function: Callable[..., Any]) -> Any:
    """A function of a `Core`, compiled for calls from Python; made once."""
    if function not in _RUN:
        _RUN[function] = compiled(function)
    return _RUN[function]


def made(factory: Callable[..., Any], *functions: Any) -> Any:
    """What a factory of compiled code makes of these functions of a `Core`; made once."""
    key = (factory, *functions)
    if key not in _MADE:
        _MADE[key] = factory(*functions)
    return _MADE[key]
