"""The part on draws: checks side by side, what they cost, which modes chains visited."""

import numpy as np
import pytest

from mixcompare import registry
from mixcompare.report.figures.mode_visits import Visited
from mixcompare.report.parts import draws
from mixcompare.report.view import View
from mixcompare.theta import Theta

WAITING = Theta([0.3609, 0.6391], means=[[54.61], [80.09]], covariances=[[[34.47]], [[34.43]]])
CHECKS = {
    "rhat_label_free": 1.002,
    "rhat": 1.004,
    "rhat_raw": 1.74,
    "ess_bulk": 800.0,
    "ess_tail": 500.0,
    "divergences": 2.0,
    "max_depth_share": 0.01,
    "bfmi": 0.9,
}


def line(one_row, method, **more):
    common = {"said": None, "basis": "reported", "wald": {}, "diagnostics": CHECKS}
    posterior = {"posterior_intervals": {"means": [[50, 75], [60, 85]]}, "draws": "draws/one"}
    values = {**common, **posterior, **more}
    return one_row(
        "waiting", "gaussian K=2 full", method, 0, WAITING, -1034.4, "divergences", **values
    )


def part(results):
    view = View(results)
    (case,) = view.cases
    sampled = draws.compute(view, case)
    return sampled, draws.draw(case, sampled)


@pytest.fixture
def em(one_row):
    return one_row("waiting", "gaussian K=2 full", "em", 0, WAITING, -1034.0018)


def test_checks_are_label_free_first_then_relabelled_then_raw(make, one_row, em):
    row = line(one_row, "nuts", flags=["divergences", "label_switching"])
    row |= {"passes": 1000.0, "seconds": 2.0, "compile_seconds": 30.0}
    sampled, section = part(make([em, row]))
    checks = section.blocks[0].table
    assert checks.headings[1:4] == ["R-hat label-free", "relabelled", "raw"]
    assert checks.cells()[0][1:9] == ["1.002", "1.004", "1.740", "800", "500", "2", "0.01", "0.90"]
    assert checks.cells()[0][9:] == ["divergences", "label switching"]
    cost = section.blocks[1].table
    assert cost.cells()[0][1:] == ["1,000", "2", "30", "500", "250"]
    # all draws are about the one optimum: named, and no way to draw
    (mode,) = [found for found in sampled.modes if found["rank"]]
    assert (mode["rank"], mode["chains"], mode["mass"]) == (1, 2, pytest.approx(1.0))
    assert mode["share"] > 0.9
    assert not mode["missed"]


def test_of_several_data_sets_the_worst_is_shown(make, one_row, em):
    rows = [
        line(
            one_row, "nuts", replicate=i, draws=None, diagnostics={**CHECKS, "rhat": 1.0 + i / 100}
        )
        for i in range(3)
    ]
    sampled, section = part(make([em, *rows]))
    (method,) = sampled.methods
    assert method["rhat"] == pytest.approx(1.02)
    assert method["divergences"] == 6
    assert method["findings"] == "divergences 3"
    assert "worst" in section.blocks[0].table.caption


def test_a_sampler_without_trajectories_has_no_divergences(make, one_row, em):
    said = {
        name: CHECKS[name]
        for name in ("rhat", "rhat_label_free", "rhat_raw", "ess_bulk", "ess_tail")
    }
    _, section = part(make([em, line(one_row, "gibbs", diagnostics=said, draws=None)]))
    assert section.blocks[0].table.cells()[0][6:9] == ["", "", ""]


def test_without_draws_there_is_nothing_to_say(make, em):
    assert part(make([em]))[1].blocks == []


def test_lanes_hold_the_stays_of_each_chain():
    places = np.array([[1, 1, 2, 2, 1, 0], [2, 2, 2, 2, 2, 2]])
    visited = Visited("nuts", places, 10, {1: "optimum 1", 2: "optimum 2", 0: "elsewhere"})
    (ax,) = registry.load("figures", "mode-visits")([visited]).flat
    stays = [
        sorted((path.get_extents().x0, path.get_extents().x1) for path in lane.get_paths())
        for lane in ax.collections
    ]
    assert stays == [[(0, 20), (40, 50)], [(20, 40)], [(50, 60)], [], [(0, 60)], []]
    assert [text.get_text() for text in ax.texts] == ["optimum 1", "optimum 2", "elsewhere"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["chain 1", "chain 2"]
