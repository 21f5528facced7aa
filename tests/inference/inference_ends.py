"""Data, models and ends of every kind, for the tests of inference."""

from __future__ import annotations

import numpy as np

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.estimators.base import make_estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta

FREE = MixtureModel("gaussian", 2)
TIED = MixtureModel("gaussian", 2, covariance="tied")
COINS = MixtureModel("bernoulli", 2)
ONE = MixtureModel("gaussian", 1)


def normal(weights: list[float], means: list[float], sds: list[float]) -> Theta:
    return Theta(weights, means=means, covariances=np.square(sds))


def em(model: MixtureModel, data: Dataset, start: Theta) -> Theta:
    """The end of EM to the last digit that counts."""
    claim = make_estimator("em", tol=1e-12, max_iter=100000).fit(
        Problem(model, data), model.as_start(start, data), np.random.default_rng(0)
    )
    assert claim.solver.success, claim.solver.message
    assert claim.theta is not None
    return claim.theta


def waiting() -> tuple[Dataset, Theta]:
    data = load_dataset("old_faithful", columns=["waiting"])
    return data, em(FREE, data, normal([0.5, 0.5], [55, 80], [5, 5]))


def two_normals(seed: int, sizes: tuple[int, int], apart: float) -> tuple[Dataset, Theta]:
    """Two unit normals `apart` from each other, and the optimum next to the truth."""
    rng = np.random.default_rng(seed)
    data = Dataset(np.concatenate([rng.normal(0, 1, sizes[0]), rng.normal(apart, 1, sizes[1])]))
    share = sizes[0] / sum(sizes)
    return data, em(FREE, data, normal([share, 1 - share], [0, apart], [1, 1]))


def not_maxima() -> dict[str, tuple[MixtureModel, Dataset, Theta]]:
    """One end for each finding that allows no interval."""
    coins, ten = load_dataset("li_hang_coins"), load_dataset("ten_points")
    data, top = waiting()
    return {
        "ridge": (
            COINS,
            coins,
            Theta(
                [0.40641711229946526, 1 - 0.40641711229946526],
                probs=[0.5368421052631578, 0.6432432432432432],
            ),
        ),
        "boundary": (COINS, coins, Theta([0.6, 0.4], probs=[1, 0])),
        "duplicate": (COINS, coins, Theta([0.46, 0.54], probs=[0.6, 0.6])),
        "singular": (FREE, data, normal([1 / 272, 271 / 272], [43, 71], [1e-6, 13.4])),
        "not_stationary": (
            FREE,
            data,
            Theta(top.weights, means=top.means + 1, covariances=top.covariances),
        ),
        "saddle": (FREE, ten, normal([0.5, 0.5], [6.56, 6.56], [18.1324**0.5] * 2)),
        "out_of_domain": (FREE, data, normal([0.5, 0.4], [55, 80], [5, 5])),
        "non_finite": (FREE, data, normal([0.5, 0.5], [np.nan, 80], [5, 5])),
    }
