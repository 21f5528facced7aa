"""Direct optimisation: what each formulation hands to scipy, and what comes back on known draws."""

from __future__ import annotations

import itertools
import warnings
from functools import cache

import numpy as np
import pytest
from family_cases import cases, make_model, make_point
from scipy.optimize import minimize
from scipy.optimize._numdiff import approx_derivative
from scipy.stats import norm

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.base import make_estimator
from mixcompare.estimators.em import EM
from mixcompare.estimators.formulations import RUNGS, Box, Formulation, formulate, resolve
from mixcompare.estimators.solvers import BFGS, LBFGSB, NelderMead, Powell
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta

MODEL = MixtureModel("gaussian", 2)
START = Theta([0.5, 0.5], means=[[-0.2], [0.8]], covariances=[[[0.04]], [[0.04]]])
BOX = {"means": (-0.5, 2), "sds": (0.01, 0.5), "weights": (0.01, 0.99)}
RNG = np.random.default_rng(0)

# Draws of .3 N(0, .08^2) + .7 N(.6, .12^2), n = 1000, by generator seed. Minus log-likelihood where
# bounded L-BFGS-B ends with success from START in BOX, and whether it is the optimum (scipy 1.18). The
# longer a wrong run, the more it hangs on the last digits of the processor's exp: these are short.
BOUNDED = {
    0: (-250.866, True),
    1: (-235.830, True),
    2: (-201.408, True),
    19: (None, True),
    4: (179.243, False),
    10: (184.388, False),
    22: (33.070, False),
    48: (206.164, False),
}


def task_of(
    formulation: str, problem: Problem, start: Theta, box: Box | None = None
) -> Formulation:
    return formulate(problem, start, resolve(formulation, ()), box)


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


