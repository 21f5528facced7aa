"""Fitted densities against the true one, on fresh points drawn from the truth."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import numpy as np

from mixcompare.draws import Draws
from mixcompare.mixture import MixtureModel
from mixcompare.numerics import logsumexp
from mixcompare.seeds import stream
from mixcompare.theta import Theta

FRESH_POINTS = 4000
"""Points of the truth at which densities are compared."""

MOST_DRAWS = 500
"""Draws whose densities are averaged at most, evenly spread over the chains."""

TOGETHER = 5
"""Draws whose components are evaluated in one call."""

PLUG_IN, PREDICTIVE = "plug-in", "posterior predictive"
"""What is put on the fresh points: the density at the estimate, and the mean density over the draws."""


class Truth:
    """A family and a true point, as the key of a cache: equal where the numbers are."""

    def __init__(self, family: Any, theta: Theta) -> None:
        self.family, self.theta = family, theta
        self.parts = (family.name, *((name, value.tobytes()) for name, value in theta.items()))

    def __hash__(self) -> int:
        return hash(self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Truth) and self.parts == other.parts


def divergence(
    model: MixtureModel, theta: Theta, truth: Truth, seed: int, data_name: str
) -> tuple[float, float]:
    """KL(truth || theta), nats per observation, and the standard error of its integration.

    The points are the same for all rows and replicates of a scenario. Infinite where theta gives one of
    them no density.
    """
    x, true = _fresh_points(truth, seed, "kl", data_name)
    value, mcse = _expected(model.log_density(x, theta) - true)
    return 0.0 - value, mcse


def predictive(
    model: MixtureModel,
    theta: Theta,
    draws: Draws | None,
    truth: Truth,
    seed: int,
    data_name: str,
    replicate: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Mean of log p_hat - log p_true on fresh points, nats per observation, and its integration errors.

    "plug-in" takes the density at theta; "posterior predictive", where there are draws, the logarithm of
    the mean density over them (at most `MOST_DRAWS`). Every replicate has points of its own, the same for
    all methods. 0 is the truth itself; on average nothing lies above it.
    """
    x, true = _fresh_points(truth, seed, "predictive", data_name, replicate)
    found = {PLUG_IN: _expected(model.log_density(x, theta) - true)}
    if draws is not None:
        found[PREDICTIVE] = _expected(_mean_density(model, draws, x) - true)
    return {k: value for k, (value, _) in found.items()}, {k: se for k, (_, se) in found.items()}


def mean_mcse(values: np.ndarray) -> tuple[float, float]:
    """Mean, and sd / sqrt(R) with divisor R - 1; nan for R = 1."""
    mcse = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else np.nan
    return float(values.mean()), float(mcse)


def _mean_density(model: MixtureModel, draws: Draws, x: np.ndarray) -> np.ndarray:
    """(n,) logarithm of the mean density over the draws.

    The mean of mixtures is the mixture of all their components, taken together some draws at a time.
    """
    chosen = draws.spread(MOST_DRAWS)
    parts = []
    for some in itertools.batched(chosen, TOGETHER):
        names = some[0].parameters
        theta = Theta(
            np.concatenate([draw.weights for draw in some]) / len(chosen),
            **{name: np.concatenate([draw[name] for draw in some]) for name in names},
        )
        parts.append(MixtureModel(model.family, theta.n_components).log_density(x, theta))
    return logsumexp(np.array(parts), axis=0)


def _expected(log_ratio: np.ndarray) -> tuple[float, float]:
    """E log r with r = g / f over points of the density f, and its standard error.

    r - 1 is a control variate: its mean is known to be 0, and near the truth it takes away nearly all the
    noise, which would otherwise be as large as the divergence itself. Where some r is beyond e^2 or e^-2
    its tails may be too heavy for its sample mean to be trusted, and it is left out. Minus infinity where
    g is 0 at some point. Source: Owen (2013), section 8.9, for the regression estimator.
    """
    if not np.isfinite(log_ratio).all():
        return float(-np.inf), float("nan")
    if np.abs(log_ratio).max() > 2:
        return mean_mcse(log_ratio)
    control = np.expm1(log_ratio)
    centred = control - control.mean()
    spread = centred @ centred
    slope = centred @ log_ratio / spread if spread > 0 else 0.0
    return mean_mcse(log_ratio - slope * control)


@lru_cache(maxsize=32)
def _fresh_points(truth: Truth, seed: int, *names: str | int) -> tuple[np.ndarray, np.ndarray]:
    """FRESH_POINTS points of the truth and their log-densities under it."""
    model = MixtureModel(truth.family, truth.theta.n_components)
    x, _ = model.sample(truth.theta, FRESH_POINTS, stream(seed, *names))
    return x, model.log_density(x, truth.theta)
