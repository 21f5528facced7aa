"""The deliberately wrong steps: what they give is what the notebooks printed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.estimators.base import Estimator
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta

ROOT = Path(__file__).parents[2]
SEEDS: dict[str, Any] = json.loads(
    (ROOT / "tests/estimators/seeds_trajectories.json").read_text(encoding="utf-8")
)
NORMALS = MixtureModel("gaussian", 2)
POINTS = load_dataset("li_hang_gmm15")
ON_UNIT = Dataset((POINTS.x + 67) / 142)


def fault(name: str, **options: Any) -> Estimator:
    path = ROOT / "studies" / "notebook_faults.py"
    spec = importlib.util.spec_from_file_location("notebook_faults", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "notebook_faults", module)
        spec.loader.exec_module(module)
    made: Estimator = getattr(module, name)(**options)
    return made


def run(
    estimator: Estimator, data: Dataset, start: Theta, budget: Budget | None = None
) -> tuple[Claim, Problem]:
    problem = Problem(NORMALS, data, budget or Budget(), keep_points=True)
    full = NORMALS.as_start(start, data)
    return estimator.fit(problem, full, np.random.default_rng(0)), problem


def first_start() -> Theta:
    s = SEEDS["000-gauss15"]["start"]
    means, variances = [s["mu1"], s["mu2"]], [s["var1"], s["var2"]]
    return Theta([s["pi"], 1 - s["pi"]], means=means, covariances=variances)


def test_variances_for_deviations_collapse_as_printed() -> None:
    seed = SEEDS["000-gauss15"]
    claim, problem = run(fault("VarianceAsDeviation"), POINTS, first_start())
    rows, trajectory = seed["as_printed_code"], problem.trajectory
    assert claim.solver.success
    assert claim.solver.counts == {"iterations": seed["printed"]["iterations"]}
    assert len(trajectory.theta) == len(rows) + 1
    assert trajectory.loglik[0] == pytest.approx(seed["expected"]["start_log_likelihood"])
    rtol = seed["tolerance"]["trajectory_relative"]
    for row, theta, loglik in zip(rows, trajectory.theta[1:], trajectory.loglik[1:], strict=True):
        found = [theta.weights[0], *theta["means"].ravel(), *theta["covariances"].ravel()]
        names = ("pi", "mu1", "mu2", "var1", "var2")
        np.testing.assert_allclose(found, [row[name] for name in names], rtol=rtol)
        assert loglik == pytest.approx(row["log_likelihood"], rel=1e-9)
    # a pass for each likelihood and each wrong E-step
    assert problem.passes == 2 * len(rows) + 1
    assert trajectory.passes.tolist() == [1, 3, 5, 7, 9, 11]


def test_the_printed_sum_is_not_the_log_likelihood() -> None:
    seed = SEEDS["003-gauss15"]
    start = Theta([0.5, 0.5], means=[0.0, 1.0], covariances=[1.0, 1.0])
    claim, problem = run(fault("NotTheLogLikelihood"), ON_UNIT, start)
    rows, trajectory = seed["trajectory"], problem.trajectory
    assert len(claim.solver.values) == len(rows) == seed["iterations"] == problem.passes - 1
    for i, (row, said) in enumerate(zip(rows, claim.solver.values, strict=True), start=1):
        assert said == pytest.approx(row["printed_quantity"], abs=1e-10)
        assert trajectory.loglik[i] == pytest.approx(row["log_likelihood"], rel=1e-9, abs=1e-9)
        means, sds = trajectory.theta[i]["means"].ravel(), trajectory.theta[i]["covariances"] ** 0.5
        np.testing.assert_allclose(means, row["mu"], rtol=seed["tolerance"]["relative"])
        np.testing.assert_allclose(sds.ravel(), row["sigma"], rtol=seed["tolerance"]["relative"])


@pytest.mark.parametrize("name", ["VarianceAsDeviation", "NotTheLogLikelihood"])
def test_a_budget_stops_them_and_other_models_are_refused(name: str) -> None:
    claim, problem = run(fault(name), POINTS, first_start(), Budget(passes=4))
    assert problem.passes == 4
    assert claim.solver.status == "budget"
    assert claim.theta is not None
    assert not fault(name).supports(NORMALS, 1)
    assert "one dimension" in fault(name).supports(NORMALS, 2)
    assert "normal components" in fault(name).supports(MixtureModel("poisson", 2), 1)
    assert fault(name).fault


def test_iterations_can_run_out() -> None:
    claim, _ = run(fault("VarianceAsDeviation", max_iter=2), POINTS, first_start())
    assert claim.solver.success is False
    assert claim.solver.status == "max_iter"
    assert claim.solver.counts == {"iterations": 2}
