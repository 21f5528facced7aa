"""The conjugate prior of normal components, for the penalised likelihood (not for posteriors).

Source: Fraley and Raftery (2007), Bayesian regularization for normal mixture estimation and model-based
clustering, J. Classif. 24, 155-181: means m_k ~ N(mean of the data, S_k / kappa), covariances S_k inverse
Wishart with nu = d + 2 degrees of freedom and scale (covariance of the data) / K^(2/d), kappa = 0.01.
Matrices that are not free have the same density on what they are free in; a shared one has it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

KAPPA = 0.01
"""Observations that the prior mean is worth."""

STATEMENT = (
    "normal-inverse-Wishart of Fraley and Raftery (2007), means N(data mean, S_k / 0.01), covariances S_k "
    "with d + 2 degrees of freedom and scale (data covariance) / K^(2/d)"
)


@dataclass(frozen=True)
class NormalPrior:
    """The prior with its numbers filled in.

    Parameters
    ----------
    mean : ndarray, shape (d,)
    scale : ndarray, shape (d, d)
    shared : bool
        Whether all components have one covariance matrix.
    """

    mean: np.ndarray
    scale: np.ndarray
    shared: bool

    @classmethod
    def of(cls, one: Mapping[str, np.ndarray], n_components: int, shared: bool) -> NormalPrior:
        """From the estimates of all data as one component: `means` (1, d), `covariances` (1, d, d)."""
        mean, covariance = one["means"][0], one["covariances"][0]
        return cls(mean, covariance / n_components ** (2 / mean.size), shared)

    def mode(
        self,
        N: np.ndarray,
        estimates: Mapping[str, np.ndarray],
        project: Callable[[np.ndarray], np.ndarray],
        precision: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Posterior mode, from expected counts (K,) and the maximum likelihood estimates.

        mean (N m + kappa mu) / (N + kappa), covariance (N C + N kappa / (N + kappa) (m - mu)(m - mu)' +
        scale) / (N + nu + d + 2); if shared the sum over components but for the scale, over n + nu + d +
        1 + K. `project` makes matrices of the kind the model allows. An empty
        component gets the prior's own mode. Where observations have latent precisions, `precision` (K,)
        are their expected sums, which stand for N in all but the denominator, and N C is their scatter.
        """
        U = N if precision is None else precision
        K, d = N.size, self.mean.size
        full = (N > 0)[:, None]
        means = np.where(full, estimates["means"], self.mean)
        within = np.where(full[:, :, None], estimates["covariances"], 0.0)
        apart = means - self.mean
        shrunk = (U * KAPPA / (U + KAPPA))[:, None, None] * project(
            apart[:, :, None] * apart[:, None, :]
        )
        scatter = N[:, None, None] * within + shrunk
        if self.shared:
            total = scatter.sum(axis=0) + self.scale
            covariances = np.repeat(total[None] / (N.sum() + 2 * d + 3 + K), K, axis=0)
        else:
            covariances = (scatter + self.scale) / (N + 2 * d + 4)[:, None, None]
        return {"means": self.mean + (U / (U + KAPPA))[:, None] * apart, "covariances": covariances}

    def log_density(self, parameters: Mapping[str, np.ndarray]) -> float:
        """Nats, up to a constant; nan where a covariance is not positive definite.

        sum_k -(kappa (m_k - mu)' S_k^-1 (m_k - mu) + tr(S_k^-1 scale) + (nu + d + 2) log|S_k|) / 2.
        """
        means, covariances = parameters["means"], parameters["covariances"]
        d = means.shape[1]
        sign, log_det = np.linalg.slogdet(covariances)
        if not (sign > 0).all():
            return float("nan")
        precision = np.linalg.inv(covariances)
        apart = means - self.mean
        distance = np.einsum("ki,kij,kj->k", apart, precision, apart)
        trace = np.einsum("kij,ji->k", precision, self.scale)
        by_mean = KAPPA * distance + log_det
        by_matrix = trace + (2 * d + 3) * log_det
        return -float(by_mean.sum() + (by_matrix[0] if self.shared else by_matrix.sum())) / 2
