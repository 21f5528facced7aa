"""Student-t components against scipy's distributions, their normal limit, and their own equations."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import make_model, make_point
from scipy import optimize, special, stats

import mixcompare as mc
from mixcompare.blocks import BLOCK
from mixcompare.draws import Draws, label_free, worst_rhat
from mixcompare.families import t_density, t_steps
from mixcompare.families.base import Frame
from mixcompare.families.gaussian import Gaussian
from mixcompare.families.student_t import StudentT
from mixcompare.problem import Problem


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("df", [0.3, 1.0, 4.0, 19.0, 21.0, 150.0])
def test_densities_are_those_of_scipy(d, df):
    rng = np.random.default_rng(d)
    root = rng.normal(size=(d, d))
    mean, scale, x = rng.normal(size=d), root @ root.T, rng.standard_t(1.0, size=(50, d))
    parameters = {"means": mean[None], "scales": scale[None], "df": np.array([df])}
    ours = StudentT(df).log_density(x, parameters)[:, 0]
    theirs = stats.multivariate_t.logpdf(x, mean, scale, df)
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)
    if d == 1:
        single = stats.t.logpdf(x[:, 0], df, mean[0], np.sqrt(scale[0, 0]))
        np.testing.assert_allclose(ours, single, rtol=1e-11, atol=1e-11)


def test_ratios_of_gamma_functions():
    a = np.array([0.01, 0.7, 3.0, 9.99, 10.0, 11.0, 40.0, 1e3, 1e6, 1e10])
    np.testing.assert_allclose(t_density.log_gamma_ratio(a, 1.0), np.log(a), rtol=1e-14, atol=1e-14)
    halves = t_density.log_gamma_ratio(a, 0.5) + t_density.log_gamma_ratio(a + 0.5, 0.5)
    np.testing.assert_allclose(halves, np.log(a), rtol=1e-14, atol=2e-14)


def test_df_solve_their_equation():
    v = np.array([1e-3, 0.2, 1.0, 4.0, 60.0, 199.0])
    means = -(np.log(v / 2) - special.psi(v / 2))
    np.testing.assert_allclose(t_steps.best_df(means), v, rtol=1e-9)
    at_the_end = t_steps.best_df(np.array([0.0, -1e-9, -0.004, np.nan]))
    np.testing.assert_array_equal(at_the_end, [200.0, 200.0, 200.0, np.nan])


@pytest.mark.parametrize("d", [1, 3])
def test_many_degrees_of_freedom_are_normal(d):
    """Density, M-step, gradient and EM's path: the same to about D^2 / df."""
    gaussian, data = make_model(Gaussian(), 2, 300, d, counts=True)
    student = mc.MixtureModel("student_t", 2, df=1e9)
    normal = make_point(gaussian, data)
    point = mc.Theta(
        normal.weights, means=normal.means, scales=normal.covariances, df=np.full(2, 1e9)
    )
    for _ in range(3):
        looks = [Problem(m, data).statistics(t) for m, t in ((gaussian, normal), (student, point))]
        assert looks[0][0] == pytest.approx(looks[1][0], abs=1e-4)
        scores = [
            Problem(m, data).value_and_score(m.to_unconstrained(t, Gaussian().frame(data)))[1]
            for m, t in ((gaussian, normal), (student, point))
        ]
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-4)
        normal = Problem(gaussian, data).maximise(looks[0][1])
        point = Problem(student, data).maximise(looks[1][1])
        np.testing.assert_allclose(point.means, normal.means, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(point.scales, normal.covariances, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("df", [2.5, None])
def test_one_component_has_the_largest_likelihood(df):
    """What `sums` and `mle` make of weights is a maximum found without them."""
    rng = np.random.default_rng(3)
    data = mc.Dataset(rng.standard_t(2.0, size=(150, 1)), counts=rng.integers(1, 4, 150))
    family, frame = StudentT(df), Frame(np.zeros(1), np.ones(1))
    own = family.frame(data)
    found = family.from_frame(family.mle(family.sums(data, np.ones((150, 1)))), own)

    def loss(z: np.ndarray) -> float:
        v = df or np.exp(z[2])
        return -float(data.weights @ stats.t.logpdf(data.x[:, 0], v, z[0], np.exp(z[1])))

    best = optimize.minimize(loss, np.zeros(2 if df else 3), method="Nelder-Mead",
                             options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000})  # fmt: skip
    expected = [best.x[0], np.exp(2 * best.x[1]), df or np.exp(best.x[2])]
    got = [found["means"][0, 0], found["scales"][0, 0, 0], found["df"][0]]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)
    assert family.to_frame(found, frame)["df"] == found["df"]


