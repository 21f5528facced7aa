"""Data that break careless arithmetic: any scale, far offsets, ties, constant columns, lone points.

Warnings are errors in these tests, so that none of numpy's is the only sign of trouble.
"""

from __future__ import annotations

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.errors import DataError
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel

TWO_NORMALS = MixtureModel("gaussian", 2)
METHODS = pytest.mark.parametrize("method", ["em", "l-bfgs-b"])
EVERY_START = pytest.mark.parametrize(
    "start",
    [
        "kmeans",
        "random",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("kmeans++", "from-data", "quantiles", "small-em", "hierarchical")
        ),
    ],
)


def normal(d: int = 1) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(size=(120, d)) + np.where(np.arange(120) % 2, 4.0, 0.0)[:, None]


def waits(d: int = 1) -> np.ndarray:
    return np.random.default_rng(4).exponential(np.where(np.arange(120) % 2, 9.0, 1.0))[:, None]


@METHODS
@pytest.mark.parametrize("scale", [1e-140, 1e-6, 1e6, 1e140])
@pytest.mark.parametrize(
    ("model", "x"),
    [
        (TWO_NORMALS, normal()),
        (MixtureModel("gaussian", 2), normal(2)),
        (MixtureModel("gaussian", 2, covariance="spherical"), normal(2)),
        (MixtureModel("exponential", 2), waits()),
    ],
    ids=["normal", "full", "spherical", "exponential"],
)
def test_a_change_of_unit_changes_the_log_likelihood_by_its_volume(model, x, scale, method):
    own, other = (fit(model, data, method, start="quantiles") for data in (x, scale * x))
    assert other.loglik == pytest.approx(own.loglik - x.size * np.log(scale), abs=1e-6)
    assert other.verdict.finding == own.verdict.finding == "maximum"
    assert other.notes == other.verdict.notes == ()


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300, 1e308])
@pytest.mark.parametrize(
    "model",
    [
        *(
            MixtureModel("gaussian", 2, covariance=kind)
            for kind in ("full", "tied", "diag", "spherical")
        ),
        MixtureModel("student_t", 2),
        MixtureModel("student_t", 2, df=4.0),
    ],
    ids=lambda model: model.name,
)
def test_beyond_that_the_data_are_refused_with_the_advice_to_rescale(model, scale):
    x = np.column_stack([normal()[:, 0], scale * np.linspace(-1.7, 1.7, 120)])
    with pytest.raises(DataError, match=r"column x2\. Rescale it"):
        fit(model, x)


@METHODS
def test_an_offset_of_1e9_sds(method):
    """Held exactly by the data: multiples of 2^-20."""
    x = np.round(normal() * 2**20) / 2**20
    own, other = (fit(TWO_NORMALS, data, method, start="quantiles") for data in (x, x + 1e9))
    assert other.loglik == pytest.approx(own.loglik, abs=1e-4)
    assert other.verdict.finding == own.verdict.finding == "maximum"
    assert any(note.startswith("precision") for note in other.verdict.notes)


@METHODS
@EVERY_START
def test_as_many_observations_as_components(method, start):
    """Every normal component collapses on one of them; counts have a maximum, at the edge or flat."""
    x = np.array([0.0, 4.0, 50.0])
    assert fit(MixtureModel("gaussian", 3), x, method, start).verdict.finding == "singular"
    found = fit(MixtureModel("poisson", 3), x, method, start).verdict.finding
    assert found in ("boundary", "duplicate")


def test_fewer_distinct_rows_than_components_are_refused():
    for x in (np.full(20, 0.1), np.tile([[1.0, 2.0]], (20, 1))):
        with pytest.raises(DataError, match=r"got 1 for K = 2\. Choose a smaller K"):
            fit(TWO_NORMALS, x)


@METHODS
@EVERY_START
@pytest.mark.parametrize("K", [1, 2])
def test_a_constant_column_has_no_likelihood_with_a_bound(method, start, K):
    """Whatever the start, the end is no maximum, and it is said why."""
    x = np.column_stack([normal()[:, 0], np.full(120, 0.1)])
    verdict = fit(MixtureModel("gaussian", K), x, method, start).verdict
    if verdict.finding == "not_stationary":
        assert any("the likelihood is unbounded near this end" in note for note in verdict.notes)
    else:
        assert verdict.finding in ("singular", "out_of_domain")


def test_a_constant_column_is_no_hindrance_where_the_variance_is_shared():
    x = np.column_stack([normal()[:, 0], np.full(120, 0.1)])
    model = MixtureModel("gaussian", 2, covariance="spherical")
    assert fit(model, x, start="quantiles").verdict.finding == "maximum"


@METHODS
@EVERY_START
def test_ties(method, start):
    """A third of the data at one value: a component may collapse there, or take it in its stride."""
    x = np.append(normal()[:, 0], np.zeros(60))
    assert fit(TWO_NORMALS, x, method, start).verdict.finding in ("singular", "maximum")


@EVERY_START
def test_a_point_1e6_sds_away(start):
    x = np.append(normal()[::2, 0], 1e6)
    free = fit(TWO_NORMALS, x, "em", start)
    assert free.solver.status == "collapsed"
    # One M-step may take all spread at once; the end is then the point before, with the collapse beside it.
    if free.verdict.finding != "singular":
        assert free.verdict.finding == "not_stationary"
        assert any(
            "the likelihood is unbounded near this end" in note for note in free.verdict.notes
        )
    tied = fit(MixtureModel("gaussian", 2, covariance="tied"), x, "em", start)
    # in a component of its own, or within the one that both have become
    alone = tied.theta.weights.min() == pytest.approx(1 / 61)
    assert tied.verdict.finding == ("maximum" if alone else "saddle")
    one = fit(MixtureModel("exponential", 2), np.abs(x), "em", start)
    assert one.verdict.finding == "maximum"


@METHODS
def test_rows_counted_zero_times_are_as_if_they_were_not_there(method):
    x = normal()
    counts = np.repeat([1, 0], 60)
    own, other = (
        fit(TWO_NORMALS, x[:60], method, "quantiles"),
        fit(TWO_NORMALS, np.where(counts[:, None], x, 1e9), method, "quantiles", counts=counts),
    )
    assert own.loglik == other.loglik
    assert own.verdict.finding == other.verdict.finding


def test_the_mean_and_sd_of_data_of_any_scale():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(20_000, 3)) * [1e-200, 1.0, 1e200] + [0, 1e9, 0]
    mean, sd = Dataset(x).moments
    units = np.array([1e-200, 1.0, 1e200])
    np.testing.assert_allclose(mean / units, (x / units).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(sd / units, (x / units).std(axis=0), rtol=1e-12)
    assert Dataset(np.full(7, 0.1)).moments == ([0.1], [0.0])
    assert Dataset(np.array([-1.7e308, -1.7e308, 1.7e308])).moments[1] == np.inf
