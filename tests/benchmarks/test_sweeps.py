"""One sweep of data augmentation, beside the same in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from side_by_side import Row, compare, per_iteration
from test_em_iterations import mixture

from mixcompare.data import Dataset
from mixcompare.estimators.gibbs import Sweeper
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.theta import Theta

PRIOR = {
    "form": "richardson-green",
    "mean": 1.5,
    "mean_sd": 9.0,
    "shape": 2.0,
    "hyper_shape": 0.2,
    "hyper_rate": 0.1,
    "weights": 1.0,
}


def numpy_gibbs(x: np.ndarray, start: Theta) -> Callable[[int], np.ndarray]:
    """The same sweep in vectorised numpy: means (sweeps, K)."""

    def run(sweeps: int) -> np.ndarray:
        rng, K = np.random.default_rng(0), start.n_components
        w, m, v = start.weights, start["means"][:, 0], start["covariances"][:, 0, 0]
        kept = np.empty((sweeps, K))
        for t in range(sweeps):
            kept[t] = m
            log_r = np.log(w) - 0.5 * np.log(v) - 0.5 * (x - m) ** 2 / v
            r = np.exp(log_r - log_r.max(axis=1, keepdims=True))
            below = np.cumsum(r, axis=1)
            z = (rng.random((len(x), 1)) * below[:, -1:] > below).sum(axis=1)
            n = np.bincount(z, minlength=K)
            total = np.bincount(z, weights=x[:, 0], minlength=K)
            b = rng.gamma(0.2 + 2 * K, 1 / (0.1 + (1 / v).sum()))
            precision = 1 / 81 + n / v
            m = (1.5 / 81 + total / v) / precision + rng.standard_normal(K) / np.sqrt(precision)
            squares = np.bincount(z, weights=(x[:, 0] - m[z]) ** 2, minlength=K)
            v = (b + squares / 2) / rng.gamma(2 + n / 2)
            w = rng.dirichlet(1.0 + n)
        return kept

    return run


@pytest.mark.parametrize(("n", "few", "many"), [(200, 10, 510), (5000, 10, 210)])
def test_a_sweep_against_numpy(n: int, few: int, many: int, rows: list[Row]) -> None:
    """Both draw from the same posterior, and their means agree within Monte Carlo error."""
    x, start = mixture(1, 2, n)
    data, model = Dataset(x), MixtureModel("gaussian", 2)
    sweeper = Sweeper.of(Prior.of(PRIOR).on(model, data), data)

    def ours(sweeps: int) -> np.ndarray:
        points, _, _ = sweeper.run(sweeper.at(start), np.random.default_rng(0), sweeps)
        return sweeper.parameters(points)["means"][..., 0]

    theirs = numpy_gibbs(x, start)
    ends = [np.sort(run(3000)[500:].mean(axis=0)) for run in (ours, theirs)]
    np.testing.assert_allclose(*ends, atol=0.15)
    what = f"Gibbs sweep, d=1 K=2 n={n}; numpy"
    rows.append(
        compare(what, per_iteration(ours, 500, 10_500), per_iteration(theirs, few, many), "")
    )
