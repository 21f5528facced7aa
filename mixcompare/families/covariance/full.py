"""Free covariance matrices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare.families.base import Frame
from mixcompare.families.conjugate.normal import draw_full
from mixcompare.families.core import Core
from mixcompare.families.covariance.base import (
    LOG_2PI,
    Kind,
    about_mean,
    centred,
    cholesky,
    log_sds,
    means_to_free,
    own_sd,
    pool,
    ratio,
    symmetric,
    variance,
)
from mixcompare.families.covariance.factors import factor, invert
from mixcompare.families.maps import lesser
from mixcompare.families.priors.densities import log_lkj_density
from mixcompare.numerics import inlinable


@inlinable
def statistics(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
    """T = (x_i, x_i x_k for i <= k)."""
    centred(x, start, n, centre, scale, T)
    d = x.shape[0]
    f = d
    for i in range(d):
        for k in range(i, d):
            u, v, w = T[i], T[k], T[f]
            for j in range(n):
                w[j] = u[j] * v[j]
            f += 1


@inlinable
def maximise(S, layout, P):  # type: ignore[no-untyped-def]
    """Weighted means and covariance matrices; the pooled matrix if tied."""
    d = layout[0]
    for k in range(P.shape[0]):
        for i in range(d):
            P[k, i] = S[k, 1 + i] / S[k, 0]
        f = 1 + d
        for i in range(d):
            for j in range(i, d):
                covariance = S[k, f] / S[k, 0] - P[k, i] * P[k, j]
                if i == j:
                    covariance = variance(S[k, f] / S[k, 0], P[k, i] * P[k, i])
                P[k, d + i * d + j] = covariance
                P[k, d + j * d + i] = covariance
                f += 1
    if layout[1]:
        pool(S, P, d)


@inlinable
def natural(P, layout, a, eta):  # type: ignore[no-untyped-def]
    """eta = (P m, -P_ii / 2, -P_ij) with P = L^-T L^-1.

    1 / trace P stands for the smallest eigenvalue: it is no larger, and no less than a d-th of it.
    """
    d, least = layout[0], np.inf
    L, inverse = np.zeros((d, d)), np.zeros((d, d))
    for k in range(P.shape[0]):
        p, e = P[k], eta[k]
        factor(p, d, L)
        invert(L, d, inverse)
        total, trace = d * LOG_2PI, 0.0
        for j in range(d):
            total += 2.0 * math.log(L[j, j])
            for i in range(j, d):
                trace += inverse[i, j] * inverse[i, j]
        f = d
        for i in range(d):
            e[i] = 0.0
        for i in range(d):
            for j in range(i, d):
                precision = 0.0
                for m in range(j, d):
                    precision += inverse[m, i] * inverse[m, j]
                e[f] = -0.5 * precision if i == j else -precision
                f += 1
                e[i] += precision * p[j]
                if i != j:
                    e[j] += precision * p[i]
        for i in range(d):
            total += p[i] * e[i]
        a[k] = -0.5 * total
        least = lesser(least, 1.0 / trace)
    return math.sqrt(least)


@inlinable
def to_free(P, layout, z):  # type: ignore[no-untyped-def]
    """Means, then the Cholesky factors row by row, logarithms on the diagonal."""
    K, d = P.shape[0], layout[0]
    means_to_free(P, d, z)
    L, f = np.zeros((d, d)), K * d
    for k in range(1 if layout[1] else K):
        factor(P[k], d, L)
        for i in range(d):
            for j in range(i + 1):
                z[f] = math.log(L[i, j]) if i == j else L[i, j]
                f += 1


@inlinable
def to_natural(z, layout, P):  # type: ignore[no-untyped-def]
    """The inverse: L L'."""
    K, d = P.shape[0], layout[0]
    L, f = np.zeros((d, d)), K * d
    for k in range(K):
        for i in range(d):
            P[k, i] = z[k * d + i]
        f = K * d if layout[1] else f
        for i in range(d):
            for j in range(i + 1):
                L[i, j] = math.exp(z[f]) if i == j else z[f]
                f += 1
        for i in range(d):
            for j in range(i + 1):
                covariance = 0.0
                for m in range(j + 1):
                    covariance += L[i, m] * L[j, m]
                P[k, d + i * d + j] = covariance
                P[k, d + j * d + i] = covariance


