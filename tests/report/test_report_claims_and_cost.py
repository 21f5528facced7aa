"""The sections on claims, optima and cost, and their figures."""

import json

import numpy as np
import pytest
from matplotlib.colors import same_color

from mixcompare import registry
from mixcompare.report import style
from mixcompare.report.build import compose
from mixcompare.report.document import Drawing, Tabular
from mixcompare.report.figures import claims as rates
from mixcompare.report.figures.steps import Curve, _apart
from mixcompare.report.tables import with_interval
from mixcompare.report.view import View

MODEL = "gaussian K=2 full"

STEPS = ["performance-profiles", "data-profiles", "runtime-distributions"]


def blocks(results, slug):
    """Tables by name, and figures by name, of one section or part."""
    sections = compose(View(results))
    every = [*sections, *(part for section in sections for part in section.parts)]
    found = [block for section in every if section.slug == slug for block in section.blocks]
    tables = {b.table.name: b.table for b in found if isinstance(b, Tabular)}
    return tables, {b.name: b for b in found if isinstance(b, Drawing)}, found


def row_of(table, **where):
    found = [r for r in table.rows if all(r.get(k) == v for k, v in where.items())]
    assert len(found) == 1
    return found[0]


def test_claims_over_all_data(make):
    tables, figures, _ = blocks(make(), "claims")
    line = row_of(tables["claims"], method="bfgs[naive]")
    assert (line["success_fits"], line["success_wrong"]) == (2, 1)  # one is not stationary
    assert (line["failure_fits"], line["failure_wrong"]) == (1, 0)
    assert line["nothing_fits"] == 1  # the one that raised
    line = row_of(tables["claims"], method="l-bfgs-b[bounded]")
    assert line["success_share_wrong"] == pytest.approx(1 / 3)
    assert line["success_interval"] == "Wilson over data sets"
    crossed = tables["claims-findings"]
    line = row_of(crossed, method="bfgs[naive]", said="success")
    assert (line["maximum"], line["not_stationary"]) == (1, 1)
    assert "not stationary" in crossed.headings
    assert list(figures) == ["claims-rates"]
    assert "bfgs[naive]: 1 of its 2" in figures["claims-rates"].caption


def test_words_about_another_target_are_listed_and_not_judged(make, one_row):
    rows = [one_row("waiting", MODEL, "em", i, None, -5.0) for i in range(2)]
    rows += [
        one_row("waiting", MODEL, "cem", i, None, -9.0, "not_stationary", target="classification")
        for i in range(2)
    ]
    tables, figures, found = blocks(make(rows), "claims")
    line = row_of(tables["claims"], method="cem")
    assert (line["target"], line["success_fits"], line["success_wrong"]) == (
        "classification",
        2,
        None,
    )
    assert "maximises" in tables["claims"].headings
    assert "is not judged" in found[0].text
    assert figures["claims-rates"].caption.startswith("No claim of success was false.")
    texts = [t.get_text() for t in figures["claims-rates"].drawn[0].texts]
    assert texts == ["0/2", "2, not judged"]


def test_samplers_alone_claim_nothing(make, one_row):
    made = make([one_row("waiting", MODEL, "nuts", 0, None, -5.0, "verified", said=None)])
    assert blocks(made, "claims") == ({}, {}, [])
    assert blocks(made, "cost") == ({}, {}, [])


def test_one_method_has_no_pairs_and_no_profiles(make, one_row):
    made = make([one_row("waiting", MODEL, "em", i, None, -5.0) for i in range(3)])
    tables, _, _ = blocks(made, "waiting-gaussian-k-2-full-side-by-side")
    assert not [name for name in tables if name.endswith("-pairs")]
    assert blocks(made, "cost") == ({}, {}, [])
    _, figures, _ = blocks(made, "waiting-gaussian-k-2-full-cost")
    assert len(figures) == 1


