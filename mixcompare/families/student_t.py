"""Student-t components: normal ones with heavier tails, degrees of freedom fixed or free.

Density, and how it comes from a normal one with a random precision u: see t_density.py. The M-step takes u as
missing, too (Peel and McLachlan 2000, section 4). Statistics of a component: expected count N, sum of
E(log u - u + 1), of E u, of E u x, and of E u times the second moments, as in gaussian.py. Unconstrained
coordinates: those of normal components, with scale matrices S for covariances, then where df v are free
-log(1 / v - 1 / 200).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.families import normal_prior, t_density, t_steps
from mixcompare.families.base import Edge, Frame, Parameters
from mixcompare.families.blockwise import BlockFamily, framed
from mixcompare.families.covariance.base import cholesky
from mixcompare.families.gaussian import PRIORS
from mixcompare.families.priors.base import ComponentPrior
from mixcompare.families.priors.student import StudentPrior
from mixcompare.families.refusals import require_scale
from mixcompare.families.t_density import FEW, MOST
from mixcompare.families.t_steps import NORMAL, as_normal, as_student, kind


@dataclass(frozen=True)
class StudentT(BlockFamily):
    """Student-t components, `means` (K, d), `scales` (K, d, d), `df` (K,) degrees of freedom.

    Free df lie in (0, 200]. At 200 a component is as good as normal, with a mean loss of 2e-5 nats an
    observation; where the likelihood still rises there, it rises towards the normal limit, and the end is a
    `boundary`. A fixed df may be any positive number. The likelihood is unbounded where a component
    collapses, for free df even on a single observation (as df go to 0).

    Parameters
    ----------
    df : float or "free", optional
        Degrees of freedom of every component; without it, or "free", each component has free ones of its own.
    """

    df: float | str | None = None

    name: ClassVar[str] = "student_t"
    discrete: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.df == "free":
            object.__setattr__(self, "df", None)
        if isinstance(self.df, str) or not (self._fixed > 0 and math.isfinite(self._fixed)):
            raise SpecError(f'df: expected a number > 0, or "free", got {self.df!r}')

    @property
    def _free(self) -> bool:
        return self.df is None

    @property
    def _fixed(self) -> float:
        """Those of all components, or where they are free those of a start."""
        return FEW if self.df is None else float(self.df)

    # -- the data ---------------------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Any finite real numbers will do whose variances are numbers too: see `require_scale`."""
        require_scale(data)

    def frame(self, data: Dataset) -> Frame:
        """Mean and standard deviation of each feature, as for normal components."""
        return NORMAL.frame(data)

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """See `Family`."""
        return {"means": (n_features,), "scales": (n_features, n_features), "df": ()}

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """Those of normal components, and free df."""
        return NORMAL.n_coordinates(n_components, n_features) + n_components * self._free

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """See `Family`."""
        part = [""] if len(columns) == 1 else [f" of {column}" for column in columns]
        names = [f"mean {k}{p}" for k in components for p in part]
        for k in components:
            for i, p in enumerate(part):
                names += [f"scale factor {k} ({columns[i]}, {columns[j]})" for j in range(i)]
                names += [f"log scale {k}{p}"]
        return names + [f"df {k}" for k in components if self._free]

    def to_unconstrained(self, parameters: Parameters) -> np.ndarray:
        """See `Family`; infinite at df = 200."""
        z = NORMAL.to_unconstrained(as_normal(parameters))
        if not self._free:
            return z
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.append(z, -np.log(1 / parameters["df"] - 1 / MOST))

    def to_natural(
        self, z: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        K = n_components
        split = z.size - K * self._free
        normal = NORMAL.to_natural(z[:split], K, n_features)
        df = 1 / (np.exp(-z[split:]) + 1 / MOST) if self._free else np.full(K, self._fixed)
        return {"means": normal["means"], "scales": normal["covariances"], "df": df}

    def coordinate_units(self, n_components: int, frame: Frame) -> np.ndarray:
        """df have no unit."""
        units = NORMAL.coordinate_units(n_components, frame)
        return np.append(units, np.ones(n_components * self._free))

    def to_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {**as_student(NORMAL.to_frame(as_normal(parameters), frame)), "df": parameters["df"]}

    def from_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {
            **as_student(NORMAL.from_frame(as_normal(parameters), frame)),
            "df": parameters["df"],
        }

    def outside(self, parameters: Parameters) -> str:
        """Scale matrices must be positive definite, df in (0, 200] or as fixed."""
        for k, (matrix, df) in enumerate(zip(parameters["scales"], parameters["df"], strict=True)):
            violation = kind(len(matrix)).violation(matrix)
            if violation:
                return f"scale matrix {k + 1} is not {violation}"
            if np.isnan(cholesky(matrix[None])).any():
                what = "" if len(matrix) == 1 else " definite"
                return f"the scale matrix of component {k + 1} is not positive{what}"
            if self._free and not 0 < df <= MOST:
                return f"df {df:.6g} of component {k + 1} are not in (0, {MOST:g}]"
            if not self._free and df != self._fixed:
                return (
                    f"df are fixed at {self._fixed:g}, but those of component {k + 1} are {df:.6g}"
                )
        return ""

    def edges(self, parameters: Parameters) -> list[Edge]:
        """Free df, with 200, judged by how far 1 / df is from 1 / 200; df of 0 mean collapse."""
        return [
            Edge(f"df {k + 1}", k, "df", (), MOST)
            for k in range(len(parameters["df"]))
            if self._free
        ]

    def from_edge(self, parameters: Parameters, edge: Edge) -> float:
        """1 / df - 1 / 200."""
        return float(1 / parameters["df"][edge.component] - 1 / MOST)

    def inside(self, edge: Edge, distance: float) -> float:
        """The inverse."""
        return 1 / (distance + 1 / MOST)

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By the means, then the scale of the first feature, then df."""
        return np.column_stack([NORMAL.order_key(as_normal(parameters)), parameters["df"]])

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """`means`, `log_scales` (K, d), `correlations` as Fisher's z for d > 1; `log_df` where free."""
        values = NORMAL.report_scale(as_normal(parameters))
        values = {name.replace("sds", "scales"): value for name, value in values.items()}
        if self._free:
            with np.errstate(invalid="ignore", divide="ignore"):
                values["log_df"] = np.log(parameters["df"])
        return values

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`; residuals are taken about each component's own mean."""
        return self.block_density(x, parameters)[0]

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """See `Family`: normal observations over the root of u."""
        df = parameters["df"][labels]
        normal = NORMAL.sample(
            {**as_normal(parameters), "means": 0 * parameters["means"]}, labels, rng
        )
        return parameters["means"][labels] + normal / np.sqrt(rng.chisquare(df) / df)[:, None]

    # -- the likelihood ---------------------------------------------------------------------------

    def block_density(self, u: np.ndarray, parameters: Parameters) -> tuple[np.ndarray, Any]:
        """See `BlockFamily`; known are the distances (b, K)."""
        D, half = t_density.distances(u, parameters["means"], parameters["scales"])
        return t_density.log_density(D, half, parameters["df"], u.shape[1]), D

    def block_sums(
        self, u: np.ndarray, shares: np.ndarray, known: Any, parameters: Parameters
    ) -> np.ndarray:
        """See `BlockFamily`: (K, 3 + d + second moments)."""
        return t_steps.block_sums(u, shares, known, parameters["df"])

    def collect(self, data: Dataset, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Their sum."""
        return np.sum(parts, axis=0)

    def cancelled(self, statistics: np.ndarray, parameters: Parameters) -> float:
        """See `t_steps.cancelled`."""
        return t_steps.cancelled(statistics, parameters)

    def sums(
        self,
        data: Dataset,
        responsibilities: np.ndarray,
        parameters: Parameters | None = None,
    ) -> np.ndarray:
        """See `Family`."""
        frame, parts = self.frame(data), []
        with np.errstate(divide="ignore", invalid="ignore"):
            if parameters is None:
                r = responsibilities * data.weights[:, None]
                means, scales, df = t_steps.largest(frame(data.x), r, self._fixed, self._free)
                parameters = {"means": means, "scales": scales, "df": df}
            for u, counts, rows in framed(data, frame):
                shares = responsibilities[rows] * counts[:, None]
                D = np.nan_to_num(self.block_density(u, parameters)[1], nan=0.0)
                parts.append(self.block_sums(u, shares, D, parameters))
            return self.collect(data, parts)

    def mle(self, statistics: np.ndarray) -> dict[str, np.ndarray]:
        """See `Family`: weighted means and scatter over N, a root for df; nan for an empty component."""
        N = statistics[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            point = as_student(NORMAL.mle(statistics[:, 2:]))
            point["scales"] *= (statistics[:, 2] / N)[:, None, None]
            free = self._free
            df = (
                t_steps.best_df(statistics[:, 1] / N)
                if free
                else np.where(N > 0, self._fixed, np.nan)
            )
        return {**point, "df": df}

    def score(self, parameters: Parameters, statistics: np.ndarray) -> np.ndarray:
        """See `t_steps.score`."""
        return t_steps.score(parameters, statistics, self._free)

    conjugate_prior: ClassVar[str] = normal_prior.STATEMENT + " (of scale matrices), none on df"

    def conjugate(self, overall: np.ndarray, n_components: int) -> Any:
        """See `normal_prior`."""
        return normal_prior.NormalPrior.of(as_normal(self.mle(overall)), n_components, False)

    def mode(self, statistics: np.ndarray, prior: Any) -> dict[str, np.ndarray]:
        """See `normal_prior`; df as without it."""
        N, estimates = statistics[:, 0], self.mle(statistics)
        point = prior.mode(N, as_normal(estimates), lambda scatter: scatter, statistics[:, 2])
        return {**as_student(point), "df": np.where(N > 0, estimates["df"], self._fixed)}

    def log_conjugate(self, parameters: Parameters, prior: Any) -> float:
        """See `normal_prior`."""
        return float(prior.log_density(as_normal(parameters)))

    has_scales: ClassVar[bool] = True

    def mle_about(self, statistics: np.ndarray, previous: Parameters) -> dict[str, np.ndarray]:
        """Scale matrices grow by U / N (m - m_old)(m - m_old)'."""
        estimates = self.mle(statistics)
        shift = estimates["means"] - previous["means"]
        share = (statistics[:, 2] / statistics[:, 0])[:, None, None]
        extra = share * shift[:, :, None] * shift[:, None, :]
        return {**estimates, "scales": estimates["scales"] + extra}

    # -- degenerate and narrow components ---------------------------------------------------------

    def spread(self, parameters: Parameters) -> np.ndarray:
        """Square root of the smallest eigenvalue of each scale matrix; 0 if not positive to rounding."""
        return NORMAL.spread(as_normal(parameters))

    def extent(self, parameters: Parameters) -> np.ndarray:
        """Square root of the largest eigenvalue of each scale matrix."""
        return NORMAL.extent(as_normal(parameters))

    def contraction(
        self, data: Dataset, parameters: Parameters, responsibilities: np.ndarray
    ) -> np.ndarray:
        """Scale along the narrowest direction after one M-step over that before, both squared."""
        frame, d = self.frame(data), data.n_features
        matrices = self.to_frame(parameters, frame)["scales"]
        ratios = np.empty(len(matrices))
        with np.errstate(divide="ignore", invalid="ignore"):
            D, _ = t_density.distances(data.x, parameters["means"], parameters["scales"])
            r = responsibilities * data.weights[:, None]
            shares = r * t_density.precision(D, parameters["df"], d)
            # Differences are taken before scaling: about the component's own mean they do not cancel.
            for k, mean in enumerate(parameters["means"]):
                residual = (data.x - mean) / frame.scale
                ratios[k] = kind(d).next_variance(residual, shares[:, k], matrices[k])
            ratios *= shares.sum(axis=0) / r.sum(axis=0)
        return ratios

    def narrow_limits(self, n_features: int) -> tuple[float, float]:
        """Those of normal components."""
        return NORMAL.narrow_limits(n_features)

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """As for normal components; free df are 10."""
        K = len(rows)
        df = np.full(K, self._fixed)
        return {**as_student(NORMAL.components_at(rows, data)), "df": df}

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """As for normal components; free df from 2 to 50, uniform in their logarithms."""
        K = n_components
        normal = as_student(NORMAL.random_components(K, data, rng))
        df = (
            np.exp(rng.uniform(np.log(2), np.log(50), K)) if self._free else np.full(K, self._fixed)
        )
        return {**normal, "df": df}

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """Mean, scale (d = 1) or the lower triangle of the scale matrix, then df where free; in turn."""
        d = n_features
        triangle = ["scales" if i == j else "co-scales" for i in range(d) for j in range(i + 1)]
        return (["means"] * d + triangle + ["df"] * self._free) * n_components

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        K = len(parameters["df"])
        raw = NORMAL.to_naive(as_normal(parameters)).reshape(K, -1)
        return (np.column_stack([raw, parameters["df"]]) if self._free else raw).ravel()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`; a negative scale becomes a negative squared one."""
        K = n_components
        table = raw.reshape(K, -1)
        df = table[:, -1].copy() if self._free else np.full(K, self._fixed)
        table = table[:, :-1] if self._free else table
        return {**as_student(NORMAL.from_naive(table.ravel(), K, n_features)), "df": df}

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """`t.pdf(x, df, mean, scale)`: nan for a negative scale; `multivariate_t.pdf`, which raises."""
        from scipy import stats

        point = self.from_naive(raw, n_components, x.shape[1])
        if x.shape[1] == 1:
            table = raw.reshape(n_components, -1)
            return np.asarray(stats.t.pdf(x, point["df"], table[:, 0], table[:, 1]))
        each = zip(point["means"], point["scales"], point["df"], strict=True)
        return np.column_stack([stats.multivariate_t.pdf(x, m, S, v) for m, S, v in each])

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """Those of normal components; df from 1 to 200."""
        box, kinds = NORMAL.naive_bounds(data), ("sds", "variances")
        scales = box[kinds[data.n_features > 1]]
        wide = box["covariances"]
        return {"means": box["means"], "scales": scales, "co-scales": wide, "df": (1.0, MOST)}

    # -- the posterior ----------------------------------------------------------------------------

    prior_forms: ClassVar[tuple[str, ...]] = NORMAL.prior_forms

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """See `Family`."""
        normal = PRIORS[form](kind(n_features), False)
        return StudentPrior(normal, None if self._free else self._fixed)

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """See `Family`."""
        import pytensor.tensor as pt

        means, df = parameters["means"], parameters["df"]
        K, d = means.type.shape
        D, half = kind(d).pymc_distances(x, means, parameters, K)
        constant = pt.gammaln((df + d) / 2) - pt.gammaln(df / 2) - d / 2 * pt.log(np.pi * df)
        return constant - half - (df + d) / 2 * pt.log1p(D / df)

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """Means, nan for df <= 1; variances S_ii v / (v - 2), infinite for df in (1, 2], nan below."""
        means, squares = NORMAL.moments(as_normal(parameters))
        df = np.asarray(parameters["df"])[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):
            variances = np.where(df > 2, squares * df / (df - 2), np.inf)
        return np.where(df > 1, means, np.nan), np.where(df > 1, variances, np.nan)
