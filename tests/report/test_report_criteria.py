"""The section on the choice of model, from planted rows: no fit is run."""

import json

import numpy as np
import pytest

from mixcompare import registry
from mixcompare.datasets import load_dataset
from mixcompare.mixture import MixtureModel
from mixcompare.report import style
from mixcompare.report.build import build
from mixcompare.report.document import Drawing
from mixcompare.report.figures.criteria import Criterion, Curve
from mixcompare.report.sections import asked, case, criteria, overview
from mixcompare.report.view import View
from mixcompare.theta import Theta

STUDY = {
    "title": "Choice",
    "question": "How many?",
    "data": [{"name": "waiting"}],
    "model": [
        {"family": "gaussian", "n_components": [1, 2], "options": {"covariance": "full"}},
        {"family": "gaussian", "n_components": [2], "options": {"covariance": "tied"}},
    ],
    "method": [{"name": "em"}, {"name": "bfgs"}, {"name": "nuts"}],
}
WAITING = load_dataset("old_faithful", "waiting")
MEAN, VARIANCE = float(WAITING.x.mean()), float(WAITING.x.var())
ENDS = {
    "gaussian K=1 full": Theta([1.0], means=[[MEAN]], covariances=[[[VARIANCE]]]),
    "gaussian K=2 full": Theta(
        [0.3609, 0.6391], means=[[54.615], [80.091]], covariances=[[[34.47]], [[34.43]]]
    ),
    "gaussian K=2 tied": Theta(
        [0.36, 0.64], means=[[54.6], [80.1]], covariances=[[[34.44]], [[34.44]]]
    ),
}
LOWER = Theta([0.5, 0.5], means=[[60.0], [80.0]], covariances=[[[60.0]], [[40.0]]])


def loglik(theta):
    return MixtureModel("gaussian", theta.n_components).log_likelihood(WAITING, theta)


@pytest.fixture
def rows(one_row):
    made = [
        one_row("waiting", model, method, 0, theta, loglik(theta), n_components=theta.n_components)
        | {"key": f"{model}-{method}"}
        for model, theta in ENDS.items()
        for method in ("em", "bfgs")
    ]
    made[3] |= {"theta": json.dumps(LOWER.to_dict()), "polished": json.dumps(LOWER.to_dict())}
    made[3] |= {"loglik": loglik(LOWER), "polished_loglik": loglik(LOWER)}
    made[5] |= {"finding": "singular", "polished": None, "polished_loglik": np.nan}
    return made


def test_methods_that_agree_share_a_line_and_others_do_not(make, rows):
    (choice,) = criteria.compute(View(make(rows, study=STUDY)))
    shown = [(line["model"], line["methods"]) for line in choice.points]
    assert shown == [
        ("gaussian K=1 full", ["em", "bfgs"]),
        ("gaussian K=2 full", ["em"]),
        ("gaussian K=2 full", ["bfgs"]),
        ("gaussian K=2 tied", ["em"]),
        ("gaussian K=2 tied", ["bfgs"]),
    ]
    assert choice.points[1]["loglik"] > choice.points[2]["loglik"]
    assert "singular 1" in choice.points[4]["remark"]
    best = {name: line["model"] for line in choice.points for name in line["preferred"]}
    assert best == dict.fromkeys(("AIC", "BIC", "ICL"), "gaussian K=2 tied")


def test_each_criterion_is_a_panel_with_a_curve_a_form(make, rows):
    (choice,) = criteria.compute(View(make(rows, study=STUDY)))
    assert [panel.title for panel in choice.panels] == ["AIC", "BIC", "ICL"]
    full, tied = choice.panels[1].curves
    assert (full.label, tied.label) == ("full", "tied")
    assert full.components.tolist() == [1, 2]
    assert tied.above.tolist() == [0.0]
    n, free, equal = WAITING.n, ENDS["gaussian K=2 full"], ENDS["gaussian K=2 tied"]
    expected = 2 * (loglik(equal) - loglik(free)) + np.log(n)
    assert full.above[1] == pytest.approx(expected)


