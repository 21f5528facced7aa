"""Distinct rows with counts: what is found, when it is tried, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import cases, make_data

from mixcompare import distinct
from mixcompare.data import Dataset
from mixcompare.distinct import compress, count_distinct
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.starts.base import make_start
from mixcompare.verify.verifier import verify

RNG = np.random.default_rng(5)
N = 70_000
"""More than one block of rows that are sorted."""

TABLES = {
    "counts": RNG.poisson(4, (N, 1)),
    "negative-codes": RNG.integers(-9, 3, (N, 2)),
    "far-codes": RNG.integers(0, 3, (N, 2)) + 1e15,
    "items": RNG.random((N, 10)) < 0.4,
    "many-items": RNG.random((N, 40)) < 0.02,
    "rounded": RNG.normal(size=(N, 1)).round(2),
    "rounded-pairs": RNG.normal(size=(N, 2)).round(1),
    "constant": np.ones((N, 3)),
    "few": RNG.integers(0, 3, (50, 2)),
    "huge": RNG.choice([-1.7e308, 0.5, 1.7e308], (300, 1)),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", TABLES)
def test_the_rows_and_sums_that_numpy_finds(name, weighted):
    x = TABLES[name].astype(float)
    counts = np.random.default_rng(1).integers(1, 4, len(x)).astype(float) if weighted else None
    rows, where, occurrences = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    found = compress(x, counts)
    assert found is not None
    np.testing.assert_array_equal(found[0], rows)
    expected = np.bincount(where.ravel(), weights=counts) if weighted else occurrences
    np.testing.assert_array_equal(found[1], expected)
    for most in (1, 2, len(rows), len(rows) + 1):
        assert count_distinct(x, most) == min(most, len(rows))


@pytest.mark.parametrize("n", [1, 2, 100, 3 * distinct.SAMPLE, N])
def test_data_without_repetitions_stay_as_they_are(n):
    data = Dataset(np.random.default_rng(2).normal(size=(n, 2)))
    assert data.compact is data
    assert data.distinct.n_rows == n


def test_a_sample_says_whether_it_pays(monkeypatch):
    """Nine in ten values once: not tried. Each of 25,000 values about four times: tried, and found."""
    rng = np.random.default_rng(3)
    lone = np.where(rng.random(100_000) < 0.1, 0.0, rng.normal(size=100_000))[:, None]
    often = rng.normal(size=25_000)[rng.integers(0, 25_000, 100_000)][:, None]
    assert len(compress(often, None)[0]) == len(np.unique(often))
    monkeypatch.setattr(distinct, "_distinct", lambda *arguments: pytest.fail("was tried"))
    assert compress(lone, None) is None
    with pytest.raises(pytest.fail.Exception):
        compress(often, None)


def test_a_table_that_is_not_small_beside_large_data_is_given_up(monkeypatch):
    monkeypatch.setattr(distinct, "LARGEST", 1000)
    x = np.random.default_rng(4).normal(size=5000)[:, None]
    assert compress(np.tile(x, (20, 1)), None) is None
    assert compress(np.tile(x[:900], (20, 1)), None) is not None


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize(("family", "d"), cases(1, 2))
def test_a_pass_over_distinct_rows_is_the_pass_over_all(family, d, counts):
    drawn = make_data(family, 3000, d, seed=1, counts=counts)
    x = drawn.x if family.discrete else np.ceil(2 * drawn.x) / 2
    short, long = Dataset(x, counts=drawn.counts), Dataset(x, counts=drawn.counts)
    long.__dict__["compact"] = long
    assert short.compact.n_rows < 1000
    assert short.compact.n == long.n
    model = MixtureModel(family, 2).on(short)
    theta = make_start("quantiles", model, long, 0, 0).theta
    one, other = (Problem(model, data).statistics(theta) for data in (short, long))
    assert one[0] == pytest.approx(other[0], rel=1e-12)
    np.testing.assert_allclose(one[1], other[1], rtol=1e-11, atol=1e-12 * long.n)


def test_fits_and_verdicts_are_the_same():
    x = np.random.default_rng(6).normal([[0.0], [4.0]], 1, size=(2, 2000)).ravel().round(1)
    short, long = Dataset(x), Dataset(x)
    long.__dict__["compact"] = long
    model = MixtureModel("gaussian", 2)
    start = make_start("quantiles", model, short, 0, 0).theta
    one, other = (fit(model, data, "em", start) for data in (short, long))
    assert one.loglik == pytest.approx(other.loglik, rel=1e-13)
    assert one.cost.passes == other.cost.passes
    assert one.verdict.finding == other.verdict.finding == "maximum"
    assert verify(model, long, one.theta).finding == "maximum"
    np.testing.assert_allclose(one.theta["means"], other.theta["means"], rtol=1e-9)
