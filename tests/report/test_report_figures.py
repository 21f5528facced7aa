import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.report import style, svg
from mixcompare.report.figures import density, findings, gaps, posterior, trajectories
from mixcompare.report.parts.curves import Fitted, densities
from mixcompare.report.tables import (
    Column,
    Table,
    counts,
    nats,
    number,
    share,
    text,
    typeset,
    with_error,
)
from mixcompare.theta import Theta


@pytest.mark.parametrize("name", registry.names("figures"))
def test_registered_figures_can_be_loaded(name):
    assert callable(registry.load("figures", name))


def test_colours_follow_the_method_whatever_its_form():
    assert (
        style.look("bfgs").color == style.look("bfgs[naive]").color == style.look("l-bfgs-b").color
    )
    assert style.look("bfgs").marker != style.look("l-bfgs-b").marker
    assert style.look("bfgs[naive]").hollow
    assert not style.look("bfgs").hollow
    hues = {style.look(m).color for m in ("em", "bfgs", "powell", "nuts", "my.module:Own")}
    assert len(hues) == 5
    assert style.FAILED not in hues
    own = dict.fromkeys(name.partition("[")[0] for name in registry.NAMES["methods"])
    assert len({style.look(method).marker for method in own}) == len(own)
    assert style.look("em+newton").color == style.look("em").color


@pytest.mark.parametrize(
    "color", [style.EM, style.QUASI_NEWTON, style.SEARCH, style.SAMPLER, style.FAILED]
)
def test_colours_can_be_read_on_white(color):
    def linear(channel):
        c = int(channel, 16) / 255
        return c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4

    r, g, b = (linear(color[i : i + 2]) for i in (1, 3, 5))
    assert 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) > 4.5


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["em", "bfgs[naive]", "bfgs"], ["em", None, "bfgs[naive]", "bfgs"]),
        (["em", "nuts"], ["em", "nuts"]),
        (["em"], ["em", None]),
        (["em, 40 iterations", "nuts", "em"], ["nuts", None, "em, 40 iterations", "em"]),
        ([], []),
        (["a[x]", "a[y]", "a", "b"], ["b", None, "a[x]", "a[y]", "a", None]),
    ],
)
def test_forms_of_a_solver_stand_together(names, expected):
    assert style.paired(names, lambda name: name) == expected


def test_svg_ids_are_numbered_and_differ_between_figures():
    ax = findings.draw([findings.Bar("em", {"maximum": 3}, {}, {})], ["maximum"], {})
    document = svg.document(ax.figure, "here", "A title & more")
    ids = re.findall(r' id="([^"]+)"', document)
    assert ids
    assert ids[0] == "here-title"
    other = svg.document(findings.draw([findings.Bar("em", {"maximum": 3}, {}, {})], ["maximum"], {})
                         .figure, "there", "")  # fmt: skip
    assert not set(ids) & set(re.findall(r' id="([^"]+)"', other))
    used = set(re.findall(r'href="#([^"]+)"', document)) | set(
        re.findall(r"url\(#([^)]+)\)", document)
    )
    assert used == set(ids[1:])
    assert "A title &amp; more" in document


def test_histogram_of_weighted_values_is_a_density():
    x, weights = np.array([0.0, 1.0, 2.0, 5.0]), np.array([5.0, 1.0, 3.0, 2.0])
    heights, edges = density.histogram(x, weights)
    assert np.sum(heights * np.diff(edges)) == pytest.approx(1)
    repeated, _ = density.histogram(np.repeat(x, weights.astype(int)), np.ones(11))
    assert np.allclose(repeated, heights)


def test_density_curve_is_the_models_density():
    model = MixtureModel("gaussian", 2)
    theta = Theta([0.4, 0.6], means=[[0.0], [3.0]], covariances=[[[1.0]], [[2.0]]])
    data = Dataset(np.linspace(-2, 6, 50))
    picture = densities(model, data, [Fitted("a", theta, components=True)])
    curve = picture.curves[0]
    assert np.allclose(np.log(curve.values), model.log_density(picture.grid[:, None], theta))
    assert np.allclose(curve.components.sum(axis=0), curve.values)
    assert density.draw(picture).get_xlabel() == "x"


