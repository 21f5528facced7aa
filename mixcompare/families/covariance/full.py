"""Free covariance matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare.families.base import Frame
from mixcompare.families.covariance.base import (
    LOG_2PI,
    Kind,
    about_mean,
    centred,
    cholesky,
    own_sd,
    precisions,
    symmetric,
)
from mixcompare.families.priors import LKJ_ETA, LOG_SD, log_factor_density
from mixcompare.numerics import compiled


def _products(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
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


products = compiled(_products)


class Full(Kind):
    """Any positive definite matrix.

    Coordinates: the Cholesky factor L row by row, logarithms on the diagonal (Pinheiro and Bates 1996,
    their log-Cholesky parametrisation). Prior: sds LogNormal, correlations LKJ(2).
    """

    statistics = products
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

    def natural(self, precision: np.ndarray) -> np.ndarray:
        """(-P_ii / 2, -P_ij)."""
        rows, columns = np.triu_indices(precision.shape[1])
        return precision[:, rows, columns] * np.where(rows == columns, -0.5, -1.0)

    def violation(self, matrix: np.ndarray) -> str:
        """Symmetry."""
        scale = np.sqrt(np.abs(np.diag(matrix)))
        wrong = np.abs(matrix - matrix.T) > 1e-8 * scale * scale[:, None]
        return "symmetric" if wrong.any() else ""

    def next_variance(self, residual: np.ndarray, r: np.ndarray, matrix: np.ndarray) -> float:
        """See `Kind`."""
        values, vectors = np.linalg.eigh(matrix)
        return about_mean(residual @ vectors[:, :1], r) / float(values[0])

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

    def to_unconstrained(self, covariances: np.ndarray) -> np.ndarray:
        """See `Kind`."""
        rows, columns = np.tril_indices(covariances.shape[1])
        values = cholesky(covariances)[:, rows, columns]
        with np.errstate(divide="ignore", invalid="ignore"):
            values[:, rows == columns] = np.log(values[:, rows == columns])
        return values

    def to_natural(self, z: np.ndarray, d: int) -> np.ndarray:
        """L L'."""
        rows, columns = np.tril_indices(d)
        values = z.copy()
        with np.errstate(over="ignore"):
            values[:, rows == columns] = np.exp(values[:, rows == columns])
        factors = np.zeros((len(z), d, d))
        factors[:, rows, columns] = values
        return factors @ factors.transpose(0, 2, 1)

    def score(self, covariances: np.ndarray, scatter: np.ndarray, N: np.ndarray) -> np.ndarray:
        """d/dL = (P C P - N P) L (Magnus and Neudecker 1999, ch. 15), times L_ii on the diagonal."""
        factors = cholesky(covariances)
        precision = precisions(factors)
        by_factor = (precision @ scatter @ precision - N[:, None, None] * precision) @ factors
        rows, columns = np.tril_indices(covariances.shape[1])
        values = by_factor[:, rows, columns]
        values[:, rows == columns] *= np.diagonal(factors, axis1=1, axis2=2)
        return values

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

    def pymc_densities(self, x: Any, means: Any, shared: bool, K: int, prior: Any) -> Any:
        """One packed factor "factor_k" a matrix; log sds ~ N(log(sd / K), 0.8^2)."""
        import pymc as pm
        import pytensor.tensor as pt

        d, columns = x.type.shape[1], []
        for k in range(1 if shared else K):
            sds = pm.LogNormal.dist(pt.log(prior["sd"] / K), LOG_SD, shape=d)
            packed = pm.LKJCholeskyCov(
                f"factor_{k}", n=d, eta=LKJ_ETA, sd_dist=sds, compute_corr=False
            )
            factor = pm.math.expand_packed_triangular(d, packed, lower=True)
            inverse = pt.linalg.solve_triangular(factor, pt.eye(d), lower=True)
            constant = pt.log(pt.diagonal(factor)).sum() + 0.5 * d * LOG_2PI
            for j in range(K) if shared else [k]:
                residual = pt.dot(x - means[j], inverse.T)
                columns.append(-0.5 * (residual**2).sum(axis=1) - constant)
        return pt.stack(columns, axis=1)

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

    def log_prior(self, covariances: np.ndarray, sd: np.ndarray) -> float:
        """See `Kind`."""
        return float(sum(log_factor_density(f, np.log(sd)) for f in cholesky(covariances)))
