"""Normal components: d = 1 with free or tied variances, d >= 2 with full or tied covariance matrices.

Density: log f(x) = -(d log 2 pi + log |S| + (x - m)' S^-1 (x - m)) / 2 with mean m and covariance S.
Statistics: T(x) = (x_i, x_i x_j for i <= j). Unconstrained coordinates: means, then for each covariance
(one if tied) its Cholesky factor row by row, logarithms on the diagonal (Pinheiro and Bates 1996, their
log-Cholesky parametrisation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Edge, ExponentialFamily, Frame, Parameters, option
from mixcompare.families.priors import (
    LKJ_ETA,
    LOG_SD,
    MEAN_SD,
    correlation_sd,
    log_factor_density,
    log_normal_density,
)
from mixcompare.numerics import compiled

LOG_2PI = float(np.log(2 * np.pi))


def _statistics(x, start, n, centre, scale, T):  # type: ignore[no-untyped-def]
    d = x.shape[0]
    for i in range(d):
        v, u, m, s = x[i, start : start + n], T[i], centre[i], 1.0 / scale[i]
        for j in range(n):
            u[j] = (v[j] - m) * s
    f = d
    for i in range(d):
        for k in range(i, d):
            u, v, w = T[i], T[k], T[f]
            for j in range(n):
                w[j] = u[j] * v[j]
            f += 1


statistics = compiled(_statistics)


@dataclass(frozen=True)
class Gaussian(ExponentialFamily):
    """Normal components, `means` (K, d) and `covariances` (K, d, d).

    Parameters
    ----------
    covariance : {"full", "tied"}
        "full": every component its own covariance matrix (free variances for d = 1); the likelihood is
        then unbounded where a component collapses on tied observations or into a hyperplane.
        "tied": one for all.
    """

    covariance: Literal["full", "tied"] = "full"

    name: ClassVar[str] = "gaussian"
    discrete: ClassVar[bool] = False

    def __post_init__(self) -> None:
        option("covariance", self.covariance, ("full", "tied"))

    @property
    def _tied(self) -> bool:
        return self.covariance == "tied"

    # -- the data ---------------------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Any finite real numbers will do."""

    def frame(self, data: Dataset) -> Frame:
        """Mean and standard deviation (divisor n) of each feature; scale 1 for a constant feature."""
        weights = data.weights / data.n
        centre = weights @ data.x
        scale = np.sqrt(weights @ (data.x - centre) ** 2)
        return Frame(centre, np.where(scale > 0, scale, 1.0))

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """See `Family`."""
        return {"means": (n_features,), "covariances": (n_features, n_features)}

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """K d means, and d (d + 1) / 2 for each covariance matrix."""
        matrices = 1 if self._tied else n_components
        return n_components * n_features + matrices * n_features * (n_features + 1) // 2

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """See `Family`."""
        d = len(columns)
        part = [""] if d == 1 else [f" of {column}" for column in columns]
        names = [f"mean {k}{p}" for k in components for p in part]
        for k in components[:1] if self._tied else components:
            which = "" if self._tied else f" {k}"
            for i in range(d):
                names += [
                    f"covariance factor{which} ({columns[i]}, {columns[j]})" for j in range(i)
                ]
                names += [f"log sd{which}{part[i]}"]
        return names

    def to_unconstrained(self, parameters: Parameters) -> np.ndarray:
        """See `Family`; nan where a covariance matrix is not positive definite."""
        means, covariances = parameters["means"], parameters["covariances"]
        d = means.shape[1]
        factors = _cholesky(covariances[:1] if self._tied else covariances)
        rows, columns = np.tril_indices(d)
        values = factors[:, rows, columns]
        with np.errstate(divide="ignore", invalid="ignore"):
            values[:, rows == columns] = np.log(values[:, rows == columns])
        return np.concatenate([means.ravel(), values.ravel()])

    def to_natural(
        self, z: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        K, d = n_components, n_features
        factors = self._factors(z, K, d)
        covariances = factors @ factors.transpose(0, 2, 1)
        return {"means": z[: K * d].reshape(K, d).copy(), "covariances": covariances}

    def _factors(self, z: np.ndarray, K: int, d: int) -> np.ndarray:
        rows, columns = np.tril_indices(d)
        values = z[K * d :].reshape(-1, rows.size).copy()
        with np.errstate(over="ignore"):
            values[:, rows == columns] = np.exp(values[:, rows == columns])
        factors = np.zeros((values.shape[0], d, d))
        factors[:, rows, columns] = values
        return np.repeat(factors, K, axis=0) if self._tied else factors

    def coordinate_units(self, n_components: int, frame: Frame) -> np.ndarray:
        """Scale for means, scale of its row for an off-diagonal factor, 1 for a logarithm."""
        rows, columns = np.tril_indices(frame.scale.size)
        factor = np.where(rows == columns, 1.0, frame.scale[rows])
        matrices = 1 if self._tied else n_components
        return np.concatenate([np.tile(frame.scale, n_components), np.tile(factor, matrices)])

    def to_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {
            "means": frame(parameters["means"]),
            "covariances": parameters["covariances"] / frame.scale / frame.scale[:, None],
        }

    def from_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {
            "means": frame.centre + frame.scale * parameters["means"],
            "covariances": parameters["covariances"] * frame.scale * frame.scale[:, None],
        }

    def outside(self, parameters: Parameters) -> str:
        """Covariance matrices must be symmetric and positive definite, and equal if tied."""
        covariances = parameters["covariances"]
        for k, matrix in enumerate(covariances):
            scale = np.sqrt(np.abs(np.diag(matrix)))
            asymmetry = np.abs(matrix - matrix.T)
            if (asymmetry > 1e-8 * scale * scale[:, None]).any():
                return f"covariance {k + 1} is not symmetric"
            if np.isnan(_cholesky(matrix[None])).any():
                what = "the variance" if len(matrix) == 1 else "the covariance"
                return f"{what} of component {k + 1} is not positive" + (
                    "" if len(matrix) == 1 else " definite"
                )
            if self._tied and not np.allclose(matrix, covariances[0], rtol=1e-8, atol=0):
                return f"covariances are tied, but that of component {k + 1} differs from the first"
        return ""

    def edges(self, parameters: Parameters) -> list[Edge]:
        """None: at a variance of zero the likelihood is unbounded, which is collapse, not an edge."""
        return []

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By the means, then the variance of the first feature."""
        return np.column_stack([parameters["means"], parameters["covariances"][:, 0, 0]])

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """`means`, `log_sds` (K, d), and for d >= 2 `correlations` as Fisher's z (K, d (d - 1) / 2)."""
        covariances = parameters["covariances"]
        d = covariances.shape[-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            log_sds = 0.5 * np.log(np.diagonal(covariances, axis1=-2, axis2=-1))
            values = {"means": np.asarray(parameters["means"]), "log_sds": log_sds}
            if d > 1:
                rows, columns = np.tril_indices(d, -1)
                sds = np.exp(log_sds)
                r = covariances[..., rows, columns] / (sds[..., rows] * sds[..., columns])
                values["correlations"] = np.arctanh(r)
        return values

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`; residuals are taken about each component's own mean."""
        means, factors = parameters["means"], _cholesky(parameters["covariances"])
        out = np.empty((x.shape[0], means.shape[0]))
        for k, (mean, factor) in enumerate(zip(means, factors, strict=True)):
            if np.isnan(factor).any():
                out[:, k] = np.nan
                continue
            residual = np.linalg.solve(factor, (x - mean).T)
            constant = x.shape[1] * LOG_2PI / 2 + np.log(np.diag(factor)).sum()
            out[:, k] = -0.5 * (residual**2).sum(axis=0) - constant
        return out

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """See `Family`."""
        noise = rng.standard_normal((labels.size, parameters["means"].shape[1]))
        factors = _cholesky(parameters["covariances"])
        return parameters["means"][labels] + np.einsum("nij,nj->ni", factors[labels], noise)

    # -- the likelihood ---------------------------------------------------------------------------

    @property
    def statistics(self) -> Any:
        """See `ExponentialFamily`."""
        return statistics

    def n_statistics(self, n_features: int) -> int:
        """d + d (d + 1) / 2."""
        return n_features + n_features * (n_features + 1) // 2

    def natural(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """eta = (P m, -P_ii / 2, -P_ij), P the precision matrix; nan if not positive definite."""
        means = parameters["means"]
        K, d = means.shape
        factors = _cholesky(parameters["covariances"])
        inverse = _inverse(factors)
        precision = inverse.transpose(0, 2, 1) @ inverse
        eta = np.empty((K, self.n_statistics(d)))
        eta[:, :d] = (precision @ means[:, :, None])[:, :, 0]
        rows, columns = np.triu_indices(d)
        eta[:, d:] = precision[:, rows, columns] * np.where(rows == columns, -0.5, -1.0)
        log_det = 2 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        return -0.5 * (d * LOG_2PI + log_det + (means * eta[:, :d]).sum(axis=1)), eta

    def mle(self, statistics: np.ndarray) -> dict[str, np.ndarray]:
        """Weighted mean and covariance (divisor: expected count); pooled covariance if tied.

        An empty component gives nan.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = statistics[:, 1:] / statistics[:, :1]
        d = _dimension(expected.shape[1])
        means = expected[:, :d]
        covariances = _symmetric(expected[:, d:], d) - means[:, :, None] * means[:, None, :]
        if self._tied:
            share = statistics[:, 0] / statistics[:, 0].sum()
            covariances = np.repeat(np.tensordot(share, covariances, 1)[None], len(share), axis=0)
        return {"means": means, "covariances": covariances}

    def score(self, parameters: Parameters, statistics: np.ndarray) -> np.ndarray:
        """d/dm = P (S_1 - N m); d/dL = (P C P - N P) L for S = L L', C the scatter about m.

        Source: Magnus and Neudecker (1999), ch. 15, with the chain rule to the log-Cholesky factor.
        """
        means = parameters["means"]
        d = means.shape[1]
        N, first = statistics[:, 0], statistics[:, 1 : 1 + d]
        second = _symmetric(statistics[:, 1 + d :], d)
        cross = means[:, :, None] * first[:, None, :]
        scatter = second - cross - cross.transpose(0, 2, 1)
        scatter += N[:, None, None] * means[:, :, None] * means[:, None, :]
        factors = _cholesky(parameters["covariances"])
        inverse = _inverse(factors)
        precision = inverse.transpose(0, 2, 1) @ inverse
        by_mean = (precision @ (first - N[:, None] * means)[:, :, None])[:, :, 0]
        by_factor = (precision @ scatter @ precision - N[:, None, None] * precision) @ factors
        rows, columns = np.tril_indices(d)
        values = by_factor[:, rows, columns]
        values[:, rows == columns] *= np.diagonal(factors, axis1=1, axis2=2)
        if self._tied:
            values = values.sum(axis=0)
        return np.concatenate([by_mean.ravel(), values.ravel()])

    # -- degenerate and narrow components ---------------------------------------------------------

    def spread(self, parameters: Parameters) -> np.ndarray:
        """Square root of the smallest eigenvalue of each covariance matrix; 0 if not positive."""
        smallest = np.linalg.eigvalsh(parameters["covariances"])[:, 0]
        return np.sqrt(np.maximum(smallest, 0.0))

    def extent(self, parameters: Parameters) -> np.ndarray:
        """Square root of the largest eigenvalue of each covariance matrix."""
        return np.sqrt(np.maximum(np.linalg.eigvalsh(parameters["covariances"])[:, -1], 0.0))

    def contraction(
        self, data: Dataset, parameters: Parameters, responsibilities: np.ndarray
    ) -> np.ndarray:
        """Variance along the narrowest direction after one M-step over that before; pooled if tied."""
        frame = self.frame(data)
        r = responsibilities * data.weights[:, None]
        N = np.maximum(r.sum(axis=0), np.finfo(float).tiny)
        values, vectors = np.linalg.eigh(self.to_frame(parameters, frame)["covariances"])
        after = np.empty(len(N))
        for k in range(len(N)):
            # Differences are taken before scaling: about the component's own mean they do not cancel.
            along = ((data.x - parameters["means"][k]) / frame.scale) @ vectors[k, :, 0]
            shift = (r[:, k] @ along) / N[k]
            after[k] = (r[:, k] @ (along - shift) ** 2) / N[k]
        if self._tied:
            after = np.full(len(N), (N * after).sum() / N.sum())
        with np.errstate(divide="ignore", invalid="ignore"):
            return after / values[:, 0]

    def narrow_limits(self, n_features: int) -> tuple[float, float]:
        """0.05 and 1.9 for free univariate variances; 0.01 and d + 2 for matrices; count 1 if tied."""
        if self._tied:
            return 0.0, 1.0
        return (0.05, 1.9) if n_features == 1 else (0.01, n_features + 2.0)

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Means at the rows; variances those of the data over K^2, no correlation."""
        K = rows.shape[0]
        return {"means": rows.copy(), "covariances": self._diagonal(data, np.full(K, 1.0 / K))}

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Means uniform over the range of each feature; sds those of the data times U(0.1, 1)."""
        low, high = data.x.min(axis=0), data.x.max(axis=0)
        means = rng.uniform(low, high, size=(n_components, data.n_features))
        ratios = rng.uniform(0.1, 1.0, size=n_components)
        return {"means": means, "covariances": self._diagonal(data, ratios)}

    def _diagonal(self, data: Dataset, ratios: np.ndarray) -> np.ndarray:
        """Covariances with sds `ratios` (K,) times those of the data; the first ratio for all if tied."""
        if self._tied:
            ratios = np.full_like(ratios, ratios[0])
        variances = (ratios[:, None] * self.frame(data).scale) ** 2
        return variances[:, :, None] * np.eye(data.n_features)

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """d = 1: mean and sd in turn; d >= 2: the mean, then the covariance's lower triangle by rows."""
        d = n_features
        mean = ["means"] * d
        rows, columns = np.tril_indices(d)
        triangle = [
            "variances" if i == j else "covariances" for i, j in zip(rows, columns, strict=True)
        ]
        spread = ["sds"] if d == 1 else triangle
        return mean * n_components + spread if self._tied else (mean + spread) * n_components

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        means, covariances = parameters["means"], parameters["covariances"]
        d = means.shape[1]
        rows, columns = np.tril_indices(d)
        spread = np.sqrt(covariances[:, 0]) if d == 1 else covariances[:, rows, columns]
        if self._tied:
            return np.concatenate([means.ravel(), spread[0]])
        return np.column_stack([means, spread]).ravel()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`; a negative sd becomes a negative variance."""
        means, spread = self._naive_parts(raw, n_components, n_features)
        if n_features == 1:
            return {"means": means, "covariances": (spread * np.abs(spread))[:, :, None]}
        return {"means": means, "covariances": _symmetric_lower(spread, n_features)}

    def _naive_parts(self, raw: np.ndarray, K: int, d: int) -> tuple[np.ndarray, np.ndarray]:
        if self._tied:
            return raw[: K * d].reshape(K, d), np.tile(raw[K * d :], (K, 1))
        table = raw.reshape(K, -1)
        return table[:, :d], table[:, d:]

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """`norm.pdf(x, mean, sd)`: nan for a negative sd; `multivariate_normal.pdf`, which raises."""
        from scipy import stats

        d = x.shape[1]
        means, spread = self._naive_parts(raw, n_components, d)
        if d == 1:
            columns = [
                stats.norm.pdf(x[:, 0], m[0], s[0]) for m, s in zip(means, spread, strict=True)
            ]
        else:
            matrices = _symmetric_lower(spread, d)
            columns = [
                stats.multivariate_normal.pdf(x, m, S) for m, S in zip(means, matrices, strict=True)
            ]
        return np.column_stack(columns)

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """Means in the range of the data, sds from a hundredth of its sd to its range."""
        low, high = float(data.x.min()), float(data.x.max())
        sd = float(self.frame(data).scale.min())
        wide = float(np.ptp(data.x, axis=0).max())
        return {
            "means": (low, high),
            "sds": (0.01 * sd, max(wide, sd)),
            "variances": (1e-4 * sd**2, max(wide, sd) ** 2),
            "covariances": (-(max(wide, sd) ** 2), max(wide, sd) ** 2),
        }

    # -- the posterior ----------------------------------------------------------------------------

    priors_text: ClassVar[str] = (
        f"means ~ Normal(m, ({MEAN_SD:g} s)²), standard deviations ~ LogNormal(log(s / K), {LOG_SD:g}²), "
        f"correlations of several features ~ LKJ({LKJ_ETA:g}), where m and s are the sample mean and "
        "standard deviation of each feature (empirical Bayes) and K is the number of components"
    )

    def pymc_components(
        self, x: Any, n_components: int, n_features: int, prior: Mapping[str, Any]
    ) -> Any:
        """means ~ N(mean, (1.5 sd)^2), sds ~ LogNormal(log(sd / K), 0.8), correlations ~ LKJ(2).

        Independent over components, or one covariance if tied. Variables: "mu" (K, d); "sigma" (1 or K,
        1) for d = 1, else one packed factor "factor_k" a matrix.
        """
        import pymc as pm
        import pytensor.tensor as pt

        K, d, m = n_components, n_features, 1 if self._tied else n_components
        means = pm.Normal("mu", prior["mean"], MEAN_SD * prior["sd"], shape=(K, d))
        log_scale = pt.log(prior["sd"] / K)
        if d == 1:
            sigma = pm.LogNormal("sigma", log_scale, LOG_SD, shape=(m, 1))[:, 0]
            residual = (x - means[:, 0]) / sigma
            return -0.5 * residual**2 - pt.log(sigma) - 0.5 * LOG_2PI
        columns = []
        for k in range(m):
            sds = pm.LogNormal.dist(log_scale, LOG_SD, shape=d)
            packed = pm.LKJCholeskyCov(
                f"factor_{k}", n=d, eta=LKJ_ETA, sd_dist=sds, compute_corr=False
            )
            factor = pm.math.expand_packed_triangular(d, packed, lower=True)
            inverse = pt.linalg.solve_triangular(factor, pt.eye(d), lower=True)
            constant = pt.log(pt.diagonal(factor)).sum() + 0.5 * d * LOG_2PI
            for j in range(K) if self._tied else [k]:
                residual = pt.dot(x - means[j], inverse.T)
                columns.append(-0.5 * (residual**2).sum(axis=1) - constant)
        return pt.stack(columns, axis=1)

    def from_draws(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `Family`."""
        means = draws["mu"]
        K, d = means.shape[-2:]
        if d == 1:
            covariances = draws["sigma"][..., None] ** 2
        else:
            packed = np.stack([draws[f"factor_{k}"] for k in range(1 if self._tied else K)], -2)
            rows, columns = np.tril_indices(d)
            factors = np.zeros((*packed.shape[:-1], d, d))
            factors[..., rows, columns] = packed
            covariances = factors @ factors.swapaxes(-1, -2)
        if self._tied:
            covariances = np.repeat(covariances, K, axis=-3)
        return {"means": means, "covariances": covariances}

    def to_draws(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """See `Family`; there are no edges."""
        means = np.asarray(parameters["means"])
        d = means.shape[1]
        factors = _cholesky(parameters["covariances"])[: 1 if self._tied else None]
        if d == 1:
            return {"mu": means, "sigma": factors[:, :, 0]}
        rows, columns = np.tril_indices(d)
        packed = {f"factor_{k}": factor[rows, columns] for k, factor in enumerate(factors)}
        return {"mu": means, **packed}

    def log_prior(self, parameters: Parameters, prior: Mapping[str, np.ndarray]) -> float:
        """See `Family`."""
        means = parameters["means"]
        log_scale = np.log(prior["sd"] / len(means))
        factors = _cholesky(parameters["covariances"])[: 1 if self._tied else None]
        total = log_normal_density(means, prior["mean"], MEAN_SD * prior["sd"])
        return total + sum(log_factor_density(factor, log_scale) for factor in factors)

    def prior_sd(
        self, n_components: int, n_features: int, prior: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        K, d = n_components, n_features
        sds = {
            "means": np.tile(MEAN_SD * prior["sd"], (K, 1)),
            "log_sds": np.full((K, d), LOG_SD),
        }
        if d > 1:
            sds["correlations"] = np.full((K, d * (d - 1) // 2), correlation_sd(d))
        return sds

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """Means, and the diagonals of the covariance matrices."""
        variances = np.diagonal(parameters["covariances"], axis1=-2, axis2=-1)
        return parameters["means"], variances


def _cholesky(covariances: np.ndarray) -> np.ndarray:
    """Lower factors (..., d, d); nan where a matrix is not positive definite."""
    if covariances.shape[-1] == 1:
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.where(covariances > 0, covariances, np.nan))
    try:
        return np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        if covariances.ndim == 2:
            return np.full_like(covariances, np.nan)
        return np.stack([_cholesky(matrix) for matrix in covariances])


def _inverse(factors: np.ndarray) -> np.ndarray:
    """Inverses of lower factors, nan for nan."""
    if factors.shape[-1] == 1:
        return 1.0 / factors
    out = np.full_like(factors, np.nan)
    good = np.isfinite(factors).all(axis=(1, 2))
    out[good] = np.linalg.inv(factors[good])
    return out


def _dimension(n_statistics: int) -> int:
    """d from d + d (d + 1) / 2."""
    return int((np.sqrt(9 + 8 * n_statistics) - 3) / 2 + 0.5)


def _symmetric(upper: np.ndarray, d: int) -> np.ndarray:
    """(K, d, d) from upper triangles by rows (K, d (d + 1) / 2)."""
    rows, columns = np.triu_indices(d)
    matrix = np.empty((len(upper), d, d))
    matrix[:, rows, columns] = upper
    matrix[:, columns, rows] = upper
    return matrix


def _symmetric_lower(lower: np.ndarray, d: int) -> np.ndarray:
    """(K, d, d) from lower triangles by rows (K, d (d + 1) / 2)."""
    rows, columns = np.tril_indices(d)
    matrix = np.empty((len(lower), d, d))
    matrix[:, rows, columns] = lower
    matrix[:, columns, rows] = lower
    return matrix