def test_more_rows_than_a_block():
    model, data = make_model(StudentT(), 3, 2 * BLOCK + 5, 2, counts=True)
    theta = make_point(model, data)
    loglik, statistics = Problem(model, data).statistics(theta)
    exact = float(data.weights @ model.log_density(data.x, theta))
    assert loglik == pytest.approx(exact, rel=1e-12)
    assert statistics[:, 0].sum() == pytest.approx(data.n, rel=1e-12)


@pytest.mark.parametrize("method", ["em", "squarem", "bfgs", "nelder-mead"])
def test_light_tails_end_at_the_normal_limit(method):
    x = np.linspace(-1, 1, 60)
    record = mc.fit(mc.MixtureModel("student_t", 1), x, method=method)
    assert record.finding == "boundary"
    assert record.verdict.edges == ("df 1 at 200",)
    normal = mc.fit(mc.MixtureModel("gaussian", 1), x)
    assert 0 < normal.loglik - record.loglik < 0.5


def test_heavy_tails_are_inside():
    x = np.random.default_rng(0).standard_t(3.0, size=400)
    record = mc.fit(mc.MixtureModel("student_t", 1), x, method="l-bfgs-b")
    assert record.finding == "maximum"
    assert 2 < record.theta.df[0] < 5
    low, high = record.verdict.intervals["log_df"]
    assert low[0] < np.log(3.0) < high[0]


def test_an_outlier_does_not_move_the_others():
    """A point a million sds away: found by the family whose tails allow for it."""
    rng = np.random.default_rng(4)
    x = np.append(np.r_[rng.standard_t(3.0, size=100), 9 + rng.standard_t(3.0, size=100)], 1e6)
    record = mc.fit(mc.MixtureModel("student_t", 2, df=3.0), x, method="em", start="quantiles")
    assert record.finding == "maximum"
    np.testing.assert_allclose(record.theta.means[:, 0], [0.0, 9.0], atol=0.5)


@pytest.mark.parametrize("df", [0, -1.0, float("inf"), float("nan"), "4", True])
def test_df_that_are_none(df):
    with pytest.raises(mc.SpecError, match="df"):
        mc.MixtureModel("student_t", 2, df=df)
    assert mc.MixtureModel("student_t", 2, df="free").family == StudentT()


def test_points_outside_are_named():
    def point(df, scale=1.0):
        return mc.Theta([1.0], means=[[0.0]], scales=[[[scale]]], df=[df])

    free, fixed = mc.MixtureModel("student_t", 1), mc.MixtureModel("student_t", 1, df=4)
    assert "df 300 of component 1 are not in (0, 200]" in free.outside(point(300.0))
    assert "df are fixed at 4, but those of component 1 are 5" in fixed.outside(point(5.0))
    assert "scale matrix of component 1 is not positive" in free.outside(point(5.0, -1.0))
    assert not fixed.outside(point(4.0))


def test_moments_that_do_not_exist():
    point = {"means": np.zeros((3, 1)), "scales": np.ones((3, 1, 1)), "df": np.array([0.9, 1.5, 4])}
    means, variances = StudentT().moments(point)
    np.testing.assert_array_equal(means[:, 0], [np.nan, 0.0, 0.0])
    np.testing.assert_array_equal(variances[:, 0], [np.nan, np.inf, 2.0])


def test_moments_that_some_draws_lack_are_no_quantity():
    """Convergence is judged by what exists in every draw."""
    rng = np.random.default_rng(0)
    df = np.full((2, 50, 1), 3.0)
    df[1, 7] = 1.5
    draws = Draws(
        np.ones((2, 50, 1)),
        {"means": rng.normal(size=(2, 50, 1, 1)), "scales": np.ones((2, 50, 1, 1, 1)), "df": df},
    )
    found = label_free(mc.MixtureModel("student_t", 1), draws, rng.normal(size=(2, 50)))
    assert found["mixture mean"].shape == (2, 50, 1)
    assert found["mixture variance"].shape == (2, 50, 0)
    assert np.isfinite(worst_rhat(found))
