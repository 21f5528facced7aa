"""Profile intervals: against closed forms and brute force, Wald for large n, and every reason to be open."""

from __future__ import annotations

import numpy as np
import pytest
from inference_ends import FREE, ONE, TIED, em, normal, two_normals, waiting
from scipy.optimize import brentq, minimize

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.errors import SpecError
from mixcompare.inference.intervals import intervals
from mixcompare.inference.profile import REASONS, Follower
from mixcompare.inference.profile import _Point as Point
from mixcompare.inference.scalars import scalars
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface

CHI2 = 3.841458820694124


def test_single_normal_has_the_textbook_profile() -> None:
    """For the mean, n log(1 + t^2 / s^2) = chi2; for the log sd, n (2 a + exp(-2 a) - 1) = chi2."""
    x = np.random.default_rng(0).normal(5, 2, 12)
    n, sd = x.size, float(x.std())
    found = intervals(ONE, x, normal([1.0], [float(x.mean())], [sd]), "profile")
    half = sd * np.sqrt(np.expm1(CHI2 / n))
    lower, upper = (bound.item() for bound in found.bounds["means"])
    assert lower == pytest.approx(x.mean() - half, abs=1e-6)
    assert upper == pytest.approx(x.mean() + half, abs=1e-6)

    def deviance(a: float) -> float:
        return n * (2 * a + np.exp(-2 * a) - 1) - CHI2

    low, high = (bound.item() for bound in found.bounds["log_sds"])
    assert low - np.log(sd) == pytest.approx(brentq(deviance, -2, 0), abs=1e-6)
    assert high - np.log(sd) == pytest.approx(brentq(deviance, 0, 2), abs=1e-6)
    assert high - np.log(sd) > np.log(sd) - low
    assert np.isnan(found.bounds["logit_weights"]).all()
    assert not found.open


def test_single_coin_has_the_textbook_profile() -> None:
    model = MixtureModel("bernoulli", 1)
    found = intervals(model, [[0.0], [1.0]], Theta([1.0], probs=[0.2]), "profile", counts=[16, 4])

    def deviance(z: float) -> float:
        p = 1 / (1 + np.exp(-z))
        return 2 * (4 * np.log(0.2 / p) + 16 * np.log(0.8 / (1 - p))) - CHI2

    top = np.log(0.25)
    low, high = (bound.item() for bound in found.bounds["logits"])
    assert low == pytest.approx(brentq(deviance, top - 5, top), abs=1e-6)
    assert high == pytest.approx(brentq(deviance, top, top + 5), abs=1e-6)


def test_ends_are_constrained_maxima_at_the_level() -> None:
    """Against Nelder-Mead over the four other parameters, at the ends of a mean and of a weight."""
    data, theta = waiting()
    found = intervals(FREE, data, theta, "profile", of=["means", "logit_weights"])
    problem = Problem(FREE, data)
    top = problem.log_likelihood(theta)
    z = FREE.to_unconstrained(theta, problem.frame)

    def profile(at: int, value: float) -> float:
        rest = np.delete(np.arange(5), at)

        def loss(v: np.ndarray) -> float:
            point = z.copy()
            point[at], point[rest] = value, v
            return -problem.value_and_score(point)[0]

        options = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 20000, "maxfev": 20000}
        return 2 * (top + minimize(loss, z[rest], method="Nelder-Mead", options=options).fun)

    for bound in found.bounds["logit_weights"]:
        assert profile(0, bound[0]) == pytest.approx(CHI2, abs=1e-4)
    for bound in found.bounds["means"]:
        framed = (bound[1, 0] - problem.frame.centre[0]) / problem.frame.scale[0]
        assert profile(2, framed) == pytest.approx(CHI2, abs=1e-4)


def test_the_two_weights_mirror_each_other() -> None:
    data, theta = waiting()
    lower, upper = intervals(FREE, data, theta, "profile", of="logit_weights").bounds[
        "logit_weights"
    ]
    np.testing.assert_allclose(lower, -upper[::-1], atol=1e-5)


def test_agrees_with_wald_for_large_n_and_not_for_small() -> None:
    """The ends differ from Wald's by O(1 / n): next to nothing at 40,000, asymmetric at 35."""

    def worst(sizes: tuple[int, int], apart: float) -> float:
        data, theta = two_normals(1, sizes, apart)
        wald = intervals(FREE, data, theta)
        profile = intervals(FREE, data, theta, "profile")
        assert not profile.open
        found = 0.0
        for name, (lower, upper) in wald.bounds.items():
            width = upper - lower
            for side, bound in enumerate((lower, upper)):
                found = max(found, np.abs((profile.bounds[name][side] - bound) / width).max())
        return found

    assert worst((25000, 15000), 4.0) < 0.01
    assert worst((20, 15), 5.0) > 0.04


