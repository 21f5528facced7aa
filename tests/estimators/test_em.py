"""EM against worked examples, its stopping rule, and its ends that are no maxima."""

from __future__ import annotations

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.errors import ContractError, SpecError
from mixcompare.estimators.ascent import Progress
from mixcompare.estimators.base import make_estimator
from mixcompare.estimators.em import EM
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta

TEN = Dataset(np.array([2.3, 3.2, 3.1, 1.6, 1.9, 11.5, 10.2, 12.3, 8.6, 10.9]))
FIFTEEN = Dataset(
    np.array([-67, -48, 6, 8, 14, 16, 23, 24, 28, 29, 41, 49, 56, 60, 75], dtype=float)
)
COINS = Dataset(np.array([1, 1, 0, 1, 0, 0, 1, 0, 1, 1], dtype=float))
TWO_NORMALS = MixtureModel("gaussian", 2)
RNG = np.random.default_rng(0)


def normals(weight: float, means: tuple[float, float], variances: tuple[float, float]) -> Theta:
    return Theta(
        [weight, 1 - weight],
        means=np.reshape(means, (2, 1)),
        covariances=np.reshape(variances, (2, 1, 1)),
    )


def run(
    model: MixtureModel, data: Dataset, start: Theta, budget: Budget | None = None, **options: float
) -> tuple[Claim, Problem]:
    problem = Problem(model, data, budget or Budget(), keep_points=True)
    return EM(**options).fit(problem, start, RNG), problem  # type: ignore[arg-type]


def as_vector(theta: Theta) -> np.ndarray:
    return np.concatenate([value.ravel() for value in theta.values()])


def as_row(theta: Theta) -> list[float]:
    """weight, mean and variance of the first component, mean and variance of the second."""
    m, v = theta["means"].ravel(), theta["covariances"].ravel()
    return [theta.weights[0], m[0], v[0], m[1], v[1]]


# -- worked examples --------------------------------------------------------------------------------


def test_equal_components_stay_on_the_saddle():
    claim, problem = run(TWO_NORMALS, TEN, normals(0.5, (0, 0), (1, 1)), max_iter=10, tol=0)
    for theta, loglik in zip(
        problem.trajectory.theta[1:], problem.trajectory.loglik[1:], strict=True
    ):
        np.testing.assert_allclose(as_row(theta), [0.5, 6.56, 18.1324, 6.56, 18.1324], rtol=1e-10)
        assert loglik == pytest.approx(-28.6778873, abs=1e-7)
    assert claim.solver.status == "max_iter"


@pytest.mark.parametrize(
    ("mean", "iterations"), [(0.001, 861), (0.01, 318), (0.1, 17), (0.5, 6), (1.0, 7)]
)
def test_the_plateau_near_the_saddle_is_left(mean, iterations):
    _, problem = run(TWO_NORMALS, TEN, normals(0.5, (0, mean), (1, 1)))
    loglik = problem.trajectory.loglik
    assert int(np.argmax(loglik > -20.0085)) == iterations
    assert loglik[-1] == pytest.approx(-20.00844966, abs=1e-8)


def test_ten_points_from_a_second_start():
    claim, problem = run(
        TWO_NORMALS, TEN, normals(0.5, (4, 6), (1, 1.4142135623730951**2)), max_iter=200, tol=0
    )
    expected = {
        1: ([0.4497656205, 2.41102956, 0.4052889939, 9.951398891, 7.05027047], -22.00098915),
        2: ([0.4943738855, 2.414927982, 0.4045911585, 10.61282738, 2.241022184], -20.15407622),
        3: ([0.4999992826, 2.419998961, 0.4055997982, 10.69998916, 1.580079672], -20.00844966),
        200: ([0.499999997, 2.419999995, 0.4055999991, 10.69999995, 1.580000336], -20.00844966),
    }
    for iteration, (row, loglik) in expected.items():
        np.testing.assert_allclose(as_row(problem.trajectory.theta[iteration]), row, rtol=1e-8)
        assert problem.trajectory.loglik[iteration] == pytest.approx(loglik, abs=1e-8)
    assert problem.passes == 201
    assert claim.solver.counts == {"iterations": 200}


FIFTEEN_ROWS = {
    1: (0.5450992538, 1.12995417, 1291.402363, 44.66336081, 342.4593769, -74.41461652),
    2: (0.5237934709, 2.781212186, 1495.659252, 40.89938159, 386.0080306, -73.98018282),
    3: (0.4886045178, 3.077796371, 1680.950989, 37.99311648, 398.3812786, -73.70639954),
    4: (0.4490996185, 2.393741465, 1849.076491, 36.04699801, 397.6063693, -73.51621955),
    5: (0.4105008572, 0.9568395531, 1995.326542, 34.84407081, 394.7269615, -73.37890086),
    10: (0.2761903829, -12.4910169, 2200.122158, 33.68735576, 408.5531905, -73.0404277),
    15: (0.2057066111, -29.07275857, 1674.078207, 33.88394307, 425.1374765, -72.83650223),
    20: (0.1409634645, -53.69321926, 336.1267396, 33.17916569, 428.871608, -71.68964789),
    25: (0.1331722812, -57.51107685, 90.24987768, 32.98488733, 429.4583425, -71.06336186),
}


