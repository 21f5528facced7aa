"""Inference knows no family: errors, intervals, criteria and rates on every one that is registered."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import families, label, make_data

from mixcompare.data import Dataset
from mixcompare.estimators.base import make_estimator
from mixcompare.families.base import Family
from mixcompare.inference.base import examine, jacobian
from mixcompare.inference.criteria import information_criteria
from mixcompare.inference.information import standard_errors
from mixcompare.inference.intervals import KINDS, intervals
from mixcompare.inference.rate import em_rate
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.starts.base import make_start
from mixcompare.theta import Theta


def fitted(family: Family, K: int) -> tuple[MixtureModel, Dataset, Theta]:
    data = make_data(family, 150, 1 if family.univariate else 2, seed=4, counts=True)
    model = MixtureModel(family, K).on(data)
    start = make_start("kmeans", model, data).theta
    claim = make_estimator("em", tol=1e-12, max_iter=50000).fit(
        Problem(model, data), start, np.random.default_rng(0)
    )
    assert claim.theta is not None
    return model, data, claim.theta


@pytest.mark.parametrize("family", families(), ids=label)
def test_one_component(family: Family) -> None:
    """The information is the Hessian of the slow log-density; all three intervals hold the estimate."""
    model, data, theta = fitted(family, 1)
    assert examine(model, data, theta, None).verdict.finding == "maximum"
    errors = standard_errors(model, data, theta)

    def loglik(z: np.ndarray) -> np.ndarray:
        point = model.to_natural(z, data.n_features)
        return np.array([data.weights @ model.log_density(data.x, point)])

    hessian = jacobian(lambda at: jacobian(loglik, at)[0], model.to_unconstrained(theta))
    scale = np.abs(hessian).max()
    np.testing.assert_allclose(errors.information, -hessian, rtol=1e-3, atol=1e-4 * scale)
    assert set(errors.natural) == set(theta)
    assert em_rate(model, data, theta).rate < 1
    for kind in KINDS:
        found = intervals(model, data, theta, kind, replicates=60)
        assert not found.refused
        for name, (lower, upper) in found.bounds.items():
            estimate, open_to_doubt = found.estimate[name], np.isnan(lower)
            assert ((lower <= estimate) & (estimate <= upper) | open_to_doubt).all()
            assert (open_to_doubt == ~np.isfinite(estimate)).all()


@pytest.mark.parametrize("family", families(), ids=label)
def test_two_components(family: Family) -> None:
    """Whatever the end is found to be: an answer or a reason, never an exception."""
    model, data, theta = fitted(family, 2)
    finding = examine(model, data, theta, None).verdict.finding
    errors, rate = standard_errors(model, data, theta), em_rate(model, data, theta)
    wald = intervals(model, data, theta)
    criteria = information_criteria(model, data, theta)
    assert errors.finding == wald.finding == rate.finding == criteria.finding == finding
    assert bool(errors.refused) == bool(wald.refused)
    if finding == "maximum":
        assert not rate.refused
        assert 0 <= rate.rate < 1
        assert criteria.bic == pytest.approx(
            -2 * criteria.loglik + model.n_parameters(data.n_features) * np.log(data.weights.sum())
        )
        if not wald.refused:
            assert all((value >= 0).all() for value in errors.natural.values())
    else:
        assert finding in errors.refused
