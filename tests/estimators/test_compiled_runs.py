"""Whole runs in compiled code against the same loops in Python, on every exponential family."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import families, label, make_data

from mixcompare.data import Dataset
from mixcompare.estimators.ascent import ROUNDINGS
from mixcompare.estimators.base import Estimator, make_estimator
from mixcompare.families.base import Family
from mixcompare.families.fused import ExponentialFamily
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.runs import compiles
from mixcompare.starts.base import make_start
from mixcompare.theta import Theta

FAMILIES = pytest.mark.parametrize(
    "family", [f for f in families() if isinstance(f, ExponentialFamily)], ids=label
)
METHODS = pytest.mark.parametrize(
    ("method", "options"),
    [
        pytest.param("em", {}, id="em"),
        *(
            pytest.param("squarem", {"step_length": scheme}, id=scheme, marks=pytest.mark.slow)
            for scheme in ("S1", "S2", "S3")
        ),
    ],
)
RNG = np.random.default_rng(0)

TOL = 1e-5
"""Nats at which runs are told to stop here: far above rounding, so that both stop for the same reason."""

CLOSE = 1e-8
"""Nats per nat of the log-likelihood: 1e5 times what one pass rounds (relative 1e-13), because the two ways
differ in the last digits of every point, and an ascent away from a plateau makes a difference grow."""

LEVEL = 1e-4
"""Nats below the end from where SQUAREM's runs are not compared value by value: its steps are ratios of
differences that fall as it goes on, and whether one is refused is soon a matter of rounding."""


def setting(family: Family, n: int = 150) -> tuple[MixtureModel, Dataset, list[Theta]]:
    """A model of two components that is identified, data with counts, and seven starts."""
    data = make_data(family, n, 1 if family.univariate else 4, seed=2, counts=True)
    model = MixtureModel(family, 2).on(data)
    return model, data, [make_start("from-data", model, data, 0, i).theta for i in range(7)]


def run(
    estimator: Estimator,
    model: MixtureModel,
    data: Dataset,
    start: Theta,
    budget: float | None = None,
    in_python: bool = False,
) -> tuple[Claim, Problem]:
    problem = Problem(model, data, Budget(budget), keep_points=in_python)
    assert compiles(problem) != in_python
    return estimator.fit(problem, start, RNG), problem


def assert_alike(
    method: str, one: tuple[Claim, Problem], other: tuple[Claim, Problem]
) -> np.ndarray:
    """The same end by the same values, which are returned as far as they were compared."""
    (claim, problem), (peer, slow) = one, other
    values, expected = problem.trajectory.loglik, slow.trajectory.loglik
    assert claim.solver.status == peer.solver.status
    assert problem.non_finite == slow.non_finite == 0
    assert problem.passes == values.size
    np.testing.assert_array_equal(problem.trajectory.passes, np.arange(1, values.size + 1))
    assert values.max() == pytest.approx(expected.max(), rel=CLOSE)
    size = expected.size
    if method == "em":
        assert claim.solver.counts == peer.solver.counts
        assert problem.passes == slow.passes
    else:  # until the steps are ratios of roundings
        size = min(25, 1 + int(np.argmax(expected > expected.max() - LEVEL)))
    np.testing.assert_allclose(values[:size], expected[:size], rtol=CLOSE)
    return values[:size]


@FAMILIES
@METHODS
def test_the_same_run_as_in_python(family, method, options):
    model, data, starts = setting(family)
    estimator = make_estimator(method, tol=TOL, max_iter=400, **options)
    compared = []
    for start in starts[:3]:
        fast, slow = (run(estimator, model, data, start, in_python=p) for p in (False, True))
        compared.append(assert_alike(method, fast, slow).size)
        assert_rises(method, model, data, *fast)
    assert max(compared) >= 5


def assert_rises(
    method: str, model: MixtureModel, data: Dataset, claim: Claim, problem: Problem
) -> None:
    """No value is below the one before; SQUAREM's refused points apart, after which it goes on above."""
    values = problem.trajectory.loglik
    loglik, statistics = Problem(model, data).statistics(claim.theta)
    slack = 4 * ROUNDINGS * problem.rounding(claim.theta, loglik, statistics)
    assert loglik == pytest.approx(values.max(), abs=slack)
    falls = np.flatnonzero(np.diff(values) < -slack)
    if method == "em":
        assert not falls.size
    for i in falls[falls + 2 < values.size]:
        assert values[i + 2] >= values[i] - slack


