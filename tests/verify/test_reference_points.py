"""Optima that other programs and thousands of starts have found get their finding, and narrow if they are.

reference_points.json: log-likelihood, parameters, whether narrow (few observations, or a spread far below
the largest) and whether a strict maximum; found with R's flexmix and mclust and by searches of our own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta
from mixcompare.verify.verifier import verify

CASES = json.loads((Path(__file__).parent / "reference_points.json").read_text())


def _name(case: dict[str, Any]) -> str:
    options = [str(value) for value in case["options"].values()]
    return "-".join([case["data"], case["family"], str(case["n_components"]), *options])


def _theta(case: dict[str, Any], point: dict[str, Any], d: int) -> Theta:
    """The file's own parameters as ours; printed weights sum to one up to their last digit."""
    weights = np.array(point["weights"]) / np.sum(point["weights"])
    if "rates" in point:
        return Theta(weights, rates=point["rates"])
    if case["family"] == "exponential":
        return Theta(weights, rates=1 / np.array(point["means"]))
    if "probabilities" in point:
        return Theta(weights, probs=point["probabilities"])
    variances = np.array([np.broadcast_to(v, d) for v in point["variances"]])
    return Theta(weights, means=point["means"], covariances=variances[:, :, None] * np.eye(d))


POINTS = [
    pytest.param(case, point, id=f"{_name(case)}-{i}")
    for case in CASES
    for i, point in enumerate(case["points"])
]


@pytest.mark.parametrize(("case", "point"), POINTS)
def test_listed_optima(case, point):
    data = load_dataset(case["data"], columns=case.get("columns"))
    model = MixtureModel(case["family"], case["n_components"], **case["options"])
    verdict = verify(model, data, _theta(case, point, data.n_features))
    assert verdict.loglik == pytest.approx(point["loglik"], abs=1e-5)
    assert verdict.narrow == point["narrow"]
    if point["strict"]:
        assert verdict.finding == "maximum"
        assert verdict.attainable_gain < 1e-8
    else:
        assert verdict.finding in ("duplicate", "ridge", "boundary")


def test_the_unit_of_one_feature_does_not_make_a_spherical_optimum_narrow():
    """Spreads are compared in standardised features, whatever the covariances are in."""
    (case,) = [c for c in CASES if c["data"] == "old_faithful" and "spherical" in str(c["options"])]
    data = load_dataset(case["data"], columns=case["columns"])
    model = MixtureModel("gaussian", 3, **case["options"])
    for point in case["points"]:
        theta = _theta(case, point, 2)
        moved = Theta(theta.weights, means=1e3 * theta.means, covariances=1e6 * theta.covariances)
        verdict = verify(model, Dataset(1e3 * data.x), moved)
        assert (verdict.finding, verdict.narrow) == ("maximum", point["narrow"])


@pytest.mark.parametrize("data", ["role_conflict", "lsat6"])
def test_latent_classes_are_the_same_by_two_families(data):
    """A known maximum of the Bernoulli family, as a categorical one with codes from 0 and from 1."""
    loglik, start = {"role_conflict": (-504.46767012, 0.8), "lsat6": (-2467.40552388, 0.7)}[data]
    items = load_dataset(data)
    d = items.n_features
    model = MixtureModel("bernoulli", 2)
    p = np.array([np.full(d, start), np.full(d, start - 0.4)])
    end = fit(model, items, start=Theta([0.5, 0.5], probs=p), tol=1e-12, max_iter=100_000)
    assert end.loglik == pytest.approx(loglik, abs=1e-5)
    assert end.finding == "maximum"
    assert end.theta is not None
    probs = np.stack([1 - end.theta.probs, end.theta.probs], axis=2)
    for first in (0, 1):
        coded = Dataset(items.x + first, counts=items.counts)
        verdict = verify(
            MixtureModel("categorical", 2), coded, Theta(end.theta.weights, probs=probs)
        )
        assert verdict.finding == "maximum"
        assert verdict.loglik == pytest.approx(end.loglik, abs=1e-9)
