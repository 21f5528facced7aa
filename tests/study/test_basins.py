"""Maps of what starts lead to, and the surface and paths below them."""

from __future__ import annotations

import numpy as np
import pytest

import mixcompare as mc
from mixcompare.errors import DataError, SpecError
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.study.basins import Basins
from mixcompare.study.landscape import make_slice
from mixcompare.theta import Theta

MODEL = MixtureModel("gaussian", 2)
BASE = Theta([0.5, 0.5], means=[-0.2, 0.8], covariances=[0.04, 0.04])
MEANS = {"axes": [("means", 0), ("means", 1)], "ranges": [(-0.5, 2.0), (-0.5, 2.0)]}


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(0, 0.08, 90), rng.normal(0.6, 0.12, 210)])


@pytest.fixture(scope="module")
def both(x: np.ndarray) -> Basins:
    methods = ["em", "l-bfgs-b[bounded]"]
    return mc.basins(MODEL, x, methods, base=BASE, n=7, **MEANS)


def test_every_start_is_what_its_own_fit_is(x: np.ndarray, both: Basins) -> None:
    for method in both.methods:
        for index in range(0, 49, 3):
            start = both.slice.point(index)
            record = mc.fit(MODEL, x, method, start)
            row, column = divmod(index, 7)
            what = both.reached[both.maps[method][row, column]]
            assert what.finding == record.finding, (method, index)
            assert both.passes[method][row, column] == record.cost.passes
            if what.optimum:
                assert record.verdict is not None
                assert what.loglik == pytest.approx(record.verdict.polished_loglik, abs=1e-6)


def test_shares_add_up_and_equal_components_never_part(both: Basins) -> None:
    shares = both.shares()
    assert (shares.groupby("method")["starts"].sum() == 49).all()
    assert shares.groupby("method")["share"].sum().to_list() == pytest.approx([1.0, 1.0])
    diagonal = [both.reached[i].finding for i in np.diag(both.maps["em"])]
    assert diagonal == ["saddle"] * 7
    assert both.reached[0].standing == "global"
    assert not both.reached[0].narrow
    assert (both.maps["em"] == both.maps["em"].T).all()  # the base is the same for both components


def test_disagreement_counts_different_ends(both: Basins) -> None:
    one, two = both.maps.values()
    assert (both.disagreement() == 1 + (one != two)).all()


def test_a_failed_fit_is_a_place_on_the_map(x: np.ndarray) -> None:
    found = mc.basins(
        MODEL, x, ["em", "study_outsiders:Raises", "study_outsiders:Unable"], base=BASE,
        axes=[("weights", 0), ("means", 0)], ranges=[(-0.2, 1.0), (0.0, 0.5)], n=5,
    )  # fmt: skip
    names = {
        method: [found.reached[i].finding for i in index[2]] for method, index in found.maps.items()
    }
    assert names["study_outsiders:Raises"] == ["no_start"] + ["error"] * 4
    assert names["study_outsiders:Unable"] == ["no_start"] + ["unsupported"] * 4
    assert names["em"][0] == "no_start"
    assert "no_start" not in names["em"][1:]
    assert (found.shares().groupby("method")["starts"].sum() == 25).all()


@pytest.mark.slow
def test_processes_give_the_same_map(x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixcompare.study.basins.BLOCK", 20)
    alone = mc.basins(MODEL, x, ["em", "sem"], base=BASE, n=6, max_iter=30, **MEANS)
    shared = mc.basins(MODEL, x, ["em", "sem"], base=BASE, n=6, max_iter=30, workers=2, **MEANS)
    assert [(r.finding, r.loglik) for r in alone.reached] == [
        (r.finding, r.loglik) for r in shared.reached
    ]
    for kind in ("maps", "loglik", "passes", "said"):
        for method in alone.methods:
            one, two = getattr(alone, kind)[method], getattr(shared, kind)[method]
            np.testing.assert_array_equal(one, two)


def test_surface_is_the_likelihood_and_nan_outside(x: np.ndarray) -> None:
    found = mc.surface(
        MODEL, x, BASE, [("covariances", 0), ("means", 1)], [(-0.01, 0.04), (0, 1)], 6
    )
    problem = Problem(MODEL, mc.Dataset(x))
    assert np.isnan(found.loglik[:, 0]).all()
    theta = Theta([0.5, 0.5], means=[[-0.2], [0.2]], covariances=[[[0.04]], [[0.04]]])
    assert found.loglik[1, 5] == pytest.approx(problem.log_likelihood(theta), rel=1e-12)


def test_a_moved_weight_keeps_the_ratios_of_the_others() -> None:
    model = MixtureModel("poisson", 3)
    base = Theta([0.5, 0.3, 0.2], rates=[1.0, 4.0, 9.0])
    cut = make_slice(model, np.arange(20), base, [("weights", 0), ("rates", 2)],
                     [(0.1, 0.6), (5.0, 9.0)], 3)  # fmt: skip
    assert cut.names == ("weight 1", "rate 3")
    theta = cut.at(0.1, 7.0)
    assert theta.weights == pytest.approx([0.1, 0.54, 0.36])
    assert theta["rates"] == pytest.approx([1, 4, 7])
    assert cut.project(theta) == (0.1, 7.0)


def test_paths_begin_at_the_start_and_end_at_the_end(x: np.ndarray) -> None:
    below = mc.surface(MODEL, x, BASE, n=5, **MEANS)
    methods = ["em", "bfgs", "bfgs[naive]", "nelder-mead[naive]", "em+newton"]
    found = {path.method: path for path in mc.paths(below, x, methods, max_iter=300)}
    for path in found.values():
        assert path.points[0] == pytest.approx((-0.2, 0.8))
        assert len(path.points) == path.record.cost.passes
    for method in ("em", "bfgs", "nelder-mead[naive]", "em+newton"):
        theta = found[method].record.theta
        assert theta is not None
        assert found[method].steps[-1] == pytest.approx(theta.means.ravel(), abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": [("means", 0), ("means", 0)]}, "two different"),
        ({"axes": [("mean", 0), ("means", 1)]}, 'Did you mean "means"'),
        ({"axes": [("means", 0), ("means", 2)]}, "indices from 0"),
        ({"axes": [("means", 0)]}, "expected two"),
        ({"ranges": [(0, 1), (1, 1)]}, "low < high"),
        ({"n": 1}, "at least 2"),
        ({"budget": {"seconds": 1}}, "give passes"),
        ({"methods": ["nuts"]}, "point to point"),
        ({"workers": 0}, "workers"),
    ],
)
def test_wrong_input_is_told(x: np.ndarray, change: dict, message: str) -> None:
    asked = {"methods": ["em"], "base": BASE, "n": 4, **MEANS, **change}
    with pytest.raises(SpecError, match=message):
        mc.basins(MODEL, x, **asked)


def test_a_base_outside_is_refused(x: np.ndarray) -> None:
    with pytest.raises(DataError, match="weight"):
        mc.basins(MODEL, x, base=Theta([1.5, -0.5], means=[0, 1], covariances=[1, 1]), **MEANS)
