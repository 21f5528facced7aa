"""What a kind of covariance matrix must say: what is free in one, and all that follows from it.

Matrices are always held in full, (m, d, d) with m = K, or 1 where components share one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from mixcompare.families.base import Frame
from mixcompare.families.core import Core
from mixcompare.numerics import inlinable

LOG_2PI = float(np.log(2 * np.pi))

ROUNDING = 8 * float(np.finfo(float).eps)
"""Relative error of a component's second moment, and of the square of its mean."""


@inlinable
def centred(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
    """T = x in the frame."""
    for i in range(x.shape[0]):
        v, u, m, s = x[i, start : start + n], T[i], centre[i], 1.0 / scale[i]
        for j in range(n):
            u[j] = (v[j] - m) * s


@inlinable
def means_to_free(P, d, z):  # type: ignore[no-untyped-def]
    """Fills the coordinates of the means, which stand first: the means themselves."""
    for k in range(P.shape[0]):
        for i in range(d):
            z[k * d + i] = P[k, i]


@inlinable
def variance(second, square):  # type: ignore[no-untyped-def]
    """Second moment less square of the mean; 0 where the difference is rounding: tied observations."""
    difference = second - square
    return 0.0 if difference <= ROUNDING * second else difference


@inlinable
def pool(S, P, d):  # type: ignore[no-untyped-def]
    """Replace the matrices of P (K, d + d d) by their mean, weighted by the expected counts."""
    total = 0.0
    for k in range(P.shape[0]):
        total += S[k, 0]
    for i in range(d, d + d * d):
        mean = 0.0
        for k in range(P.shape[0]):
            mean += S[k, 0] / total * P[k, i]
        for k in range(P.shape[0]):
            P[k, i] = mean


class Kind(ABC):
    """One kind of covariance matrix."""

    core: ClassVar[Core]
    """The compiled functions, with T(x) = (x, second moments) and layout (d, 1 if tied, else 0)."""
    conjugate: ClassVar[Callable[..., None]]
    """Draws means and matrices under the prior of Richardson and Green: see families/conjugate/."""
    correlated: ClassVar[bool]
    """Whether features may be correlated."""

    @abstractmethod
    def scale(self, variances: np.ndarray) -> np.ndarray:
        """Units (d,) that keep matrices of this kind, from the variances of the data."""

    @abstractmethod
    def dimension(self, n_statistics: int) -> int:
        """d, from the number of statistics."""

    @abstractmethod
    def n_second(self, d: int) -> int:
        """Number of second moments."""

    @abstractmethod
    def moments(self, second: np.ndarray, d: int) -> np.ndarray:
        """Matrices (K, d, d) of this kind with these second moments (K, n_second)."""

    @abstractmethod
    def project(self, scatter: np.ndarray) -> np.ndarray:
        """The maximum likelihood estimates of this kind (K, d, d) for scatter matrices about the mean."""

    @abstractmethod
    def violation(self, matrix: np.ndarray) -> str:
        """What a matrix (d, d) is not that this kind is; "" if it is all right."""

    @abstractmethod
    def next_variance(self, residual: np.ndarray, r: np.ndarray, matrix: np.ndarray) -> float:
        """Variance in the narrowest direction of `matrix` after an M-step, over that before.

        residual (n, d) about the component's own mean, r (n,) its shares; no cancellation.
        """

    # -- coordinates ------------------------------------------------------------------------------

    @abstractmethod
    def n_free(self, d: int) -> int:
        """Free parameters of one matrix."""

    @abstractmethod
    def names(self, which: str, columns: Sequence[str]) -> list[str]:
        """A name for each; `which` is the component's number, if it has a matrix of its own."""

    @abstractmethod
    def units(self, frame: Frame) -> np.ndarray:
        """See `Family.coordinate_units`; one matrix."""

    # -- what a newcomer writes -------------------------------------------------------------------

    @abstractmethod
    def naive_kinds(self, d: int) -> list[str]:
        """Kind of each raw parameter of one matrix."""

    @abstractmethod
    def to_naive(self, covariances: np.ndarray) -> np.ndarray:
        """Raw parameters (m, ...)."""

    @abstractmethod
    def from_naive(self, raw: np.ndarray, d: int) -> np.ndarray:
        """Matrices (m, d, d); a negative sd becomes a negative variance."""

    @abstractmethod
    def naive_density(self, x: np.ndarray, mean: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """(n,) by `scipy.stats`, unchecked."""

    # -- the posterior ----------------------------------------------------------------------------
    #
    # Symbolic matrices are "sds" (m, d) of independent features, or "factors", m lower triangles (d, d);
    # m is the number of components, or 1 if they share one.

    own_sds: ClassVar[bool] = True
    """Whether each feature has an sd of its own."""

    def n_sds(self, d: int) -> int:
        """Numbers of sds of one matrix."""
        return d if self.own_sds else 1

    @abstractmethod
    def pymc_matrices(
        self, m: int, d: int, sds: tuple[Any, dict[str, Any]], eta: Any
    ) -> dict[str, Any]:
        """Declare m matrices whose sds have this distribution, correlations ~ LKJ(eta); the symbolic ones."""

    @abstractmethod
    def pymc_from_free(self, free: Any, d: int) -> dict[str, Any]:
        """The symbolic matrices at symbolic coordinates (m, n_free)."""

    @abstractmethod
    def pymc_distances(
        self, x: Any, means: Any, matrices: Mapping[str, Any], K: int
    ) -> tuple[Any, Any]:
        """Symbolic (x - m)' S^-1 (x - m) (n, K), and log |S| / 2 (K,) or (1,)."""

    def pymc_densities(self, x: Any, means: Any, matrices: Mapping[str, Any], K: int) -> Any:
        """The same, and from it the symbolic normal log-densities (n, K)."""
        distance, half = self.pymc_distances(x, means, matrices, K)
        return -0.5 * (distance + x.type.shape[1] * LOG_2PI) - half

    @abstractmethod
    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """Symbolic a (K,) and eta (K, M) from `means` (K, d), and `sds` (1 or K, d) or `factors`, 1 or K."""

    @abstractmethod
    def from_draws(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        """Matrices (..., m, d, d) from draws of the variables that `pymc_matrices` declares."""

    @abstractmethod
    def to_draws(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        """The inverse, for one point."""

    @abstractmethod
    def from_free(self, free: np.ndarray, d: int) -> np.ndarray:
        """Matrices (..., d, d) at coordinates (..., n_free)."""

    @abstractmethod
    def free(self, covariances: np.ndarray) -> np.ndarray:
        """The inverse, of matrices (m, d, d)."""

    @abstractmethod
    def apart(self, covariances: np.ndarray, eta: float) -> tuple[np.ndarray, float]:
        """Logarithms of the sds (m, n_sds), and the log-density of all else in the kind's coordinates.

        That of correlations ~ LKJ(eta) given the sds, with the Jacobian of both to the coordinates.
        """


def cholesky(covariances: np.ndarray) -> np.ndarray:
    """Lower factors (..., d, d); nan where a matrix is not positive definite."""
    if covariances.shape[-1] == 1:
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.where(covariances > 0, covariances, np.nan))
    try:
        return np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        if covariances.ndim == 2:
            return np.full_like(covariances, np.nan)
        return np.stack([cholesky(matrix) for matrix in covariances])


def own_sd(variances: np.ndarray) -> np.ndarray:
    """Roots, 1 for a variance of zero."""
    sds = np.sqrt(variances)
    return np.where(sds > 0, sds, 1.0)


def symmetric(triangle: np.ndarray, d: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(m, d, d) from one triangle (m, d (d + 1) / 2), whose elements stand at these rows and columns."""
    matrix = np.empty((len(triangle), d, d))
    matrix[:, rows, columns] = triangle
    matrix[:, columns, rows] = triangle
    return matrix


def diagonal(matrices: np.ndarray) -> np.ndarray:
    """(..., d) of (..., d, d)."""
    return np.diagonal(matrices, axis1=-2, axis2=-1)


def log_sds(covariances: np.ndarray) -> np.ndarray:
    """Half the logarithms of the diagonal (..., d)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.5 * np.log(diagonal(covariances))


def about_mean(residual: np.ndarray, r: np.ndarray) -> float:
    """Mean over features of the variance of residuals (n, d) with shares r (n,) about their mean."""
    total = max(float(r.sum()), np.finfo(float).tiny)
    moved = residual - r @ residual / total
    return float((r @ moved**2).mean() / total)


def ratio(after: float, before: float) -> float:
    """Of two variances; 0 where none was left to shrink."""
    return after / before if before > 0 else 0.0


def natural_independent(means: Any, sds: Any) -> tuple[Any, Any, Any]:
    """Symbolic a (K,), m / v and -1 / 2 v (K, d) of independent features."""
    import pytensor.tensor as pt

    precision = pt.zeros_like(means) + sds**-2
    linear = means * precision
    square = (means * linear).sum(axis=1) + 2 * pt.log(sds).sum(axis=1)
    return -0.5 * (square + means.type.shape[1] * LOG_2PI), linear, -0.5 * precision


def independent(x: Any, means: Any, sds: Any) -> tuple[Any, Any]:
    """See `Kind.pymc_distances`: of independent features with sds (1 or K, d)."""
    import pytensor.tensor as pt

    residual = (x[:, None, :] - means) / sds
    return (residual**2).sum(axis=2), pt.log(sds).sum(axis=1)
