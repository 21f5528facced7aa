"""Whole fits: many small ones by EM, and L-BFGS-B with an exact gradient beside differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from side_by_side import Row, compare, each
from test_em_iterations import mixture, their_em

from mixcompare.data import Dataset
from mixcompare.estimators.base import make_estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.starts.base import make_start
from mixcompare.theta import Theta

STARTS = 12


@pytest.mark.parametrize(("K", "n"), [(2, 200), (3, 500), (4, 1000)])
def test_many_small_fits_to_equal_precision(K: int, n: int, rows: list[Row]) -> None:
    """scikit-learn is told the number of iterations that our stopping rule took from the same start.

    Its own rule, on the change of the log-likelihood, stops earlier or later; with the same iterations
    both ends have the same log-likelihood.
    """
    x, _ = mixture(1, K, n)
    model, data = MixtureModel("gaussian", K), Dataset(x)
    rng = np.random.default_rng(0)
    starts = [make_start("from-data", model, data, index=i).theta for i in range(STARTS)]
    em = make_estimator("em", max_iter=2000)

    def ours() -> list[Problem]:
        problems = [Problem(model, data) for _ in starts]
        claims = em.fit_many(problems, starts, [rng] * STARTS)
        assert not [c for c in claims if isinstance(c, Exception)]
        return problems

    ends = ours()
    lengths = [problem.passes - 1 for problem in ends]

    def theirs() -> list[float]:
        return [
            their_em(x, start)(length).lower_bound_
            for start, length in zip(starts, lengths, strict=True)
        ]

    for start, length, problem in zip(starts, lengths, ends, strict=True):
        score = their_em(x, start)(length).score(x)
        assert n * score == pytest.approx(problem.trajectory.loglik[-1], abs=1e-6)
    what = f"{STARTS} EM fits, d=1 K={K} n={n}, {np.mean(lengths):.0f} iterations; scikit-learn"
    rows.append(compare(what, each(ours, 5), each(theirs), "150", rounds=5))


def numpy_likelihood(x: np.ndarray, K: int) -> Callable[[np.ndarray], float]:
    """Minus the log-likelihood per observation in log-ratios of weights, means and log sds."""

    def value(z: np.ndarray) -> float:
        logits, means, log_sds = np.append(z[: K - 1], 0.0), z[K - 1 : 2 * K - 1], z[2 * K - 1 :]
        joint = -0.5 * ((x - means) * np.exp(-log_sds)) ** 2 - log_sds - 0.5 * np.log(2 * np.pi)
        return -float(logsumexp(joint + logits - logsumexp(logits), axis=1).mean())

    return value


@pytest.mark.parametrize(("n", "goal"), [(500, "15"), (50_000, "90")])
def test_l_bfgs_b_with_our_gradient(n: int, goal: str, rows: list[Row]) -> None:
    """Both minimise the same function of the same coordinates, from the same start, to the same rules."""
    x, start = mixture(1, 3, n)
    model, data = MixtureModel("gaussian", 3), Dataset(x)
    frame = Problem(model, data).frame
    scaled, z = frame(data.x), model.to_unconstrained(start, frame)
    rules = {"gtol": min(1e-7, 3e-5 / n**0.5), "ftol": 1e-15, "maxfun": 100_000}
    method = make_estimator("l-bfgs-b", options=rules)
    value = numpy_likelihood(scaled, 3)

    def ours() -> Theta:
        return method.fit(Problem(model, data), start, np.random.default_rng(0)).theta

    def theirs() -> float:
        return float(minimize(value, z, method="L-BFGS-B", options=rules).fun)

    by_gradient = -Problem(model, data).log_likelihood(ours()) / n - frame.log_volume
    assert by_gradient == pytest.approx(theirs(), abs=1e-5 / n)
    what = f"L-BFGS-B, d=1 K=3 n={n}; scipy with differences in numpy"
    rows.append(compare(what, each(ours, 3), each(theirs), goal))


@pytest.mark.parametrize(("d", "n"), [(1, 50_000), (2, 272), (2, 50_000)])
def test_products_with_the_hessian(d: int, n: int, rows: list[Row]) -> None:
    """What they stand in for: differences of two gradients, of half the digits. Both are two passes."""
    x, start = mixture(d, 3, n)
    model = MixtureModel("gaussian", 3)
    problem = Problem(model, Dataset(x))
    z = model.to_unconstrained(start, problem.frame)
    v, h = np.random.default_rng(0).normal(size=z.size), 1e-5

    def differences() -> np.ndarray:
        up, down = (problem.value_and_score(z + side * h * v)[1] for side in (1, -1))
        return (up - down) / (2 * h)

    product = problem.product(z, v)
    np.testing.assert_allclose(differences(), product, atol=1e-6 * np.abs(product).max())
    calls = 2000 if n < 1000 else 20
    what = f"Hessian times a vector, d={d} K=3 n={n}; differences of two gradients"
    rows.append(
        compare(what, each(lambda: problem.product(z, v), calls), each(differences, calls), "1")
    )