def test_plane_and_patterns_have_their_own_pictures():
    rng = np.random.default_rng(0)
    theta = Theta([0.5, 0.5], means=[[0, 0], [2, 2]], covariances=[np.eye(2), np.eye(2)])
    plane = densities(
        MixtureModel("gaussian", 2), Dataset(rng.normal(size=(40, 2))), [Fitted("a", theta)]
    )
    assert plane.kind == "plane"
    density.draw(plane)
    x = (rng.random((60, 3)) < 0.5).astype(float)
    probs = Theta([0.5, 0.5], probs=[[0.2, 0.3, 0.4], [0.8, 0.7, 0.6]])
    patterns = densities(MixtureModel("bernoulli", 2), Dataset(x), [Fitted("a", probs)])
    assert patterns.kind == "patterns"
    assert patterns.curves[0].values.sum() == pytest.approx(1)  # all eight patterns occur
    density.draw(patterns)
    cube = Dataset(rng.normal(size=(40, 3)))
    wide = Theta([0.5, 0.5], means=np.zeros((2, 3)), covariances=[np.eye(3), np.eye(3)])
    assert densities(MixtureModel("gaussian", 2), cube, [Fitted("a", wide)]) is None


def test_of_many_patterns_the_most_frequent_are_drawn():
    x = np.arange(50.0).repeat(np.arange(1, 51))  # 49 comes 50 times, 0 once
    found = densities(MixtureModel("poisson", 1), Dataset(x), [Fitted("a", Theta([1], rates=[30]))])
    assert found is not None
    assert found.grid[:, 0].tolist() == list(range(18, 50))
    axes = density.draw(found)
    heights = [patch.get_height() for patch in axes.patches]
    np.testing.assert_allclose(heights, np.arange(19, 51) / len(x))
    assert "32 most frequent of 50" in axes.get_xlabel()


def test_trajectories_mark_failed_ends():
    runs = [
        trajectories.Run(np.array([1.0, 10.0]), np.array([5.0, 0.0]), True),
        trajectories.Run(np.array([1.0, 20.0]), np.array([5.0, 4.0]), False),
    ]
    axes = trajectories.draw([trajectories.Panel("em", runs)])
    marks = [line.get_marker() for line in axes.flat[0].lines]
    assert "x" in marks
    assert "o" in marks
    assert axes.flat[0].get_title(loc="right") == "1/2"
    assert axes.flat[0].get_xscale() == axes.flat[0].get_yscale() == "log"


def test_gaps_count_ends_that_agree():
    strip = gaps.Strip("em", np.array([0.0, 0.0, 1e-9, 50.0]), np.array([True, True, True, False]))
    ax = gaps.draw([strip])
    assert [t.get_text() for t in ax.texts] == ["3"]


def test_estimates_far_away_become_arrows():
    sound = posterior.Estimate(("em", "bfgs"), 1.0, 0.5, 1.5)
    far = posterior.Estimate(("powell",), 100.0, sound=False)
    axes = posterior.draw([posterior.Parameter("mean 1", [sound, far], truth=0.9)])
    assert axes.flat[0].get_xlim()[1] < 2
    assert ">" in [line.get_marker() for line in axes.flat[0].lines]
    assert [t.get_text() for t in axes.flat[0].get_yticklabels()] == ["em + 1 more", "powell"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (5e-5, "< 1e−4"), (-2.5, "−2.5"), (379.4, "379"), (None, ""), (float("nan"), "")],
)
def test_nats(value, shown):
    assert nats(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1e-8, "1.00e−8"), (-1034.0018, "−1034"), (float("inf"), "∞"), (2e7, "2.00e7"), (0.0, "0")],
)
def test_number(value, shown):
    assert number(4)(value) == shown


def test_error_decides_the_digits():
    assert with_error(0.123456, 0.0123) == "0.123 ± 0.012"
    assert with_error(0.123456, 0.000999) == "0.1235 ± 0.0010"
    assert with_error(1.0, 0.0) == "1.00 ± 0.00"
    assert with_error(0.25) == "0.25"
    assert with_error(None) == ""


