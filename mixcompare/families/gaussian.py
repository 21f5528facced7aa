"""Normal components: d = 1 with free or tied variances, d >= 2 with covariance matrices of several kinds.

Density: log f(x) = -(d log 2 pi + log |S| + (x - m)' S^-1 (x - m)) / 2 with mean m and covariance S.
Statistics: T(x) = x and the second moments that the kind of covariance needs. Unconstrained coordinates:
means, then for each covariance (one if tied) those of its kind (covariance/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families import normal_prior
from mixcompare.families.base import Edge, Frame, Parameters
from mixcompare.families.core import Core
from mixcompare.families.covariance.base import LOG_2PI, Kind, cholesky
from mixcompare.families.covariance.diagonal import Diagonal
from mixcompare.families.covariance.full import Full
from mixcompare.families.covariance.spherical import Spherical
from mixcompare.families.fused import ExponentialFamily
from mixcompare.families.priors.base import ComponentPrior
from mixcompare.families.priors.normal import FlatNormal, NormalPrior, WeakNormal
from mixcompare.families.priors.richardson_green import RichardsonGreen
from mixcompare.families.refusals import option, require_scale

KINDS: dict[str, Kind] = {
    "full": Full(),
    "tied": Full(),
    "diag": Diagonal(),
    "spherical": Spherical(),
}
"""The kind of matrix behind each value of the option `covariance`."""

PRIORS: dict[str, Callable[[Kind, bool], NormalPrior]] = {
    "weak": WeakNormal,
    "richardson-green": RichardsonGreen,
    "flat": FlatNormal,
}
"""Forms of the prior."""


@dataclass(frozen=True)
class Gaussian(ExponentialFamily):
    """Normal components, `means` (K, d) and `covariances` (K, d, d).

    Parameters
    ----------
    covariance : {"full", "tied", "diag", "spherical"}
        "full": every component its own covariance matrix (free variances for d = 1); the likelihood is
        then unbounded where a component collapses on tied observations or into a hyperplane.
        "tied": one for all. "diag": every component its own variance for each feature, no correlations.
        "spherical": every component one variance for all features, in the units of the data.
    """

    covariance: Literal["full", "tied", "diag", "spherical"] = "full"

    name: ClassVar[str] = "gaussian"
    discrete: ClassVar[bool] = False

    def __post_init__(self) -> None:
        option("covariance", self.covariance, tuple(KINDS))

    @property
    def _tied(self) -> bool:
        return self.covariance == "tied"

    def _kind(self, n_features: int) -> Kind:
        """Of one feature, every matrix is a variance."""
        return KINDS["diag" if n_features == 1 else self.covariance]

    def _own(self, covariances: np.ndarray) -> np.ndarray:
        """The matrices that are parameters of their own: the first if tied."""
        return covariances[:1] if self._tied else covariances

    # -- the data ---------------------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Any finite real numbers will do whose variances are numbers too: see `require_scale`."""
        require_scale(data)

    def frame(self, data: Dataset) -> Frame:
        """Mean and standard deviation (divisor n) of each feature; scale 1 for a constant feature.

        Spherical matrices stay so only if all features have one scale: the root of their mean variance.
        """
        centre, sds = data.moments
        return Frame(centre, self._kind(data.n_features).scale(sds**2))

    def yardstick(self, data: Dataset) -> Frame:
        """Each feature standardised, whatever the kind of covariance."""
        centre, sds = data.moments
        return Frame(centre, KINDS["diag"].scale(sds**2))

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """See `Family`."""
        return {"means": (n_features,), "covariances": (n_features, n_features)}

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """K d means, and those of each covariance matrix."""
        matrices = 1 if self._tied else n_components
        return n_components * n_features + matrices * self._kind(n_features).n_free(n_features)

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """See `Family`."""
        kind = self._kind(len(columns))
        part = [""] if len(columns) == 1 else [f" of {column}" for column in columns]
        names = [f"mean {k}{p}" for k in components for p in part]
        if self._tied:
            return names + kind.names("", columns)
        return names + [name for k in components for name in kind.names(f" {k}", columns)]

    def coordinate_units(self, n_components: int, frame: Frame) -> np.ndarray:
        """Scale for means; see the kind for its own."""
        units = self._kind(frame.scale.size).units(frame)
        matrices = 1 if self._tied else n_components
        return np.concatenate([np.tile(frame.scale, n_components), np.tile(units, matrices)])

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
        """Covariance matrices must be positive definite, of their kind, and equal if tied."""
        covariances = parameters["covariances"]
        kind = self._kind(covariances.shape[1])
        for k, matrix in enumerate(covariances):
            violation = kind.violation(matrix)
            if violation:
                return f"covariance {k + 1} is not {violation}"
            if np.isnan(cholesky(matrix[None])).any():
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
        """`means`, `log_sds` (K, d), and where free `correlations` as Fisher's z (K, d (d - 1) / 2)."""
        covariances = parameters["covariances"]
        d = covariances.shape[-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            log_sds = 0.5 * np.log(np.diagonal(covariances, axis1=-2, axis2=-1))
            values = {"means": np.asarray(parameters["means"]), "log_sds": log_sds}
            if self._kind(d).correlated:
                rows, columns = np.tril_indices(d, -1)
                sds = np.exp(log_sds)
                r = covariances[..., rows, columns] / (sds[..., rows] * sds[..., columns])
                values["correlations"] = np.arctanh(r)
        return values

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`; residuals are taken about each component's own mean."""
        means, factors = parameters["means"], cholesky(parameters["covariances"])
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
        factors = cholesky(parameters["covariances"])
        return parameters["means"][labels] + np.einsum("nij,nj->ni", factors[labels], noise)

    # -- the likelihood ---------------------------------------------------------------------------

    def core(self, n_features: int) -> Core:
        """See `ExponentialFamily`."""
        return self._kind(n_features).core

    def layout(self, n_features: int) -> np.ndarray:
        """d, and 1 if tied."""
        return np.array([n_features, self._tied])

    def dimension(self, n_statistics: int) -> int:
        """See `ExponentialFamily`."""
        return KINDS[self.covariance].dimension(n_statistics)

    def n_statistics(self, n_features: int) -> int:
        """d, and the second moments of the kind."""
        return n_features + self._kind(n_features).n_second(n_features)

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See the kind."""
        kind = self._kind(parameters["means"].type.shape[1])
        return kind.pymc_natural(parameters)

    # -- other targets than the likelihood, and other steps ---------------------------------------

    conjugate_prior: ClassVar[str] = normal_prior.STATEMENT

    def conjugate(self, overall: np.ndarray, n_components: int) -> Any:
        """See `normal_prior`."""
        return normal_prior.NormalPrior.of(self.mle(overall), n_components, self._tied)

    def mode(self, statistics: np.ndarray, prior: Any) -> dict[str, np.ndarray]:
        """See `normal_prior`."""
        estimates = self.mle(statistics)
        kind = self._kind(estimates["means"].shape[1])
        return prior.mode(statistics[:, 0], estimates, kind.project)

    def log_conjugate(self, parameters: Parameters, prior: Any) -> float:
        """See `normal_prior`."""
        return prior.log_density(parameters)

    has_scales: ClassVar[bool] = True

    def mle_about(self, statistics: np.ndarray, previous: Parameters) -> dict[str, np.ndarray]:
        """Covariances grow by (m - m_old)(m - m_old)', made of their kind, pooled if tied."""
        estimates = self.mle(statistics)
        shift = estimates["means"] - previous["means"]
        extra = self._kind(shift.shape[1]).project(shift[:, :, None] * shift[:, None, :])
        if self._tied:
            share = statistics[:, 0] / statistics[:, 0].sum()
            extra = np.tensordot(share, extra, 1)[None]
        return {**estimates, "covariances": estimates["covariances"] + extra}

    # -- degenerate and narrow components ---------------------------------------------------------

    def spread(self, parameters: Parameters) -> np.ndarray:
        """Square root of the smallest eigenvalue of each covariance matrix; 0 if not positive to rounding."""
        covariances = parameters["covariances"]
        lost = np.isnan(cholesky(covariances)).any(axis=(1, 2))
        smallest = np.linalg.eigvalsh(covariances)[:, 0]
        return np.where(lost, 0.0, np.sqrt(np.maximum(smallest, 0.0)))

    def extent(self, parameters: Parameters) -> np.ndarray:
        """Square root of the largest eigenvalue of each covariance matrix."""
        return np.sqrt(np.maximum(np.linalg.eigvalsh(parameters["covariances"])[:, -1], 0.0))

    def contraction(
        self, data: Dataset, parameters: Parameters, responsibilities: np.ndarray
    ) -> np.ndarray:
        """Variance along the narrowest direction after one M-step over that before; pooled if tied."""
        frame, kind = self.frame(data), self._kind(data.n_features)
        r = responsibilities * data.weights[:, None]
        matrices = self.to_frame(parameters, frame)["covariances"]
        # Differences are taken before scaling: about the component's own mean they do not cancel.
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.array(
                [
                    kind.next_variance((data.x - mean) / frame.scale, share, matrix)
                    for mean, share, matrix in zip(parameters["means"], r.T, matrices, strict=True)
                ]
            )
        if self._tied:
            N = r.sum(axis=0)
            ratios = np.full(len(N), (N * ratios).sum() / N.sum())
        return ratios

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
        """The mean, then the raw parameters of the covariance, for d = 1 the sd; component by component."""
        mean, spread = ["means"] * n_features, self._kind(n_features).naive_kinds(n_features)
        return mean * n_components + spread if self._tied else (mean + spread) * n_components

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        means, covariances = parameters["means"], self._own(parameters["covariances"])
        spread = self._kind(means.shape[1]).to_naive(covariances)
        if self._tied:
            return np.concatenate([means.ravel(), spread[0]])
        return np.column_stack([means, spread]).ravel()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`; a negative sd becomes a negative variance."""
        means, spread = self._naive_parts(raw, n_components, n_features)
        covariances = self._kind(n_features).from_naive(spread, n_features)
        return {"means": means, "covariances": covariances}

    def _naive_parts(self, raw: np.ndarray, K: int, d: int) -> tuple[np.ndarray, np.ndarray]:
        if self._tied:
            return raw[: K * d].reshape(K, d), np.tile(raw[K * d :], (K, 1))
        table = raw.reshape(K, -1)
        return table[:, :d], table[:, d:]

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """`norm.pdf(x, mean, sd)`: nan for a negative sd; `multivariate_normal.pdf`, which raises."""
        kind = self._kind(x.shape[1])
        means, spread = self._naive_parts(raw, n_components, x.shape[1])
        return np.column_stack(
            [kind.naive_density(x, m, s) for m, s in zip(means, spread, strict=True)]
        )

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

    prior_forms: ClassVar[tuple[str, ...]] = tuple(PRIORS)

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """See `Family`; "weak" and "flat" in sds and correlations, "richardson-green" in precisions."""
        return PRIORS[form](self._kind(n_features), self._tied)

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """See `Family`."""
        means = parameters["means"]
        K, d = means.type.shape
        return self._kind(d).pymc_densities(x, means, parameters, K)

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """Means, and the diagonals of the covariance matrices."""
        variances = np.diagonal(parameters["covariances"], axis1=-2, axis2=-1)
        return parameters["means"], variances
