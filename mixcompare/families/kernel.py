"""The one compiled pass that serves every exponential family: log f_k(x) = a_k + eta_k . T(x).

A pass goes over the data in blocks that stay in the first-level cache. For each block it fills the
sufficient statistics T, multiplies them with the natural parameters (E-step, first half), exponentiates
and normalises (E-step, second half) and adds the responsibility-weighted statistics to S (what the M-step
and the score need). No (n, K) array exists. Inner loops run over points, so that they vectorise.

The normal case exponentiates without subtracting a maximum; a block in which a density leaves
[1e-290, 1e290] is redone with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mixcompare.numerics import aligned, bits, compiled, inlinable, unbits, vexp, vlog

LN2 = math.log(2.0)
NONE = np.empty(0)
"""Stands for "all counts are one"."""

DEAD = -1e300
"""Log-density of the component that makes an odd number even, so that the tiles need no remainder."""


def padded(size: int) -> int:
    """Statistics are held in an even number of rows, for the tiles below."""
    return size + size % 2


@inlinable
def block_size(even, rows):  # type: ignore[no-untyped-def]
    """Points of one block, for so many rows of densities and of statistics: 48 KB, a multiple of 32."""
    return min(256, max(32, 6000 // (even + rows + 3) // 32 * 32))


def workspace(n_components: int, n_statistics: int) -> tuple[np.ndarray, ...]:
    """Buffers of one block: T, counts, densities, totals, maxima."""
    rows = padded(n_statistics)
    even = n_components + n_components % 2
    points = block_size(even, rows)
    return (
        aligned(rows, points),
        aligned(points),
        aligned(even, points),
        aligned(points),
        aligned(points),
    )


@inlinable
def copy(source, target):  # type: ignore[no-untyped-def]
    """target[:source.size] = source, without numba's checks for overlap."""
    for j in range(source.size):
        target[j] = source[j]


