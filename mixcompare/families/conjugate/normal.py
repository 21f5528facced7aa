"""Normal components under the prior of Richardson and Green (1997, J. R. Statist. Soc. B 59, 731-792).

Means N(m, R^2) feature by feature; precisions Gamma(shape, b) with b ~ Gamma(g, h), for matrices the same
with Wishart distributions (Stephens 1997, thesis, Oxford, section 2.3). See base.py for the protocol. A draw
goes through b given the precisions, means given the covariances, covariances given the means.

numbers: shape, g, then m, 1 / R^2 and h, (d,) each; of h the first alone counts where there is one
variance for all features.
"""

from __future__ import annotations

import math

import numpy as np

from mixcompare.families.conjugate.base import bartlett
from mixcompare.families.covariance.factors import factor, invert
from mixcompare.numerics import inlinable


@inlinable
def draw_mean(rng, N, total, tau, m, tau_0):  # type: ignore[no-untyped-def]
    """One location: a precision-weighted mean of N observations with sum `total` and of the prior."""
    precision = tau_0 + N * tau
    return (tau_0 * m + tau * total) / precision + rng.standard_normal() / math.sqrt(precision)


@inlinable
def about(N, first, second, mean):  # type: ignore[no-untyped-def]
    """Sum of squares about `mean`; never less than 0, whatever rounding makes of it."""
    return max(second - mean * (2.0 * first - N * mean), 0.0)


@inlinable
def draw_diagonal(rng, S, numbers, layout, P):  # type: ignore[no-untyped-def]
    """A variance of its own for each feature, of each component or (tied) of all; d = 1 too."""
    K, d, tied = P.shape[0], layout[0], layout[1]
    shape, g = numbers[0], numbers[1]
    for i in range(d):
        at = d + i * d + i
        rate, count = numbers[2 + 2 * d + i], 0
        for k in range(1 if tied else K):
            rate += 1.0 / P[k, at]
            count += 1
        b = rng.standard_gamma(g + count * shape) / rate
        N = squares = 0.0
        for k in range(K):
            tau, n, first = 1.0 / P[k, at], S[k, 0], S[k, 1 + i]
            P[k, i] = draw_mean(rng, n, first, tau, numbers[2 + i], numbers[2 + d + i])
            N += n
            squares += about(n, first, S[k, 1 + d + i], P[k, i])
            if not tied:
                P[k, at] = (b + 0.5 * squares) / rng.standard_gamma(shape + 0.5 * N)
                N = squares = 0.0
        if tied:
            variance = (b + 0.5 * squares) / rng.standard_gamma(shape + 0.5 * N)
            for k in range(K):
                P[k, at] = variance


@inlinable
def draw_spherical(rng, S, numbers, layout, P):  # type: ignore[no-untyped-def]
    """One variance for all features of a component."""
    K, d = P.shape[0], layout[0]
    shape, rate = numbers[0], numbers[2 + 2 * d]
    for k in range(K):
        rate += 1.0 / P[k, d]
    b = rng.standard_gamma(numbers[1] + K * shape) / rate
    for k in range(K):
        tau, n, first, square = 1.0 / P[k, d], S[k, 0], 0.0, 0.0
        for i in range(d):
            P[k, i] = draw_mean(rng, n, S[k, 1 + i], tau, numbers[2 + i], numbers[2 + d + i])
            first += P[k, i] * S[k, 1 + i]
            square += P[k, i] * P[k, i]
        squares = max(S[k, 1 + d] - 2.0 * first + n * square, 0.0)
        variance = (b + 0.5 * squares) / rng.standard_gamma(shape + 0.5 * n * d)
        for i in range(d):
            P[k, d + i * d + i] = variance


@inlinable
def split(matrix, d, work):  # type: ignore[no-untyped-def]
    """The lower Cholesky factor of a matrix (d, d) and the inverse of that, into the first two of work."""
    L, inverse, packed = work
    for i in range(d):
        for j in range(i + 1):
            packed[d + i * d + j] = matrix[i, j]
    factor(packed, d, L)
    invert(L, d, inverse)


@inlinable
def add(c, X, d, Z):  # type: ignore[no-untyped-def]
    """Z (d, d) += c X."""
    for i in range(d):
        for j in range(d):
            Z[i, j] += c * X[i, j]


@inlinable
def set_to(c, X, d, Z):  # type: ignore[no-untyped-def]
    """Z (d, d) = c X."""
    for i in range(d):
        for j in range(d):
            Z[i, j] = c * X[i, j]


