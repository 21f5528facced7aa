"""Agreement with scikit-learn, log-likelihood and one step of EM, and with the densities of scipy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture

from mixcompare.data import Dataset
from mixcompare.estimators.base import make_estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta

K = 3


def data_and_start(covariance: str, d: int, n: int = 500) -> tuple[np.ndarray, Theta]:
    """Three correlated normals, and a point of the kind asked for."""
    rng = np.random.default_rng(d)
    mixing = rng.normal(size=(K, d, d))
    labels = rng.integers(0, K, n)
    centres = 3.0 * rng.normal(size=(K, d))
    x = centres[labels] + np.einsum("nij,nj->ni", mixing[labels], rng.normal(size=(n, d)))
    full = mixing @ mixing.transpose(0, 2, 1) + 0.5 * np.eye(d)
    of_kind = {
        "full": full,
        "tied": np.repeat(full.mean(axis=0)[None], K, axis=0),
        "diag": full * np.eye(d),
        "spherical": np.trace(full, axis1=1, axis2=2)[:, None, None] / d * np.eye(d),
    }[covariance]
    return x, Theta([0.2, 0.3, 0.5], means=centres + 0.3, covariances=of_kind)


def in_their_shape(covariance: str, matrices: np.ndarray) -> np.ndarray:
    return {
        "full": matrices,
        "tied": matrices[0],
        "diag": np.diagonal(matrices, axis1=1, axis2=2),
        "spherical": matrices[:, 0, 0],
    }[covariance]


def theirs(covariance: str, x: np.ndarray, start: Theta) -> GaussianMixture:
    """scikit-learn's estimator after one step of EM from the start."""
    precisions = np.linalg.inv(start["covariances"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step does not converge
        return GaussianMixture(
            K,
            covariance_type=covariance,
            tol=0.0,
            reg_covar=0.0,
            max_iter=1,
            init_params="random_from_data",
            weights_init=start.weights,
            means_init=start["means"],
            precisions_init=in_their_shape(covariance, precisions),
            random_state=0,
        ).fit(x)


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_scikit_learn(covariance, d):
    x, start = data_and_start(covariance, d)
    model, data = MixtureModel("gaussian", K, covariance=covariance), Dataset(x)
    peer = theirs(covariance, x, start)
    problem = Problem(model, data)
    claim = make_estimator("em", max_iter=1, tol=0).fit(problem, start, np.random.default_rng(0))

    # What it calls the lower bound is the log-likelihood of the start, an observation.
    assert problem.trajectory.loglik[0] / len(x) == pytest.approx(peer.lower_bound_, rel=1e-10)
    assert problem.trajectory.loglik[1] == pytest.approx(peer.score_samples(x).sum(), rel=1e-10)
    np.testing.assert_allclose(model.log_density(x, claim.theta), peer.score_samples(x), rtol=1e-10)

    np.testing.assert_allclose(claim.theta.weights, peer.weights_, rtol=1e-10)
    np.testing.assert_allclose(claim.theta["means"], peer.means_, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        in_their_shape(covariance, claim.theta["covariances"]),
        peer.covariances_,
        rtol=1e-10,
        atol=1e-10,
    )


rng = np.random.default_rng(0)
COUNTS = rng.poisson(np.where(rng.random(300) < 0.4, 2.0, 30.0))[:, None]
TIMES = rng.exponential(np.where(rng.random(300) < 0.4, 1e-3, 50.0))[:, None]

SCIPY: dict[str, tuple[MixtureModel, np.ndarray, dict[str, Any], list[Any]]] = {
    "poisson": (
        MixtureModel("poisson", 2),
        COUNTS,
        {"rates": [1e-3, 25.0]},
        [stats.poisson(1e-3).logpmf, stats.poisson(25.0).logpmf],
    ),
    "exponential": (
        MixtureModel("exponential", 2),
        TIMES,
        {"rates": [1e3, 0.02]},
        [stats.expon(scale=1e-3).logpdf, stats.expon(scale=50.0).logpdf],
    ),
    "binomial": (
        MixtureModel("binomial", 2, n_trials=60),
        np.minimum(COUNTS, 60),
        {"probs": [1e-6, 0.4]},
        [stats.binom(60, 1e-6).logpmf, stats.binom(60, 0.4).logpmf],
    ),
    "gaussian": (
        MixtureModel("gaussian", 2),
        TIMES,
        {"means": [[0.0], [40.0]], "covariances": [[[1e-4]], [[900.0]]]},
        [stats.norm(0.0, 1e-2).logpdf, stats.norm(40.0, 30.0).logpdf],
    ),
}


@pytest.mark.parametrize("family", SCIPY)
def test_scipy(family):
    model, x, parameters, log_densities = SCIPY[family]
    theta, data = Theta([1e-6, 1 - 1e-6], **parameters), Dataset(x)
    joint = np.hstack([f(x) for f in log_densities]) + np.log(theta.weights)
    expected = np.logaddexp.reduce(joint, axis=1)
    assert Problem(model, data).log_likelihood(theta) == pytest.approx(expected.sum(), rel=1e-12)
    np.testing.assert_allclose(model.on(data).log_density(data.x, theta), expected, rtol=1e-11)
