"""EM and EM with old means against the worked examples, iteration by iteration to the printed digits.

`seeds_trajectories.json` holds the numbers (starts, rows, limits, tolerances) copied from the project's
reference of five published notebooks, by their ids there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.estimators.base import make_estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta

SEEDS: dict[str, Any] = json.loads(
    Path(__file__).with_name("seeds_trajectories.json").read_text(encoding="utf-8")
)
NORMALS = MixtureModel("gaussian", 2)
COINS = MixtureModel("bernoulli", 2)
TEN_DIGITS = 6e-10
"""Relative error of a number printed to ten digits."""


def run(
    model: MixtureModel, data: Dataset, start: Theta, method: str = "em", **options: float
) -> tuple[Claim, Problem]:
    problem = Problem(model, data, keep_points=True)
    full = model.as_start(start, data)
    claim = make_estimator(method, **options).fit(problem, full, np.random.default_rng(0))
    return claim, problem


def two(weight: float, means: list[float], variances: list[float]) -> Theta:
    return Theta([weight, 1 - weight], means=means, covariances=variances)


def agrees(theta: Theta, rtol: float, **expected: Any) -> None:
    """Weights, means, variances or standard deviations (d = 1) or covariances within rtol."""
    found = {
        "weights": theta.weights,
        "means": np.squeeze(theta["means"]),
        "variances": np.squeeze(theta["covariances"]),
        "sds": np.sqrt(np.abs(np.squeeze(theta["covariances"]))),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=rtol, err_msg=name)


# -- coins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["000-coins", "003-coins"])
def test_three_coins(key):
    seed = SEEDS[key]
    data, s = load_dataset("li_hang_coins"), seed["start"]
    start = Theta([s["pi"], 1 - s["pi"]], probs=[[s["p"]], [s["q"]]])
    rows, tolerance = seed["expected"], seed["tolerance"]
    _, problem = run(COINS, data, start, max_iter=len(rows), tol=0)
    points = problem.trajectory.theta
    one, zero = int(np.argmax(data.x[:, 0] == 1)), int(np.argmax(data.x[:, 0] == 0))
    for row, before, after in zip(rows, points[:-1], points[1:], strict=True):
        shares = Problem(COINS, data).e_step(before)[:, 0]
        assert shares[one] == pytest.approx(row["responsibility_if_1"], abs=tolerance)
        assert shares[zero] == pytest.approx(row["responsibility_if_0"], abs=tolerance)
        assert after.weights[0] == pytest.approx(row["pi"], abs=tolerance)
        np.testing.assert_allclose(after["probs"].ravel(), [row["p"], row["q"]], atol=tolerance)
    assert problem.trajectory.loglik[-1] == pytest.approx(seed["log_likelihood"], abs=tolerance)
    printed = [seed["printed"][name] for name in ("pi", "p", "q")]
    last = [points[-1].weights[0], *points[-1]["probs"].ravel()]
    np.testing.assert_allclose(last, printed, atol=tolerance)


# -- fifteen points ---------------------------------------------------------------------------------


def test_fifteen_points():
    seed, data = SEEDS["000-gauss15"], load_dataset("li_hang_gmm15")
    s, expected = seed["start"], seed["expected"]
    start = two(s["pi"], [s["mu1"], s["mu2"]], [s["var1"], s["var2"]])
    _, problem = run(NORMALS, data, start, max_iter=30, tol=0)
    trajectory = problem.trajectory
    first = Problem(NORMALS, data).e_step(NORMALS.as_start(start, data))[:, 0]
    np.testing.assert_allclose(first, expected["first_responsibilities"], rtol=TEN_DIGITS)
    assert trajectory.loglik[0] == pytest.approx(expected["start_log_likelihood"], abs=1e-11)
    assert len(expected["trajectory"]) == 9
    for row in expected["trajectory"]:
        i, rtol = row["iteration"], seed["tolerance"]["trajectory_relative"]
        _fifteen(trajectory.theta[i], row, rtol)
        assert trajectory.loglik[i] == pytest.approx(row["log_likelihood"], rel=TEN_DIGITS)
    _fifteen(trajectory.theta[30], expected["limit"], seed["tolerance"]["limit_relative"])
    assert (np.diff(trajectory.loglik) > -1e-12).all()


def _fifteen(theta: Theta, row: dict[str, float], rtol: float) -> None:
    agrees(
        theta,
        rtol,
        weights=[row["pi"], 1 - row["pi"]],
        means=[row["mu1"], row["mu2"]],
        variances=[row["var1"], row["var2"]],
    )


def test_fifteen_points_on_the_unit_interval():
    seed, data = SEEDS["003-gauss15"], load_dataset("li_hang_gmm15")
    scaled = Dataset((data.x + 67) / 142)
    start = two(0.5, [0, 1], [1, 1])
    _, problem = run(NORMALS, scaled, start, max_iter=200, tol=0)
    trajectory, rows = problem.trajectory, seed["trajectory"]
    assert [row["iteration"] for row in rows] == list(range(1, 21))
    u = scaled.x[:, 0]
    for row in rows:
        i, rtol = row["iteration"], seed["tolerance"]["relative"]
        theta = trajectory.theta[i]
        agrees(theta, rtol, weights=row["alpha"], means=row["mu"], sds=row["sigma"])
        assert trajectory.loglik[i] == pytest.approx(row["log_likelihood"], rel=1e-9, abs=1e-9)
        # what the notebook printed in place of the log-likelihood
        shares = Problem(NORMALS, scaled).e_step(trajectory.theta[i - 1])
        means, sds = theta["means"].ravel(), np.sqrt(theta["covariances"].ravel())
        density = -0.5 * ((u[:, None] - means) / sds) ** 2 - np.log(sds) - 0.5 * np.log(2 * np.pi)
        assert 225 + (shares * density).sum() == pytest.approx(row["printed_quantity"], abs=2e-8)
    limit, last = seed["limit"], trajectory.theta[-1]
    agrees(last, 1e-7, weights=limit["alpha"], means=limit["mu"], sds=limit["sigma"])
    assert trajectory.loglik[-1] == pytest.approx(limit["log_likelihood"], abs=1e-8)
    labels = Problem(NORMALS, scaled).e_step(trajectory.theta[20])[:, 0] > 0.5
    np.testing.assert_array_equal(labels.astype(int), seed["final_labels"])


# -- four classes -----------------------------------------------------------------------------------


def _four_classes() -> tuple[MixtureModel, Dataset, Theta]:
    s = SEEDS["001-first-step"]["start"]
    start = Theta(s["weights"], means=s["means"], covariances=s["variances"])
    return MixtureModel("gaussian", 4), load_dataset("four_classes_200"), start


def test_four_classes_first_step_under_both_conventions():
    seed = SEEDS["001-first-step"]
    model, data, start = _four_classes()
    expected, rtol = seed["expected"], seed["tolerance"]["relative"]
    old, _ = run(model, data, start, "em[old-means]", max_iter=1, tol=0)
    new, _ = run(model, data, start, max_iter=1, tol=0)
    for claim, variances in (
        (old, "variances_about_the_OLD_means"),
        (new, "variances_about_the_new_means"),
    ):
        assert claim.theta is not None
        agrees(
            claim.theta,
            rtol,
            weights=expected["weights"],
            means=expected["means"],
            variances=expected[variances],
        )
    printed = seed["printed"]
    assert old.theta is not None
    agrees(
        old.theta,
        rtol,
        weights=printed["weights"],
        means=printed["means"],
        variances=printed["variance_update"],
    )
    row = Problem(model, data).e_step(model.as_start(start, data))[0]
    np.testing.assert_allclose(row, printed["responsibilities_row_1"], rtol=1e-5)


@pytest.mark.parametrize(
    ("method", "rule"), [("em[old-means]", "old_mean_rule"), ("em", "new_mean_rule")]
)
def test_four_classes_the_two_rules_part_ways(method, rule):
    seed = SEEDS["001-two-update-rules"]
    model, data, start = _four_classes()
    atol = seed["tolerance"]["log_likelihood"]
    _, problem = run(model, data, start, method, max_iter=201, tol=0)
    early = seed["expected"][f"{rule}_200"]
    assert problem.trajectory.loglik[201] == pytest.approx(early["log_likelihood"], abs=atol)
    agrees(
        problem.trajectory.theta[201],
        1e-4,
        weights=early["weights"],
        means=early["means"],
        variances=early["variances"],
    )
    claim, problem = run(model, data, start, method)
    limit = seed["expected"][f"{rule}_limit"]
    assert claim.solver.status == "converged"
    assert problem.trajectory.loglik[-1] == pytest.approx(limit["log_likelihood"], abs=atol)
    assert claim.theta is not None
    agrees(
        claim.theta,
        1e-4,
        weights=limit["weights"],
        means=limit["means"],
        variances=limit["variances"],
    )


# -- heights ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [0, 1, 2])
@pytest.mark.parametrize("name", ["davis_heights", "student_heights"])
def test_heights(name, case):
    seed, data = SEEDS[f"002-{name}"], load_dataset(name)
    row = seed["expected"][case]
    s = row["start"]
    start = two(s["tau1"], s["mu"], [sd**2 for sd in s["sigma"]])
    for stage, rtol, gap in (
        ("after_40", seed["tolerance"]["after_40_relative"], 1e-9),
        ("converged", seed["tolerance"]["converged_relative"], 1e-9),
    ):
        options = {"max_iter": 40, "tol": 0} if stage == "after_40" else {"tol": 1e-11}
        claim, problem = run(NORMALS, data, start, **options)
        expected = row[stage]
        assert claim.theta is not None
        agrees(
            claim.theta,
            rtol,
            weights=expected["tau"],
            means=expected["mu"],
            sds=expected["sigma"],
        )
        assert problem.trajectory.loglik[-1] == pytest.approx(expected["log_likelihood"], rel=gap)


# -- ten points and Old Faithful --------------------------------------------------------------------


def test_ten_points_on_the_saddle():
    seed, data = SEEDS["004-saddle"], load_dataset("ten_points")
    s = seed["start"]
    start = two(s["pi"], [s["mu1"], s["mu2"]], [s["sigma1"] ** 2, s["sigma2"] ** 2])
    _, problem = run(NORMALS, data, start, max_iter=3, tol=0)
    for row in seed["expected"]:
        i, rtol = row["iteration"], seed["tolerance"]
        agrees(
            problem.trajectory.theta[i],
            rtol,
            weights=row["weights"],
            means=row["mu"],
            variances=row["var"],
        )
        assert problem.trajectory.loglik[i] == pytest.approx(row["log_likelihood"], rel=TEN_DIGITS)
    for escape in seed["escape"]:
        start = two(0.5, [0, escape["start_mu2"]], [1, 1])
        _, problem = run(NORMALS, data, start)
        first = int(np.argmax(problem.trajectory.loglik > -20.0085))
        assert first == escape["iterations_until_log_likelihood_above_minus_20_0085"]


def test_ten_points_second_start():
    seed, data = SEEDS["004-second-start"], load_dataset("ten_points")
    s = seed["start"]
    start = two(s["pi"], [s["mu1"], s["mu2"]], [s["sigma1"] ** 2, s["sigma2"] ** 2])
    _, problem = run(NORMALS, data, start, max_iter=200, tol=0)
    assert [row["iteration"] for row in seed["expected"]] == [1, 2, 3, 200]
    for row in seed["expected"]:
        i = row["iteration"]
        agrees(
            problem.trajectory.theta[i],
            seed["tolerance"],
            weights=row["weights"],
            means=row["mu"],
            variances=row["var"],
        )
        assert problem.trajectory.loglik[i] == pytest.approx(row["log_likelihood"], rel=TEN_DIGITS)


def test_old_faithful_leaves_its_plateau():
    seed, data = SEEDS["004-faithful"], load_dataset("old_faithful")
    scaled = Dataset((data.x - data.x.mean(axis=0)) / data.x.std(axis=0))
    start = Theta(
        [0.5, 0.5], means=seed["start"]["means"], covariances=np.tile(np.eye(2), (2, 1, 1))
    )
    _, problem = run(NORMALS, scaled, start, max_iter=200, tol=0)
    assert [row["iteration"] for row in seed["expected"]] == [1, 10, 20, 30, 40, 50, 200]
    for row in seed["expected"]:
        i = row["iteration"]
        # at iteration 40 the run is in full flight: rounding has been multiplied by then
        rtol = seed["tolerance"]["at_iteration_40_relative"] if i == 40 else 1e-6
        theta = problem.trajectory.theta[i]
        agrees(theta, rtol, weights=row["weights"], means=row["means"])
        np.testing.assert_allclose(theta["covariances"], row["covariances"], rtol=rtol)
        tolerance = seed["tolerance"]["log_likelihood"]
        assert problem.trajectory.loglik[i] == pytest.approx(row["log_likelihood"], abs=tolerance)
    claim, _ = run(NORMALS, scaled, start)
    assert claim.solver.status == "converged"
    assert claim.theta is not None
    agrees(claim.theta, 1e-6, weights=seed["expected"][-1]["weights"])
