"""Functions around log Gamma(a) from which what is large has been taken away, compiled.

For large a, log Gamma(a), its derivatives and log a agree in most of their digits: a shape parameter needs
the small differences. Source: the asymptotic series of Abramowitz and Stegun (1964), 6.1.41, 6.3.18 and
6.4.12, used from 10 on, where the terms left out are below 1e-16; below, the recurrences 6.3.5 and 6.4.6.
"""

from __future__ import annotations

import math

from mixcompare.numerics import inlinable

LARGE = 10.0
"""From here on the series hold."""

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)

NEAR = 0.1
"""Distance from 1 below which y - 1 - log y cancels and has a series of its own."""


@inlinable
def log_less_digamma(a):  # type: ignore[no-untyped-def]
    """log a - psi(a), psi the derivative of log Gamma; falls from infinity to 1 / 2a."""
    total, y = 0.0, a
    while y < LARGE:
        total += 1.0 / y
        y += 1.0
    z = 1.0 / (y * y)
    tail = z * (1 / 240 - z * (1 / 132 - z * (691 / 32760 - z / 12)))
    series = 0.5 / y + z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - tail)))
    return series + total + math.log(a / y) if total > 0 else series


@inlinable
def trigamma_excess(a):  # type: ignore[no-untyped-def]
    """a psi'(a) - 1: minus the derivative of `log_less_digamma` by log a; falls from infinity to 1 / 2a."""
    total, y = 0.0, a
    while y < LARGE:
        total += 1.0 / (y * y)
        y += 1.0
    z = 1.0 / (y * y)
    tail = z * (1 / 30 - z * (5 / 66 - z * (691 / 2730 - z * 7 / 6)))
    excess = 0.5 / y + z * (1 / 6 - z * (1 / 30 - z * (1 / 42 - tail)))
    return a * (total + (1.0 + excess) / y) - 1.0 if total > 0 else excess


@inlinable
def log_peak(a):  # type: ignore[no-untyped-def]
    """a log a - a - log Gamma(a), log of the density of x f(x) at the mean; about log(a / 2 pi) / 2."""
    if a < LARGE:
        return a * math.log(a) - a - math.lgamma(a)
    z = 1.0 / (a * a)
    tail = z * (1 / 1680 - z * (1 / 1188 - z * (691 / 360360 - z / 156)))
    binet = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - tail))) / a
    return 0.5 * math.log(a) - HALF_LOG_2PI - binet


@inlinable
def log_deficit(y, v):  # type: ignore[no-untyped-def]
    """y - 1 - log y >= 0 for y > 0, where v = y - 1 is given without its own loss of digits.

    With s = v / (2 + v), log y = 2 atanh s and v - 2 s = v s.
    """
    if abs(v) > NEAR:
        return v - math.log(y)
    s = v / (2.0 + v)
    z = s * s
    tail = z * (1 / 9 + z * (1 / 11 + z * (1 / 13 + z / 15)))
    return v * s - 2.0 * s * z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + tail)))


@inlinable
def inverse_log_less_digamma(g):  # type: ignore[no-untyped-def]
    """The a at which log a - psi(a) = g > 0, to full precision; nan for other g.

    Newton's method on log g as a function of log a, which is nearly linear (its slope is between -1.2
    and -1), from the start of Minka (2002), Estimating a Gamma distribution, within 1.5 % of the solution.
    """
    if not g > 0:
        return math.nan
    a = (3.0 - g + math.sqrt((g - 3.0) * (g - 3.0) + 24.0 * g)) / (12.0 * g)
    for _ in range(8):
        h = log_less_digamma(a)
        step = math.log(h / g) * h / trigamma_excess(a)
        a *= math.exp(step)
        if abs(step) < 1e-15:
            break
    return a
