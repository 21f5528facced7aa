"""Products of the Hessian of an exponential family's log-likelihood with a direction, in one compiled pass.

The gradient is linear in the expected statistics S, and everything else in it holds no data. Along z + t v,
with s_ik = da_k + deta_k . T(x_i) the derivative of component k's log-density at x_i (its weight included),

    dS_k = sum_i c_i r_ik (s_ik - sum_j r_ij s_ij) (1, T(x_i)),
    H v = score(P, dS) + d/dt score(P(z + t v), S):

Fisher's identity, differentiated (Louis 1982, J. R. Statist. Soc. B 44, 226-233, has it for whole matrices).
The sums over the data are exact. The maps z -> (a, eta) and z -> score at fixed S, which are compositions of
polynomials, exp and log with a scale of one in z, are differentiated by central differences of order 12:
their error is of rounding, about 1e-13 of the terms added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mixcompare.families.kernel import add_statistics, block, copy, log_densities
from mixcompare.families.maps import to_log_weights
from mixcompare.numerics import compiled, inlinable

REACH = 6
"""Points of the differences on either side; their order is twice that."""

SPACE = 1.0 / 32.0
"""Between neighbouring points, in the unconstrained coordinate that changes most."""

FACTORS = np.array(
    [
        (-1) ** (j + 1)
        * math.factorial(REACH) ** 2
        / (j * math.factorial(REACH - j) * math.factorial(REACH + j))
        for j in range(1, REACH + 1)
    ]
)
"""f'(0) = sum_j FACTORS[j - 1] (f(j h) - f(-j h)) / h, exact for polynomials of degree 12."""


@inlinable
def weight(j):  # type: ignore[no-untyped-def]
    """Of f(j h) in h f'(0)."""
    return FACTORS[j - 1] if j > 0 else -FACTORS[-j - 1] if j < 0 else 0.0


@inlinable
def add_slopes(full, work, slopes, da, deta, d_sums):  # type: ignore[no-untyped-def]
    """d_sums += sum_j r_kj (s_kj - mean s_j) (1, T_j), r = c times shares as `add_statistics` left it."""
    T, _, r, total, mean = work
    K = da.size
    log_densities(full, T, slopes, da, deta)
    for j in range(full):
        total[j] = mean[j] = 0.0
    for k in range(K):
        rk, sk = r[k], slopes[k]
        for j in range(full):
            total[j] += rk[j]
            mean[j] += rk[j] * sk[j]
    for j in range(full):
        mean[j] = mean[j] / total[j] if total[j] > 0 else 0.0
        total[j] = 1.0
    for k in range(K):
        rk, sk = r[k], slopes[k]
        for j in range(full):
            sk[j] = rk[j] * (sk[j] - mean[j])
    add_statistics(full, T, slopes, total, d_sums)


@inlinable
def tangent_sweep(statistics, x, counts, centre, scale, here, along, work):  # type: ignore[no-untyped-def]
    """`kernel.sweep` with (a, eta, S) = here, and the derivative of S by (da, deta, d_sums, _) = along."""
    a, eta, S = here
    da, deta, d_sums, slopes = along
    N, B = x.shape[1], work[1].size
    T, c = work[0], work[1]
    unit = counts.size == 0
    S[:] = 0.0
    d_sums[:] = 0.0
    total = 0.0
    for start in range(0, N, B):
        n = min(B, N - start)
        full = (n + 31) // 32 * 32
        statistics(x, start, n, centre, scale, T)
        if not unit:
            copy(counts[start : start + n], c)
        part = np.nan
        for careful in (False, True):
            part = block(n, full, work, a, eta, unit, careful)
            if part == part:
                break
        add_statistics(full, T, work[2], work[3], S)
        add_slopes(full, work, slopes, da, deta, d_sums)
        total += part
    return total


def make_product(
    statistics: Callable[..., None],
    natural: Callable[..., float],
    to_natural: Callable[..., None],
    family_score: Callable[..., None],
) -> Any:
    """One pass from z (q,) and a direction v (q,), not 0, to the log-likelihood and H v (q,), compiled."""

    def product(z, v, n, data, layout, room, result):  # type: ignore[no-untyped-def]
        x, counts, centre, scale, a, eta, work, constant, _ = data
        P, log_weights, S, da, deta, d_sums, slopes = room
        K = log_weights.size
        z_family, v_family, g = z[K - 1 :], v[K - 1 :], np.empty(z.size - (K - 1))
        top = 0.0
        for i in range(v.size):
            top = max(top, abs(v[i]))
        h = SPACE / top

        da[:] = 0.0
        deta[:] = 0.0
        for i in range(2 * REACH + 1):
            j = i - REACH if i < REACH else 2 * REACH - i  # the point itself comes last
            to_natural(z_family + j * h * v_family, layout, P)
            natural(P, layout, a, eta)
            factor = weight(j) / h
            for k in range(K):
                da[k] += factor * a[k]
                for m in range(eta.shape[1]):
                    deta[k, m] += factor * eta[k, m]
        to_log_weights(z, log_weights)
        mean = 0.0
        for k in range(K - 1):
            mean += math.exp(log_weights[k]) * v[k]
        for k in range(K):
            a[k] += log_weights[k]
            da[k] += (v[k] if k < K - 1 else 0.0) - mean

        here, along = (a, eta, S), (da, deta, d_sums, slopes)
        value = tangent_sweep(statistics, x, counts, centre, scale, here, along, work)

        for k in range(K - 1):
            result[k] = d_sums[k, 0] - n * math.exp(log_weights[k]) * (v[k] - mean)
        result[K - 1 :] = 0.0
        for j in range(-REACH, REACH + 1):
            to_natural(z_family + j * h * v_family, layout, P)
            family_score(P, S if j else d_sums, layout, g)
            factor = weight(j) / h if j else 1.0
            for i in range(g.size):
                result[K - 1 + i] += factor * g[i]
        return value + constant

    return compiled(product)
