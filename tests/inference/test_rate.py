"""The rate matrix of EM against EM itself."""

from __future__ import annotations

import numpy as np
import pytest
from inference_ends import COINS, FREE, ONE, em, normal, not_maxima, waiting

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.inference.rate import em_rate
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta


def observed_rates(
    model: MixtureModel, data: Dataset, start: Theta, end: Theta, keep: tuple[float, float]
) -> tuple[float, float]:
    """Median ratios of distances to the end and of gains, while the distance is within `keep`."""
    problem = Problem(model, data)
    target = model.to_unconstrained(end, problem.frame)
    theta, distances, logliks = start, [], []
    for _ in range(3000):
        loglik, statistics = problem.statistics(theta)
        distances.append(np.linalg.norm(model.to_unconstrained(theta, problem.frame) - target))
        logliks.append(loglik)
        if distances[-1] < keep[0]:
            break
        theta = problem.maximise(statistics)
    late = np.flatnonzero(np.array(distances) < keep[1])[:-2]
    d, gains = np.array(distances), np.diff(logliks)
    return float(np.median(d[late + 1] / d[late])), float(np.median(gains[late + 1] / gains[late]))


def test_predicts_the_rate_seen_on_old_faithful() -> None:
    data, theta = waiting()
    found = em_rate(FREE, data, theta)
    start = normal([0.5, 0.5], [55, 80], [5, 5])
    start = FREE.as_start(start, data)
    by_distance, by_gain = observed_rates(FREE, data, start, theta, (1e-6, 1e-3))
    assert found.rate == pytest.approx(by_distance, abs=1e-3)
    assert found.rate**2 == pytest.approx(by_gain, abs=1e-3)
    assert found.iterations_per_digit == pytest.approx(-1 / np.log10(by_distance), rel=1e-2)
    assert found.eigenvalues[0] == found.rate
    assert (np.diff(found.eigenvalues) <= 0).all()


def test_predicts_the_rate_seen_in_two_dimensions_and_on_latent_classes() -> None:
    data = load_dataset("old_faithful")
    start = Theta([0.4, 0.6], means=[[2, 54], [4.3, 80]], covariances=[[[0.1, 0], [0, 30]]] * 2)
    end = em(FREE, data, start)
    by_distance, _ = observed_rates(FREE, data, start, end, (1e-6, 1e-3))
    assert em_rate(FREE, data, end).rate == pytest.approx(by_distance, abs=1e-3)
    items = load_dataset("role_conflict")
    start = Theta([0.3, 0.7], probs=[[0.9] * 4, [0.4] * 4])
    end = em(COINS, items, start)
    by_distance, _ = observed_rates(COINS, items, start, end, (1e-3, 3e-2))
    assert em_rate(COINS, items, end).rate == pytest.approx(by_distance, abs=1e-2)


def test_what_em_gets_right_in_one_step_has_rate_zero() -> None:
    """Every EM iterate has the data's mean and variance (K = 2), so two eigenvalues are zero."""
    data, theta = waiting()
    found = em_rate(FREE, data, theta)
    np.testing.assert_allclose(found.eigenvalues[-2:], 0, atol=1e-9)
    assert found.eigenvalues[-3] > 1e-4
    single = em_rate(ONE, data, normal([1.0], [data.x.mean()], [data.x.std()]))
    assert single.rate == pytest.approx(0, abs=1e-9)
    assert single.iterations_per_digit < 0.2


def test_labels_change_nothing() -> None:
    data, theta = waiting()
    np.testing.assert_allclose(
        em_rate(FREE, data, theta.take([1, 0])).eigenvalues,
        em_rate(FREE, data, theta).eigenvalues,
        atol=1e-8,
    )


def test_a_ridge_has_rate_one_along_its_directions() -> None:
    model, data, theta = not_maxima()["ridge"]
    found = em_rate(model, data, theta)
    assert not found.refused
    np.testing.assert_allclose(found.eigenvalues, [1, 1, 0], atol=1e-7)
    assert found.iterations_per_digit > 1e6


def test_em_leaves_a_saddle() -> None:
    model, data, theta = not_maxima()["saddle"]
    found = em_rate(model, data, theta)
    assert not found.refused
    assert found.rate > 1
    assert found.iterations_per_digit == np.inf


def test_coordinates_at_an_edge_are_held() -> None:
    model, data, theta = not_maxima()["boundary"]
    found = em_rate(model, data, theta)
    assert not found.refused
    assert "held at the edge" in found.notes[0]
    assert found.coordinates == ("weight 2",)
    np.testing.assert_allclose(found.eigenvalues, [0], atol=1e-9)  # the labels are then known
    even = Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], counts=[25, 25, 25, 25])
    empty = em_rate(model, even, Theta([0, 1], probs=[[0.2, 0.9], [0.5, 0.5]]))
    assert empty.matrix.shape == (2, 2)
    np.testing.assert_allclose(empty.matrix, 0, atol=1e-9)


@pytest.mark.parametrize("finding", ["not_stationary", "singular", "out_of_domain", "non_finite"])
def test_refused_where_there_is_no_fixed_point(finding: str) -> None:
    model, data, theta = not_maxima()[finding]
    found = em_rate(model, data, theta)
    assert finding in found.refused
    assert np.isnan(found.rate)
    assert np.isnan(found.iterations_per_digit)
    assert found.matrix.size == 0
