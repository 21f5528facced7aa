"""Samples from a fitted point beside the data: what fits stays inside the envelope."""

from __future__ import annotations

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.study.predictive_check import MOST_ROWS, SAMPLES, check
from mixcompare.theta import Theta

TWO = Theta([0.3, 0.7], means=[0.0, 0.6], covariances=[0.0064, 0.0144])
NORMALS = MixtureModel("gaussian", 2)


def drawn(seed: int, n: int = 300) -> np.ndarray:
    theta = NORMALS.conform(TWO, 1)
    return NORMALS.sample(theta, n, np.random.default_rng(seed))[0]


def test_the_truth_stays_inside_and_one_gaussian_does_not() -> None:
    x = drawn(1)
    (right,) = check(NORMALS, Dataset(x), TWO, 0)
    assert not right.outside.any()
    assert right.p_value > 0.05
    one = Theta([1.0], means=[x.mean()], covariances=[x.var()])
    (wrong,) = check(MixtureModel("gaussian", 1), Dataset(x), one, 0)
    assert wrong.p_value == 1 / (SAMPLES + 1)
    assert wrong.outside.mean() > 0.3
    inside = {name: low <= value <= high for name, value, low, high in wrong.statistics}
    assert inside["mean"]
    assert inside["sd"]
    assert not inside["skewness"]
    assert not inside["excess kurtosis"]


def test_the_envelope_holds_what_it_says() -> None:
    """Under the truth p-values are uniform: of 60 some 3 are below 0.05, hardly ever more than 9."""
    p = [check(NORMALS, Dataset(drawn(seed, 80)), TWO, seed)[0].p_value for seed in range(60)]
    assert sum(value <= 0.05 for value in p) <= 9
    assert 0.35 <= np.mean(p) <= 0.65


def test_a_small_p_value_means_that_the_data_leave_the_envelope() -> None:
    (feature,) = check(NORMALS, Dataset(drawn(2)), TWO, 0)
    assert (feature.p_value > 0.05) == (not feature.outside.any())
    assert (feature.low <= feature.middle).all()
    assert (feature.middle <= feature.high).all()


def test_counts_are_rows_repeated() -> None:
    x, counts = np.array([1.0, 2.0, 4.0, 7.0]), np.array([3.0, 1.0, 4.0, 2.0])
    theta = Theta([1.0], means=[3.0], covariances=[4.0])
    model = MixtureModel("gaussian", 1)
    (short,) = check(model, Dataset(x, counts), theta, 5, "data")
    (long,) = check(model, Dataset(np.repeat(x, counts.astype(int))), theta, 5, "data")
    np.testing.assert_array_equal(short.quantiles, long.quantiles)
    np.testing.assert_array_equal(short.high, long.high)
    assert short.p_value == long.p_value
    assert [s[1] for s in short.statistics] == pytest.approx([s[1] for s in long.statistics])


def test_the_stream_has_a_name() -> None:
    x = Dataset(drawn(1, 40))
    one, same = (check(NORMALS, x, TWO, 3, "a")[0].sampled for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert (check(NORMALS, x, TWO, 3, "b")[0].sampled != one).any()


def test_features_are_looked_at_one_by_one() -> None:
    theta = Theta([1.0], means=[[0.0, 1.0]], covariances=[[[1.0, 0.5], [0.5, 1.0]]])
    model = MixtureModel("gaussian", 1)
    x = np.random.default_rng(0).multivariate_normal([0, 5], np.eye(2), 100)
    first, second = check(model, Dataset(x, columns=("a", "b"), units=("", "cm")), theta, 0)
    assert (first.name, first.unit, second.name, second.unit) == ("a", "", "b", "cm")
    assert not first.outside.any()
    assert second.outside.all()


def test_what_has_no_quantiles_to_speak_of_is_left_out() -> None:
    poisson = MixtureModel("poisson", 1)
    assert check(poisson, Dataset(np.arange(5)), Theta([1.0], rates=[2.0]), 0) == ()
    many = Dataset(np.array([0.0, 1.0]), np.array([MOST_ROWS, 1.0]))
    normal = Theta([1.0], means=[0.0], covariances=[1.0])
    assert check(MixtureModel("gaussian", 1), many, normal, 0) == ()