def test_many_methods_are_paired_with_the_first_alone(make, one_row):
    rows = [
        one_row("waiting", MODEL, f"method-{m}", i, None, -5.0) for m in range(7) for i in (0, 1)
    ]
    tables, _, _ = blocks(make(rows), "waiting-gaussian-k-2-full-side-by-side")
    table = tables["waiting-gaussian-k-2-full-pairs"]
    assert {line["method"] for line in table.rows} == {"method-0"}
    assert len(table.rows) == 6
    assert "Pairs with method-0 alone" in table.caption


def test_pairs_over_replicates_have_an_error_and_no_p(make):
    tables, _, _ = blocks(make(), "two-normals-gaussian-k-2-full-side-by-side")
    table = tables["two-normals-gaussian-k-2-full-pairs"]
    assert "p" not in table.headings
    line = row_of(table, method="em")
    assert line["difference"] == pytest.approx(1 / 3)
    assert line["mcse"] == pytest.approx(1 / 3)


def test_the_registry_of_optima_weighs_its_evidence(make):
    tables, _, found = blocks(make(), "waiting-gaussian-k-2-full-optima")
    assert "9 of 12 fits ended there, from 4 of 4 starts" in found[0].text
    line = row_of(tables["waiting-gaussian-k-2-full-optima"], rank=1)
    assert line["standing"] == "global"


def test_a_value_above_that_is_no_optimum_is_told(make, one_row):
    point = json.loads(make().fits["theta"].iloc[0])
    ends = {"theta": json.dumps(point), "polished": json.dumps(point)}
    rows = [one_row("waiting", MODEL, "em", 0, None, -5.0) | ends]
    rows += [one_row("waiting", MODEL, "bfgs", 0, None, -4.0, "not_stationary")]
    _, _, found = blocks(make(rows), "waiting-gaussian-k-2-full-optima")
    assert "No fit of bfgs did." in found[0].text
    assert "1 end that no optimum explains stands above it" in found[0].text
    assert "weak evidence" in found[0].text


def test_optima_by_method_and_the_chance_of_a_new_one(make, one_row):
    good = json.loads(make().fits["theta"].iloc[0])
    poor = {**good, "means": [[50.0], [90.0]]}
    rows = []
    for i in range(6):
        end = json.dumps(poor if i == 5 else good)
        fit = one_row("waiting", MODEL, "em", i, None, -6.0 if i == 5 else -5.0)
        rows.append(fit | {"theta": end, "polished": end})
    rows.append(one_row("waiting", MODEL, "em", 6, None, -7.0, "saddle"))
    tables, _, _ = blocks(make(rows), "waiting-gaussian-k-2-full-optima")
    line = row_of(tables["waiting-gaussian-k-2-full-reached"], method="em")
    assert (line["optimum_1"], line["optimum_2"], line["none"], line["fits"]) == (5, 1, 1, 7)
    line = row_of(tables["waiting-gaussian-k-2-full-new"], method="em")
    assert (line["starts"], line["once"], line["chance"]) == (7, 1, pytest.approx(1 / 7))


def test_cost_of_each_method(make):
    tables, figures, _ = blocks(make(), "waiting-gaussian-k-2-full-cost")
    table = tables["waiting-gaussian-k-2-full-passes"]
    # paths rise as 100 exp(-passes): 1 nat at 5, 0.1 at 7, 0.01 at 10
    line = row_of(table, method="em")
    assert [line[f"median_passes_{t}"] for t in ("1", "0.1", "0.01")] == [5, 7, 10]
    line = row_of(table, method="bfgs[naive]")
    assert (line["reached_0.01"], line["fits"]) == (1, 4)
    assert line["median_passes_0.01"] == np.inf
    assert line["per_success_0.01"] == 10 + 31 + 32 + 33
    assert "∞" in table.cells()[1]
    ax = figures["waiting-gaussian-k-2-full-passes"].drawn
    assert "bfgs[naive] 1/4" in [t.get_text() for t in ax.texts]


def test_no_best_known_value_no_cost(make, one_row):
    rows = [one_row("waiting", MODEL, m, 0, None, -5.0, "saddle") for m in ("em", "bfgs", "powell")]
    assert blocks(make(rows), "waiting-gaussian-k-2-full-cost") == ({}, {}, [])
    assert blocks(make(rows), "cost") == ({}, {}, [])


