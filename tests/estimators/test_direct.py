"""Direct optimisation: what each formulation hands to scipy, and what comes back on known draws."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.base import make_estimator
from mixcompare.estimators.direct import BFGS, LBFGSB, NelderMead, Powell
from mixcompare.estimators.em import EM
from mixcompare.estimators.formulations import RUNGS
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Budget, Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta

MODEL = MixtureModel("gaussian", 2)
START = Theta([0.5, 0.5], means=[[-0.2], [0.8]], covariances=[[[0.04]], [[0.04]]])
BOX = {"means": (-0.5, 2), "sds": (0.01, 0.5), "weights": (0.01, 0.99)}
RNG = np.random.default_rng(0)

# Draws of .3 N(0, .08^2) + .7 N(.6, .12^2), n = 1000, by generator seed. Minus log-likelihood where
# bounded L-BFGS-B ends with success from START in BOX, and whether it is the optimum (scipy 1.18).
BOUNDED = {
    0: (-250.866, True),
    1: (-235.830, True),
    2: (-201.408, True),
    19: (None, True),
    4: (179.243, False),
    10: (184.388, False),
    22: (33.070, False),
    37: (-81.702, False),
    94: (-178.645, False),
    151: (-157.259, False),
}


@cache
def draws(seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset(np.concatenate([rng.normal(0, 0.08, 300), rng.normal(0.6, 0.12, 700)]))


@cache
def optimum(seed: int) -> float:
    problem = Problem(MODEL, draws(seed))
    EM().fit(problem, START, RNG)
    return float(problem.trajectory.loglik[-1])


def run(
    method: str, data: Dataset, budget: Budget | None = None, **options: object
) -> tuple[Claim, Problem]:
    problem = Problem(MODEL, data, budget or Budget())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's, which the driver turns into notes
        return make_estimator(method, **options).fit(problem, START, RNG), problem


def loglik(claim: Claim, data: Dataset) -> float:
    assert claim.theta is not None
    return float(data.weights @ MODEL.log_density(data.x, claim.theta))


# -- a newcomer's programs --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", BOUNDED)
def test_bounded_lbfgsb_ends_where_it_is_known_to_end(seed):
    data = draws(seed)
    claim, problem = run("l-bfgs-b[bounded]", data, bounds=BOX)
    value, good = BOUNDED[seed]
    assert claim.solver.success is True
    assert claim.solver.status == "0"
    assert claim.solver.message == "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH"
    if value is not None:
        assert -loglik(claim, data) == pytest.approx(value, abs=6e-3)  # printed to two decimals
    assert (abs(loglik(claim, data) - optimum(seed)) < 1e-3) is good
    assert problem.passes == claim.solver.counts["nfev"]


@pytest.mark.parametrize("seed", [0, 3, 7, 12])
def test_naive_programs_end_as_they_are_known_to_end(seed):
    data = draws(seed)
    bfgs, problem = run("bfgs[naive]", data)
    assert bfgs.solver.success is False
    assert bfgs.solver.status == "2"
    assert "precision loss" in bfgs.solver.message
    assert problem.non_finite > 0
    assert bfgs.theta is not None
    assert MODEL.outside(bfgs.theta)

    powell, problem = run("powell[naive]", data)
    assert powell.solver.success is False
    assert powell.solver.status == "3"
    assert powell.solver.message == "NaN result encountered."
    assert powell.theta is not None
    assert np.isnan(powell.theta["means"]).all()

    simplex, problem = run("nelder-mead[naive]", data)
    assert simplex.solver.success is True
    assert loglik(simplex, data) == pytest.approx(optimum(seed), abs=1e-3)


def test_naive_nelder_mead_call_by_call():
    claim, problem = run("nelder-mead[naive]", draws(0))
    assert claim.solver.counts["nfev"] == problem.passes == 434
    expected = [
        -0.0017522670908297604,
        0.08232450682766743,
        0.5949071374140134,
        0.11266524243469044,
    ]
    assert claim.theta is not None
    np.testing.assert_allclose(MODEL.family.to_naive(claim.theta.parameters), expected, rtol=1e-6)
    assert claim.theta.weights[0] == pytest.approx(0.3020627176087801, rel=1e-6)


def test_naive_bfgs_can_end_outside_the_model_with_a_finite_value():
    claim, _ = run("bfgs[naive]", draws(191))
    assert claim.theta is not None
    assert claim.theta.is_finite
    assert claim.solver.success is False
    assert MODEL.outside(claim.theta)


# -- the sound formulation --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["bfgs", "l-bfgs-b", "nelder-mead", "powell"])
@pytest.mark.parametrize("seed", [0, 4, 37, 94, 191])
def test_the_sound_formulation_reaches_the_optimum(method, seed):
    claim, problem = run(method, draws(seed))
    assert loglik(claim, draws(seed)) == pytest.approx(optimum(seed), abs=1e-5)
    assert claim.solver.success is True
    assert problem.passes == claim.solver.counts["nfev"]


@pytest.mark.parametrize("method", ["bfgs", "l-bfgs-b"])
@pytest.mark.parametrize("n", [1000, 100_000])
def test_tolerances_suit_any_number_of_observations(method, n):
    rng = np.random.default_rng(n)
    data = Dataset(np.concatenate([rng.normal(0, 1, n // 2), rng.normal(1.5, 1.3, n // 2)]))
    start = Theta([0.5, 0.5], means=[[-1.0], [5.0]], covariances=[[[1.0]], [[1.0]]])
    best = Problem(MODEL, data)
    BFGS(options={"gtol": 1e-10}).fit(best, start, RNG)
    claim = make_estimator(method).fit(Problem(MODEL, data), start, RNG)
    assert claim.solver.success is True
    # scipy's own tolerances leave 2e-5 to 7e-5 nats here at n = 100,000.
    assert best.trajectory.loglik.max() - loglik(claim, data) < 1e-6


def test_data_in_any_unit_take_the_same_path():
    data = draws(0)
    other = Dataset(1000.0 * data.x + 5000.0)
    there = Theta(
        START.weights, means=1000 * START["means"] + 5000, covariances=1e6 * START["covariances"]
    )
    claim, _ = run("l-bfgs-b", data)
    moved = Problem(MODEL, other)
    same = LBFGSB().fit(moved, there, RNG)
    assert same.theta is not None
    assert claim.theta is not None
    assert same.solver.counts == claim.solver.counts
    np.testing.assert_allclose(same.theta["means"], 1000 * claim.theta["means"] + 5000, rtol=1e-7)


# -- formulations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rung", RUNGS)
def test_vectors_lead_back_to_the_start(rung):
    for model, data, start in _cases():
        task = RUNGS[rung](Problem(model, data), start, False, {})
        back = task.to_theta(task.x0)
        for name in start:
            np.testing.assert_allclose(back[name], start[name], rtol=1e-12, atol=1e-15)


def test_the_objective_is_minus_the_log_likelihood():
    for model, data, start in _cases():
        value = Problem(model, data).log_likelihood(start)
        for rung, divisor in (("naive", 1.0), ("bounded", 1.0), ("scaled", data.n)):
            problem = Problem(model, data)
            task = RUNGS[rung](problem, start, False, {})
            assert problem.passes == 0
            assert task.objective(task.x0) * divisor == pytest.approx(-value, rel=1e-12)
            assert problem.passes == 1


def test_the_gradient_is_that_of_the_objective():
    for model, data, start in _cases():
        problem = Problem(model, data)
        task = RUNGS["scaled"](problem, start, True, {})
        differences = approx_fprime(task.x0, lambda x, f=task.objective: f(x)[0], 1e-7)
        np.testing.assert_allclose(task.objective(task.x0)[1], differences, atol=1e-5)


def test_a_negative_sd_is_a_point_outside_the_domain():
    task = RUNGS["naive"](Problem(MODEL, draws(0)), START, False, {})
    theta = task.to_theta(np.array([0.0, -0.1, 0.6, 0.1, 0.3]))
    assert theta.is_finite
    assert "variance of component 1 is not positive" in MODEL.outside(theta)
    assert np.isnan(task.objective(np.array([0.0, -0.1, 0.6, 0.1, 0.3])))
    theta = task.to_theta(np.array([0.0, 0.1, 0.6, 0.1, 1.3]))
    assert "weight 1 is 1.3" in MODEL.outside(theta)
    theta = task.to_theta(np.array([0.0, 0.1, np.nan, 0.1, 0.3]))
    assert np.isnan(theta["means"][1, 0])


def _cases() -> list[tuple[MixtureModel, Dataset, Theta]]:
    rng = np.random.default_rng(0)
    plane = Dataset(rng.normal(size=(80, 2)))
    matrices = np.array(
        [[[1.0, 0.3], [0.3, 0.8]], [[0.6, -0.2], [-0.2, 1.2]], [[2.0, 0.0], [0.0, 0.4]]]
    )
    items = Dataset(rng.integers(0, 2, (80, 3)).astype(float), counts=rng.integers(1, 5, 80))
    return [
        (MODEL, draws(0), START),
        (
            MixtureModel("gaussian", 3),
            plane,
            Theta([0.2, 0.3, 0.5], means=rng.normal(size=(3, 2)), covariances=matrices),
        ),
        (
            MixtureModel("gaussian", 2, covariance="tied"),
            plane,
            Theta([0.2, 0.8], means=rng.normal(size=(2, 2)), covariances=matrices[[0, 0]]),
        ),
        (
            MixtureModel("bernoulli", 2),
            items,
            Theta([0.4, 0.6], probs=rng.uniform(0.2, 0.8, (2, 3))),
        ),
        (MixtureModel("bernoulli", 1), items, Theta([1.0], probs=[[0.4, 0.5, 0.6]])),
    ]


# -- boxes ------------------------------------------------------------------------------------------


def test_the_default_box_is_the_familys():
    problem = Problem(MODEL, draws(0))
    task = RUNGS["bounded"](problem, START, False, {"sds": (0.02, 0.3)})
    default = problem.naive_bounds()
    assert task.bounds == [default["means"], (0.02, 0.3)] * 2 + [default["weights"]]
    assert task.labels == ("means[1]", "sds[1]", "means[2]", "sds[2]", "weights[1]")


def test_an_end_on_the_box_is_noted():
    claim, _ = run("l-bfgs-b[bounded]", draws(0), bounds={"sds": (0.15, 0.5)})
    assert any(
        "the end is held by the box: sds[1] at its lower bound 0.15" in note for note in claim.notes
    )


@pytest.mark.parametrize("method", ["l-bfgs-b[bounded]", "nelder-mead[bounded]", "powell[bounded]"])
def test_a_start_outside_the_box_is_noted(method):
    claim, _ = run(method, draws(0), bounds={"means": (0.0, 1.0)})
    assert "the start has means[1] = -0.2, outside its box [0, 1]" in claim.notes
    assert claim.theta is not None
    assert claim.theta["means"].min() >= 0.0


def test_a_good_end_within_the_box_has_no_notes():
    claim, _ = run("nelder-mead[bounded]", draws(0), bounds=BOX)
    assert claim.notes == ()


def test_bfgs_takes_no_bounds():
    assert "takes no bounds" in make_estimator("bfgs[bounded]").supports(MODEL, 1)
    for method in (
        "bfgs[naive]",
        "bfgs",
        "l-bfgs-b[bounded]",
        "powell[bounded]",
        "nelder-mead[bounded]",
    ):
        assert make_estimator(method).supports(MODEL, 1) == ""


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("bfgs[naiv]", {}, r'unknown modifier "naiv".*Did you mean "naive"'),
        ("bfgs[naive+bounded]", {}, "expected one formulation, got naive, bounded"),
        ("bfgs[naive]", {"formulation": "scaled"}, "expected one formulation"),
        ("bfgs", {"formulation": "scald"}, 'Did you mean "scaled"'),
        ("l-bfgs-b", {"bounds": BOX}, r"write l-bfgs-b\[bounded\]"),
        (
            "l-bfgs-b[bounded]",
            {"bounds": {"sds": (2, 1)}},
            "bounds, sds: expected two numbers, low < high",
        ),
        ("l-bfgs-b[bounded]", {"bounds": {"sds": 3}}, "bounds, sds: expected two numbers"),
        ("powell", {"max_iter": 0}, "max_iter: expected at least 1"),
        ("powell", {"tol": -1.0}, "tol: expected a number >= 0"),
        ("powell", {"xtol": 1e-3}, 'unknown option "xtol"'),
    ],
)
def test_wrong_settings(method, options, message):
    with pytest.raises(SpecError, match=message):
        make_estimator(method, **options)


def test_a_box_for_a_kind_the_model_has_not():
    estimator = make_estimator("l-bfgs-b[bounded]", bounds={"sd": (0.1, 1)})
    with pytest.raises(
        SpecError, match=r'"sd" for gaussian K=2 full: .*means, sds, weights.*"sds"'
    ):
        estimator.supports(MODEL, 1)
    assert not make_estimator("l-bfgs-b[bounded]", bounds={"sds": (0.1, 1)}).supports(MODEL, 1)
    with pytest.raises(SpecError, match="expected one of means, variances, covariances, weights"):
        make_estimator("powell[bounded]", bounds={"sds": (0.1, 1)}).supports(MODEL, 2)


# -- what scipy is told, and what it says -----------------------------------------------------------


def settings(estimator: BFGS | LBFGSB | NelderMead | Powell, n: float = 100.0) -> dict[str, object]:
    task = RUNGS[estimator.formulation](Problem(MODEL, draws(0)), START, True, {})
    return estimator.settings(task, n)


def test_naive_settings_are_scipys_own():
    assert settings(BFGS("naive")) == {}
    assert settings(LBFGSB("bounded")) == {}
    assert settings(NelderMead("naive")) == {"maxiter": 10000, "maxfev": 20000}
    assert settings(Powell("naive")) == {"maxiter": 10000, "maxfev": 20000}


def test_what_the_user_says_comes_first():
    assert settings(BFGS())["gtol"] == 1e-7
    assert "gtol" not in settings(BFGS(tol=1e-3))
    assert settings(BFGS(max_iter=7))["maxiter"] == 7
    assert settings(BFGS(max_iter=7, options={"maxiter": 5, "norm": 2})) == {
        "gtol": 1e-7,
        "maxiter": 5,
        "norm": 2,
    }


def test_limits_end_a_run_in_scipys_words():
    claim, _ = run("bfgs", draws(0), max_iter=3)
    assert claim.solver.counts["nit"] == 3
    assert claim.solver.status == "1"
    assert claim.solver.message == "Maximum number of iterations has been exceeded."
    claim, problem = run("nelder-mead[naive]", draws(0), options={"maxfev": 50})
    assert claim.solver.success is False
    assert problem.passes == 50


@pytest.mark.parametrize("method", ["bfgs", "l-bfgs-b[bounded]", "nelder-mead[naive]", "powell"])
def test_a_budget_hands_back_the_best_point(method):
    claim, problem = run(method, draws(0), budget=Budget(passes=10))
    assert claim.solver.status == "budget"
    assert claim.solver.success is False
    assert problem.passes == 10
    best = problem.trajectory.loglik.max()
    assert best > problem.trajectory.loglik[0]
    assert loglik(claim, draws(0)) == pytest.approx(best, abs=1e-8)


def test_no_budget_at_all_hands_back_the_start():
    claim, problem = run("bfgs", draws(0), budget=Budget(passes=0))
    assert problem.passes == 0
    assert claim.theta is not None
    np.testing.assert_allclose(claim.theta["means"], START["means"], rtol=1e-12)
