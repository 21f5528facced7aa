"""Leave-one-out cross-validation of a posterior: how well it predicts each observation from the others."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mixcompare.data import Dataset
from mixcompare.draws import Draws, least_ess, log_likelihoods
from mixcompare.mixture import MixtureModel
from mixcompare.numerics import logsumexp
from mixcompare.problem import Problem

CELLS = 4_000_000
"""Log-densities (draws times observations) held at once: 32 MB."""


@dataclass(frozen=True)
class LeaveOneOut:
    """Expected log density of a new observation, estimated by leaving out each one in turn; larger is better.

    Parameters
    ----------
    pointwise : ndarray, shape (rows,)
        log p(x_i | all others), nats; a row that stands for several observations loses one of them.
    p_pointwise : ndarray, shape (rows,)
        log p(x_i | all) less that.
    pareto_k : ndarray, shape (rows,)
        Shape of the tail of each row's importance weights.
    good_k : float
        Above it the estimate of a row is not to be trusted: min(1 - 1 / log10 S, 0.7) for S draws.
    counts : ndarray, shape (rows,)
        Observations that each row stands for.
    """

    pointwise: np.ndarray
    p_pointwise: np.ndarray
    pareto_k: np.ndarray
    good_k: float
    counts: np.ndarray

    @cached_property
    def elpd(self) -> float:
        """Of all observations together, nats."""
        return float(self.counts @ self.pointwise)

    @cached_property
    def se(self) -> float:
        """Standard error of `elpd`, a sum of n independent terms."""
        return self._error(self.pointwise)

    @cached_property
    def p(self) -> float:
        """Effective number of parameters."""
        return float(self.counts @ self.p_pointwise)

    @cached_property
    def bad(self) -> int:
        """Observations whose estimate is not to be trusted."""
        return int(self.counts[~(self.pareto_k <= self.good_k)].sum())

    def less(self, other: LeaveOneOut) -> tuple[float, float]:
        """`elpd` less that of another model of the same data, with the paired standard error."""
        return self.elpd - other.elpd, self._error(self.pointwise - other.pointwise)

    def _error(self, values: np.ndarray) -> float:
        n = float(self.counts.sum())
        centred = values - self.counts @ values / n
        return float(np.sqrt(n / (n - 1) * (self.counts @ centred**2))) if n > 1 else np.nan


def leave_one_out(model: MixtureModel, data: Dataset, draws: Draws) -> LeaveOneOut:
    """Pareto-smoothed importance sampling over the draws of a posterior, by ArviZ (`arviz.loo`).

    No relabelling changes it. Vehtari, Gelman and Gabry 2017, Statistics and Computing 27, 1413-1432;
    Vehtari, Simpson, Gelman, Yao and Gabry 2024, J. Mach. Learn. Res. 25(72).

    Parameters
    ----------
    model : MixtureModel
        On the data.
    data : Dataset
    draws : Draws
        Of the posterior itself, with nothing wrong: what is wrong with them is wrong with the result.

    Returns
    -------
    LeaveOneOut
    """
    import arviz

    chains, size = draws.shape
    loglik = log_likelihoods(Problem(model, data), draws)
    ess = least_ess({"loglik": loglik}, "mean")
    reff = ess / (chains * size) if np.isfinite(ess) else 1.0
    elpd, lppd, pareto_k, good_k = [], [], [], np.nan
    rows = max(1, CELLS // (chains * size))
    for start in range(0, data.n_rows, rows):
        density = _log_densities(model, data.x[start : start + rows], draws)
        tree = arviz.from_dict({"log_likelihood": {"x": density}})
        with warnings.catch_warnings():  # about large k, which are counted
            warnings.simplefilter("ignore", UserWarning)
            found = arviz.loo(tree, pointwise=True, reff=reff)
        elpd.append(found.elpd_i.values)
        pareto_k.append(found.pareto_k.values)
        good_k = float(found.good_k)
        flat = density.reshape(chains * size, -1)
        lppd.append(logsumexp(flat, axis=0) - np.log(chains * size))
    pointwise = np.concatenate(elpd)
    return LeaveOneOut(
        pointwise,
        np.concatenate(lppd) - pointwise,
        np.concatenate(pareto_k),
        good_k,
        data.part(slice(None))[1],
    )


def _log_densities(model: MixtureModel, x: np.ndarray, draws: Draws) -> np.ndarray:
    """(chains, draws, rows): log-density of each row under each draw, nats."""
    chains, size = draws.shape
    found = np.empty((chains, size, len(x)))
    for chain, draw in np.ndindex(chains, size):
        found[chain, draw] = model.log_density(x, draws.theta(chain, draw))
    return found