@FAMILIES
@METHODS
def test_many_starts_are_single_ones_to_the_last_bit(family, method, options):
    model, data, starts = setting(family)
    estimator = make_estimator(method, max_iter=1000, **options)
    problems = [Problem(model, data) for _ in starts]
    claims = estimator.fit_many(problems, starts, [RNG] * len(starts))
    assert len({problem.passes for problem in problems}) > 1
    for claim, problem, start in zip(claims, problems, starts, strict=True):
        assert isinstance(claim, Claim)
        single, alone = run(estimator, model, data, start)
        assert (claim.theta, claim.solver) == (single.theta, single.solver)
        np.testing.assert_array_equal(problem.trajectory.loglik, alone.trajectory.loglik)


@FAMILIES
@METHODS
def test_budgets_are_kept_to_the_pass(family, method, options):
    """A run that is cut is the beginning of the whole one, to the last bit; and so it is in Python."""
    model, data, starts = setting(family)
    estimator = make_estimator(method, tol=0, max_iter=6, **options)
    claim, problem = run(estimator, model, data, starts[1])
    assert claim.solver.status == "max_iter"
    whole = problem.trajectory.loglik
    for passes in range(1, whole.size + 2):
        cut, meter = run(estimator, model, data, starts[1], passes)
        np.testing.assert_array_equal(meter.trajectory.loglik, whole[:passes])
        assert meter.passes == min(passes, whole.size)
        assert cut.solver.status == ("max_iter" if passes >= whole.size else "budget")
    for passes in (1, 2, 3):
        cut, meter = run(estimator, model, data, starts[1], passes)
        peer, slow = run(estimator, model, data, starts[1], passes, in_python=True)
        assert cut.solver == peer.solver
        assert meter.passes == slow.passes == passes
        np.testing.assert_allclose(meter.trajectory.loglik, slow.trajectory.loglik, rtol=CLOSE)


def test_budgets_of_many_starts_are_each_their_own():
    model, data, starts = setting(families()[0])
    budgets = [1, 2, 5, 11, 40, 3, 1]
    problems = [Problem(model, data, Budget(passes)) for passes in budgets]
    estimator = make_estimator("squarem", tol=0, max_iter=500)
    claims = estimator.fit_many(problems, starts, [RNG] * 7)
    assert [problem.passes for problem in problems] == budgets
    assert {claim.solver.status for claim in claims} == {"budget"}


COLLAPSES = {
    "one point": (
        "gaussian",
        np.r_[np.linspace(-2, 2, 30), 9.0],
        {"means": [9.0, 0.0], "covariances": [1e-3, 1.0]},
    ),
    "ties": (
        "gamma",
        np.r_[np.linspace(0.2, 4, 30), 9.0, 9.0],
        {"shapes": [1e5, 2.0], "rates": [1e5 / 9, 1.0]},
    ),
    "zeros": ("exponential", np.r_[np.linspace(0.2, 4, 30), 0.0], {"rates": [1e5, 1.0]}),
}


@pytest.mark.parametrize("case", COLLAPSES)
@METHODS
def test_a_lost_component_has_the_same_name(case, method, options):
    name, x, parameters = COLLAPSES[case]
    model, data = MixtureModel(name, 2), Dataset(x)
    start = model.as_start(Theta([0.5, 0.5], **parameters), data)
    estimator = make_estimator(method, **options)
    fast, slow = (run(estimator, model, data, start, in_python=p) for p in (False, True))
    assert fast[0].solver.status == "collapsed"
    assert fast[0].solver.message.startswith("component 1")
    assert fast[0].solver == slow[0].solver
    assert fast[1].passes == slow[1].passes


@METHODS
def test_a_start_without_a_likelihood(method, options):
    model, data = MixtureModel("poisson", 2), Dataset([0.0, 1.0, 4.0])
    start = Theta([0.5, 0.5], rates=[-1.0, 1.0])
    estimator = make_estimator(method, **options)
    fast, slow = (run(estimator, model, data, start, in_python=p) for p in (False, True))
    assert fast[0].solver.status == "non_finite"
    assert (fast[1].passes, fast[1].non_finite) == (1, 1)
    assert fast[0].solver == slow[0].solver