@pytest.mark.parametrize("method", ["bfgs", "cg", "l-bfgs-b", "nelder-mead", "slsqp", "tnc"])
@pytest.mark.parametrize("seed", [0, 37])
def test_naive_is_the_newcomers_program_to_the_last_bit(method, seed):
    def negative(p: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            first = p[4] * norm.pdf(x, p[0], p[1])
            return -np.log(first + (1 - p[4]) * norm.pdf(x, p[2], p[3])).sum()

    x, boxed = draws(seed).x[:, 0], method in ("l-bfgs-b", "slsqp", "tnc")
    claim, problem = run(
        f"{method}[{'bounded' if boxed else 'naive'}]",
        draws(seed),
        **({"bounds": BOX} if boxed else {}),
    )
    long = {"maxiter": 10000, "maxfev": 20000} if method == "nelder-mead" else {}
    pairs = [BOX["means"], BOX["sds"]] * 2 + [BOX["weights"]] if boxed else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = minimize(
            negative, [-0.2, 0.2, 0.8, 0.2, 0.5], method=method, bounds=pairs, options=long
        )
    assert claim.theta is not None
    expected = MODEL.family.from_naive(theirs.x[:4], 2, 1)
    for name, value in expected.items():
        np.testing.assert_array_equal(claim.theta[name], value)
    assert claim.theta.weights[0] == theirs.x[4]
    assert claim.solver.message == theirs.message
    assert claim.solver.success is theirs.success
    assert problem.passes == theirs.nfev


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


COMBINATIONS = [
    "+".join(("naive", *chosen))
    for r in range(len(RUNGS))
    for chosen in itertools.combinations(list(RUNGS)[1:], r)
    if not {"bounded", "unconstrained"} <= set(chosen)
]


def test_every_combination_is_tried():
    assert len(COMBINATIONS) == 24
    assert len({resolve(name, ()) for name in COMBINATIONS}) == 24
    assert {resolve(rung, ()) for rung in RUNGS} <= {resolve(name, ()) for name in COMBINATIONS}


@pytest.mark.parametrize(("family", "d"), cases(1, 3))
def test_a_start_is_carried_through_exactly(family, d):
    model, data = make_model(family, 2, n=60, d=d)
    start = make_point(model, data)
    for name in COMBINATIONS:
        problem = Problem(model, data)
        task = task_of(name, problem, start)
        back = task.to_theta(task.x0)
        for key in start:
            np.testing.assert_allclose(back[key], start[key], rtol=1e-12, atol=1e-14, err_msg=name)
        assert problem.passes == 0


@pytest.mark.parametrize(("family", "d"), cases(1, 2))
def test_every_combination_is_the_same_function(family, d):
    """Minus the log-likelihood, per observation of the standardised data where it is scaled."""
    model, data = make_model(family, 2, n=60, d=d, counts=True)
    for name in COMBINATIONS:
        _the_same_function(name, model, data, make_point(model, data))


def _the_same_function(name: str, model: MixtureModel, data: Dataset, start: Theta) -> None:
    problem, exact = Problem(model, data), Problem(model, data).log_likelihood(start)
    task = task_of(name, problem, start)
    found = task.objective(task.x0)
    value = found[0] if task.gradient else found
    if "scaled" in name:
        exact = exact / data.n + problem.frame.log_volume
    assert value == pytest.approx(-exact, rel=1e-11, abs=1e-12)
    assert problem.passes == (2 if task.gradient and "logsumexp" not in name else 1)
    assert problem.trajectory.loglik == pytest.approx(Problem(model, data).log_likelihood(start))
    if task.gradient:
        differences = approx_derivative(
            lambda x: task.objective(x)[0], task.x0, method="3-point", rel_step=1e-5
        )
        size = np.abs(found[1]).max()
        np.testing.assert_allclose(found[1], differences, rtol=1e-5, atol=2e-6 * size)


@pytest.mark.parametrize(("family", "d"), cases(1, 2))
def test_products_with_the_hessian(family, d):
    model, data = make_model(family, 2, n=60, d=d)
    for name in COMBINATIONS:
        _products(name, model, data)


def _products(name: str, model: MixtureModel, data: Dataset) -> None:
    if "gradient" not in name:
        return
    problem = Problem(model, data)
    task = task_of(name, problem, make_point(model, data))
    x, rng = task.x0, np.random.default_rng(1)
    p = rng.normal(size=x.size) * np.maximum(np.abs(x), 0.1)
    found = task.curvature(x, p)
    assert problem.passes == 2
    h = 1e-3 if problem.exact_products else 1e-4
    gradients = [task.objective(x + t * h * p)[1] for t in (-2, -1, 1, 2)]
    exact = (8 * (gradients[2] - gradients[1]) - (gradients[3] - gradients[0])) / (12 * h)
    sharp = problem.exact_products and "unconstrained" in name
    within = (1e-9 if sharp else 1e-6) * np.abs(exact).max()
    np.testing.assert_allclose(found, exact, rtol=0, atol=within)
    np.testing.assert_array_equal(task.curvature(x, 0 * p), 0 * p)


def test_a_negative_sd_is_a_point_outside_the_domain():
    task = task_of("naive", Problem(MODEL, draws(0)), START)
    theta = task.to_theta(np.array([0.0, -0.1, 0.6, 0.1, 0.3]))
    assert theta.is_finite
    assert "variance of component 1 is not positive" in MODEL.outside(theta)
    assert np.isnan(task.objective(np.array([0.0, -0.1, 0.6, 0.1, 0.3])))
    theta = task.to_theta(np.array([0.0, 0.1, 0.6, 0.1, 1.3]))
    assert "weight 1 is 1.3" in MODEL.outside(theta)
    theta = task.to_theta(np.array([0.0, 0.1, np.nan, 0.1, 0.3]))
    assert np.isnan(theta["means"][1, 0])


# -- boxes ------------------------------------------------------------------------------------------


def test_the_default_box_is_the_familys():
    problem = Problem(MODEL, draws(0))
    task = task_of("bounded", problem, START, {"sds": (0.02, 0.3)})
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


def test_an_end_on_the_box_is_noted_where_the_budget_ends_it():
    claim, _ = run("l-bfgs-b[bounded]", draws(0), Budget(100), bounds={"sds": (0.2, 0.5)})
    assert claim.solver.status == "budget"
    assert any("at its lower bound 0.2" in note for note in claim.notes)


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


def test_a_model_without_free_parameters_is_not_for_scipy():
    model = MixtureModel("categorical", 1).on(Dataset(np.zeros((4, 2))))
    assert "nothing to maximise over" in make_estimator("bfgs").supports(model, 2)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("bfgs[naiv]", {}, r'unknown modifier "naiv".*Did you mean "naive"'),
        ("l-bfgs-b[bounded+unconstrained]", {}, "a box is on raw parameters"),
        ("bfgs[scaled+scaled]", {}, "each change once"),
        (
            "bfgs[naive]",
            {"formulation": "scaled"},
            "in brackets or as an option, got both: naive and scaled",
        ),
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
        ("bfgs", {"options": "gtol"}, "options: expected names and values for scipy"),
        ("tnc", {"options": {1: 2}}, "options: expected names and values for scipy"),
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
    task = formulate(Problem(MODEL, draws(0)), START, estimator.changes)
    return estimator.settings(task, n)


def test_max_iter_ends_the_solver_that_has_no_such_limit():
    """scipy's TNC warns of `maxiter` as of an unknown option, and goes on."""
    problem, n = Problem(MODEL, draws(0)), []
    task = task_of("scaled", problem, START)
    options = make_estimator("tnc").settings(task, problem.n)
    minimize(task.objective, task.x0, jac=True, method="TNC", options=options, callback=n.append)
    assert len(n) > 3
    claim, problem = run("tnc", draws(0), max_iter=3)
    assert claim.solver.success is False
    assert claim.solver.message == "max_iter = 3 is used up"
    third = task.to_theta(n[2])
    assert claim.theta is not None
    np.testing.assert_allclose(claim.theta["means"], third["means"], rtol=1e-12)


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
