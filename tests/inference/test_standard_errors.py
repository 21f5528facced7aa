"""Standard errors: against closed forms, numerical Hessians and the missing information principle."""

from __future__ import annotations

import numpy as np
import pytest
from inference_ends import COINS, FREE, ONE, TIED, em, normal, not_maxima, two_normals, waiting

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.inference.base import jacobian
from mixcompare.inference.information import standard_errors
from mixcompare.inference.intervals import KINDS, intervals
from mixcompare.inference.rate import em_rate
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface
from mixcompare.verify.verifier import verify


@pytest.mark.parametrize("counts", [False, True])
def test_single_normal_has_the_textbook_errors(counts: bool) -> None:
    """sd / sqrt(n) for the mean, 1 / sqrt(2 n) for the log sd, var sqrt(2 / n) for the variance."""
    rng = np.random.default_rng(0)
    x = rng.normal(10, 3, 50)
    data = Dataset(x, counts=rng.integers(1, 6, 50) if counts else None)
    mean = float(data.weights @ x / data.n)
    sd = float(np.sqrt(data.weights @ (x - mean) ** 2 / data.n))
    found = standard_errors(ONE, data, normal([1.0], [mean], [sd]))
    assert not found.refused
    assert found.natural["means"].item() == pytest.approx(sd / np.sqrt(data.n), rel=1e-8)
    assert found.natural["covariances"].item() == pytest.approx(
        sd**2 * np.sqrt(2 / data.n), rel=1e-8
    )
    assert found.report["log_sds"].item() == pytest.approx(1 / np.sqrt(2 * data.n), rel=1e-8)
    assert found.natural["weights"].item() == 0
    assert np.isnan(found.report["logit_weights"]).all()
    assert found.coordinates == ("mean 1", "log sd 1")
    np.testing.assert_allclose(
        found.information, np.diag([data.n / sd**2, 2 * data.n]), rtol=1e-8, atol=1e-6
    )


def test_single_normal_in_two_dimensions() -> None:
    """Fisher's z of a correlation has the standard error 1 / sqrt(n) at the estimate."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 2)) @ np.array([[1.0, 0.7], [0.0, 0.4]])
    mean, covariance = x.mean(axis=0), np.cov(x.T, bias=True)
    found = standard_errors(ONE, x, Theta([1.0], means=[mean], covariances=[covariance]))
    np.testing.assert_allclose(
        found.natural["means"][0], np.sqrt(np.diag(covariance) / 80), rtol=1e-8
    )
    assert found.report["correlations"].item() == pytest.approx(1 / np.sqrt(80), rel=1e-7)
    off = np.sqrt((covariance[0, 0] * covariance[1, 1] + covariance[0, 1] ** 2) / 80)
    assert found.natural["covariances"][0, 0, 1] == pytest.approx(off, rel=1e-7)


def test_single_coin_has_the_textbook_errors() -> None:
    model = MixtureModel("bernoulli", 1)
    found = standard_errors(model, [[0.0], [1.0]], Theta([1.0], probs=[0.3]), counts=[70, 30])
    assert found.natural["probs"].item() == pytest.approx(np.sqrt(0.3 * 0.7 / 100), rel=1e-8)
    assert found.report["logits"].item() == pytest.approx(1 / np.sqrt(0.3 * 0.7 * 100), rel=1e-8)


def test_information_is_the_numerical_hessian() -> None:
    """Of the slow and exact log-density, in the model's own coordinates and the data's units."""
    data, theta = waiting()
    found = standard_errors(FREE, data, theta)

    def loglik(z: np.ndarray) -> np.ndarray:
        return np.array([data.weights @ FREE.log_density(data.x, FREE.to_natural(z, 1))])

    z = FREE.to_unconstrained(theta)
    hessian = jacobian(lambda at: jacobian(loglik, at)[0], z)
    np.testing.assert_allclose(found.information, -hessian, rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(found.covariance @ found.information, np.eye(5), atol=1e-9)
    weight = found.covariance[0, 0] ** 0.5 * theta.weights[0] * theta.weights[1]
    np.testing.assert_allclose(found.natural["weights"], weight, rtol=1e-8)
    np.testing.assert_allclose(found.report["means"][:, 0], np.sqrt(np.diag(found.covariance))[1:3])


def test_missing_information_principle() -> None:
    """Observed = complete (I - DM), with the complete information from the M-step's own gradient."""
    data, theta = waiting()
    surface = Surface(FREE, data, theta)
    problem = surface.problem
    ordered = theta.take(surface.order)
    statistics = problem.statistics(ordered)[1]

    def score(z: np.ndarray) -> np.ndarray:
        weights, parameters = FREE.split(z, 1)
        by_weight = statistics[:-1, 0] - data.n * weights[:-1]
        return np.concatenate([by_weight, FREE.family.score(parameters, statistics)])

    complete = -jacobian(score, FREE.to_unconstrained(ordered, problem.frame))
    observed = complete @ (np.eye(5) - em_rate(FREE, data, theta).matrix)
    local = surface.quadratic(np.zeros(5))
    scaled = (
        (local.basis * local.curvature) @ local.basis.T / np.outer(surface.scale, surface.scale)
    )
    np.testing.assert_allclose(observed, scaled, rtol=1e-5, atol=1e-4)


