"""The prior of Richardson and Green (1997, JRSS B 59, 731-792) on normal components, and its Wishart sister.

means ~ N(mean, mean_sd^2); precisions ~ Gamma(shape, b), b ~ Gamma(hyper_shape, hyper_rate), one b for all
components, so that they borrow a scale from each other. Defaults: midrange, range R, 2, 0.2 and 10 / R^2. For
matrices (Stephens 1997, thesis, Oxford, ch. 2; 2000, Ann. Statist. 28, 40-74) precisions T ~ Wishart(2 shape,
(2 B)^-1), B ~ Wishart(2 hyper_shape, (2 diag(hyper_rate))^-1), both shapes (d - 1) / 2 larger. Features
without correlations have a b each. b and B are integrated out, which leaves

    prod_k |T_k|^(a - c) / G(a)^m  *  |h|^g G(g + m a) / (G(g) |h + sum_k T_k|^(g + m a)),  c = (d + 1) / 2,

with G the d-variate gamma function: a density of the precisions alone, which the optimisers of the
verifier, the samplers with gradients and PyMC's sequential Monte Carlo take as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.families.priors.base import Number, explained, squared, worded
from mixcompare.families.priors.densities import log_multivariate_gamma, sample_wishart
from mixcompare.families.priors.normal import NormalPrior

_LETTERS = {"M": "the midrange of each feature", "R": "the range of each"}


@dataclass(frozen=True)
class RichardsonGreen(NormalPrior):
    """See the top of the file. Variables: "mu" (K, d), and "free", the kind's coordinates, (m, n_free)."""

    form: str = "richardson-green"
    weights: ClassVar[float] = 1.0

    @property
    def numbers(self) -> tuple[Number, ...]:
        """`mean`, `mean_sd`, `shape`, `hyper_shape`, `hyper_rate`."""
        return (
            Number(
                "mean",
                lambda seen, K: (seen.low + seen.high) / 2,
                "location",
                positive=False,
                word="M",
            ),
            Number("mean_sd", lambda seen, K: seen.range, "scale", word="R"),
            Number("shape", 2.0),
            Number("hyper_shape", 0.2),
            Number("hyper_rate", lambda seen, K: 10 / seen.range**2, "precision", word="10 / R²"),
        )

    def text(self, given: Mapping[str, Any]) -> str:
        """See `ComponentPrior`."""
        v = worded(self.numbers, given)
        a, g, h = v["shape"], v["hyper_shape"], v["hyper_rate"]
        law = f"precisions ~ Gamma({a}, b), b ~ Gamma({g}, {h})"
        if self.kind.correlated:
            law = (
                f"precision matrices ~ Wishart(2 × {a} + d − 1, (2 B)⁻¹), B ~ Wishart(2 × {g} + d − 1, "
                f"(2 diag({h}))⁻¹) for d features"
            )
        means = f"means ~ Normal({v['mean']}, {squared(v['mean_sd'])})"
        return f"{means}, {law} (Richardson and Green 1997)" + explained(
            self.numbers, given, _LETTERS
        )

    @property
    def conjugate(self) -> Callable[..., None]:
        """See `ComponentPrior`; b and B are drawn again, in turn with the rest."""
        return self.kind.conjugate

    def packed(self, d: int, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
        """See `ComponentPrior`."""
        a, g = self.shapes(d, numbers)
        of_means = [numbers["mean"], 1 / numbers["mean_sd"] ** 2]
        return np.concatenate([[a, g], *of_means, self.hyper_rate(numbers)], dtype=float)

    def shapes(self, d: int, numbers: Mapping[str, Any]) -> tuple[Any, Any]:
        """a and g of the formula: half the degrees of freedom of both Wishart distributions."""
        extra = (d - 1) / 2 if self.kind.correlated else 0.0
        return numbers["shape"] + extra, numbers["hyper_shape"] + extra

    def hyper_rate(self, numbers: Mapping[str, Any]) -> Any:
        """h: one a feature, or that of the mean square range for a kind with one sd."""
        h = numbers["hyper_rate"]
        return h if self.kind.own_sds else 1 / (1 / h).mean(keepdims=True)

    def _declare(self, m: int, d: int, K: int, numbers: Mapping[str, Any]) -> dict[str, Any]:
        import pymc as pm
        import pytensor.tensor as pt

        free = pm.Flat("free", shape=(m, self.kind.n_free(d)))
        matrices = self.kind.pymc_from_free(free, d)
        (a, g), h = self.shapes(d, numbers), self.hyper_rate(numbers)
        if not self.kind.correlated:
            log_T = -2 * free
            total = pt.log(h + pt.exp(log_T).sum(axis=0))
            density = (a * log_T + math.log(2) - pt.gammaln(a)).sum()
            by_scale = g * pt.log(h) - pt.gammaln(g) + pt.gammaln(g + m * a) - (g + m * a) * total
            pm.Potential("prior", density + by_scale.sum())
            return matrices
        inverses = [
            pt.linalg.solve_triangular(factor, pt.eye(d), lower=True)
            for factor in matrices["factors"]
        ]
        total = pt.diag(h) + sum(inverse.T @ inverse for inverse in inverses)
        halves = pt.stack([pt.log(pt.diagonal(factor)) for factor in matrices["factors"]])
        log_det = 2 * pt.log(pt.diagonal(pt.linalg.cholesky(total))).sum()

        def log_G(x: Any) -> Any:
            constant = d * (d - 1) / 4 * math.log(math.pi)
            return constant + sum(pt.gammaln(x - i / 2) for i in range(d))

        density = -2 * (a - (d + 1) / 2) * halves.sum() - m * log_G(a)
        density += g * pt.log(h).sum() - log_G(g) + log_G(g + m * a) - (g + m * a) * log_det
        # |dT / dz|: |T|^(d + 1) from T to its inverse, 2^d prod_i L_ii^(d + 2 - i) from there to z
        jacobian = m * d * math.log(2) + (halves * (d + 1 - np.arange(d))).sum()
        pm.Potential("prior", density + jacobian - 2 * (d + 1) * halves.sum())
        return matrices

    def _matrices(self, draws: Mapping[str, np.ndarray], m: int, d: int) -> np.ndarray:
        return self.kind.from_free(draws["free"], d)

    def _values(self, covariances: np.ndarray) -> dict[str, np.ndarray]:
        return {"free": self.kind.free(covariances)}

    def _log_density(
        self, covariances: np.ndarray, K: int, numbers: Mapping[str, np.ndarray]
    ) -> float:
        m, d = covariances.shape[:2]
        (a, g), h = self.shapes(d, numbers), self.hyper_rate(numbers)
        a, g = float(a), float(g)
        if not self.kind.correlated:
            log_T = -2 * self.kind.free(covariances)
            total = np.log(h + np.exp(log_T).sum(axis=0))
            density = float((a * log_T).sum()) + log_T.size * (math.log(2) - math.lgamma(a))
            constant = math.lgamma(g + m * a) - math.lgamma(g)
            return density + float((g * np.log(h) + constant - (g + m * a) * total).sum())
        halves = np.log(np.diagonal(np.linalg.cholesky(covariances), axis1=1, axis2=2))
        _, log_det = np.linalg.slogdet(np.diag(h) + np.linalg.inv(covariances).sum(axis=0))
        density = -2 * (a - (d + 1) / 2) * halves.sum() - m * log_multivariate_gamma(a, d)
        density += g * np.log(h).sum() - log_multivariate_gamma(g, d)
        density += log_multivariate_gamma(g + m * a, d) - (g + m * a) * log_det
        jacobian = m * d * math.log(2) + (halves * (d + 1 - np.arange(d))).sum()
        return float(density + jacobian - 2 * (d + 1) * halves.sum())

    def _sample(
        self,
        shape: tuple[int, int],
        d: int,
        K: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> np.ndarray:
        size, m = shape
        (a, g), h = self.shapes(d, numbers), self.hyper_rate(numbers)
        a, g = float(a), float(g)
        if not self.kind.correlated:
            b = rng.gamma(g, 1 / h, size=(size, h.size))
            T = rng.gamma(a, 1 / np.repeat(b[:, None], m, axis=1))
            return (1 / T)[..., None] * np.eye(d)
        scale = np.broadcast_to(np.diag(1 / np.sqrt(2 * h)), (size, d, d))
        B = sample_wishart(scale, 2 * g, rng)
        # T = (2 B)^-1 in scale: with B = F F', (2 B)^-1 = C C' for C = F'^-1 / sqrt 2
        C = np.linalg.inv(B).swapaxes(-1, -2) / math.sqrt(2)
        T = sample_wishart(np.repeat(C, m, axis=0), 2 * a, rng)
        inverse = np.linalg.inv(T)
        covariances = inverse.swapaxes(-1, -2) @ inverse
        return covariances.reshape(size, m, d, d)