@inlinable
def multiply(X, Y, d, Z):  # type: ignore[no-untyped-def]
    """Z (d, d) = X' Y."""
    for i in range(d):
        for j in range(d):
            Z[i, j] = 0.0
            for m in range(d):
                Z[i, j] += X[m, i] * Y[m, j]


@inlinable
def draw_hyper(rng, numbers, m, d, H, work, A, X, B):  # type: ignore[no-untyped-def]
    """B (d, d) ~ Wishart(2 g + 2 m shape, H^-1) from m matrices: X'X with X = A' L^-1 and H = L L'."""
    split(H, d, work)
    bartlett(rng, 2.0 * (numbers[1] + m * numbers[0]), d, A)
    multiply(A, work[1], d, X)
    multiply(X, X, d, B)


@inlinable
def draw_means(rng, s, numbers, d, tau, p, work, Q):  # type: ignore[no-untyped-def]
    """The mean of one component, from N(Q^-1 c, Q^-1): Q = 1 / R^2 + N tau, c = m / R^2 + tau S_1."""
    for i in range(d):
        for j in range(d):
            Q[i, j] = s[0] * tau[i, j]
        Q[i, i] += numbers[2 + d + i]
    split(Q, d, work)
    inverse = work[1]
    for i in range(d):
        Q[0, i] = numbers[2 + i] * numbers[2 + d + i]
        for j in range(d):
            Q[0, i] += tau[i, j] * s[1 + j]
        p[i] = 0.0
    for i in range(d):  # L^-T (L^-1 c + noise) with Q = L L'
        step = rng.standard_normal()
        for j in range(i + 1):
            step += inverse[i, j] * Q[0, j]
        for j in range(i + 1):
            p[j] += inverse[i, j] * step


@inlinable
def add_scatter(s, d, p, W):  # type: ignore[no-untyped-def]
    """W (d, d) += sum of (x - m)(x - m)' over the observations behind the sums s (1 + M,)."""
    f = 1 + d
    for i in range(d):
        for j in range(i, d):
            square = s[f] - p[i] * s[1 + j] - p[j] * s[1 + i] + s[0] * p[i] * p[j]
            W[i, j] += square
            if i != j:
                W[j, i] += square
            f += 1


@inlinable
def draw_covariance(rng, df, W, d, work, A, X, covariance):  # type: ignore[no-untyped-def]
    """The inverse of a Wishart(df, W^-1) matrix: X'X with X = A^-1 L' and W = L L'."""
    L, inverse, packed = work
    bartlett(rng, df, d, A)
    invert(A, d, inverse)
    for i in range(d):
        for j in range(i + 1):
            packed[d + i * d + j] = W[i, j]
    factor(packed, d, L)
    for i in range(d):
        for j in range(d):
            X[i, j] = 0.0
            for m in range(min(i, j) + 1):
                X[i, j] += inverse[i, m] * L[j, m]
    multiply(X, X, d, covariance)


@inlinable
def draw_full(rng, S, numbers, layout, P):  # type: ignore[no-untyped-def]
    """A matrix for each component or (tied) for all."""
    K, d, tied = P.shape[0], layout[0], layout[1]
    work = (np.zeros((d, d)), np.zeros((d, d)), np.zeros(d + d * d))
    A, X, B, W, tau = (
        np.zeros((d, d)),
        np.zeros((d, d)),
        np.zeros((d, d)),
        np.zeros((d, d)),
        np.zeros((K, d, d)),
    )
    for i in range(d):
        W[i, i] = 2.0 * numbers[2 + 2 * d + i]
    for k in range(K):
        for i in range(d):
            for j in range(d):
                X[i, j] = P[k, d + i * d + j]
        split(X, d, work)
        multiply(work[1], work[1], d, tau[k])
        if k == 0 or not tied:
            add(2.0, tau[k], d, W)
    draw_hyper(rng, numbers, 1 if tied else K, d, W, work, A, X, B)
    df, first = 2.0 * numbers[0], 0
    set_to(2.0, B, d, W)
    for k in range(K):
        draw_means(rng, S[k], numbers, d, tau[k], P[k], work, X)
        df += S[k, 0]
        add_scatter(S[k], d, P[k], W)
        if k == K - 1 or not tied:
            draw_covariance(rng, df, W, d, work, A, X, tau[k])
            for i in range(first, k + 1):
                for j in range(d * d):
                    P[i, d + j] = tau[k, j // d, j % d]
            df, first = 2.0 * numbers[0], k + 1
            set_to(2.0, B, d, W)
