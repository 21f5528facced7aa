"""The order of the rows and of the components changes nothing but roundings."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import cases, make_model, make_point

from mixcompare.data import Dataset
from mixcompare.problem import Problem

# Blocks of the compiled pass hold 256 rows here: less than one, one, one more, several and a rest.
SIZES = [(1, 7), (1, 256), (2, 257), (2, 1000)]


@pytest.mark.parametrize("counts", [False, True], ids=["plain", "counts"])
@pytest.mark.parametrize(("family", "d", "n"), cases(*SIZES))
def test_statistics_do_not_depend_on_the_order_of_rows(family, d, n, counts):
    model, data = make_model(family, 2, n, d, seed=1, counts=counts)
    theta = make_point(model, data)
    value, statistics = Problem(model, data).statistics(theta)
    order = np.random.default_rng(0).permutation(n)
    moved = Dataset(data.x[order], counts=data.counts[order] if counts else None)
    other, sums = Problem(model, moved).statistics(theta)
    assert other == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(sums, statistics, rtol=1e-12, atol=1e-12 * data.n)


@pytest.mark.parametrize(("family", "d", "n"), cases((1, 300), (2, 300)))
def test_statistics_go_with_the_components(family, d, n):
    model, data = make_model(family, 2, n, d, seed=2, counts=True)
    theta = make_point(model, data)
    value, statistics = Problem(model, data).statistics(theta)
    other, sums = Problem(model, data).statistics(theta.take([1, 0]))
    assert other == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(sums, statistics[::-1], rtol=1e-12, atol=1e-12 * data.n)
