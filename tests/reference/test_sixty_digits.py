"""Log-likelihood, gradient and curvature of every family against 60 digits, also at extreme points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from family_cases import cases, make_model, make_point
from sixty_digits import FORMULAS, at_coordinates, hessian_product, log_likelihood

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.families.base import Family
from mixcompare.families.fused import ExponentialFamily
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta

K, N = 2, 24

Change = Callable[[Theta, np.ndarray], dict[str, Any]]


def scaled(**factors: tuple[float, float]) -> Change:
    """Each of these parameters, as far as there are such, times a factor for each component."""

    def change(theta: Theta, x: np.ndarray) -> dict[str, Any]:
        values = {name: theta.parameters[name] for name in factors if name in theta.parameters}
        return {
            name: value * np.reshape(factors[name], (K, *[1] * (value.ndim - 1)))
            for name, value in values.items()
        }

    return change


def ordinary(theta: Theta, x: np.ndarray) -> dict[str, Any]:
    return {}


def near_edges(theta: Theta, x: np.ndarray) -> dict[str, Any]:
    """Probabilities of 1e-10 in the first component, and of 1 - 1e-10 in the last if they are single."""
    p = theta.parameters["probs"].copy()
    if p.ndim == 3:  # levels: what the first one loses, the next one gets
        p[0, :, 1] += p[0, :, 0] - 1e-10
        p[0, :, 0] = 1e-10
    else:
        p[0], p[-1] = 1e-10, 1 - 1e-10
    return {"probs": p}


def far_mean(theta: Theta, x: np.ndarray) -> dict[str, Any]:
    """The last component a thousand sds away."""
    means = theta.parameters["means"].copy()
    means[-1] += 1e3 * x.std(axis=0)
    return {"means": means}


def matrices(first: float, last: float) -> Change:
    return scaled(covariances=(first, last), scales=(first, last))


POINTS: dict[str, tuple[str, Change]] = {
    "ordinary": ("", ordinary),
    "tiny weight": ("", lambda theta, x: {"weights": [1e-12, 1 - 1e-12]}),
    "narrow": ("means", matrices(1e-6, 1e-6)),
    "wide": ("means", matrices(1e6, 1e6)),
    "uneven": ("means", matrices(1e-6, 1e6)),
    "far mean": ("means", far_mean),
    "edges": ("probs", near_edges),
    "rates": ("rates", scaled(rates=(1e-3, 1e3))),
    "small shapes": ("shapes", scaled(shapes=(1e-3, 1.0))),
    "large shapes": ("shapes", scaled(shapes=(1e4, 1.0), rates=(1e4, 1.0))),
    "few df": ("df", scaled(df=(1e-2, 1.0))),
}
"""The parameter a family must have, and what makes the point out of an ordinary one."""


def points() -> list[Any]:
    """Every family with one and with two features, and with every point it has."""
    return [
        pytest.param(*case.values, change, id=f"{case.id}-{point.replace(' ', '-')}")
        for case in cases(1, 2)
        for point, (needed, change) in POINTS.items()
        if not needed or needed in case.values[0].shapes(case.values[1])
    ]


def check(model: MixtureModel, data: Dataset, theta: Theta) -> None:
    family, problem = model.family, Problem(model, data)
    value, statistics = problem.statistics(theta)
    rounding = problem.rounding(theta, value, statistics)
    of_family = (family.name, family.options)
    exact = log_likelihood(*of_family, data.x, data.weights, theta.weights, theta.parameters)
    assert abs(value - exact) <= max(1e-12 * abs(exact), 8 * rounding)

    frame = problem.frame
    z = model.to_unconstrained(theta, frame)
    found, gradient = problem.value_and_score(z)
    reference = at_coordinates(*of_family, frame(data.x), data.weights, K, z)
    assert abs(found - exact) <= max(1e-12 * abs(exact), 8 * rounding)
    # Nats by coordinate: a location acts over the sd of its component.
    length = min(1.0, family.spread(family.to_frame(theta.parameters, frame)).min())
    allowed = 1e-12 * reference.terms + 8 * rounding / length
    assert (np.abs(gradient - reference.gradient) <= allowed).all()


def point_of(family: Family, n: int, d: int, change: Change) -> tuple[MixtureModel, Dataset, Theta]:
    """Model, data and the point; skips what the model has not."""
    model, data = make_model(family, K, n, d, seed=4, counts=True)
    theta = make_point(model, data)
    point = Theta(**{"weights": theta.weights, **theta.parameters, **change(theta, data.x)})
    if model.outside(point):  # tied covariances that differ, a fixed number of df that is another
        pytest.skip(model.outside(point))
    return model, data, point


@pytest.mark.parametrize(("family", "d", "change"), points())
def test_likelihood_and_gradient(family, d, change):
    check(*point_of(family, N, d, change))


exact = [case for case in points() if isinstance(case.values[0], ExponentialFamily)]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "d", "change"), exact)
def test_products_with_the_hessian(family, d, change):
    """Where a probability is 1 - 1e-10, as a number it has six digits of what it lacks to 1."""
    model, data, theta = point_of(family, N // 2, d, change)
    problem = Problem(model, data)
    rounding = problem.rounding(theta, *problem.statistics(theta))
    z = model.to_unconstrained(theta, problem.frame)
    v = np.random.default_rng(0).normal(size=z.size)
    found, of_family = problem.product(z, v), (model.family.name, model.family.options)
    x = problem.frame(data.x)
    reference = hessian_product(*of_family, x, data.weights, K, z, v)
    size = float(np.abs(reference).max())
    relative = 1e-4 if change is near_edges else 1e-12 if change is ordinary else 1e-9
    assert np.abs(found - reference).max() <= relative * size + 8 * rounding


continuous = [case for case in cases(1, 2) if not case.values[0].discrete]


@pytest.mark.parametrize(("family", "d"), continuous)
def test_with_an_observation_a_thousand_sds_away(family, d):
    model, data = make_model(family, K, N, d, seed=4)
    x = data.x.copy()
    x[7] = x.mean(axis=0) + 1e3 * x.std(axis=0)
    theta = make_point(model, data)
    check(model, Dataset(x), theta)


def test_every_family_has_a_reference():
    missing = set(registry.NAMES["families"]) - set(FORMULAS)
    assert not missing, f"add them to FORMULAS in tests/reference/sixty_digits.py: {missing}"
