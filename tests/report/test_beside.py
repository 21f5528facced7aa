"""Estimates beside posteriors: one numbering of components, intervals of every kind, log-likelihoods."""

import json

import numpy as np
import pytest

import mixcompare as mc
from mixcompare.report import style
from mixcompare.report.figures import loglik_posterior, posterior
from mixcompare.report.figures.loglik_posterior import Drawn
from mixcompare.report.parts import accuracy
from mixcompare.report.parts import posterior as posterior_of
from mixcompare.report.parts.intervals import parameters, refusals
from mixcompare.report.sections import asked
from mixcompare.report.view import View
from mixcompare.scenarios.base import make_scenario

WAITING = "waiting"


def view_of(made):
    view = View(made)
    return view, next(c for c in view.cases if c.data == WAITING)


def swapped(cell):
    """A JSON cell of arrays over two components, with the components exchanged."""
    return json.dumps(_swapped(json.loads(cell)))


def _swapped(values):
    if isinstance(values, dict):
        return {name: _swapped(value) for name, value in values.items()}
    return values[::-1]


def test_one_numbering_of_components_is_shared_by_all_methods(make):
    plain = make()
    rows = make().fits.to_dict(orient="records")
    turned = [dict(row) for row in rows]
    for row in turned:
        if row["method"] == "nuts" and row["data"] == WAITING:
            row["theta"] = swapped(row["theta"])
            bounds = json.loads(row["posterior_intervals"])
            row["posterior_intervals"] = json.dumps(
                {name: [side[::-1] for side in sides] for name, sides in bounds.items()}
            )
    other = make(turned)
    drawn = plain.draws("draws/one")
    other.draws = {
        "draws/one": drawn.isel(weights_0=[1, 0], means_0=[1, 0], covariances_0=[1, 0])
    }.get
    for one, two in zip(parameters(*view_of(plain)), parameters(*view_of(other)), strict=True):
        if one is None:
            continue
        for ours, theirs in zip(one.estimates, two.estimates, strict=True):
            assert ours.methods == theirs.methods
            assert (ours.value, ours.low, ours.high) == (theirs.value, theirs.low, theirs.high)
            np.testing.assert_array_equal(ours.draws, theirs.draws)
    nuts = next(e for e in parameters(*view_of(plain))[0].estimates if e.methods == ("nuts",))
    assert nuts.draws.size == 120
    assert nuts.kind == "posterior"


FURTHER = {
    "profile": {
        "bounds": {
            "logit_weights": [[-1.0, "-Infinity"], [0.0, 1.0]],
            "means": [[[54.0], [79.0]], [[56.0], [81.0]]],
            "log_sds": [[[1.5], [1.5]], [["Infinity"], [2.0]]],
        },
        "refused": "",
    },
    "bootstrap": {"bounds": {}, "refused": "bootstrap intervals need a maximum"},
}


def with_further(make):
    rows = make().fits.to_dict(orient="records")
    for row in rows:
        if row["data"] == WAITING and row["method"] == "em" and row["start_index"] == 0:
            row["intervals"] = json.dumps(FURTHER)
    return make(rows)


def test_every_kind_of_interval_is_in_the_estimates(make):
    view, one = view_of(with_further(make))
    found = parameters(view, one)
    kinds = [(e.methods[0], e.kind, e.further) for e in found[0].estimates]
    assert kinds[:2] == [("em", "Wald", False), ("em", "profile likelihood", True)]
    assert ("nuts", "posterior", False) in kinds
    mean = next(p for p in found if p is not None and p.name == "mean 1")
    assert (mean.estimates[1].low, mean.estimates[1].high) == (54.0, 56.0)
    assert mean.estimates[0].value == mean.estimates[1].value
    assert refusals(one) == ["No bootstrap intervals: bootstrap intervals need a maximum."]