def test_counts_of_findings():
    assert counts("not stationary 2, maximum 18") == [("not_stationary", "2"), ("maximum", "18")]
    assert counts("non-finite 3") == [("non_finite", "3")]
    assert counts("maximum") == [("maximum", "")]
    assert counts("not reproduced") == [("not reproduced", "")]
    assert counts(None) == []


def test_share_keeps_its_denominator():
    assert share(0, 20) == "0 of 20"
    assert share(0, 0) == "–"
    assert share(None, 3) == ""


def test_options_are_unambiguous():
    assert text({"bounds": {"means": [1, 2], "sds": [3, 4]}}) == "bounds (means [1, 2], sds [3, 4])"


def test_table_pipes_do_not_break_markdown():
    table = Table("t", "c", [Column("a", "a", text, number=False)], [{"a": "x | y"}])
    assert "x \\| y" in table.markdown()


@pytest.mark.parametrize(
    ("absolute", "relative"),
    [
        ("M 1 2 \nL 1 5 \nL 3.5 5 \nL 3 4 \nz\n", "M1 2v3h2.5l-0.5-1z"),
        ("M 0 0 \nQ 1 1 2 0 \nC 3 0 3 3 4 -4.126 \n", "M0 0q1 1 2 0c1 0 1 3 2-4.13"),
        ("M 1 1 L 2 1 M 5 5 L 5 6", "M1 1h1M5 5v1"),
        ("", ""),
    ],
)
def test_short_paths(absolute, relative):
    assert svg.short_path(absolute) == relative


def test_rounding_of_short_paths_does_not_add_up():
    steps = "".join(f"L {0.004 * k} {k}\n" for k in range(1, 1001))
    moves = [float(x) for x in re.findall(r"l(\d[\d.]*)", svg.short_path("M 0 0\n" + steps))]
    assert sum(moves) == pytest.approx(4.0, abs=0.006)


def test_groups_and_ids_that_say_nothing_are_left_out():
    document = svg.document(
        gaps.draw([gaps.Strip("em", np.array([0.0]), np.array([True]))]).figure, "a", ""
    )
    assert "<g>" not in document
    assert document.count("<g ") == document.count("</g>")
    root = ET.fromstring(document)
    assert root.tag.endswith("svg")


@pytest.mark.parametrize(
    ("plain", "printed"),
    [
        ("-1034.002 nats", "−1034.002 nats"),
        ("1e-06 and 2e-10", "1e−6 and 2e−10"),
        ("bounds [-0.5, 2.0]", "bounds [−0.5, 2.0]"),
        ("-6.730117 ± 1e-06", "−6.730117 ± 1e−6"),
        ("39, 357-365; 004-direct; l-bfgs-b; K-2", "39, 357-365; 004-direct; l-bfgs-b; K-2"),
        ("(1 - pi) q", "(1 - pi) q"),
        (None, ""),
    ],
)
def test_minus(plain, printed):
    assert typeset(plain) == printed


@pytest.mark.parametrize(
    ("unit", "label", "vertical"),
    [
        ("min", "a (min)", "density (1/min)"),
        ("km/s", "a (km/s)", "density (1/(km/s))"),
        ("log(ANC + 50)", "a (log(ANC + 50))", "density"),
        ("", "a", "density"),
    ],
)
def test_axes_carry_units(unit, label, vertical):
    data = Dataset(np.arange(20.0), columns=("a",), units=(unit,))
    theta = Theta([1.0], means=[[9.0]], covariances=[[[30.0]]])
    picture = densities(MixtureModel("gaussian", 1), data, [Fitted("one", theta)])
    ax = density.draw(picture)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (label, vertical)
    panels = density.draw_panels([("em", picture)])
    assert (panels.flat[0].get_xlabel(), panels.flat[0].get_ylabel()) == (label, vertical)
    figure = density.draw_panels([("em", picture), ("bfgs", picture)]).flat[0].figure
    assert (figure.get_supxlabel(), figure.get_supylabel()) == (label, vertical)
