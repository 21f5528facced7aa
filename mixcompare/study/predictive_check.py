"""Does the model look like the data? Observed quantiles beside those of samples drawn from the fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.seeds import stream
from mixcompare.theta import Theta

SAMPLES = 199
"""Samples of the data's size; with them a p-value is a multiple of 0.005."""

POINTS = 199
"""Quantiles that are compared at most."""

MOST_ROWS = 100_000
"""Observations beyond which nothing is drawn: it would take longer than the rest of a report."""

LEVEL = 0.95

STATISTICS = ("mean", "sd", "skewness", "excess kurtosis", "smallest", "median", "largest")


@dataclass(frozen=True)
class Feature:
    """One feature, observed and sampled.

    Parameters
    ----------
    name, unit : str
    observed, sampled : ndarray (n,), (n,)
        Rows as they are (with `weights`), and one sample of the same size, in the data's units.
    weights : ndarray (n,)
        Multiplicities of the rows observed.
    quantiles, middle, low, high : ndarray (m,)
        Observed quantiles at (i - 1/2) / m; their median over samples, and the simultaneous 95 % envelope.
    p_value : float
        Share of the samples, the data among them, that lie at least as far from the middle as the data.
    statistics : tuple of (name, observed, low, high)
        With the central 95 % over the samples.
    """

    name: str
    unit: str
    observed: np.ndarray
    weights: np.ndarray
    sampled: np.ndarray
    quantiles: np.ndarray
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: float
    statistics: tuple[tuple[str, float, float, float], ...]

    @property
    def outside(self) -> np.ndarray:
        """(m,) bool: the quantiles that leave the envelope."""
        return (self.quantiles < self.low) | (self.quantiles > self.high)


def of_case(results: Any, data: str, model: str) -> tuple[Feature, ...]:
    """`check` of replicate 0 and its best known optimum; nothing where that, or the data, are not at hand."""
    found = results.optima()
    best = found[(found[["data", "model", "replicate"]] == [data, model, 0]).all(axis=1)]
    best = best[best["standing"] == "global"]
    dataset = results.data.get((data, 0))
    fitted = results.model_on(model, dataset)
    if best.empty or dataset is None or fitted is None:
        return ()
    theta, seed = Theta.from_dict(best["theta"].iloc[0]), int(results.study.get("seed", 0))
    return check(fitted, dataset, theta, seed, data, model)


def check(
    model: MixtureModel, data: Dataset, theta: Theta, seed: int, *names: str
) -> tuple[Feature, ...]:
    """The features of the data beside `SAMPLES` samples of their size from a fitted point.

    Nothing for discrete families, whose quantiles are steps, for those that cannot sample, and beyond
    `MOST_ROWS` observations. The distance of a sample is the largest of its quantiles' distances from
    their middle, each in units of the half-width, on its own side, of the central 95 % of that quantile;
    the envelope is what 95 % of the samples do not leave. Source: Myllymaki et al. (2017), JRSS B 79,
    381-404, section 4 (directional quantile MAD envelope test). The point was fitted to the same data, so
    that p-values are too large: a small one speaks against the model, a large one not for it.

    `names` and `seed` name the stream of random numbers.
    """
    n = round(data.n)
    if model.family.discrete or not model.family.can_sample or n > MOST_ROWS:
        return ()
    rng = stream(seed, "predictive check", *names)
    theta = model.conform(theta, data.n_features)
    p = _probabilities(n)
    quantiles = np.empty((SAMPLES, p.size, data.n_features))
    statistics = np.empty((SAMPLES, len(STATISTICS), data.n_features))
    first = np.empty((n, data.n_features))
    for r in range(SAMPLES):
        sample = model.sample(theta, n, rng)[0]
        if r == 0:
            first = sample
        quantiles[r] = np.quantile(sample, p, axis=0, method="inverted_cdf")
        statistics[r] = np.transpose([_statistics(column, np.ones(n)) for column in sample.T])
    return tuple(
        _feature(data, j, p, first[:, j], quantiles[..., j], statistics[..., j])
        for j in range(data.n_features)
    )


def _probabilities(n: int) -> np.ndarray:
    m = min(n, POINTS)
    return (np.arange(m) + 0.5) / m


def _feature(
    data: Dataset,
    j: int,
    p: np.ndarray,
    sampled: np.ndarray,
    quantiles: np.ndarray,
    statistics: np.ndarray,
) -> Feature:
    x, weights = data.x[:, j], data.weights
    observed = np.quantile(x, p, weights=weights, method="inverted_cdf")
    tail = (1 - LEVEL) / 2
    lower, middle, upper = np.quantile(quantiles, [tail, 0.5, 1 - tail], axis=0)
    below, above = middle - lower, upper - middle

    def distance(values: np.ndarray) -> np.ndarray:
        apart = values - middle
        return np.asarray((np.abs(apart) / np.where(apart < 0, below, above)).max(axis=-1))

    distances, own = distance(quantiles), float(distance(observed))
    reach = np.sort(distances)[int(np.ceil(LEVEL * (SAMPLES + 1))) - 1]
    low, high = np.quantile(statistics, [tail, 1 - tail], axis=0)
    return Feature(
        name=data.columns[j],
        unit=data.units[j],
        observed=x,
        weights=weights,
        sampled=sampled,
        quantiles=observed,
        middle=middle,
        low=middle - reach * below,
        high=middle + reach * above,
        p_value=float((1 + (distances >= own).sum()) / (SAMPLES + 1)),
        statistics=tuple(
            zip(STATISTICS, _statistics(x, weights), map(float, low), map(float, high), strict=True)
        ),
    )


def _statistics(x: np.ndarray, weights: np.ndarray) -> list[float]:
    """In the order of `STATISTICS`; moments with divisor n."""
    share = weights / weights.sum()
    mean = float(share @ x)
    sd = float(np.sqrt(share @ (x - mean) ** 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        third, fourth = (float(share @ ((x - mean) / sd) ** k) for k in (3, 4))
    median = float(np.quantile(x, 0.5, weights=weights, method="inverted_cdf"))
    return [mean, sd, third, fourth - 3.0, float(x.min()), median, float(x.max())]
