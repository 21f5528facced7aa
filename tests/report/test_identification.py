"""What the data do not identify: the three coins of Li Hang, single tosses, by EM, BFGS and sampling.

Reference numbers: EM, BFGS and NUTS run on 1101001011 under uniform priors (4 chains of 1000 draws).
"""

import numpy as np
import pytest

from mixcompare.draws import Draws, from_tree
from mixcompare.inference.base import flat, jacobian
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.report import style
from mixcompare.report.figures import prior_posterior, ridge
from mixcompare.report.figures.prior_posterior import Compared
from mixcompare.report.parts import identification
from mixcompare.report.parts.flat import involved, picture
from mixcompare.report.parts.intervals import reference
from mixcompare.report.view import View
from mixcompare.theta import Theta
from mixcompare.verify.surface import Surface
from mixcompare.verify.verifier import verify

MODEL = MixtureModel("bernoulli", 2)

ENDS = [(0.4065, 0.5368, 0.6433), (0.536, 0.384, 0.849), (0.479, 0.370, 0.812)]
"""(pi, p, q) where EM and BFGS ended, to the digits given."""


def coin(pi, p, q):
    """The end, moved onto the ridge pi p + (1 - pi) q = 0.6 exactly."""
    return Theta([pi, 1 - pi], probs=[[p], [(0.6 - pi * p) / (1 - pi)]])


def case_of(made):
    view = View(made)
    return view, next(c for c in view.cases if c.data == "three coins")


@pytest.fixture
def found(make, coins):
    """The section's data, with 4000 draws."""
    made = make()
    _, tree = coins(2000)
    others = made.draws
    made.draws = lambda place: tree if place == "draws/coins" else others(place)
    return identification.compute(*case_of(made))


@pytest.mark.parametrize("end", ENDS)
def test_the_information_has_rank_one_of_three(make, end):
    """In (pi, p, q): eigenvalues 0, 0 and 10 |grad m|^2 / (.6 .4), between 20.8 and 34.4 at these ends."""
    data, theta = make().dataset("three coins"), coin(*end)
    verdict = verify(MODEL, data, theta)
    assert verdict.finding == "ridge"
    assert verdict.loglik == pytest.approx(-6.730117, abs=1e-6)
    assert len(verdict.null_directions) == 2
    surface = Surface(MODEL, data, theta)
    origin = np.zeros(3)
    local = surface.quadratic(origin)
    slopes = jacobian(lambda delta: flat(dict(surface.theta(delta))), origin)[[0, 2, 3]]
    inverse = np.linalg.inv(slopes)
    hessian = inverse.T @ (local.basis * local.curvature) @ local.basis.T @ inverse
    values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    pi, p, q = theta.weights[0], *theta.probs[:, 0]
    exact = 10 / 0.24 * ((p - q) ** 2 + pi**2 + (1 - pi) ** 2)
    assert values == pytest.approx([0, 0, exact], abs=1e-3)
    assert 20.8 < values[2] < 34.4


def test_the_ridge_runs_through_both_probabilities_and_the_weight(make):
    data = make().dataset("three coins")
    chosen = involved(MODEL, data, coin(*ENDS[0]), 2)
    assert chosen == [("probs", (0, 0)), ("probs", (1, 0)), ("weights", (0,))]
    assert involved(MODEL, data, coin(*ENDS[0]), 0) == []


def test_parameters_keep_the_prior_and_the_mean_does_not(make, found, coins):
    """Under uniform priors pi, p, q keep 95, 87, 86 % of the prior sd; m has the interval (.31, .82)."""
    before, after = found.compared, found.means[0]
    assert [one.name for one in before] == ["weight (logit)", "probability (logit)"]
    assert all(0.8 < one.ratio < 1.02 for one in before)
    assert after.compared.name == "mixture mean"
    assert after.interval == pytest.approx((0.31, 0.82), abs=0.02)
    assert after.compared.ratio < 0.7
    assert after.compared.best == pytest.approx(0.6)
    draws = from_tree(MODEL, 1, coins(2000)[1])
    _, case = case_of(make())
    prior = Prior.of(case.first["prior"].dropna().iloc[0]).on(MODEL, case.dataset)
    weights, parameters = prior.sample(20_000, np.random.default_rng(1))
    for k, expected in ((0, 0.87), (1, 0.86)):
        one = Compared("p", parameters["probs"][:, k, 0], draws.parameters["probs"][..., k, 0])
        assert one.ratio == pytest.approx(expected, abs=0.02)
    weight = Compared("pi", weights[:, 0], draws.weights[..., 0])
    assert weight.ratio == pytest.approx(0.95, abs=0.02)