def test_verdicts_near_a_threshold(make):
    tables, _, _ = blocks(make(), "margins")
    line = row_of(tables["near"], method="em")
    assert (line["test"], line["margin"], line["threshold"], line["fits"]) == (
        "stationary",
        0.8,
        1e-4,
        2,
    )
    assert line["key"] == "waiting-0-em-1"


# -- figures --------------------------------------------------------------------------------------


def curve(method, x, share, reached, fits, ended=()):
    return Curve(method, np.array(x, float), np.array(share, float), reached, fits, np.array(ended))


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_the_shares(name):
    lost = curve("bfgs[naive]", [np.nan], [0.0], 0, 4, [3.0, 7.0, 7.0, 9.0])
    ax = registry.load("figures", name)([curve("em", [2, 8], [0.5, 1.0], 4, 4), lost])
    assert ax.get_xscale() == "log"
    assert "(log scale)" in ax.get_xlabel()
    assert ax.get_ylabel() in ("share of fits", "share of problems")
    steps = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    assert len(steps) == 2
    assert steps[0].get_xdata().tolist()[:3] == [1, 2, 8]
    assert steps[0].get_ydata().tolist() == [0, 0.5, 1, 1]
    assert steps[0].get_xdata()[-1] == ax.get_xlim()[1]
    assert steps[1].get_ydata().tolist() == [0, 0]
    assert [t.get_text() for t in ax.texts] == ["em 4/4", "bfgs[naive] 0/4"]


def test_fits_that_stopped_are_strokes_on_the_curve():
    ax = registry.load("figures", "runtime-distributions")(
        [curve("em", [2, 8], [0.25, 0.5], 2, 4, [1.0, 5.0, 9.0])]
    )
    strokes = next(line for line in ax.lines if line.get_marker() == "|")
    assert strokes.get_xdata().tolist() == [1, 5, 9]
    assert strokes.get_ydata().tolist() == [0, 0.25, 0.5]


@pytest.mark.parametrize("name", STEPS)
def test_axes_given_are_drawn_on(name):
    figure, ax = style.canvas(2.0)
    assert registry.load("figures", name)([curve("em", [0.5], [1.0], 1, 1)], ax=ax) is ax
    assert ax.get_xlim()[0] <= 0.5
    assert figure.axes == [ax]


def test_forms_of_a_solver_have_lines_of_their_own():
    names = ["bfgs", "bfgs[naive]", "bfgs[bounded]", "bfgs[logsumexp]", "bfgs[unconstrained]"]
    looks = [style.look(name) for name in names]
    assert len({str(style.line(name)) for name in names}) == len(names)
    assert all(same_color(look.color, looks[0].color) for look in looks)
    assert style.line("bfgs[naive+scaled]") == style.line("bfgs[naive]")


@pytest.mark.parametrize("wanted", [[1.0] * 8, [1, 0.5, 0.5, 0.0, 0.0], [0.0] * 5, [0.3], []])
def test_names_do_not_cover_each_other(wanted):
    places = _apart(wanted, 0.1)
    gaps = -np.diff(places)
    assert (gaps >= 0.1 - 1e-12).all()
    assert all(0 <= place <= 1 for place in places)


def test_rates_of_wrong_words():
    words = [
        rates.Word("em", rates.Rate(1, 4, 0.25, 0.05, 0.7), rates.Rate()),
        rates.Word("cem", rates.Rate(np.nan, 3), rates.Rate(2, 2, 1.0, 0.34, 1.0)),
    ]
    axes = rates.draw(words)
    assert [t.get_text() for t in axes[0].texts] == ["1/4", "3, not judged"]
    assert [t.get_text() for t in axes[1].texts] == ["–", "2/2"]
    whiskers = [line.get_xdata() for line in axes[0].lines if len(line.get_xdata()) == 2]
    assert [list(x) for x in whiskers] == [[0.05, 0.7]]
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["em", "cem"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((0.1, 0.03, 0.277), "0.10 (0.03–0.28)"),
        ((None, None, None), ""),
        ((0.5, None, None), "0.50"),
    ],
)
def test_with_interval(values, shown):
    assert with_interval(*values) == shown
