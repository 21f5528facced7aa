"""The relatives of EM: what theory promises of each, on data where it can be checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.errors import ContractError, SpecError
from mixcompare.estimators.base import make_estimator
from mixcompare.estimators.squarem import SCHEMES, _step
from mixcompare.families import poisson
from mixcompare.families.core import Core
from mixcompare.mixture import MixtureModel
from mixcompare.numerics import inlinable
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.starts.base import make_start
from mixcompare.theta import Theta

FAITHFUL = load_dataset("old_faithful")
TEN = load_dataset("ten_points")
SCHOOL = load_dataset("lsat6")
NORMALS = MixtureModel("gaussian", 2)
ITEMS = MixtureModel("bernoulli", 2)
COVARIANCES = pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])


def run(
    method: str,
    model: MixtureModel,
    data: Dataset,
    start: Theta,
    seed: int = 0,
    **options: Any,
) -> tuple[Claim, Problem]:
    problem = Problem(model, data, keep_points=True)
    full = model.as_start(start, data)
    return make_estimator(method, **options).fit(
        problem, full, np.random.default_rng(seed)
    ), problem


def loglik(model: MixtureModel, data: Dataset, theta: Theta | None) -> float:
    assert theta is not None
    return float(data.weights @ model.log_density(data.x, theta))


def random_start(model: MixtureModel, data: Dataset, index: int) -> Theta:
    return make_start("random", model, data, 0, index).theta


# -- all --------------------------------------------------------------------------------------------


class Wrong(Problem):
    """A problem whose M-step goes astray."""

    def maximise(self, statistics: np.ndarray) -> Theta:
        right = super().maximise(statistics)
        return Theta(right.weights, means=right["means"] + 1.0, covariances=right["covariances"])


@pytest.mark.parametrize("method", ["em", "squarem", "cem", "daem"])
def test_a_real_decrease_is_an_error_that_says_where(method):
    start = Theta([0.5, 0.5], means=[[2.4], [10.7]], covariances=[[[0.4]], [[1.6]]])
    problem = Wrong(NORMALS, TEN, keep_points=True)
    with pytest.raises(
        ContractError, match=r"decreased the .* in iteration [12], beyond round-off"
    ):
        make_estimator(method).fit(problem, start, np.random.default_rng(0))


@inlinable
def _astray(S, layout, P):
    poisson.maximise(S, layout, P)
    for k in range(P.shape[0]):
        P[k, 0] += 1.0


class Astray(poisson.Poisson):
    def core(self, n_features: int) -> Core:
        return super().core(n_features)._replace(maximise=_astray)


@pytest.mark.parametrize("method", ["em", "squarem"])
def test_a_real_decrease_in_compiled_code_is_an_error_that_says_where(method):
    data, start = load_dataset("horse_kicks"), Theta([0.5, 0.5], rates=[0.3, 1.5])
    problem = Problem(MixtureModel(Astray(), 2), data)
    with pytest.raises(ContractError, match=r"decreased the .* in iteration 1, beyond round-off"):
        make_estimator(method).fit(problem, start, np.random.default_rng(0))
    assert problem.passes == 2


@pytest.mark.parametrize("method", ["em[penalised]", "em[old-means]", "squarem", "cem", "sem"])
def test_exactly_max_iter_iterations_even_at_a_fixed_point(method):
    options = {} if method == "sem" else {"tol": 0}
    start = Theta([0.5, 0.5], means=[2.4, 10.7], covariances=[0.4, 1.6])
    claim, problem = run(method, NORMALS, TEN, start, max_iter=40, **options)
    assert claim.solver.counts == {"iterations": 40}
    if method == "squarem":  # two or three passes a cycle
        assert 81 <= problem.passes <= 121
    else:
        assert problem.passes == 41


@pytest.mark.parametrize("method", ["em", "em[old-means]", "squarem", "cem", "sem"])
def test_a_collapse_has_its_name(method):
    data = Dataset(np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.5, 4.0, 7.0]))
    start = Theta([0.4, 0.6], means=[0.0, 4.0], covariances=[1e-3, 5.0])
    claim, problem = run(method, NORMALS, data, start)
    assert claim.solver.status == "collapsed"
    assert claim.solver.success is False
    assert "component 1 collapsed" in claim.solver.message
    assert np.isfinite(problem.trajectory.loglik).all()
    assert claim.theta is not None
    assert claim.theta.is_finite


@pytest.mark.parametrize(
    "method",
    ["em[penalised]", "em[old-means]", "squarem", "cem", "sem", "daem", "em+newton"],
)
@pytest.mark.filterwarnings("error")
def test_no_finite_likelihood_has_its_name(method):
    start = Theta([0.5, 0.5], means=[[0.0], [1.0]], covariances=[[[-1.0]], [[1.0]]])
    problem = Problem(NORMALS, TEN)
    claim = make_estimator(method).fit(problem, start, np.random.default_rng(0))
    assert claim.solver.status == "non_finite"
    assert problem.passes == 1


def test_variants_are_methods_of_their_own():
    assert make_estimator("em[penalised]", tol=1.0).name == "em[penalised]"
    with pytest.raises(SpecError, match=r'unknown modifier "penalized": em takes .*Did you mean'):
        make_estimator("em[penalized]")
    with pytest.raises(SpecError, match=r"squarem\[naive\]: .* squarem takes none"):
        make_estimator("squarem[naive]")
    for method, options in (
        ("squarem", {"step_length": "S4"}),
        ("daem", {"first": 1.0}),
        ("daem", {"factor": 1.0}),
        ("daem", {"per_temperature": 0}),
        ("daem", {"jitter": -1.0}),
        ("sem", {"burn_in": -1}),
        ("sem", {"max_iter": 0}),
        ("em+newton", {"switch": 0.0}),
        ("em[old-means]", {"tol": -1.0}),
        ("em[penalised]", {"max_iter": 0}),
        ("cem", {"max_iter": 0}),
    ):
        with pytest.raises(SpecError, match=next(iter(options))):
            make_estimator(method, **options)


# -- the doors of the problem -----------------------------------------------------------------------


@pytest.mark.parametrize("power", [0.2, 1.0, np.inf])
def test_the_likelihood_at_a_temperature(power):
    theta = random_start(ITEMS, SCHOOL, 0)
    problem = Problem(ITEMS, SCHOOL)
    value, shares = problem.anneal(theta, power)
    joint = ITEMS.joint_log_density(SCHOOL.x, theta)
    if np.isinf(power):
        expected, powers = joint.max(axis=1), (joint == joint.max(axis=1, keepdims=True)) * 1.0
    else:
        powers = np.exp(power * joint)
        expected = np.log(powers.sum(axis=1)) / power
    assert value == pytest.approx(float(SCHOOL.weights @ expected), rel=1e-12)
    np.testing.assert_allclose(shares, powers / powers.sum(axis=1, keepdims=True), rtol=1e-9)
    assert problem.passes == 1
    assert problem.trajectory.loglik[0] == pytest.approx(loglik(ITEMS, SCHOOL, theta), rel=1e-12)


def test_statistics_from_responsibilities_are_those_of_the_pass():
    theta = random_start(ITEMS, SCHOOL, 0)
    problem = Problem(ITEMS, SCHOOL)
    _, statistics = problem.statistics(theta)
    by_weighing = problem.weigh(problem.e_step(theta))
    np.testing.assert_allclose(by_weighing, statistics, rtol=1e-11)
    assert problem.passes == 2  # weighing is free


def test_observations_are_drawn_one_by_one():
    rng = np.random.default_rng(0)
    data = Dataset(np.arange(4.0), counts=[1, 5000, 3, 2.5])
    shares = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0], [0.5, 0.5]])
    drawn = Problem(NORMALS, data).draw(shares, rng)
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0, rtol=1e-12)
    assert drawn[0, 0] in (0.0, 1.0)
    assert drawn[1, 0] == pytest.approx(0.2, abs=0.03)
    assert drawn[2].tolist() == [1.0, 0.0]
    assert drawn[3, 0] * 2.5 in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
    other = Problem(NORMALS, data).draw(shares, rng)
    assert (drawn != other).any()


# -- SQUAREM ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "starts"), [("S3", 50), ("S1", 15), ("S2", 15)])
def test_squarem_ends_no_lower_than_em(scheme, starts):
    for index in range(starts):
        start = random_start(NORMALS, FAITHFUL, index)
        plain, _ = run("em", NORMALS, FAITHFUL, start)
        claim, problem = run("squarem", NORMALS, FAITHFUL, start, step_length=scheme)
        assert claim.solver.status == plain.solver.status
        gap = loglik(NORMALS, FAITHFUL, claim.theta) - loglik(NORMALS, FAITHFUL, plain.theta)
        assert gap > -1e-6
        _climbs(problem.trajectory.loglik)


def _climbs(values: np.ndarray) -> None:
    """Each pass below the best so far is a refused extrapolation: the next one is an EM step above."""
    best = values[0]
    refused = False
    for value in values[1:]:
        below = value < best - 1e-9
        assert not (below and refused)
        refused, best = below, max(best, value)


def test_squarem_is_worth_it_where_em_crawls():
    start = random_start(ITEMS, SCHOOL, 1)
    plain, slow = run("em", ITEMS, SCHOOL, start)
    claim, fast = run("squarem", ITEMS, SCHOOL, start)
    assert claim.solver.success is True
    assert fast.passes < slow.passes / 4
    assert loglik(ITEMS, SCHOOL, claim.theta) == pytest.approx(
        loglik(ITEMS, SCHOOL, plain.theta), abs=1e-7
    )


def test_squarem_stays_on_a_plateau_no_longer_than_em():
    start = Theta([0.5, 0.5], means=[0, 0.001], covariances=[1, 1])
    claim, problem = run("squarem", NORMALS, TEN, start)
    assert loglik(NORMALS, TEN, claim.theta) == pytest.approx(-20.00844966, abs=1e-7)
    assert problem.passes < 861  # what EM takes, see seeds_trajectories.json


def test_squarem_leaves_coordinates_at_an_edge_alone():
    start = Theta([0.3, 0.7], probs=[[1.0], [0.6]])
    claim, _ = run("squarem", ITEMS, load_dataset("li_hang_coins"), start)
    assert claim.solver.success is True
    assert claim.theta is not None
    assert claim.theta["probs"][0, 0] == 1.0


def test_the_three_step_lengths():
    r, v = np.array([1.0, 0.5]), np.array([-0.5, -0.1])
    rr, rv, vv = 1.25, -0.55, 0.26
    assert _step("S1", r, v) == pytest.approx(-rv / vv)
    assert _step("S2", r, v) == pytest.approx(-rr / rv)
    assert _step("S3", r, v) == pytest.approx(np.sqrt(rr / vv))
    for scheme in SCHEMES:
        assert _step(scheme, np.zeros(2), np.zeros(2)) == 1.0
        assert _step(scheme, r, -r) == 1.0  # where EM is done in one step


# -- classification EM ------------------------------------------------------------------------------


@COVARIANCES
def test_cem_ends_at_a_partition_that_reproduces_itself(covariance):
    model = MixtureModel("gaussian", 2, covariance=covariance)
    start = make_start("kmeans", model, FAITHFUL).theta
    claim, problem = run("cem", model, FAITHFUL, start)
    assert claim.solver.status == "converged"
    assert "classification" in claim.notes[0]
    assert claim.theta is not None
    _, partition = problem.anneal(claim.theta, np.inf)
    again = problem.maximise(problem.weigh(partition))
    assert again == claim.theta
    assert set(np.unique(partition)) == {0.0, 1.0}
    for k, mean in enumerate(claim.theta["means"]):
        np.testing.assert_allclose(mean, FAITHFUL.x[partition[:, k] == 1].mean(axis=0), rtol=1e-9)


def test_cem_climbs_in_its_own_target():
    values: list[float] = []

    class Watched(Problem):
        def anneal(self, theta: Theta, power: float) -> tuple[float, np.ndarray]:
            value, shares = super().anneal(theta, power)
            values.append(value)
            return value, shares

    climbed = 0
    for index in range(10):
        values.clear()
        start = random_start(NORMALS, FAITHFUL, index)
        make_estimator("cem").fit(Watched(NORMALS, FAITHFUL), start, np.random.default_rng(0))
        assert (np.diff(values) > -1e-9).all()
        climbed += len(values) > 3  # the others collapsed at once
    assert climbed >= 5


def test_cem_counts_repeated_rows():
    counts = np.random.default_rng(0).integers(1, 4, 32)
    x = np.random.default_rng(1).normal(size=32) + np.repeat([0, 5], 16)
    short, long = Dataset(x, counts=counts), Dataset(np.repeat(x, counts))
    start = Theta([0.5, 0.5], means=[0, 5], covariances=[1, 1])
    one, two = (run("cem", NORMALS, data, start)[0].theta for data in (short, long))
    assert one is not None
    assert two is not None
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-9)


def test_cem_gives_ties_to_the_first_component_and_names_the_empty_one():
    start = Theta([0.5, 0.5], means=[3, 3], covariances=[4, 4])
    claim, _ = run("cem", NORMALS, TEN, start)
    assert claim.solver.status == "collapsed"
    assert claim.solver.message == "component 2 became empty in iteration 1"


# -- stochastic EM ----------------------------------------------------------------------------------


def test_sem_is_reproducible_from_its_seed():
    start = make_start("kmeans", NORMALS, FAITHFUL).theta
    one, two, other = (
        run("sem", NORMALS, FAITHFUL, start, seed, max_iter=60) for seed in (3, 3, 4)
    )
    assert one[0].theta == two[0].theta
    np.testing.assert_array_equal(one[1].trajectory.loglik, two[1].trajectory.loglik)
    assert one[0].theta != other[0].theta


def test_sem_ends_at_the_mean_of_what_it_visited():
    start = make_start("kmeans", NORMALS, FAITHFUL).theta
    claim, problem = run("sem", NORMALS, FAITHFUL, start, max_iter=40, burn_in=10)
    assert claim.solver.status == "finished"
    assert claim.solver.message == "mean of the last 30 of 40 iterations"
    assert problem.passes == 41
    assert claim.theta is not None
    assert problem.trajectory.theta[-1] == claim.theta
    visited = problem.trajectory.theta[11:40]  # the 40th point is in the mean, but never evaluated
    rest = 30 * claim.theta["means"] - np.sum([theta["means"] for theta in visited], axis=0)
    spread = np.std([theta["means"] for theta in visited], axis=0)
    assert (np.abs(rest - claim.theta["means"]) < 6 * spread).all()
    assert (spread > 0).all()


def test_sem_wanders_about_the_maximum():
    start = make_start("kmeans", NORMALS, FAITHFUL).theta
    best, _ = run("em", NORMALS, FAITHFUL, start)
    claim, _ = run("sem", NORMALS, FAITHFUL, start)
    gap = loglik(NORMALS, FAITHFUL, best.theta) - loglik(NORMALS, FAITHFUL, claim.theta)
    assert 0 < gap < 0.1


# -- deterministic annealing ------------------------------------------------------------------------


def test_daem_parts_components_that_em_never_could():
    start = Theta([0.5, 0.5], means=[0, 0], covariances=[1, 1])
    plain, _ = run("em", NORMALS, TEN, start)
    claim, _ = run("daem", NORMALS, TEN, start)
    assert loglik(NORMALS, TEN, plain.theta) == pytest.approx(-28.6778873, abs=1e-6)
    assert loglik(NORMALS, TEN, claim.theta) == pytest.approx(-20.00844966, abs=1e-7)


def test_daem_needs_no_luck_with_its_start():
    ends = []
    for index in range(15):
        claim, _ = run("daem", NORMALS, FAITHFUL, random_start(NORMALS, FAITHFUL, index))
        assert claim.solver.status == "converged"
        ends.append(loglik(NORMALS, FAITHFUL, claim.theta))
    np.testing.assert_allclose(ends, -1130.263960, atol=1e-4)


def test_daem_displaces_by_its_own_random_numbers():
    start = random_start(NORMALS, FAITHFUL, 0)
    one, two, other, still = (
        run("daem", NORMALS, FAITHFUL, start, seed, **options)[1].trajectory.loglik
        for seed, options in ((0, {}), (0, {}), (1, {}), (1, {"jitter": 0.0}))
    )
    np.testing.assert_array_equal(one, two)
    assert len(one) != len(other) or (one != other).any()
    plain = run("daem", NORMALS, FAITHFUL, start, 7, jitter=0.0)[1].trajectory.loglik
    np.testing.assert_allclose(still, plain, rtol=1e-12)


# -- EM, then Newton --------------------------------------------------------------------------------


def test_newton_finishes_what_em_began():
    start = random_start(ITEMS, SCHOOL, 1)
    plain, slow = run("em", ITEMS, SCHOOL, start)
    claim, fast = run("em+newton", ITEMS, SCHOOL, start)
    assert claim.solver.success is True
    assert claim.solver.counts["iterations"] > 0
    assert claim.solver.counts["nit"] > 0
    assert fast.passes < slow.passes / 2
    gap = loglik(ITEMS, SCHOOL, claim.theta) - loglik(ITEMS, SCHOOL, plain.theta)
    assert -1e-8 < gap < 1e-6
    problem = Problem(ITEMS, SCHOOL)
    assert claim.theta is not None
    _, score = problem.value_and_score(ITEMS.to_unconstrained(claim.theta, problem.frame))
    assert np.abs(score).max() < 1e-3


def test_newton_never_leaves_the_likelihood_lower():
    model, data = MixtureModel("gaussian", 4), load_dataset("four_classes_200")
    for index in range(12):
        claim, problem = run("em+newton", model, data, random_start(model, data, index))
        iterations = claim.solver.counts["iterations"]
        handed_over = problem.trajectory.loglik[iterations]
        assert loglik(model, data, claim.theta) >= handed_over - 1e-9
        # At a flat optimum rounding may keep the solver from saying so; it is there all the same.
        assert claim.theta is not None
        z = model.to_unconstrained(claim.theta, problem.frame)
        assert np.abs(problem.value_and_score(z)[1]).max() < 1e-3


def test_newton_does_not_start_at_an_edge():
    start = Theta([0.3, 0.7], probs=[[1.0], [0.6]])
    claim, _ = run("em+newton", ITEMS, load_dataset("li_hang_coins"), start)
    assert claim.notes == ("EM alone: Newton can't start at the edge of the parameter space",)
    assert claim.solver.status == "converged"


# -- penalised EM -----------------------------------------------------------------------------------


def _target(model: MixtureModel, data: Dataset, z: np.ndarray) -> float:
    """Log-likelihood + log prior at unconstrained coordinates in the frame."""
    problem = Problem(model, data)
    family = model.on(data).family
    prior = family.conjugate(family.sums(data, np.ones((data.n_rows, 1))), model.n_components)
    weights, parameters = model.split(z, data.n_features)
    theta = Theta(weights, **family.from_frame(parameters, problem.frame))
    return problem.log_likelihood(theta) + family.log_conjugate(parameters, prior)


def _check_stationary(model: MixtureModel, data: Dataset, start: Theta) -> None:
    claim, problem = run("em[penalised]", model, data, start, tol=1e-12)
    assert claim.solver.success is True
    assert claim.theta is not None
    z = model.to_unconstrained(claim.theta, problem.frame)
    h, top = 1e-4, _target(model, data, z)
    for unit in np.eye(z.size):
        up, down = _target(model, data, z + h * unit), _target(model, data, z - h * unit)
        assert abs(up - down) / (2 * h) < 1e-3
        assert (up + down) / 2 < top
    assert "not the likelihood" in claim.notes[0]
    assert model.family.conjugate_prior in claim.notes[0]


@COVARIANCES
@pytest.mark.parametrize("d", [1, 2])
def test_penalised_em_maximises_the_stated_target_for_normals(covariance, d):
    data = Dataset(FAITHFUL.x[:, :d])
    model = MixtureModel("gaussian", 2, covariance=covariance)
    _check_stationary(model, data, make_start("kmeans", model, data).theta)


def test_penalised_em_maximises_the_stated_target_for_items():
    rng = np.random.default_rng(5)
    x = (rng.random((300, 4)) < np.repeat([[0.15], [0.85]], 150, axis=0)).astype(float)
    data = Dataset(x)
    _check_stationary(ITEMS, data, make_start("kmeans", ITEMS, data).theta)


@COVARIANCES
def test_the_prior_of_fraley_and_raftery_for_one_component(covariance):
    model = MixtureModel("gaussian", 1, covariance=covariance)
    start = make_start("kmeans", model, FAITHFUL).theta
    claim, _ = run("em[penalised]", model, FAITHFUL, start)
    assert claim.theta is not None
    n, d = 272, 2
    np.testing.assert_allclose(claim.theta["means"][0], FAITHFUL.x.mean(axis=0), rtol=1e-10)
    expected = start["covariances"][0] * (n + 1) / (n + 2 * d + 4)
    np.testing.assert_allclose(claim.theta["covariances"][0], expected, rtol=1e-9)


def test_penalised_em_does_not_collapse_where_em_does():
    data = Dataset(np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.5, 4.0, 7.0]))
    start = Theta([0.4, 0.6], means=[0.0, 4.0], covariances=[1e-3, 5.0])
    claim, problem = run("em[penalised]", NORMALS, data, start)
    assert claim.solver.status == "converged"
    assert claim.theta is not None
    assert claim.theta["covariances"].min() > 0.1
    # the likelihood itself falls on the way: it is not the target
    assert np.diff(problem.trajectory.loglik).min() < -0.1


# -- EM with old means ------------------------------------------------------------------------------


@COVARIANCES
def test_old_means_climb_to_the_fixed_points_of_em(covariance):
    model = MixtureModel("gaussian", 2, covariance=covariance)
    for index in range(8):
        start = random_start(model, FAITHFUL, index)
        claim, problem = run("em[old-means]", model, FAITHFUL, start, tol=1e-12)
        assert (np.diff(problem.trajectory.loglik) > -1e-8).all()
        if claim.solver.status == "collapsed":
            continue
        assert claim.theta is not None
        _, statistics = problem.statistics(claim.theta)
        next_by_em = problem.maximise(statistics)
        for name in next_by_em:
            np.testing.assert_allclose(next_by_em[name], claim.theta[name], rtol=1e-4, atol=1e-6)


def test_old_means_need_variances():
    reason = make_estimator("em[old-means]").supports(ITEMS, 1)
    assert reason == "the bernoulli family has no variance to take about the previous mean"