def test_the_best_model_is_ringed_in_every_panel():
    def curve(label, above, errors=np.nan):
        return Curve(label, np.arange(1.0, 4), np.array(above), np.full(3, errors))

    panels = [
        Criterion("BIC", [curve("full", [300.0, 0.0, 4.0]), curve("tied", [310.0, 12.0, 7.0])]),
        Criterion("ICL", [curve("full", [0.0, 3.0, 50.0])]),
        Criterion("leave-one-out", [curve("full", [40.0, 0.0, 1.0], 2.0)]),
    ]
    axes = registry.load("figures", "criteria")(panels)
    rings = [[line for line in ax.get_lines() if line.get_label() == "_chosen"] for ax in axes.flat]
    marked = [[x for line in found for x in line.get_xdata()] for found in rings]
    assert marked == [[2.0], [1.0], [2.0], []]
    assert [len(ax.containers) for ax in axes.flat] == [0, 0, 1, 0]
    assert not axes.flat[3].axison
    (legend,) = style.figure_of(axes).legends
    assert [text.get_text() for text in legend.get_texts()] == ["full", "tied"]


def test_the_section_is_in_the_report_where_there_is_a_choice(make, rows, tmp_path):
    build(make([rows[0], rows[2]], study=STUDY), tmp_path)
    page = (tmp_path / "report.md").read_text()
    assert "## Choice of model" in page
    assert page.count("BIC prefers gaussian K=2 full") == 1
    assert (tmp_path / "figures/waiting-criteria.svg").is_file()
    table = (tmp_path / "tables/waiting-criteria.csv").read_text()
    assert "gaussian K=2 full" in table


def test_one_model_leaves_nothing_to_choose(make):
    view = View(make())
    assert criteria.compute(view) == []
    assert not criteria.draw([]).blocks


def test_of_many_models_only_preferred_ones_have_figures(make, rows, monkeypatch):
    view = View(make(rows, study=STUDY))
    found = criteria.compute(view)
    every = [("waiting", model) for model in ENDS]
    assert not any(criteria.in_brief(found, *one) for one in every)
    monkeypatch.setattr(criteria, "MOST", 2)
    assert [criteria.in_brief(found, *one) for one in every] == [True, True, False]
    assert not criteria.in_brief(found, "other data", "gaussian K=1 full")
    (part,) = criteria.draw(found).parts
    assert [block.kind for block in part.blocks] == ["items", "figure", "table", "paragraph"]


def test_a_model_in_brief_has_tables_and_no_figure_is_drawn_for_it(
    make, rows, monkeypatch, tmp_path
):
    results = make(rows, study=STUDY)
    view = View(results)
    full, brief = (case.draw(view, view.cases[0], brief) for brief in (False, True))
    kinds = [[block.kind for part in made.parts for block in part.blocks] for made in (full, brief)]
    assert "figure" in kinds[0]
    assert kinds[1] == [kind for kind in kinds[0] if kind != "figure"]
    monkeypatch.setattr(criteria, "MOST", 2)
    drawn, draw = [], Drawing.draw
    monkeypatch.setattr(Drawing, "draw", lambda one: drawn.append(one.name) or draw(one))
    build(results, tmp_path)
    slugs = [one.slug for one in view.cases]
    assert [any(name.startswith(slug) for name in drawn) for slug in slugs] == [False, False, True]


def test_tables_alone_draw_no_figure(make, rows, monkeypatch, tmp_path):
    monkeypatch.setattr(Drawing, "draw", lambda one: pytest.fail(f"{one.name} was drawn"))
    build(make(rows, study=STUDY), tmp_path, ("csv",))
    assert (tmp_path / "tables/waiting-criteria.csv").is_file()


def test_many_models_of_the_same_data_share_a_column(make, rows, monkeypatch):
    view = View(make(rows, study=STUDY))
    assert len(overview.compute(view).cases) == 3
    monkeypatch.setattr(overview, "MOST", 2)
    short = overview.compute(view)
    assert short.cases == []
    assert [c.heading for c in short.columns[:2]] == ["method", "waiting"]
    em, bfgs = short.rows
    assert (em["waiting"], em["waiting-fits"]) == (3, 3)
    assert (bfgs["waiting"], bfgs["waiting-fits"]) == (1, 3)
    assert overview.of_case(view, view.cases[0])[0].startswith("Believe the optimum")


def test_many_models_of_the_same_data_share_a_line_of_what_was_asked(make, rows, monkeypatch):
    view = View(make(rows, study=STUDY))
    assert [line["fits"] for line in asked.compute(view).data] == [2, 2, 2]
    monkeypatch.setattr(asked, "MOST", 3)
    (line,) = asked.compute(view).data
    assert (line["model"], line["fits"]) == ("3 models", 6)
