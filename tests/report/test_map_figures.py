"""Maps of basins, likelihood surfaces and paths, from planted numbers."""

from __future__ import annotations

import numpy as np
import pytest

from mixcompare.errors import ContractError, SpecError
from mixcompare.mixture import MixtureModel
from mixcompare.report.figures import basins, surface
from mixcompare.study.basin_blocks import Reached
from mixcompare.study.basins import Basins
from mixcompare.study.landscape import Landscape, Path, Slice
from mixcompare.theta import Theta

N = 10
CUT = Slice(
    MixtureModel("gaussian", 2),
    Theta([0.5, 0.5], means=[[0.0], [1.0]], covariances=[[[1.0]], [[1.0]]]),
    (("means", 0, 0), ("means", 1, 0)),
    ((0.0, 1.0), (0.0, 2.0)),
    N,
    ("x",),
)


@pytest.fixture
def made() -> Basins:
    one = np.zeros((N, N), dtype=int)
    one[:, :3] = 1
    one[0, 0] = 3
    two = one.copy()
    two[5] = 2
    blank = {name: np.zeros((N, N)) for name in ("em", "bfgs")}
    reached = (
        Reached("maximum", True, "global", False, 12.5, CUT.at(0.25, 0.75)),
        Reached("ridge", True, "local", True, -3.25, CUT.at(0.1, 5.0)),
        Reached("not_stationary"),
        Reached("no_start"),
    )
    return Basins("x", CUT, reached, {"em": one, "bfgs": two}, blank, blank, blank)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_map_names_each_end_and_its_share(made):
    ax = basins.draw(made)
    assert legend(ax) == [
        "A  best known, 12.500 nats: 70.0 %",
        "B  local ridge, narrow, −3.250 nats: 29.0 %",
        "no start: outside the parameter space: 1.0 %",
    ]
    assert ax.get_title("left") == "What em reaches from each start"
    assert ax.get_xlabel() == "start: mean 1"
    assert [text.get_text() for text in ax.texts] == ["A", "A"]  # both numberings; B is outside
    assert "not stationary: 10.0 %" in legend(basins.draw(made, "bfgs"))


def test_a_square_of_the_map_has_its_start_in_the_middle(made):
    left, right, bottom, top = basins.draw(made).images[0].get_extent()
    assert (left, right) == pytest.approx((-1 / 18, 1 + 1 / 18))
    assert (bottom, top) == pytest.approx((-1 / 9, 2 + 1 / 9))


def test_disagreement_says_how_much(made):
    ax = basins.draw_disagreement(made)
    assert legend(ax) == ["all reach the same: 90.0 %", "two different ends: 10.0 %"]
    assert ax.get_title("left") == "Where em and bfgs disagree"


def test_what_cannot_be_drawn_is_told(made):
    with pytest.raises(SpecError, match='Did you mean "bfgs"'):
        basins.draw(made, "bfg")
    alone = Basins("x", CUT, made.reached, {"em": made.maps["em"]}, {}, {}, {})
    with pytest.raises(SpecError, match="two methods"):
        basins.draw_disagreement(alone)


def test_small_maps_share_one_legend(made):
    axes = basins.draw_panels(made)
    assert [ax.get_title("left") for ax in axes.flat] == ["em", "bfgs"]
    assert [ax.get_title("right") for ax in axes.flat] == ["A: 70.0 %", "A: 63.0 %"]
    (legend,) = axes.flat[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "A  best known, 12.500 nats",
        "B  local ridge, narrow, −3.250 nats",
        "not stationary",
        "no start: outside the parameter space",
    ]
    assert axes.flat[1].get_xlabel() == "start: mean 1"


@pytest.fixture
def hill() -> Landscape:
    x, y = np.meshgrid(*CUT.grids)
    loglik = -100.0 * ((x - 0.5) ** 2 + (y - 1) ** 2)
    loglik[0, 0] = np.nan
    return Landscape(CUT, loglik)


def test_surfaces_are_drawn_with_their_axes_named(hill):
    ax = surface.draw(hill)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("mean 1", "mean 2")
    relief = surface.draw_relief(hill, depth=50.0)
    assert relief.get_zlim() == (-50.0, 0.0)
    with pytest.raises(ContractError, match="3d"):
        surface.draw_relief(hill, ax=ax)
    with pytest.raises(ContractError, match="finite"):
        surface.draw(Landscape(CUT, np.full((N, N), np.nan)))


def test_a_path_keeps_what_improved_and_says_how_it_ended(hill):
    points = np.array([[0.0, 0.0], [9.0, 9.0], [0.4, 0.8], [0.5, 1.0]])
    loglik = np.array([-125.0, -np.inf, -5.0, 0.0])

    def path(method: str, finding: str) -> Path:
        return Path(method, points, loglik, finding)

    good = path("em", "maximum")
    np.testing.assert_array_equal(good.steps, points[[0, 2, 3]])
    ax = surface.draw_paths(hill, [good, path("bfgs", "not_stationary")])
    assert legend(ax) == ["1  em: maximum", "2  bfgs: not stationary", "start"]
    assert ax.get_xlim() == (0.0, 1.0)


def test_each_method_has_its_panel_of_paths(hill):
    inside = np.array([[0.0, 0.0], [0.4, 0.8], [0.5, 1.0]])
    loglik = np.array([-125.0, -5.0, 0.0])
    paths = [
        Path("em", inside, loglik, "maximum"),
        Path("bfgs", inside * 3, loglik, "not_stationary"),
        Path("powell[naive]", inside, np.full(3, np.nan), "non_finite"),
        Path("em", inside[:2], loglik[:2], "saddle"),
    ]
    shown = [ax for ax in surface.draw_path_panels(hill, paths).flat if ax.axison]
    said = {ax.get_title("left"): ax.get_title("right") for ax in shown}
    assert said == {
        "em": "maximum, saddle",
        "bfgs": "not stationary ↗",
        "powell[naive]": "non-finite",
    }
    assert all(ax.get_xlim() == (0.0, 1.0) and ax.get_ylim() == (0.0, 2.0) for ax in shown)
    crosses = [line.get_marker() for ax in shown for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == 3