def test_small_sample_intervals_are_asymmetric_the_right_way() -> None:
    """A log sd is bounded more tightly from below than from above."""
    data, theta = two_normals(1, (20, 15), 5.0)
    found = intervals(FREE, data, theta, "profile", of=["log_sds"])
    lower, upper = found.bounds["log_sds"]
    estimate = FREE.report_scale(theta)["log_sds"]
    assert (upper - estimate > 1.1 * (estimate - lower)).all()


def test_counts_are_repeated_rows() -> None:
    rng = np.random.default_rng(2)
    x = np.round(np.concatenate([rng.normal(0, 1, 60), rng.normal(5, 1, 40)]), 1)
    values, counts = np.unique(x, return_counts=True)
    data = Dataset(x)
    theta = em(FREE, data, normal([0.6, 0.4], [0, 5], [1, 1]))
    long = intervals(FREE, data, theta, "profile")
    short = intervals(FREE, values, theta, "profile", counts=counts)
    for name, bounds in long.bounds.items():
        np.testing.assert_allclose(short.bounds[name], bounds, atol=1e-5)


def test_a_tied_parameter_is_followed_once() -> None:
    data = Dataset(two_normals(4, (60, 40), 5.0)[0].x)
    theta = em(TIED, data, normal([0.6, 0.4], [0, 5], [1, 1]))
    both = intervals(TIED, data, theta, "profile", of=["log_sds"])
    lower, upper = both.bounds["log_sds"]
    assert lower[0] == lower[1]
    assert upper[0] == upper[1]
    means = intervals(TIED, data, theta, "profile", of=["means"])
    assert both.passes < 0.8 * means.passes


def test_two_dimensions_with_correlations() -> None:
    """K = 1: n log((1 - r c)^2 / ((1 - r^2) (1 - c^2))) = chi2, with means and sds profiled out."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 2)) @ np.array([[1.0, 0.7], [0.0, 0.6]])
    theta = Theta([1.0], means=[x.mean(axis=0)], covariances=[np.cov(x.T, bias=True)])
    found = intervals(ONE, x, theta, "profile", of=["correlations"])
    r = np.corrcoef(x.T)[0, 1]

    def deviance(z: float) -> float:
        c = np.tanh(z)
        return 40 * np.log((1 - r * c) ** 2 / ((1 - r**2) * (1 - c**2))) - CHI2

    top = np.arctanh(r)
    low, high = (bound.item() for bound in found.bounds["correlations"])
    assert low == pytest.approx(brentq(deviance, top - 2, top), abs=1e-5)
    assert high == pytest.approx(brentq(deviance, top, top + 2), abs=1e-5)
    assert found.passes < 450  # Newton's method with the constraint's own curvature; 505 without it


def test_scalars_know_what_they_depend_on() -> None:
    """logit w_1 = z_1 - log(1 + exp z_2) for K = 3: bent along the other log-ratio only."""
    model = MixtureModel("gaussian", 3)
    data = Dataset(np.random.default_rng(0).normal(size=50))
    theta = Theta([0.2, 0.3, 0.5], means=[[-1], [0], [1]], covariances=[[[1.0]]] * 3)
    surface = Surface(model, data, theta)
    origin = np.zeros(8)
    places = [("logit_weights", (0,)), ("means", (1, 0)), ("log_sds", (2, 0))]
    weight, mean, log_sd = scalars(model, surface, places)
    assert list(weight.support) == [0, 1]
    assert not weight.linear
    expected = np.zeros((8, 8))
    expected[1, 1] = -(0.3 / 0.8) * (0.5 / 0.8) * surface.scale[1] ** 2
    np.testing.assert_allclose(weight.bend(origin), expected, atol=1e-6)
    for scalar, at in ((mean, 3), (log_sd, 7)):
        assert scalar.linear
        assert list(scalar.support) == [at]
        assert not scalar.bend(origin).any()
    slope = np.zeros(8)
    slope[3] = data.x.std() * surface.scale[3]
    np.testing.assert_allclose(mean.slope(origin), slope, rtol=1e-9)


def overlapping(seed: int, K: int, covariance: str) -> tuple[MixtureModel, Dataset, Theta]:
    """Too few, too close: forty points of K unit normals 2.5 apart, fitted from quantiles."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, 40) + rng.integers(0, K, 40) * 2.5
    model, data = MixtureModel("gaussian", K, covariance=covariance), Dataset(x)
    cuts = np.array_split(np.sort(x), K)
    spread = [float(x.var()) / K**2] * K
    start = Theta([1 / K] * K, means=[c.mean() for c in cuts], covariances=spread)
    return model, data, em(model, data, start)


OPEN = {
    "label_swap": (8, 3, "full", "means", (1, 0), "upper"),
    "collapse": (3, 2, "full", "log_sds", (0, 0), "lower"),
    "edge": (3, 3, "tied", "means", (0, 0), "upper"),
    "lost_curvature": (5, 2, "tied", "means", (1, 0), "upper"),
    "another_maximum": (0, 2, "full", "means", (1, 0), "lower"),
}
"""An end that is open for each reason: seed, K, covariance, and which end."""


