"""One iteration of EM, beside scikit-learn's and beside the exponentials that it cannot do without."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numba
import numpy as np
import pytest
from side_by_side import Row, compare, cpu, each, per_iteration
from sklearn.mixture import GaussianMixture

from mixcompare.data import Dataset
from mixcompare.estimators.base import make_estimator
from mixcompare.mixture import MixtureModel
from mixcompare.numerics import aligned, vexp
from mixcompare.problem import Problem
from mixcompare.theta import Theta

CASES = {
    "d=1 K=2 n=1e3": (1, 2, 1_000, (5, 105), (5, 5005), "110, then 140"),
    "d=1 K=4 n=1e6": (1, 4, 1_000_000, (1, 4), (1, 21), "50, then 60"),
    "d=8 K=10 n=1e5 full": (8, 10, 100_000, (1, 6), (1, 21), "22, then 29"),
    "d=1 K=8 n=1e5": (1, 8, 100_000, (1, 11), (1, 101), ""),
    "d=1 K=20 n=1e5": (1, 20, 100_000, (1, 6), (1, 51), ""),
}
"""d, K, n, iterations timed of scikit-learn (few, many) and of ours, and the ratio to reach."""


def mixture(d: int, K: int, n: int, seed: int = 0) -> tuple[np.ndarray, Theta]:
    """Data from K normals that overlap, and a start beside the truth."""
    rng = np.random.default_rng(seed)
    centres = 2.0 * rng.normal(size=(K, d)) if d > 1 else 3.0 * np.arange(K)[:, None]
    x = centres[rng.integers(0, K, n)] + rng.normal(size=(n, d)) * (1 + 0.3 * rng.random(d))
    means = centres + 0.3 * rng.normal(size=(K, d))
    weights = rng.dirichlet(np.full(K, 20.0))
    return x, Theta(weights, means=means, covariances=np.tile(1.5 * np.eye(d), (K, 1, 1)))


def our_em(model: MixtureModel, data: Dataset, start: Theta) -> Callable[[int], float]:
    """EM for so many iterations: the log-likelihood (nats) at its end."""

    def run(iterations: int) -> float:
        problem = Problem(model, data)
        rng = np.random.default_rng(0)
        claim = make_estimator("em", max_iter=iterations, tol=0).fit(problem, start, rng)
        assert claim.solver.status == "max_iter", claim.solver.message
        return float(problem.trajectory.loglik[-1])

    return run


def their_em(x: np.ndarray, start: Theta) -> Callable[[int], GaussianMixture]:
    """scikit-learn's for so many iterations: the fitted estimator."""

    def run(iterations: int) -> GaussianMixture:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # it says that it did not converge, as it was told not to
            return GaussianMixture(
                start.n_components,
                tol=0.0,
                reg_covar=0.0,
                max_iter=iterations,
                init_params="random_from_data",
                weights_init=start.weights,
                means_init=start["means"],
                precisions_init=np.linalg.inv(start["covariances"]),
                random_state=0,
            ).fit(x)

    return run


@pytest.mark.parametrize("case", CASES)
def test_against_scikit_learn(case: str, rows: list[Row]) -> None:
    d, K, n, theirs, ours, goal = CASES[case]
    x, start = mixture(d, K, n)
    model, data = MixtureModel("gaussian", K), Dataset(x)
    our_run, their_run = our_em(model, data, start), their_em(x, start)
    assert our_run(theirs[1]) / n == pytest.approx(their_run(theirs[1]).score(x), rel=1e-9)
    our_iteration = per_iteration(our_run, *ours)
    their_iteration = per_iteration(their_run, *theirs)
    rows.append(
        compare(f"EM iteration, {case}; scikit-learn", our_iteration, their_iteration, goal)
    )
    first = compare(
        f"the same, set-up and first iteration, {case}; scikit-learn",
        each(lambda: our_run(1)),
        each(lambda: their_run(1)),
        "",
        rounds=3,
    )
    rows.append(first)


@numba.njit(fastmath={"contract"}, cache=False)
def exponentials(source, target, times):  # type: ignore[no-untyped-def]
    for _ in range(times):
        for j in range(source.size):
            target[j] = vexp(source[j])


def exp_seconds() -> float:
    """CPU seconds of one `vexp` on numbers that stay in the first-level cache."""
    source, target = aligned(1024), aligned(1024)
    source[:] = np.linspace(-20.0, 0.0, 1024)
    exponentials(source, target, 1)
    return cpu(lambda: exponentials(source, target, 20_000)) / (20_000 * 1024)


def product_seconds() -> float:
    """CPU seconds of one multiplication with its addition, in numpy's product of two matrices."""
    a = np.random.default_rng(0).normal(size=(800, 800))
    return cpu(lambda: [a @ a for _ in range(3)]) / (3 * 800**3)


@pytest.mark.parametrize("case", list(CASES)[1:])
def test_distance_from_the_floor(case: str, rows: list[Row]) -> None:
    """n K exponentials, and for d > 1 the products with n K M statistics, there and back."""
    d, K, n, _, ours, _ = CASES[case]
    x, start = mixture(d, K, n)
    products = 2 * n * K * (d + d * (d + 1) // 2) if d > 1 else 0

    def floor() -> float:
        return n * K * exp_seconds() + products * product_seconds()

    iteration = per_iteration(our_em(MixtureModel("gaussian", K), Dataset(x), start), *ours)
    goal = "at least 1/1.8 = 0.56, then 1/1.4 = 0.71"
    rows.append(compare(f"EM iteration, {case}; its floor", iteration, floor, goal))


def poisson(n: int) -> tuple[np.ndarray, Theta]:
    rng = np.random.default_rng(0)
    return rng.poisson(np.where(rng.random((n, 1)) < 0.4, 2.0, 9.0)), Theta(
        [0.5, 0.5], rates=[1.5, 8.0]
    )


def bernoulli(n: int) -> tuple[np.ndarray, Theta]:
    rng = np.random.default_rng(0)
    probs = rng.uniform(0.1, 0.9, size=(3, 10))
    x = rng.random((n, 10)) < probs[rng.integers(0, 3, n)]
    return x, Theta([0.3, 0.3, 0.4], probs=np.clip(probs + 0.05, 0, 1))


@pytest.mark.parametrize(
    ("family", "make", "ours"), [("poisson", poisson, (5, 205)), ("bernoulli", bernoulli, (5, 55))]
)
def test_repeated_rows_cost_what_the_distinct_ones_do(
    family: str,
    make: Callable[[int], tuple[np.ndarray, Theta]],
    ours: tuple[int, int],
    rows: list[Row],
) -> None:
    n = 100_000
    x, start = make(n)
    distinct, counts = np.unique(x, axis=0, return_counts=True)
    model = MixtureModel(family, start.n_components)
    plain = our_em(model, Dataset(x), start)
    counted = our_em(model, Dataset(distinct, counts=counts), start)
    assert plain(10) == pytest.approx(counted(10), rel=1e-12)
    rows.append(
        compare(
            f"EM iteration, {family} d={x.shape[1]} n=1e5; on its {len(distinct)} distinct rows",
            per_iteration(plain, *ours),
            per_iteration(counted, 5, 50_005),
            "1",
        )
    )