def test_fifteen_points_iteration_by_iteration():
    start = normals(0.533, (-3.0, 48.285714), (1047.25, 249.632653))
    claim, problem = run(TWO_NORMALS, FIFTEEN, start)
    assert problem.trajectory.loglik[0] == pytest.approx(-75.31684290824721, abs=1e-11)
    for iteration, (*row, loglik) in FIFTEEN_ROWS.items():
        # The reference is printed to ten digits; one variance falls by a factor of 20 on the way.
        np.testing.assert_allclose(as_row(problem.trajectory.theta[iteration]), row, rtol=1e-8)
        assert problem.trajectory.loglik[iteration] == pytest.approx(loglik, abs=1e-7)
    assert claim.theta is not None
    limit = [0.1331722812, -57.51107686, 90.24987768, 32.98488732, 429.4583427]
    np.testing.assert_allclose(as_row(claim.theta), limit, rtol=1e-6)
    assert claim.solver.status == "converged"


def test_fifteen_points_first_responsibilities():
    start = normals(0.533, (-3.0, 48.285714), (1047.25, 249.632653))
    expected = [
        1.0, 0.9999999593, 0.9506392424, 0.9313816756, 0.8364058779, 0.790951801, 0.5922059605,
        0.5618070489, 0.4453780326, 0.4185566248, 0.1973753028, 0.1329927853, 0.1064477688,
        0.09931274041, 0.1130339871,
    ]  # fmt: skip
    found = Problem(TWO_NORMALS, FIFTEEN).e_step(start)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_three_coins_take_one_step():
    start = Theta([0.46, 0.54], probs=[[0.55], [0.67]])
    claim, problem = run(MixtureModel("bernoulli", 2), COINS, start, max_iter=2, tol=0)
    for theta in problem.trajectory.theta[1:]:
        assert theta.weights[0] == pytest.approx(0.461862835113919, abs=1e-12)
        np.testing.assert_allclose(
            theta["probs"].ravel(), [0.5345950037850112, 0.6561346417857326], atol=1e-12
        )
    assert problem.trajectory.loglik[-1] == pytest.approx(-6.730116670092565, abs=1e-12)
    r = Problem(MixtureModel("bernoulli", 2), COINS).e_step(start)[:, 0]
    np.testing.assert_allclose(r[[0, 2]], [0.41151594014313597, 0.5373831775700935], atol=1e-12)
    assert claim.solver.status == "max_iter"


# -- when it stops ----------------------------------------------------------------------------------


@pytest.mark.parametrize("max_iter", [1, 7, 60])
def test_without_a_tolerance_exactly_max_iter_iterations(max_iter):
    # From iteration 2 on this is a fixed point, where rounding alone moves the log-likelihood.
    start = Theta([0.46, 0.54], probs=[[0.55], [0.67]])
    claim, problem = run(MixtureModel("bernoulli", 2), COINS, start, max_iter=max_iter, tol=0)
    assert problem.passes == max_iter + 1
    assert claim.solver.counts == {"iterations": max_iter}
    assert claim.solver.success is False


def test_convergence_means_that_next_to_nothing_is_left():
    rng = np.random.default_rng(1)
    # Heavy overlap: the rate is about 0.99, so that the last gain is a hundredth of what is left.
    data = Dataset(np.concatenate([rng.normal(0, 1, 600), rng.normal(2, 1, 400)]))
    start = normals(0.5, (-1, 3), (1, 1))
    claim, problem = run(TWO_NORMALS, data, start)
    assert claim.solver.status == "converged"
    assert claim.solver.success is True
    assert problem.passes == claim.solver.counts["iterations"] + 1
    assert claim.theta is not None
    longer, _ = run(TWO_NORMALS, data, claim.theta, max_iter=3000, tol=0)
    assert longer.theta is not None
    gain = Problem(TWO_NORMALS, data).log_likelihood(longer.theta) - problem.trajectory.loglik[-1]
    assert gain < 1e-8


def test_a_fixed_point_reached_by_rounding_ends_the_run():
    """Far narrow components: gains end in noise far above the tolerance, and EM still stops."""
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(0, 1e-3, 50), rng.normal(1e-3, 1e-3, 50), [1e3] * 5])
    data = Dataset(x[:, None] + np.zeros((105, 1)))
    model = MixtureModel("gaussian", 2, covariance="tied")
    claim, problem = run(model, data, normals(0.9, (0, 1e3), (1.0, 1.0)))
    assert claim.solver.status == "converged"
    assert problem.passes < 1000


