"""Posterior draws as arrays, and what is computed from them alone: intervals, R-hat, effective sizes.

Shared by the samplers, which say it, and the verifier, which says it again from the stored draws. R-hat,
effective sizes and E-BFMI are ArviZ's (Vehtari et al. 2021, Bayesian Analysis 16, 667-718).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.relabel import reorder
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Draws:
    """Draws in natural parameters: weights (chains, draws, K), parameters name -> (chains, draws, K, ...)."""

    weights: np.ndarray
    parameters: dict[str, np.ndarray]

    @property
    def shape(self) -> tuple[int, int]:
        """(chains, draws)."""
        return self.weights.shape[0], self.weights.shape[1]

    @property
    def values(self) -> dict[str, np.ndarray]:
        """All of them by name."""
        return {"weights": self.weights, **self.parameters}

    @property
    def flat(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Weights (M, K) and parameters name -> (M, K, ...) of all M draws, chain after chain."""
        joined = {name: value.reshape(-1, *value.shape[2:]) for name, value in self.values.items()}
        return joined.pop("weights"), joined

    @property
    def is_finite(self) -> bool:
        """Whether every number is finite."""
        return all(bool(np.isfinite(value).all()) for value in self.values.values())

    def theta(self, chain: int, draw: int) -> Theta:
        """One draw as a point."""
        parameters = {name: value[chain, draw] for name, value in self.parameters.items()}
        return Theta(self.weights[chain, draw], **parameters)

    def spread(self, most: int) -> list[Theta]:
        """At most so many draws as points, evenly spread over the chains one after the other."""
        chains, size = self.shape
        total = chains * size
        flat = np.arange(total) if total <= most else np.linspace(0, total - 1, most).astype(int)
        return [self.theta(*divmod(int(i), size)) for i in flat]

    def mean(self) -> Theta:
        """Mean over all draws, in natural parameters; weights are renormalised."""
        means = {name: value.mean(axis=(0, 1)) for name, value in self.values.items()}
        weights = means.pop("weights")
        return Theta(weights / weights.sum(), **means)

    def relabelled(self, permutations: np.ndarray) -> Draws:
        """Components renumbered draw by draw; permutations (chains, draws, K)."""
        parameters = {name: reorder(value, permutations) for name, value in self.parameters.items()}
        return Draws(reorder(self.weights, permutations), parameters)


def from_tree(model: MixtureModel, n_features: int, tree: Any) -> Draws:
    """The draws in the group `posterior` of an ArviZ object (xarray.DataTree)."""
    stored = tree["posterior"].to_dataset()
    names = model.family.shapes(n_features)
    return Draws(
        np.asarray(stored["weights"].values, dtype=float),
        {name: np.asarray(stored[name].values, dtype=float) for name in names},
    )


def log_likelihoods(problem: Problem, draws: Draws) -> np.ndarray:
    """Log-likelihood of each draw (chains, draws), nats; one pass a draw."""
    weights, parameters = draws.flat
    return problem.log_likelihoods(weights, parameters).reshape(draws.shape)


def label_free(model: MixtureModel, draws: Draws, loglik: np.ndarray) -> dict[str, np.ndarray]:
    """Quantities that no relabelling changes: log-likelihood, mean and variance of the mixture.

    Moments that do not exist in some draw are left out.
    """
    means, variances = model.family.moments(draws.parameters)
    w = draws.weights[..., None]
    mean = (w * means).sum(axis=-2)
    variance = (w * (variances + (means - mean[..., None, :]) ** 2)).sum(axis=-2)
    found = {"loglik": loglik}
    for name, value in {"mixture mean": mean, "mixture variance": variance}.items():
        found[name] = value[..., np.isfinite(value).all(axis=(0, 1))]
    return found


def worst_rhat(values: Mapping[str, np.ndarray]) -> float:
    """Largest rank-normalised split R-hat over all entries that vary; nan if none does or < 4 draws."""
    import arviz

    return _extreme(arviz.rhat, values, np.max)


def least_ess(values: Mapping[str, np.ndarray], method: str) -> float:
    """Smallest effective sample size ("bulk" or "tail") over all entries that vary."""
    import arviz

    return _extreme(lambda dataset: arviz.ess(dataset, method=method), values, np.min)


def least_bfmi(energy: np.ndarray) -> float:
    """Smallest E-BFMI of the chains (Betancourt 2016, arXiv:1604.00695); energy (chains, draws)."""
    import arviz

    tree = arviz.from_dict({"sample_stats": {"energy": energy}})
    return float(np.min(arviz.bfmi(tree)["energy"].values))


def intervals(model: MixtureModel, draws: Draws) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """95 % equal-tailed intervals on the reporting scale, name -> (lower, upper), arrays over components."""
    scale = model.report_scales(draws.weights, draws.parameters)
    found = {}
    for name, value in scale.items():
        # a weight of one (K = 1) is an infinite logit, and the quantiles of infinities are nan
        with np.errstate(invalid="ignore"):
            lower, upper = np.quantile(value, [0.025, 0.975], axis=(0, 1))
        found[name] = (lower, upper)
    return found


def _extreme(statistic: Any, values: Mapping[str, np.ndarray], choose: Any) -> float:
    """The statistic of each entry that is not the same number in every draw, and the extreme one."""
    import arviz

    chains, size = next(iter(values.values())).shape[:2]
    flat = np.concatenate([v.reshape(chains, size, -1) for v in values.values()], axis=2)
    if size < 4:
        return np.nan
    flat = flat[:, :, (flat != flat[:1, :1]).any(axis=(0, 1))]
    if not flat.shape[2]:
        return np.nan
    with np.errstate(all="ignore"):  # a chain that never moves gives nan or infinity, as it should
        found = statistic(arviz.convert_to_dataset({"entries": flat}))["entries"].values
    return float(choose(found))