def test_every_reason_has_its_case() -> None:
    assert set(OPEN) == set(REASONS) - {"failures"}  # those are the bootstrap's


@pytest.mark.parametrize("reason", OPEN)
def test_open_ends_say_why(reason: str) -> None:
    seed, K, covariance, name, index, side = OPEN[reason]
    model, data, theta = overlapping(seed, K, covariance)
    found = intervals(model, data, theta, "profile", of=[name])
    assert not found.refused
    (end,) = [e for e in found.open if (e.name, e.index, e.side) == (name, index, side)]
    assert end.reason == reason
    assert end.detail
    assert end.deviance < CHI2
    bound = found.bounds[name][side == "upper"][index]
    assert bound == (np.inf if side == "upper" else -np.inf)
    # the points outward: the deviance rises all the way, unless there is something better out there
    points = found.profiles[name, index]
    sign = 1 if side == "upper" else -1
    top = model.report_scale(theta)[name][index]
    outward = points[sign * (points[:, 0] - top) >= -1e-6][::sign]
    assert outward[-1, 0] == pytest.approx(end.reached)
    falls = bool((np.diff(outward[:, 1]) < -1e-6).any())
    if reason in ("edge", "lost_curvature"):
        assert not falls
    if reason == "another_maximum":
        assert falls


def test_lost_curvature_is_a_fold_of_the_curve() -> None:
    """Just beyond it, a descent by BFGS finds a constrained maximum only at a much higher likelihood."""
    seed, K, covariance, name, index, side = OPEN["lost_curvature"]
    model, data, theta = overlapping(seed, K, covariance)
    found = intervals(model, data, theta, "profile", of=[name])
    (end,) = [e for e in found.open if (e.index, e.side) == (index, side)]
    problem = Problem(model, data)
    z = model.to_unconstrained(theta, problem.frame)
    at = K - 1 + index[0]  # the first coordinates are the K - 1 weights
    rest = np.delete(np.arange(z.size), at)
    top = problem.log_likelihood(theta)

    def loss(v: np.ndarray, value: float) -> tuple[float, np.ndarray]:
        point = z.copy()
        point[at], point[rest] = (value - problem.frame.centre[0]) / problem.frame.scale[0], v
        loglik, slope = problem.value_and_score(point)
        return -loglik, -slope[rest]

    values = np.append(np.linspace(theta.means[index], end.reached, 60), end.reached + 0.02)
    path = []
    for value in values:
        options = {"gtol": 1e-7}
        z[rest] = minimize(loss, z[rest], (value,), "BFGS", jac=True, options=options).x
        path.append(2 * (top + loss(z[rest], value)[0]))
    assert path[-2] == pytest.approx(end.deviance, abs=1e-3)
    assert path[-1] < path[-2] - 0.1


def test_label_swap_is_seen_at_the_permuted_point() -> None:
    data, theta = waiting()
    surface = Surface(FREE, data, theta)
    follower = Follower(FREE, data, surface, 1.96)
    problem = surface.problem
    swapped = theta.take([1, 0])
    z = FREE.to_unconstrained(swapped.take(surface.order), problem.frame)
    delta = (z - surface.origin) / surface.scale
    local = surface.quadratic(delta)
    trouble = follower._trouble(Point(delta, 0.0, np.ones(5), local, 0.0))
    assert trouble is not None
    assert trouble[0] == "label_swap"
    here = follower._trouble(Point(np.zeros(5), 0.0, np.ones(5), follower.local, 0.0))
    assert here is None


def test_a_probability_that_can_be_zero_leaves_its_end_open() -> None:
    """The scalar itself goes to the edge without costing enough: no lower bound for its logit."""
    data = load_dataset("role_conflict")
    model = MixtureModel("bernoulli", 2)
    theta = em(model, data, Theta([0.3, 0.7], probs=[[0.9] * 4, [0.4] * 4]))
    k = int(np.argmax(theta.probs[:, 0]))
    found = intervals(model, data, theta, "profile", of=["logits"])
    (end,) = [e for e in found.open if (e.index, e.side) == ((k, 0), "upper")]
    assert end.reason == "edge"
    assert f"probability {k + 1} of item 1" in end.detail
    assert found.bounds["logits"][1][k, 0] == np.inf
    assert np.isfinite(found.bounds["logits"][0][k, 0])


def test_wrong_requests_are_refused_in_words() -> None:
    data, theta = waiting()
    with pytest.raises(SpecError, match=r'unknown kind "profil".*Did you mean "profile"'):
        intervals(FREE, data, theta, "profil")
    with pytest.raises(SpecError, match="between 0 and 1, got 95"):
        intervals(FREE, data, theta, level=95)
    with pytest.raises(SpecError, match=r'unknown name "mean".*Did you mean "means"'):
        intervals(FREE, data, theta, of=["mean"])
    with pytest.raises(SpecError, match="at least 2, got 1"):
        intervals(FREE, data, theta, "bootstrap", replicates=1)