@inlinable
def identity(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
    """T = x: statistics of counts, shares and indicators, which have no unit."""
    for i in range(x.shape[0]):
        copy(x[i, start : start + n], T[i])


@inlinable
def log_densities(full, T, r, a, eta):  # type: ignore[no-untyped-def]
    """r = a + eta T, by tiles of 2 components x 4 statistics; two statistics come first where M % 4 = 2."""
    K, M = a.size, eta.shape[1]
    for k in range(0, K, 2):
        r0, r1, a0, a1 = r[k], r[k + 1], a[k], a[k + 1]
        if M % 4:
            t0, t1 = T[0], T[1]
            g0, g1, h0, h1 = eta[k, 0], eta[k, 1], eta[k + 1, 0], eta[k + 1, 1]
            for j in range(full):
                u = a0 + (g0 * t0[j] + g1 * t1[j])
                v = a1 + (h0 * t0[j] + h1 * t1[j])
                r0[j], r1[j] = u, v
        else:
            for j in range(full):
                r0[j], r1[j] = a0, a1
        for m in range(M % 4, M, 4):
            t0, t1, t2, t3 = T[m], T[m + 1], T[m + 2], T[m + 3]
            g0, g1, g2, g3 = eta[k, m], eta[k, m + 1], eta[k, m + 2], eta[k, m + 3]
            h0, h1, h2, h3 = (
                eta[k + 1, m],
                eta[k + 1, m + 1],
                eta[k + 1, m + 2],
                eta[k + 1, m + 3],
            )
            for j in range(full):
                u = r0[j] + (g0 * t0[j] + g1 * t1[j]) + (g2 * t2[j] + g3 * t3[j])
                v = r1[j] + (h0 * t0[j] + h1 * t1[j]) + (h2 * t2[j] + h3 * t3[j])
                r0[j], r1[j] = u, v


@inlinable
def add_statistics(full, T, r, w, S):  # type: ignore[no-untyped-def]
    """r *= w, and S += r (1, T)', by the same tiles."""
    K, M = S.shape[0], S.shape[1] - 1
    for k in range(0, K, 2):
        r0, r1, s0, s1 = r[k], r[k + 1], 0.0, 0.0
        if M % 4:
            t0, t1 = T[0], T[1]
            u0 = u1 = v0 = v1 = 0.0
            for j in range(full):
                u, v = r0[j] * w[j], r1[j] * w[j]
                r0[j], r1[j] = u, v
                s0 += u
                s1 += v
                u0 += u * t0[j]
                u1 += u * t1[j]
                v0 += v * t0[j]
                v1 += v * t1[j]
            S[k, 1] += u0
            S[k, 2] += u1
            S[k + 1, 1] += v0
            S[k + 1, 2] += v1
        else:
            for j in range(full):
                u, v = r0[j] * w[j], r1[j] * w[j]
                r0[j], r1[j] = u, v
                s0 += u
                s1 += v
        S[k, 0] += s0
        S[k + 1, 0] += s1
        for m in range(M % 4, M, 4):
            t0, t1, t2, t3 = T[m], T[m + 1], T[m + 2], T[m + 3]
            u0 = u1 = u2 = u3 = v0 = v1 = v2 = v3 = 0.0
            for j in range(full):
                u0 += r0[j] * t0[j]
                u1 += r0[j] * t1[j]
                u2 += r0[j] * t2[j]
                u3 += r0[j] * t3[j]
                v0 += r1[j] * t0[j]
                v1 += r1[j] * t1[j]
                v2 += r1[j] * t2[j]
                v3 += r1[j] * t3[j]
            for i, u, v in ((1, u0, v0), (2, u1, v1), (3, u2, v2), (4, u3, v3)):
                S[k, m + i] += u
                S[k + 1, m + i] += v


@inlinable
def block(n, full, work, a, eta, unit, careful):  # type: ignore[no-untyped-def]
    """Densities r, up to a factor a point, and c_j over their totals; sum_j c_j log f(x_j).

    Returns nan if a density left the range. Points beyond n have weight zero.
    """
    T, c, r, tot, top = work
    K = a.size
    log_densities(full, T, r, a, eta)
    ll = 0.0
    if careful:
        copy(r[0], top)
        for k in range(1, K):
            for j in range(full):
                top[j] = r[k, j] if r[k, j] > top[j] else top[j]
        for j in range(n):
            ll += top[j] if unit else c[j] * top[j]
        for k in range(K):
            for j in range(full):
                r[k, j] -= top[j]
    for j in range(full):
        tot[j] = 0.0
    for k in range(K):
        rk = r[k]
        for j in range(full):
            rk[j] = vexp(rk[j])
            tot[j] += rk[j]
    bad = 0
    if unit:  # the log of one product, binary exponents summed apart
        exponent, mantissa = 0, 1.0
        for j in range(n):
            p = tot[j]
            bad += 0 if 1e-290 <= p <= 1e290 else 1  # nan too
            b = bits(p)
            exponent += (b >> 52) - 1023
            mantissa *= unbits(b & 0xFFFFFFFFFFFFF | 0x3FF0000000000000)
            tot[j] = 1.0 / p
        ll += math.log(mantissa) + exponent * LN2
    else:
        for j in range(n):
            p = tot[j]
            bad += 0 if 1e-290 <= p <= 1e290 else 1
            ll += c[j] * vlog(p)
            tot[j] = c[j] / p
    for j in range(n, full):
        tot[j] = 0.0
    return np.nan if bad else ll


@inlinable
def sweep(statistics, x, counts, centre, scale, a, eta, S, work):  # type: ignore[no-untyped-def]
    """One pass: S (K, 1 + M) becomes the expected sums of (1, T); returns the log-likelihood.

    statistics(x, start, n, centre, scale, T) fills T[:M, :n] from columns of x (d, N); counts (N,) or
    `NONE`; a (K,) with the log weights in it and eta (K, M), K even and M padded. The result is without
    the base measure, and nan if it is not finite.
    """
    N, B = x.shape[1], work[1].size
    T, c = work[0], work[1]
    unit = counts.size == 0
    S[:] = 0.0
    total = 0.0
    for start in range(0, N, B):
        n = min(B, N - start)
        full = (n + 31) // 32 * 32  # no scalar remainder loops; the rest gets weight zero
        statistics(x, start, n, centre, scale, T)
        if not unit:
            copy(counts[start : start + n], c)
        part = np.nan
        # One place that calls it, since each holds a copy. Every loop over blocks writes this out: called as
        # a function, it compiles to other last digits.
        for careful in (False, True):
            part = block(n, full, work, a, eta, unit, careful)
            if part == part:
                break
        if part == part:
            add_statistics(full, T, work[2], work[3], S)
        total += part
    return total


def make_pass(statistics: Callable[..., None]) -> Any:
    """`sweep` with the base measure, compiled for one family's statistics; `data` as `FusedPass` holds it."""

    def accumulate(data, S):  # type: ignore[no-untyped-def]
        x, counts, centre, scale, a, eta, work, constant, _ = data
        return sweep(statistics, x, counts, centre, scale, a, eta, S, work) + constant

    return compiled(accumulate)