def test_an_open_interval_is_drawn_to_the_margin(make):
    found = parameters(*view_of(with_further(make)))
    sd = next(p for p in found if p is not None and p.name == "sd (log) 1")
    assert sd.estimates[1].high == np.inf
    axes = posterior.draw([sd])
    ends = [line.get_xdata() for line in axes.flat[0].lines if len(line.get_xdata()) == 2]
    assert all(np.isfinite(end).all() for end in ends if not np.isnan(end).any())
    assert max(end[1] for end in ends) == axes.flat[0].get_xlim()[1]


def test_intervals_of_a_study_without_samplers_are_shown(make):
    rows = with_further(make).fits.to_dict(orient="records")
    rows = [row for row in rows if row["method"] != "nuts"]
    view = View(make(rows))
    shown = [posterior_of.compute(view, one).parameters for one in view.cases]
    assert [bool(places) for places in shown] == [True, False, False]


def test_loglik_posterior_marks_the_best_and_what_to_expect():
    rng = np.random.default_rng(0)
    drawn = Drawn("nuts", -100.0 - rng.gamma(2.5, size=1000))
    ax = loglik_posterior.draw([drawn], -100.0, 5)
    marks = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert marks == [-100.0, -102.5]
    below = f"nuts: {-100 - drawn.loglik.mean():.2f} below on average"
    key = [t.get_text() for t in ax.get_legend().get_texts()]
    assert key == [below, "best known", "q/2 = 2.5 below it"]
    # a histogram with the area of its draws: a density
    values, edges, _ = ax.patches[0].get_data()
    assert (values * np.diff(edges)).sum() == pytest.approx(1, abs=0.01)


def test_loglik_posterior_of_a_missed_mode_and_without_a_best_value():
    far = Drawn("nuts", np.full(50, -160.0), sound=False)
    near = Drawn("gibbs", np.linspace(-103, -101, 50))
    ax = style.own_axes(None, 2)
    assert loglik_posterior.draw([far, near], -100.0, 5, ax=ax) is ax
    assert ax.get_xlim()[0] < -160 < -100 < ax.get_xlim()[1]
    alone = loglik_posterior.draw([near], np.nan, 5)
    assert [t.get_text() for t in alone.get_legend().get_texts()] == ["gibbs"]
    assert not alone.texts


def test_tables_of_simulated_data_show_predictive_density_and_kinds(make):
    view = View(make())
    one = next(c for c in view.cases if c.data == "two normals")
    tables = {
        table.name.removeprefix(f"{one.slug}-"): table for table in accuracy.compute(view, one)
    }
    predictive = tables["predictive"]
    assert [row["than"] for row in predictive.rows] == ["", "em"]
    assert predictive.cells()[0][:2] == ["em", "plug-in"]
    assert "less em, plug-in" in predictive.headings
    assert predictive.cells()[1][3] == "< 1e−6"
    coverage = tables["coverage"]
    assert "interval" in coverage.headings
    assert coverage.rows[0]["kind"] == "Wald"
    assert "closed" not in coverage.headings


def test_a_model_of_another_size_than_the_truth_has_no_tables_of_parameters():
    scenario = make_scenario("gaussian", weights=[0.3, 0.7], means=[0, 0.6], sds=[0.1, 0.1], n=80)
    data = scenario.draw(np.random.default_rng(0), "drawn")
    names = {}
    for K in (1, 2):
        view = View(mc.compare(mc.MixtureModel("gaussian", K), data, methods=["em"], n_starts=1))
        (one,) = view.cases
        names[K] = {
            table.name.removeprefix(f"{one.slug}-") for table in accuracy.compute(view, one)
        }
    assert {"kl", "predictive"} == names[1] < names[2]
    assert {"bias", "rmse", "coverage"} <= names[2]


def test_remarks_of_the_author_have_a_section_and_nothing_else_has(make):
    said = ["The source has q = 0.4 where 0.67 belongs.", "It stops after 40 iterations."]
    assert not asked.remarks(View(make())).blocks
    section = asked.remarks(View(make(study={**make().study, "remarks": said})))
    head, items = section.blocks
    assert "not computed" in head.text
    assert list(items.items) == said
