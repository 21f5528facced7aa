"""Positive measurements: a mixture of gamma distributions.

Density: log f(x) = a log b - log Gamma(a) + (a - 1) log x - b x for x > 0, with shape a and rate b.
Statistics: T(x) = (u, u - 1 - log u), u = x over the mean of the data: log u = u - 1 - T_2, but T_2 keeps
its digits where u is near 1, and a narrow component needs them. Unconstrained coordinates: the logarithms
of the means a / b and of the shapes, whose information is diagonal (Cox and Reid 1987, JRSS B 49, 1-39);
log shape and log rate of a narrow component are almost collinear.

Where observations are tied, or one stands alone, the likelihood has no bound: a component there collapses as
its shape goes to infinity. Its spread is 1 / sqrt(a), sd over mean, free of units: a small mean is no
collapse, since x > 0. With coefficient of variation c, rounding costs about eps / c nats an observation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import DataError
from mixcompare.families.base import Edge, Frame, Parameters
from mixcompare.families.core import Core, run
from mixcompare.families.fused import ExponentialFamily
from mixcompare.families.gamma_core import CORE, deficits, peaks
from mixcompare.families.priors.base import ComponentPrior
from mixcompare.families.priors.gamma import LogNormalGamma
from mixcompare.families.refusals import one_feature, refuse

NARROWEST = 1e-5
"""sd over mean of the data below which they are refused; that of a component may be 1000 times less."""

WIDE = 1e-2
"""A component that is no narrower than this, in comparison with the data, is not collapsing."""


@dataclass(frozen=True)
class Gamma(ExponentialFamily):
    """Gamma components, `shapes` (K,) and `rates` (K,); data are numbers > 0 in one column."""

    name: ClassVar[str] = "gamma"
    discrete: ClassVar[bool] = False
    univariate: ClassVar[bool] = True

    # -- the data ---------------------------------------------------------------------------------

    def check(self, data: Dataset) -> None:
        """Raise DataError at the first value that is not positive, for several columns, for no spread."""
        one_feature(self, data)
        advice = (
            "A zero is often a small value that was rounded: give it half the rounding unit, leave it out, "
            "or use the exponential family, which takes zeros."
        )
        refuse(data, data.x <= 0, self, "numbers > 0", advice)
        mean, cv = _mean_and_cv(data)
        smallest = data.x < 1e-290 * mean
        advice = (
            "Values so far apart can't be told from zero: leave them out, or fit their logarithms."
        )
        refuse(data, smallest, self, "values above 1e-290 times their mean", advice)
        if 0 < cv < NARROWEST:
            raise DataError(
                f"{data.name}: the gamma family expects a standard deviation of at least {NARROWEST:g} "
                f"times the mean, got {cv:.3g}. So narrow a gamma distribution is a normal one: use the "
                f"gaussian family."
            )

    def frame(self, data: Dataset) -> Frame:
        """In units of the mean; zero stays zero."""
        return Frame(np.zeros(1), data.weights @ data.x / data.n)

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """See `Family`."""
        return {"shapes": (), "rates": ()}

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """2 K."""
        return 2 * n_components

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """See `Family`."""
        return [f"log mean {k}" for k in components] + [f"log shape {k}" for k in components]

    def coordinate_units(self, n_components: int, frame: Frame) -> np.ndarray:
        """Ones: a unit only shifts logarithms."""
        return np.ones(2 * n_components)

    def to_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {"shapes": parameters["shapes"], "rates": parameters["rates"] * frame.scale[0]}

    def from_frame(self, parameters: Parameters, frame: Frame) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {"shapes": parameters["shapes"], "rates": parameters["rates"] / frame.scale[0]}

    def outside(self, parameters: Parameters) -> str:
        """Shapes and rates must be > 0."""
        for what in ("shape", "rate"):
            values = parameters[f"{what}s"]
            if not (values > 0).all():
                k = int(np.argmax(~(values > 0)))
                return f"{what} {values[k]:.6g} of component {k + 1} is not positive"
        return ""

    def edges(self, parameters: Parameters) -> list[Edge]:
        """None: an infinite shape is collapse, and at the other limits there is no density anywhere."""
        return []

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By the means, then the shapes."""
        return np.column_stack([_means(parameters), parameters["shapes"]])

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """`log_means`, `log_shapes` (K,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "log_means": np.log(_means(parameters)),
                "log_shapes": np.log(parameters["shapes"]),
            }

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`; -inf for x <= 0.

        log f = log_peak(a) - log x - a (y - 1 - log y), y = x over the component's own mean.
        """
        shapes = np.where(parameters["shapes"] > 0, parameters["shapes"], np.nan)
        means = np.where(parameters["rates"] > 0, shapes / parameters["rates"], np.nan)
        peak, inside = np.empty(len(shapes)), x[:, 0] > 0
        run(peaks)(shapes, peak)
        values = np.where(inside, x[:, 0], 1.0)
        density = np.empty((len(x), len(shapes)))
        for k, mean in enumerate(means):
            density[:, k] = peak[k] - np.log(values) - shapes[k] * _deficits(values, mean)[1]
        density[~inside] = -np.inf
        return density

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """See `Family`; what a tiny shape makes smaller than any number becomes the smallest one."""
        draws: np.ndarray = rng.standard_gamma(parameters["shapes"][labels])
        return np.maximum(draws / parameters["rates"][labels], np.finfo(float).tiny)[:, None]

    # -- the likelihood ---------------------------------------------------------------------------

    def encode(self, x: np.ndarray, frame: Frame) -> np.ndarray:
        """(2, n): u, and u - 1 - log u, so that a pass takes no logarithms."""
        return np.stack(_deficits(x[:, 0], frame.scale[0]))

    def core(self, n_features: int) -> Core:
        """See `ExponentialFamily`."""
        return CORE

    def n_statistics(self, n_features: int) -> int:
        """2."""
        return 2

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `ExponentialFamily`; from means a / b and shapes a."""
        import pytensor.tensor as pt

        means, shapes = parameters["means"], parameters["shapes"]
        peak = shapes * pt.log(shapes) - shapes - pt.gammaln(shapes)
        eta = pt.stack([shapes - shapes / means - 1, 1 - shapes], axis=1)
        return peak + 1 - shapes * pt.log(means), eta

    # -- degenerate and narrow components ---------------------------------------------------------

    def spread(self, parameters: Parameters) -> np.ndarray:
        """sd over mean, 1 / sqrt(a): about the sd of log x."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / np.sqrt(np.abs(parameters["shapes"])))

    def extent(self, parameters: Parameters) -> np.ndarray:
        """The same, but at most 1: beside a component with a pole at zero, others are not called narrow."""
        return np.minimum(self.spread(parameters), 1.0)

    def contraction(
        self, data: Dataset, parameters: Parameters, responsibilities: np.ndarray
    ) -> np.ndarray:
        """Shape over next shape; 1 for a component that is not narrow beside the data as a whole.

        Next shapes come from residuals about the component's own mean.
        """
        r = responsibilities * data.weights[:, None]
        share = r / np.maximum(r.sum(axis=0), np.finfo(float).tiny)
        statistics = np.ones((r.shape[1], 3))
        for k, mean in enumerate(_means(parameters)):
            statistics[k, 1:] = np.stack(_deficits(data.x[:, 0], mean)) @ share[:, k]
        wide = self.spread(parameters) >= WIDE * (_mean_and_cv(data)[1] or 1.0)
        ratio = parameters["shapes"] / self.mle(statistics)["shapes"]
        return np.where(wide, 1.0, ratio)

    def narrow_limits(self, n_features: int) -> tuple[float, float]:
        """0.05 and 1.9, as for free variances of one feature."""
        return 0.05, 1.9

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Means at the rows; sd over mean that of the data over K."""
        K, cv = len(rows), _mean_and_cv(data)[1] or 1.0
        shapes = np.full(K, (K / cv) ** 2)
        return {"shapes": shapes, "rates": shapes / rows[:, 0]}

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Means log-normal with mean and sd of the data; sd over mean that of the data times U(0.1, 1)."""
        mean, cv = _mean_and_cv(data)
        cv = cv or 1.0
        log_sd = float(np.sqrt(np.log1p(cv**2)))
        means = mean * np.exp(rng.normal(-(log_sd**2) / 2, log_sd, n_components))
        shapes = (cv * rng.uniform(0.1, 1.0, n_components)) ** -2.0
        return {"shapes": shapes, "rates": shapes / means}

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """The shape and the rate of each component."""
        return ["shapes", "rates"] * n_components

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        return np.column_stack([parameters["shapes"], parameters["rates"]]).ravel()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`."""
        return {"shapes": raw[::2].copy(), "rates": raw[1::2].copy()}

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """`gamma.pdf(x, a, scale=1 / b)`: nan for a negative shape or rate."""
        from scipy import stats

        return np.asarray(stats.gamma.pdf(x, raw[::2], scale=1.0 / raw[1::2]))

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """sd over mean from a hundredth of the data's to ten times it; means in the range of the data."""
        cv = _mean_and_cv(data)[1] or 1.0
        low, high = 0.01 / cv**2, 1e4 / cv**2
        return {"shapes": (low, high), "rates": (low / data.x.max(), high / data.x.min())}

    # -- the posterior ----------------------------------------------------------------------------

    prior_forms: ClassVar[tuple[str, ...]] = ("weak",)

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """See `Family`."""
        return LogNormalGamma()

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """See `Family`."""
        import pytensor.tensor as pt

        means, shapes = parameters["means"], parameters["shapes"]
        y = x / means
        peak = shapes * pt.log(shapes) - pt.gammaln(shapes)
        return peak + shapes * (pt.log(y) - y) - pt.log(x)

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """a / b and a / b^2."""
        means = _means(parameters)[..., None]
        return means, means / parameters["rates"][..., None]


def _means(parameters: Parameters) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        means: np.ndarray = parameters["shapes"] / parameters["rates"]
    return means


def _mean_and_cv(data: Dataset) -> tuple[float, float]:
    """Mean, and sd (divisor n) over mean: exactly 0 if all observations are tied."""
    x, share = data.x[:, 0], data.weights / data.n
    mean = float(share @ x)
    return mean, float(np.sqrt(share @ (x / mean - 1) ** 2)) if np.ptp(x) else 0.0


def _deficits(x: np.ndarray, mean: float) -> tuple[np.ndarray, np.ndarray]:
    """u = x / mean and u - 1 - log u, for x (n,) > 0."""
    x = np.ascontiguousarray(x)
    u, w = np.empty_like(x), np.empty_like(x)
    run(deficits)(x, mean, u, w)
    return u, w
