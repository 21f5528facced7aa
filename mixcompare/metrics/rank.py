"""Where a truth drawn from the prior ranks among posterior draws: what simulation-based calibration collects.

If truths are drawn from the prior and data from the truths, the rank of any quantity of the truth among
independent posterior draws is uniform. Sources: Talts et al. (2018, arXiv:1804.06788); for quantities
that depend on the data, such as the log-likelihood, Modrák et al. (2023, arXiv:2211.02383).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from mixcompare import draws as summaries
from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.metrics.base import Metric, jsonable
from mixcompare.metrics.fresh import mean_mcse
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.problem import Problem
from mixcompare.records import Posterior
from mixcompare.seeds import stream
from mixcompare.theta import Theta

RANKED = 99
"""Draws among which a truth is ranked, evenly spaced over all chains: the same number in every run."""

LABEL_FREE = ("loglik", "mixture mean", "mixture variance")
"""Quantities among those ranked that no numbering of components changes."""


def rank_truth(
    model: MixtureModel, posterior: Posterior | None, data: Dataset, seed: int
) -> dict[str, Any]:
    """The ranks of a truth that was drawn from a prior, ready for JSON.

    Components of the truth and of every draw are put in order by one rule, the family's key, draw by
    draw: any such rule keeps ranks uniform, as a relabelling that looks at all draws would not.

    Parameters
    ----------
    model : MixtureModel
    posterior : Posterior or None
    data : Dataset
        With the `truth` behind it and the `prior` behind that.
    seed : int
        Root seed of the study: with the data it fixes the random numbers that spread ties.

    Returns
    -------
    dict
        Empty without finite draws, without a truth, if the truth is fixed (no `prior`), or if it has
        other parameters or another number of components. Else `ranks`, name -> nested lists over
        components and features: (rank + U) / (L + 1), between 0 and 1, where rank counts draws below the
        truth, those equal to it at random, and U is uniform; `rank_draws`, L; `rank_ess`, the smallest
        effective size (bulk) of a ranked quantity over all draws. If that is below L the draws are too
        few: the ranks are kept, and the run counts as one that did not sample cleanly; `same_prior`,
        whether the posterior's prior is the truth's. None stands for a quantity that does not exist.
    """
    truth = data.truth
    if posterior is None or truth is None or not data.prior or not _same_shapes(model, truth, data):
        return {}
    draws = summaries.from_tree(model, data.n_features, posterior.draws)
    if not draws.is_finite:
        return {}
    ess = summaries.least_ess(_quantities(model, _ordered(model, draws), posterior.loglik), "bulk")
    among = _with_truth(draws, truth)
    loglik = summaries.log_likelihoods(Problem(model, data), among)
    rng = stream(seed, "rank", data.name, data.digest)
    ranks = {
        name: jsonable(_spread(value[0], rng))
        for name, value in _quantities(model, _ordered(model, among), loglik).items()
    }
    return {
        "ranks": ranks,
        "rank_draws": among.shape[1] - 1,
        "rank_ess": jsonable(ess),
        "same_prior": Prior.of(posterior.prior) == Prior.of(data.prior),
    }


class Rank(Metric):
    """Mean of (rank + U) / (L + 1), 0.5 where the sampler is calibrated; its error is sd / sqrt(R).

    The shape of their distribution says more: see `study.calibration`.
    """

    name: ClassVar[str] = "rank"
    quantity: ClassVar[str] = "ranks"
    unit: ClassVar[str] = "mean share of posterior draws below the truth"

    def summarise(self, values: np.ndarray) -> tuple[float, float]:
        """See `Metric`."""
        return mean_mcse(values)


def _same_shapes(model: MixtureModel, truth: Theta, data: Dataset) -> bool:
    shapes = model.family.shapes(data.n_features)
    K = model.n_components
    return set(truth.parameters) == set(shapes) and all(
        truth[name].shape == (K, *shape) for name, shape in shapes.items()
    )


def _with_truth(draws: Draws, truth: Theta) -> Draws:
    """One chain: the truth, then `RANKED` draws evenly spaced over all chains (all, if they are fewer)."""
    size = draws.shape[0] * draws.shape[1]
    keep = np.linspace(0, size - 1, min(RANKED, size)).round().astype(int)

    def joined(value: np.ndarray, true: np.ndarray) -> np.ndarray:
        flat = value.reshape(size, *value.shape[2:])
        return np.concatenate([true[None], flat[keep]])[None]

    parameters = {name: joined(v, truth[name]) for name, v in draws.parameters.items()}
    return Draws(joined(draws.weights, truth.weights), parameters)


def _ordered(model: MixtureModel, draws: Draws) -> Draws:
    """Components in the family's order, draw by draw (see `MixtureModel.canonical`)."""
    chains, size = draws.shape
    keys = np.array(
        [
            [
                model.family.order_key({n: v[chain, draw] for n, v in draws.parameters.items()})
                for draw in range(size)
            ]
            for chain in range(chains)
        ]
    )
    return draws.relabelled(np.lexsort(np.moveaxis(keys, -1, 0)[::-1], axis=-1))


def _quantities(model: MixtureModel, draws: Draws, loglik: np.ndarray) -> dict[str, np.ndarray]:
    """What is ranked: name -> (chains, draws, ...); a weight that mirrors the other one is left out."""
    values = model.report_scales(draws.weights, draws.parameters)
    K = model.n_components
    weights = values.pop("logit_weights")
    free = {"logit_weights": weights[..., : K if K > 2 else K - 1]} if K > 1 else {}
    return {**free, **values, **summaries.label_free(model, draws, loglik)}


def _spread(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(rank + U) / (L + 1) of values[0] among values[1:], ties at random; nan where a value is missing."""
    truth, draws = values[0], values[1:]
    below, equal = (draws < truth).sum(axis=0), (draws == truth).sum(axis=0)
    place = (below + (equal + 1) * rng.random(truth.shape)) / (len(draws) + 1)
    return np.where(np.isnan(values).any(axis=0), np.nan, place)
