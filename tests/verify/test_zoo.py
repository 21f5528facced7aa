"""Hard data and hard starts: every fit ends in a row with the finding that the case must get.

Each is fitted by EM and by L-BFGS-B from the same start, with every warning an error. Data are written out
or drawn with a fixed seed; where the two methods must end differently, both findings are stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from mixcompare.datasets import load_dataset
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

RNG = np.random.default_rng(7)
NORMAL = RNG.normal(size=60)
PAIR = np.concatenate([RNG.normal(0, 1, 60), RNG.normal(4, 1.5, 90)])
TEN = np.array([2.3, 3.2, 3.1, 1.6, 1.9, 11.5, 10.2, 12.3, 8.6, 10.9])
SIZES = np.concatenate([RNG.gamma(3.0, 1.0, 90), RNG.gamma(30.0, 0.5, 60)])
TIMES = np.concatenate([RNG.exponential(0.2, 80), RNG.exponential(5.0, 80)])


@dataclass(frozen=True)
class Case:
    """Data, a model, a start, and what the end of each method must be found to be."""

    family: str
    x: Any
    start: Theta
    em: str
    direct: str = ""
    """Of L-BFGS-B, where it is not that of EM."""
    status: str = ""
    """What EM says itself, if that matters."""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> MixtureModel:
        return MixtureModel(self.family, self.start.n_components, **self.options)


def normals(weights: list[float], means: list[float], sds: list[float]) -> Theta:
    return Theta(weights, means=means, covariances=np.square(sds))


def plane(weights: list[float], means: Any, variance: float) -> Theta:
    covariances = variance * np.tile(np.eye(np.shape(means)[1]), (len(weights), 1, 1))
    return Theta(weights, means=means, covariances=covariances)


def binary(rows: list[list[int]], counts: list[int]) -> np.ndarray:
    return np.repeat(np.array(rows, dtype=float), counts, axis=0)


def paired(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x, np.full(x.size, 3.1)])


HALF = [0.5, 0.5]
TIED, DIAG = {"covariance": "tied"}, {"covariance": "diag"}
CASES = {
    # -- components that coincide
    "equal components, two groups": Case("gaussian", TEN, normals(HALF, [5, 5], [3, 3]), "saddle"),
    "equal components, tied": Case(
        "gaussian", TEN, normals(HALF, [5, 5], [3, 3]), "saddle", options=TIED
    ),
    "equal components, counts": Case(
        "poisson", [0.0, 0, 1, 9, 12, 15], Theta(HALF, rates=[4.0, 4.0]), "saddle"
    ),
    "equal components, one group is enough": Case(
        "poisson", [3.0, 4, 4, 5, 5, 5, 6, 6, 7], Theta(HALF, rates=[4.0, 4.0]), "duplicate"
    ),
    "two rates where one is enough": Case(
        "poisson", [3.0, 4, 4, 5, 5, 5, 6, 6, 7], Theta(HALF, rates=[3.0, 7.0]), "duplicate"
    ),
    # -- as many components as observations, and nothing but ties
    "n = K": Case("gaussian", [0.0, 1.0], normals(HALF, [0.0, 1.0], [1e-3, 1e-3]), "singular"),
    "n = K, tied": Case(
        "gaussian", [0.0, 1.0], normals(HALF, [0.0, 1.0], [1e-3, 1e-3]), "singular", options=TIED
    ),
    # EM's first step leaves no spread at all: it stays where it was, and says so
    "one value, normal": Case(
        "gaussian",
        np.full(9, 3.1),
        normals([1.0], [3], [1]),
        "not_stationary",
        "singular",
        "collapsed",
    ),
    "one value, gamma": Case(
        "gamma",
        np.full(9, 3.1),
        Theta([1.0], shapes=[2], rates=[1]),
        "not_stationary",
        "singular",
        "collapsed",
    ),
    "one value, exponential": Case(
        "exponential", np.full(9, 3.0), Theta([1.0], rates=[1.0]), "maximum"
    ),
    "one value, poisson": Case("poisson", np.full(9, 3.0), Theta([1.0], rates=[1.0]), "maximum"),
    "zeros only, poisson": Case("poisson", np.zeros(9), Theta([1.0], rates=[1.0]), "boundary"),
    "zeros only, binomial": Case(
        "binomial", np.zeros(9), Theta([1.0], probs=[0.5]), "boundary", options={"n_trials": 4}
    ),
    "ones only, bernoulli": Case("bernoulli", np.ones(9), Theta([1.0], probs=[[0.5]]), "boundary"),
    "constant column, full": Case(
        "gaussian",
        paired(NORMAL),
        plane([1.0], [[0.0, 3.0]], 1.0),
        "not_stationary",
        # written out in full, the matrix can't be told from one without an inverse
        "out_of_domain",
        "collapsed",
    ),
    "constant column, diag": Case(
        "gaussian",
        paired(NORMAL),
        plane([1.0], [[0.0, 3.0]], 1.0),
        "not_stationary",
        "singular",
        "collapsed",
        DIAG,
    ),
    # -- ties and outliers
    "ties, normal": Case(
        "gaussian", np.r_[NORMAL, 9.0, 9.0, 9.0], normals([0.9, 0.1], [0, 9], [1, 0.01]), "singular"
    ),
    "ties, gamma": Case(
        "gamma",
        np.r_[SIZES, np.full(4, 40.0)],
        Theta([0.9, 0.1], shapes=[3, 1e6], rates=[1, 25000]),
        "singular",
    ),
    "one far point": Case(
        "gaussian", np.r_[NORMAL, 1e6], normals([0.9, 0.1], [0, 1e6], [1, 1]), "singular"
    ),
    "one far point in one component": Case(
        "gaussian", np.r_[NORMAL, 1e6], normals([1.0], [0], [1]), "maximum"
    ),
    "one far point, tied": Case(
        "gaussian",
        np.r_[NORMAL, 1e3],
        normals([0.9, 0.1], [0, 1e3], [1, 1]),
        "maximum",
        options=TIED,
    ),
    # -- plain maxima in hard units
    "far apart": Case(
        "gaussian", np.r_[PAIR, PAIR + 1e4], normals(HALF, [2, 1e4], [3, 3]), "maximum"
    ),
    "offset 1e9": Case("gaussian", PAIR + 1e9, normals(HALF, [1e9, 1e9 + 4], [1, 1]), "maximum"),
    "unit 1e-6": Case("gaussian", PAIR * 1e-6, normals(HALF, [0, 4e-6], [1e-6, 1e-6]), "maximum"),
    "unit 1e6": Case("gaussian", PAIR * 1e6, normals(HALF, [0, 4e6], [1e6, 1e6]), "maximum"),
    "unit 1e-6, gamma": Case(
        "gamma", SIZES * 1e-6, Theta(HALF, shapes=[3, 30], rates=[1e6, 2e6]), "maximum"
    ),
    "unit 1e6, exponential": Case(
        "exponential", TIMES * 1e6, Theta(HALF, rates=[5e-6, 2e-7]), "maximum"
    ),
    "counts by the million": Case(
        "poisson",
        np.r_[np.arange(1e6, 1e6 + 20000, 500), np.arange(2e6, 2e6 + 20000, 500)],
        Theta(HALF, rates=[1.1e6, 1.9e6]),
        "maximum",
    ),
    "symmetric about zero": Case(
        "gaussian", np.r_[PAIR - 10, 10 - PAIR], normals(HALF, [-1, 1], [1, 1]), "maximum"
    ),
    "values over forty orders of magnitude": Case(
        "gamma",
        np.r_[SIZES, 10.0 ** np.linspace(-40, -1, 60)],
        Theta(HALF, shapes=[3, 0.05], rates=[0.5, 1]),
        "maximum",
    ),
    # -- edges of the parameter space
    "a class without a symptom": Case(
        "bernoulli",
        binary([[1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]], [20, 20, 15, 25]),
        Theta(HALF, probs=[[0.9, 0.8, 0.5], [0.1, 0.2, 0.4]]),
        "boundary",
    ),
    "a class without a level": Case(
        "categorical",
        binary([[0, 0, 1], [1, 0, 0], [1, 1, 2], [2, 1, 2], [2, 1, 1]], [20, 12, 20, 15, 9]),
        Theta(
            HALF,
            probs=[
                [[0.6, 0.3, 0.1], [0.8, 0.2, 0.0], [0.4, 0.4, 0.2]],
                [[0.1, 0.4, 0.5], [0.2, 0.8, 0.0], [0.1, 0.3, 0.6]],
            ],
        ),
        "boundary",
    ),
    "a class of zeros": Case(
        "poisson",
        np.repeat([0.0, 9, 10, 12], [30, 8, 8, 4]),
        Theta(HALF, rates=[0.5, 9]),
        "boundary",
    ),
    "an exact zero among waiting times": Case(
        "exponential", np.r_[TIMES, 0.0], Theta([0.02, 0.98], rates=[1e4, 0.5]), "singular"
    ),
    "a component without weight that is not wanted": Case(
        "gaussian",
        PAIR,
        normals([1.0, 0.0], [2.4, 50.0], [2.4, 1.0]),
        "not_stationary",
        "non_finite",
    ),
    # -- not identified
    "three coins": Case(
        "bernoulli",
        load_dataset("li_hang_coins").x,
        Theta([0.4, 0.6], probs=[[0.6], [0.7]]),
        "ridge",
    ),
    "one trial": Case(
        "binomial",
        [0.0, 1, 1, 0, 1, 1, 1],
        Theta([0.4, 0.6], probs=[0.6, 0.7]),
        "ridge",
        options={"n_trials": 1},
    ),
}


@pytest.mark.parametrize("method", ["em", "l-bfgs-b"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("error")
def test_the_finding_that_the_case_must_get(name, method):
    case = CASES[name]
    x = np.asarray(case.x, dtype=float)
    record = fit(case.model, x, method, start=case.start)
    assert not record.error
    expected = case.em if method == "em" else case.direct or case.em
    assert record.finding == expected, record.verdict.message
    if method == "em" and case.status:
        assert record.solver.status == case.status