def test_tied_variances_have_one_error() -> None:
    data, theta = two_normals(3, (100, 60), 4.0)
    pooled = float(theta.weights @ theta.covariances[:, 0, 0])
    start = Theta(theta.weights, means=theta.means, covariances=[pooled, pooled])
    found = standard_errors(TIED, data, em(TIED, data, start))
    assert found.report["log_sds"][0] == pytest.approx(found.report["log_sds"][1])
    assert len(found.coordinates) == 4


def test_labels_and_units_carry_no_meaning() -> None:
    data, theta = waiting()
    first = standard_errors(FREE, data, theta)
    swapped = standard_errors(FREE, data, theta.take([1, 0]))
    for name, value in first.natural.items():
        np.testing.assert_allclose(swapped.natural[name], value[::-1], rtol=1e-7)
    moved = Dataset(data.x * 1e3 + 1e7)
    far = Theta(theta.weights, means=theta.means * 1e3 + 1e7, covariances=theta.covariances * 1e6)
    again = standard_errors(FREE, moved, far)
    np.testing.assert_allclose(again.natural["means"], first.natural["means"] * 1e3, rtol=1e-5)
    np.testing.assert_allclose(again.report["log_sds"], first.report["log_sds"], rtol=1e-5)


def test_wald_is_the_verifiers_at_95_and_scales_with_the_quantile() -> None:
    data, theta = waiting()
    at95 = intervals(FREE, data, theta)
    verdict = verify(FREE, data, theta)
    at99 = intervals(FREE, data, theta, level=0.99)
    for name, (lower, upper) in at95.bounds.items():
        np.testing.assert_allclose(lower, verdict.intervals[name][0], rtol=1e-6)
        np.testing.assert_allclose(upper, verdict.intervals[name][1], rtol=1e-6)
        wide = at99.bounds[name][1] - at99.bounds[name][0]
        np.testing.assert_allclose(wide / (upper - lower), 2.5758293 / 1.9599640, rtol=1e-6)


@pytest.mark.parametrize("finding", not_maxima())
def test_refused_with_the_reason_where_the_theory_fails(finding: str) -> None:
    model, data, theta = not_maxima()[finding]
    errors = standard_errors(model, data, theta)
    assert errors.finding == finding
    assert finding in errors.refused
    assert not errors.natural
    assert not errors.report
    for kind in KINDS:
        found = intervals(model, data, theta, kind)
        assert finding in found.refused
        assert kind in found.refused
        assert not found.bounds


def test_a_narrow_optimum_is_noted() -> None:
    x = np.concatenate([np.random.default_rng(11).normal(0, 1, 200), [3.0, 3.0005, 3.001]])
    theta = em(FREE, Dataset(x), normal([0.02, 0.98], [3.0005, 0.0], [4e-4, 1]))
    assert "handful" in standard_errors(FREE, x, theta).notes[0]
    assert "handful" in intervals(FREE, x, theta).notes[0]


def test_latent_classes() -> None:
    """Four items, two classes: no error may be missing, and p (1 - p) links the two scales."""
    data = load_dataset("role_conflict")
    theta = em(COINS, data, Theta([0.3, 0.7], probs=[[0.9] * 4, [0.4] * 4]))
    found = standard_errors(COINS, data, theta)
    p = theta.probs
    np.testing.assert_allclose(
        found.natural["probs"], found.report["logits"] * p * (1 - p), rtol=1e-6
    )