@inlinable
def score(P, S, layout, g):  # type: ignore[no-untyped-def]
    """L^-T r for a mean with r = L^-1 (S_1 - N m), and L^-T (L^-1 C L^-T - N I) for the factor L.

    C is the sum of squares about m; derivatives by the logarithms on the diagonal of L are L_ii times
    those by L_ii (Magnus and Neudecker 1999, Matrix Differential Calculus, ch. 9).
    """
    K, d = P.shape[0], layout[0]
    g[K * d :] = 0.0
    L, inverse = np.zeros((d, d)), np.zeros((d, d))
    C, half, first = np.zeros((d, d)), np.zeros((d, d)), np.zeros(d)
    for k in range(K):
        p, N = P[k], S[k, 0]
        factor(p, d, L)
        invert(L, d, inverse)
        for i in range(d):
            first[i] = S[k, 1 + i] - N * p[i]
        f = 1 + d
        for i in range(d):
            for j in range(i, d):
                C[i, j] = S[k, f] - p[i] * S[k, 1 + j] - p[j] * first[i]
                C[j, i] = C[i, j]
                f += 1
        for i in range(d):  # half = L^-1 C
            for j in range(d):
                half[i, j] = 0.0
                for m in range(i + 1):
                    half[i, j] += inverse[i, m] * C[m, j]
        for i in range(d):  # C = L^-1 C L^-T - N I
            for j in range(d):
                C[i, j] = -N if i == j else 0.0
                for m in range(j + 1):
                    C[i, j] += half[i, m] * inverse[j, m]
        f = K * d if layout[1] else K * d + k * (d * (d + 1) // 2)
        for i in range(d):
            g[k * d + i] = 0.0
            for m in range(i, d):
                for j in range(m + 1):
                    g[k * d + i] += inverse[m, i] * inverse[m, j] * first[j]
            for j in range(i + 1):
                slope = 0.0
                for m in range(i, d):
                    slope += inverse[m, i] * C[m, j]
                g[f] += slope * L[i, i] if i == j else slope
                f += 1


class Full(Kind):
    """Any positive definite matrix.

    Coordinates: the Cholesky factor L row by row, logarithms on the diagonal (Pinheiro and Bates 1996,
    their log-Cholesky parametrisation).
    """

    core = Core(statistics, maximise, natural, to_free, to_natural, score)
    conjugate = staticmethod(draw_full)
    correlated = True

    def scale(self, variances: np.ndarray) -> np.ndarray:
        """Each feature's own sd."""
        return own_sd(variances)

    def dimension(self, n_statistics: int) -> int:
        """From d + d (d + 1) / 2."""
        return int((np.sqrt(9 + 8 * n_statistics) - 3) / 2 + 0.5)

    def n_second(self, d: int) -> int:
        """d (d + 1) / 2."""
        return d * (d + 1) // 2

    def moments(self, second: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        return symmetric(second, d, *np.triu_indices(d))

    def project(self, scatter: np.ndarray) -> np.ndarray:
        """Itself."""
        return scatter

    def violation(self, matrix: np.ndarray) -> str:
        """Symmetry."""
        scale = np.sqrt(np.abs(np.diag(matrix)))
        wrong = np.abs(matrix - matrix.T) > 1e-8 * scale * scale[:, None]
        return "symmetric" if wrong.any() else ""

    def next_variance(self, residual: np.ndarray, r: np.ndarray, matrix: np.ndarray) -> float:
        """See `Kind`."""
        values, vectors = np.linalg.eigh(matrix)
        return ratio(about_mean(residual @ vectors[:, :1], r), float(values[0]))

    def n_free(self, d: int) -> int:
        """d (d + 1) / 2."""
        return d * (d + 1) // 2

    def names(self, which: str, columns: Sequence[str]) -> list[str]:
        """See `Kind`."""
        names = []
        for i, column in enumerate(columns):
            names += [f"covariance factor{which} ({column}, {columns[j]})" for j in range(i)]
            names += [f"log sd{which} of {column}"]
        return names

    def units(self, frame: Frame) -> np.ndarray:
        """Scale of its row for an off-diagonal element, 1 for a logarithm."""
        rows, columns = np.tril_indices(frame.scale.size)
        return np.where(rows == columns, 1.0, frame.scale[rows])

    def naive_kinds(self, d: int) -> list[str]:
        """The lower triangle by rows."""
        rows, columns = np.tril_indices(d)
        return [
            "variances" if i == j else "covariances" for i, j in zip(rows, columns, strict=True)
        ]

    def to_naive(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        rows, columns = np.tril_indices(covariances.shape[1])
        return covariances[:, rows, columns]

    def from_naive(self, raw: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        return symmetric(raw, d, *np.tril_indices(d))

    def naive_density(self, x: np.ndarray, mean: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """`multivariate_normal.pdf`, which raises where the matrix is no covariance."""
        from scipy import stats

        matrix = self.from_naive(raw[None], x.shape[1])[0]
        density: np.ndarray = stats.multivariate_normal.pdf(x, mean, matrix)
        return density

    def pymc_matrices(
        self, m: int, d: int, sds: tuple[Any, dict[str, Any]], eta: Any
    ) -> dict[str, Any]:
        """One packed factor "factor_k" a matrix."""
        import pymc as pm

        distribution, arguments = sds
        factors = []
        for k in range(m):
            packed = pm.LKJCholeskyCov(
                f"factor_{k}",
                n=d,
                eta=eta,
                sd_dist=distribution.dist(**arguments, shape=d),
                compute_corr=False,
            )
            factors.append(pm.math.expand_packed_triangular(d, packed, lower=True))
        return {"factors": factors}

    def pymc_from_free(self, free: Any, d: int) -> dict[str, Any]:
        """See `Kind`."""
        import pytensor.tensor as pt

        rows, columns = np.tril_indices(d)
        on = rows == columns
        values = pt.where(on, pt.exp(pt.where(on, free, 0.0)), free)
        m = free.type.shape[0]
        return {
            "factors": [
                pt.set_subtensor(pt.zeros((d, d))[rows, columns], values[k]) for k in range(m)
            ]
        }

    def pymc_distances(
        self, x: Any, means: Any, matrices: Mapping[str, Any], K: int
    ) -> tuple[Any, Any]:
        """See `Kind`."""
        import pytensor.tensor as pt

        d, columns, halves, factors = x.type.shape[1], [], [], matrices["factors"]
        for k, root in enumerate(factors):
            inverse = pt.linalg.solve_triangular(root, pt.eye(d), lower=True)
            halves.append(pt.log(pt.diagonal(root)).sum())
            for j in range(K) if len(factors) < K else [k]:
                residual = pt.dot(x - means[j], inverse.T)
                columns.append((residual**2).sum(axis=1))
        return pt.stack(columns, axis=1), pt.stack(halves)

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `Kind`."""
        import pytensor.tensor as pt

        means, (K, d) = parameters["means"], parameters["means"].type.shape
        rows, columns = np.triu_indices(d)
        once = np.where(rows == columns, 0.5, 1.0)
        a, eta = [], []
        for k, root in zip(range(K), itertools.cycle(parameters["factors"])):
            inverse = pt.linalg.solve_triangular(root, pt.eye(d), lower=True)
            precision = pt.dot(inverse.T, inverse)
            linear = pt.dot(precision, means[k])
            half = pt.log(pt.diagonal(root)).sum()
            a.append(-0.5 * (pt.dot(means[k], linear) + d * LOG_2PI) - half)
            eta.append(pt.concatenate([linear, -once * precision[rows, columns]]))
        return pt.stack(a), pt.stack(eta)

    def from_draws(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        """See `Kind`."""
        packed = np.stack([draws[f"factor_{k}"] for k in range(m)], -2)
        rows, columns = np.tril_indices(d)
        factors = np.zeros((*packed.shape[:-1], d, d))
        factors[..., rows, columns] = packed
        return factors @ factors.swapaxes(-1, -2)

    def to_draws(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        """See `Kind`."""
        rows, columns = np.tril_indices(covariances.shape[1])
        factors = cholesky(covariances)
        return {f"factor_{k}": factor[rows, columns] for k, factor in enumerate(factors)}

    def from_free(self, free: np.ndarray, d: int) -> np.ndarray:
        """See `Kind`."""
        rows, columns = np.tril_indices(d)
        factors = np.zeros((*free.shape[:-1], d, d))
        factors[..., rows, columns] = free
        factors[..., range(d), range(d)] = np.exp(factors[..., range(d), range(d)])
        return factors @ factors.swapaxes(-1, -2)

    def free(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        d = covariances.shape[1]
        factors = cholesky(covariances)
        factors[:, range(d), range(d)] = np.log(factors[:, range(d), range(d)])
        return factors[:, *np.tril_indices(d)]

    def apart(self, covariances: np.ndarray, eta: float) -> tuple[np.ndarray, float]:
        """See `Kind`."""
        rest = sum(log_lkj_density(factor, eta) for factor in cholesky(covariances))
        return log_sds(covariances), float(rest)
