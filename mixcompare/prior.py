"""The weak prior of a whole mixture: the weights' and the family's, in closed form.

w ~ Dirichlet(2); components as their family states in `pymc_components`. The family's prior is scaled by
the data (empirical Bayes), so that posteriors do not depend on units.
"""

from __future__ import annotations

import math

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.priors import logit_sd
from mixcompare.mixture import MixtureModel

CONCENTRATION = 2.0
"""Of the Dirichlet prior on the weights: at 1 or below, overfitted mixtures empty components."""


def text(model: MixtureModel) -> str:
    """The prior in one line: weights, then components; "" where the family states none."""
    parts = [model.family.priors_text]
    if model.n_components > 1:
        parts.insert(
            0, f"weights ~ Dirichlet({', '.join([f'{CONCENTRATION:g}'] * model.n_components)})"
        )
    return ", ".join(parts) if all(parts) else ""


def scales(model: MixtureModel, data: Dataset) -> dict[str, np.ndarray]:
    """What the family's prior is scaled by: "mean" and "sd" (d,) of the data in the family's frame.

    A constant feature counts as having sd 1.
    """
    u, share = model.family.frame(data)(data.x), data.weights / data.n
    mean = share @ u
    sd = np.sqrt(share @ (u - mean) ** 2)
    return {"mean": mean, "sd": np.where(sd > 0, sd, 1.0)}


def log_prior(
    model: MixtureModel, z: np.ndarray, n_features: int, scale: dict[str, np.ndarray]
) -> float:
    """Log-density of the prior at z (q,), with respect to the unconstrained coordinates in the frame.

    Dirichlet(a) in the log-ratios: log Gamma(K a) - K log Gamma(a) + a sum_k log w_k.
    """
    weights, parameters = model.split(z, n_features)
    K, a = model.n_components, CONCENTRATION
    with np.errstate(divide="ignore"):
        total = math.lgamma(K * a) - K * math.lgamma(a) + a * float(np.log(weights).sum())
    return (total if K > 1 else 0.0) + model.family.log_prior(parameters, scale)


def prior_sd(
    model: MixtureModel, n_features: int, scale: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Prior standard deviations on the reporting scale of the frame: name -> (K, ...).

    w_k ~ Beta(a, (K - 1) a); nan for K = 1, where there is no weight to estimate.
    """
    K = model.n_components
    sd = logit_sd(CONCENTRATION, CONCENTRATION * (K - 1)) if K > 1 else np.nan
    return {"logit_weights": np.full(K, sd), **model.family.prior_sd(K, n_features, scale)}
