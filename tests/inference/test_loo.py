"""Leave-one-out against a posterior whose leave-one-out is known in closed form."""

from __future__ import annotations

import arviz
import numpy as np
import pytest
from scipy.stats import nbinom

from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.inference import loo
from mixcompare.inference.loo import LeaveOneOut, leave_one_out
from mixcompare.mixture import MixtureModel

A, B = 2.0, 1.0
POISSON = MixtureModel("poisson", 1)


def tosses(n: int = 60) -> np.ndarray:
    return np.random.default_rng(5).poisson(3.0, n).astype(float)


def posterior(x: np.ndarray, size: int = 2000) -> Draws:
    """Draws of the rate under a gamma prior, shape A and rate B: gamma again."""
    rng = np.random.default_rng(6)
    rates = rng.gamma(A + x.sum(), 1 / (B + x.size), (4, size))
    return Draws(np.ones((4, size, 1)), {"rates": rates[..., None]})


def exact(x: np.ndarray) -> np.ndarray:
    """log p(x_i | all others): negative binomial."""
    n = x.size
    found: np.ndarray = nbinom.logpmf(x, A + x.sum() - x, (B + n - 1) / (B + n))
    return found


def test_closed_form() -> None:
    x = tosses()
    data = Dataset(x)
    found = leave_one_out(POISSON.on(data), data, posterior(x))
    assert found.pointwise == pytest.approx(exact(x), abs=2e-3)
    assert found.elpd == pytest.approx(exact(x).sum(), abs=0.02)
    assert found.se == pytest.approx(np.sqrt(x.size) * exact(x).std(ddof=1), rel=1e-3)
    assert 0.5 < found.p < 1.5
    assert found.bad == 0


def test_the_same_as_arviz_at_once() -> None:
    x = tosses()
    data, draws = Dataset(x), posterior(x)
    model = POISSON.on(data)
    density = loo._log_densities(model, data.x, draws)
    tree = arviz.from_dict({"log_likelihood": {"x": density}})
    whole = arviz.loo(tree, pointwise=True, reff=1.0)
    found = leave_one_out(model, data, draws)
    assert found.elpd == pytest.approx(whole.elpd, abs=1e-3)
    assert found.se == pytest.approx(whole.se, rel=1e-4)
    assert found.p == pytest.approx(whole.p, abs=1e-3)
    assert found.good_k == whole.good_k


def test_counts_stand_for_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tosses()
    values, counts = np.unique(x, return_counts=True)
    draws = posterior(x)
    rows = Dataset(x)
    long = leave_one_out(POISSON.on(rows), rows, draws)
    tied = Dataset(values, counts=counts)
    monkeypatch.setattr(loo, "CELLS", 3 * 8000)  # blocks of three rows
    short = leave_one_out(POISSON.on(tied), tied, draws)
    assert short.counts.sum() == x.size
    assert short.elpd == pytest.approx(long.elpd, abs=1e-9)
    assert short.se == pytest.approx(long.se, rel=1e-9)
    assert short.p == pytest.approx(long.p, abs=1e-9)


def test_differences_are_paired() -> None:
    def made(pointwise: list[float]) -> LeaveOneOut:
        zeros = np.zeros(3)
        return LeaveOneOut(np.array(pointwise), zeros, zeros, 0.7, np.array([1.0, 2.0, 1.0]))

    first, other = made([-1.0, -2.0, -4.0]), made([-1.5, -2.5, -4.5])
    assert first.less(other) == (pytest.approx(2.0), pytest.approx(0.0, abs=1e-12))
    # four values -1, -2, -2, -4: variance 4.75 / 3
    assert first.se == pytest.approx(np.sqrt(4 * 4.75 / 3))


def test_observations_that_rule_the_posterior_are_counted() -> None:
    """An outlier that a wide posterior follows: its weights have a heavy tail."""
    x = np.append(np.zeros(12), 40.0)
    data = Dataset(x)
    found = leave_one_out(POISSON.on(data), data, posterior(x, 250))
    assert found.bad == 1
    assert found.pareto_k.argmax() == 12