def test_a_cycle_of_rounding_ends_the_run():
    progress, values, steps = Progress(), [-5.0, -3.0, *([-2.0, -2.0 + 1e-7] * 20)], 0
    reason = ""
    while not reason:
        progress.add(values[steps])
        reason = progress.done(tol=1e-9)
        steps += 1
    assert reason == "no gain beyond rounding"
    assert steps == 14  # the fourth value was not beaten in ten iterations


def test_a_budget_ends_it_with_what_there_is():
    claim, problem = run(TWO_NORMALS, TEN, normals(0.5, (4, 6), (1, 2)), budget=Budget(passes=3))
    assert claim.solver.status == "budget"
    assert claim.solver.success is False
    assert problem.passes == 3
    assert "3 passes" in claim.solver.message
    assert claim.theta is not None
    assert Problem(TWO_NORMALS, TEN).log_likelihood(claim.theta) >= problem.trajectory.loglik[-1]


def test_a_collapse_has_its_name():
    data = Dataset(np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.5, 4.0, 7.0]))
    claim, problem = run(TWO_NORMALS, data, normals(0.4, (0.0, 4.0), (1e-3, 5.0)))
    assert claim.solver.status == "collapsed"
    assert claim.solver.success is False
    assert "component 1 collapsed" in claim.solver.message
    assert np.isfinite(problem.trajectory.loglik).all()
    assert claim.theta is not None
    assert claim.theta.is_finite


FAR = {
    "normal, no weight": (TWO_NORMALS, TEN, normals(0.0, (2.0, 8.0), (1.0, 25.0))),
    "normal, far away": (TWO_NORMALS, TEN, normals(0.5, (5000.0, 6.0), (1.0, 25.0))),
    "normal, in a gap": (TWO_NORMALS, TEN, normals(0.5, (5.5, 6.0), (1e-4, 25.0))),
    "bernoulli, no weight": (
        MixtureModel("bernoulli", 2),
        COINS,
        Theta([0.0, 1.0], probs=[[0.3], [0.6]]),
    ),
    "poisson, far away": (
        MixtureModel("poisson", 2),
        Dataset(np.arange(9.0)),
        Theta([0.5, 0.5], rates=[5e3, 4.0]),
    ),
    "t, far away": (
        MixtureModel("student_t", 2, df=300.0),
        TEN,
        Theta([0.5, 0.5], means=[[1e4], [6.0]], scales=[[[1e-2]], [[25.0]]], df=[300.0, 300.0]),
    ),
}
"""Starts whose first component no observation can belong to, to any double."""


@pytest.mark.parametrize("keep_points", [False, True], ids=["compiled", "stepwise"])
@pytest.mark.parametrize("case", FAR)
def test_an_empty_component_has_its_name(case, keep_points):
    # Below e^-708 a share is none: what rounds to it must not carry the component elsewhere.
    model, data, start = FAR[case]
    claim = EM().fit(Problem(model, data, keep_points=keep_points), start, RNG)
    assert claim.solver.status == "collapsed"
    assert claim.solver.message == "component 1 became empty in iteration 1"
    assert claim.theta is not None
    np.testing.assert_allclose(as_vector(claim.theta), as_vector(start), rtol=1e-14)


def test_no_finite_likelihood_has_its_name():
    start = Theta([0.5, 0.5], means=[[0.0], [1.0]], covariances=[[[-1.0]], [[1.0]]])
    claim, problem = run(TWO_NORMALS, TEN, start)
    assert claim.solver.status == "non_finite"
    assert problem.passes == 1


@pytest.mark.parametrize("tol", [0.0, 1e-9])
def test_an_m_step_that_descends_is_an_error(tol):
    class Wrong(Problem):
        def maximise(self, statistics: np.ndarray) -> Theta:
            right = super().maximise(statistics)
            return Theta(
                right.weights, means=right["means"] + 1.0, covariances=right["covariances"]
            )

    problem = Wrong(TWO_NORMALS, TEN, keep_points=True)
    with pytest.raises(ContractError, match=r"EM decreased .* in iteration [12], beyond round-off"):
        EM(tol=tol).fit(problem, normals(0.5, (2.4, 10.7), (0.4, 1.6)), RNG)


# -- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"max_iter": 0}, {"tol": -1.0}, {"tol": float("nan")}])
def test_wrong_settings(options):
    with pytest.raises(SpecError, match=next(iter(options))):
        EM(**options)


def test_names_and_options_are_checked():
    assert make_estimator("em", tol=0.5) == EM(tol=0.5)
    with pytest.raises(SpecError, match=r'unknown option "maxiter".*Did you mean "max_iter"'):
        make_estimator("em", maxiter=3)
    with pytest.raises(SpecError, match='unknown modifier "naive"'):
        make_estimator("em[naive]")
    with pytest.raises(SpecError, match=r"Did you mean \"bfgs\""):
        make_estimator("bgfs")