def test_the_sentence_says_it_plainly(found):
    text = identification.sentence(found)
    assert "The data hold no answer about single parameters" in text
    assert "flat along 2 of 3 directions (weight 1 against probability 2; weight 1 against" in text
    assert (
        "Every check of the draws of nuts passed all the same: converged is not identified" in text
    )
    assert "0.6 at every end on the ridge; 95 % posterior interval 0.3" in text


def test_the_table_shows_eigenvalues_and_rank(make, found):
    section = identification.draw(case_of(make())[1], found)
    table = next(block.table for block in section.blocks if block.kind == "table")
    assert [row[0] for row in table.cells()] == ["em", "bfgs"]
    assert {row[2] for row in table.cells()} == {"0, 0, 0.128"}
    assert {row[3] for row in table.cells()} == {"1 of 3"}
    names = [block.name for block in section.blocks if block.kind == "figure"]
    assert [name.rpartition("k-2-")[2] for name in names] == ["ridge", "prior-posterior"]


def test_the_bands_of_the_ridge_are_where_the_mean_is_three_fifths(make):
    _, case = case_of(make())
    rows = {method: case.first[case.first["method"] == method].iloc[0] for method in ("em", "bfgs")}
    drawn = picture(case, rows, reference(case), {})
    assert list(drawn.names) == ["probability 1", "probability 2", "weight 1"]
    assert [points.method for points in drawn.points] == ["em", "bfgs"]
    for points in drawn.points:
        p, q, pi = points.at[0]
        assert pi * p + (1 - pi) * q == pytest.approx(0.6)
    for one in drawn.slices:
        q, p = np.meshgrid(drawn.y, drawn.x, indexing="ij")
        m = one.at * p + (1 - one.at) * q
        inside = np.isfinite(one.below)
        exact = 6 * np.log(0.6 / m[inside]) + 4 * np.log(0.4 / (1 - m[inside]))
        np.testing.assert_allclose(one.below[inside], exact, atol=1e-9)


def test_without_a_sampler_the_ridge_is_still_told(make):
    rows = [row for row in make().fits.to_dict(orient="records") if row["method"] != "nuts"]
    view, case = case_of(make(rows))
    found = identification.compute(view, case)
    text = identification.sentence(found)
    assert "hold no answer" in text
    assert "0.6 at every end" in text
    assert "converged" not in text
    assert [block.kind for block in identification.draw(case, found).blocks] == [
        "paragraph",
        "table",
        "figure",
    ]


def test_without_optimisers_the_posterior_tells_it(make, coins):
    row, _ = coins(60)
    text = identification.sentence(identification.compute(*case_of(make([row]))))
    assert text.startswith("The data hold no answer about some parameters")
    assert "95 % posterior interval" in text


def test_identified_data_have_no_such_part(make):
    view = View(make())
    quiet = [c for c in view.cases if c.data != "three coins"]
    assert [identification.compute(view, one) for one in quiet] == [None, None]
    assert not identification.draw(quiet[0], None).blocks


def test_draws_are_pooled_over_components():
    model = MixtureModel("gaussian", 2)
    rng = np.random.default_rng(0)

    def draws(spread):
        means = spread * rng.standard_normal((1, 4000, 2, 2))
        return Draws(
            rng.dirichlet([2, 2], (1, 4000)),
            {"means": means, "covariances": np.broadcast_to(np.eye(2), (1, 4000, 2, 2, 2))},
        )

    found = identification.compare(model, draws(2.0), draws(0.5), ("a", "b"))
    # fixed covariances never move: nothing to compare
    assert [one.name for one in found] == ["weight (logit)", "mean, a", "mean, b"]
    assert found[0].prior.size == 8000
    assert [one.ratio for one in found] == pytest.approx([1, 0.25, 0.25], abs=0.05)


def test_figures_take_axes_and_two_parameters():
    grid = np.linspace(0, 1, 21)
    below = (grid[:, None] + grid - 1) ** 2
    points = [
        ridge.Points("em", np.array([[0.3, 0.7]])),
        ridge.Points("nuts", np.array([[0.5, 0.5]]), True),
    ]
    ax = style.own_axes(None, 3)
    assert (
        ridge.draw(ridge.Ridge(["a", "b"], points, grid, grid, [ridge.Slice(below)]), ax=ax) is ax
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["nuts, draws", "em, ends"]
    rng = np.random.default_rng(1)
    one = Compared("mean", rng.normal(0, 2, 9000), rng.normal(0, 1, 9000), 0.0)
    axes = prior_posterior.draw([one, one, one], "nuts")
    assert axes.shape == (2, 2)
    assert not axes[1, 1].axison
    assert axes[0, 0].texts[0].get_text() == f"sd ratio {one.ratio:.2f}"
    assert one.ratio == pytest.approx(0.5, abs=0.03)
