"""The rules that every figure keeps, on figures that break them and on data that are hard to draw."""

import numpy as np
import pytest
from figure_rules import faults
from matplotlib.figure import Figure

from mixcompare.report import style, words
from mixcompare.report.figures import (
    ascent,
    density,
    findings,
    gaps,
    histories,
    loglik_posterior,
    posterior,
    prior_posterior,
    quantiles,
    ridge,
    trajectories,
)
from mixcompare.study.predictive_check import Feature


def broken(change):
    figure = Figure(figsize=(4, 3), layout="constrained")
    ax = figure.subplots()
    ax.set(xlabel="x", ylabel="y")
    line = ax.plot([0, 1], [0, 1], label="line")[0]
    change(ax, line)
    return faults(figure)


def test_a_figure_in_order_has_no_fault():
    assert broken(lambda ax, _: ax.legend(loc="upper left")) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ax, _: [ax.text(0.5, 0.5, "one"), ax.text(0.52, 0.5, "two")], 'covers "two"'),
        (lambda ax, _: ax.annotate("a very long name", (0.95, 0.5), in_layout=False), "is cut off"),
        (lambda ax, _: ax.set_xlabel(""), "horizontal axis without a label"),
        (lambda ax, _: ax.set_ylabel(""), "vertical axis without a label"),
        (lambda ax, _: ax.legend(loc="center"), "a key covers data (line line)"),
        (lambda ax, _: [ax.bar([0.5], [1]), ax.legend(loc="lower center")], "covers data (area"),
        (
            lambda ax, _: [ax.scatter([0.1, 0.2], [0.9, 0.95]), ax.legend(loc="upper left")],
            "a key covers data (points)",
        ),
    ],
)
def test_broken_rules_are_noticed(change, said):
    assert any(said in fault for fault in broken(change))


LONG = "l-bfgs-b[bounded+logsumexp+scaled]"
LINE = np.linspace(0, 1, 20)


def bars():
    counts = [
        {"maximum": 389, "saddle": 6},
        {"maximum": 125, "saddle": 3, "not_stationary": 224, "singular": 37},
    ]
    rows = [findings.Bar(LONG, said, {"singular": 2, "maximum": 5}, {}) for said in counts]
    return findings.draw(rows, list(words.FINDINGS), words.SHORT)


def heaps():
    """Three heaps of sound and failed ends near each other, as nelder-mead[naive] leaves them."""
    near = np.repeat([1.6e-5, 3e-5, 1.5e-4, 900.0], [159, 34, 7, 3])
    rows = [gaps.Strip(LONG, near, near < 1e-4), gaps.Strip("em", np.zeros(203), near < 1)]
    return gaps.draw(rows * 2)


def panels(*names):
    run = trajectories.Run(np.array([1.0, 150.0]), np.array([1000.0, 0.0]), True)
    return trajectories.draw([trajectories.Panel(name, [run], (200, 200)) for name in names])


def estimates():
    names = [f"correlation (Fisher z) {k}, eruptions, waiting" for k in (1, 2)]
    wald = posterior.Estimate(("em",), 0.3, 0.1, 0.5)
    return posterior.draw([posterior.Parameter(name, [wald]) for name in names])


def logliks():
    below = np.random.default_rng(0).gamma(2, size=400)
    drawn = [loglik_posterior.Drawn(name, -below) for name in ("nuts, flat, free", "gibbs")]
    return loglik_posterior.draw(drawn, 0.0, 4)


def priors():
    wide = np.random.default_rng(0).normal(size=900)
    return prior_posterior.draw(
        [prior_posterior.Compared("weight", wide, 0.5 * wide)] * 3, "nuts, uniform prior"
    )


def points():
    rng, grid = np.random.default_rng(0), np.linspace(0, 1, 4)
    methods = (LONG, "em", "em[penalised]", "powell[naive]")
    names = ["probability 1", "probability 2", "weight 1"]
    made = [ridge.Points(method, rng.random((5, 3))) for method in methods]
    return ridge.draw(ridge.Ridge(names, made, grid, grid))


def climbs():
    up = -np.geomspace(9, 1e-3, 20)
    return ascent.draw([ascent.Climb(m, np.arange(20), up) for m in ("em, one step", "em", LONG)])


def patterns():
    x = np.array([[0.0], [1.0]])
    curves = [
        density.Curve(f"nuts, {prior}, ordered, posterior mean", np.array([0.4, 0.6]), style.SAMPLER, "--")
        for prior in ("weak", "flat")
    ]  # fmt: skip
    return density.draw(density.Densities("patterns", ("y",), x, np.array([4.0, 6.0]), x, curves))


def features(n):
    x = np.sort(np.random.default_rng(0).normal(size=30))
    return [
        Feature(name, "min", x, np.ones(30), x[::-1], x, x, x - 1, x + np.where(x > 1, -0.1, 1), 0.5, ())
        for name in "ab"
    ][:n]  # fmt: skip


def runs():
    rng = np.random.default_rng(0)
    lines = [
        histories.Line(k, start, np.arange(200), np.exp(rng.normal(size=200) + 20 * (start == 3)))
        for k in range(4)
        for start in range(11)
    ]
    shown = [histories.Panel(name, lines) for name in ("weight", "sd (cm)")]
    return histories.draw(histories.Histories("em", "iteration", shown))


@pytest.mark.parametrize(
    "draw",
    [
        bars,
        heaps,
        lambda: panels(LONG, "l-bfgs-b", "em, 40 iterations"),
        lambda: panels(LONG),
        estimates,
        logliks,
        priors,
        points,
        climbs,
        patterns,
        lambda: quantiles.draw(features(1)),
        lambda: quantiles.draw(features(2)),
        lambda: quantiles.draw_sampled(features(2)),
        runs,
    ],
)
def test_figures_that_are_hard_to_draw_keep_the_rules(draw):
    assert faults(style.figure_of(draw())) == []


def test_numbers_stand_in_bars_that_have_room():
    shown = {text.get_text() for text in bars().texts}
    assert {"389", "125", "224"} <= shown
    assert not {"6", "3", "2"} & shown


def test_ends_that_nearly_agree_are_one_number():
    assert [text.get_text() for text in heaps().texts][:3] == ["193", "7", "3"]


def test_of_many_starts_no_mark_stands_for_two():
    drawn = runs()
    key = drawn.flat[0].get_figure().legends[0]
    assert [t.get_text() for t in key.get_texts()] == [f"component {k}" for k in (1, 2, 3, 4)]


def test_a_stray_run_does_not_hide_the_others():
    second = runs().flat[1]
    assert second.get_yscale() == "log"
    assert second.get_title(loc="left") == "sd (cm), log scale"


def test_curves_of_one_sampler_are_told_apart():
    curves = [density.Curve(name, LINE, style.SAMPLER, "--") for name in "ab"]
    ax = density.draw(density.Densities("line", ("x",), LINE[:, None], np.ones(20), LINE, curves))
    assert len({repr(line._dash_pattern) for line in ax.lines}) == 2


def test_contours_of_one_sampler_are_told_apart():
    plane = np.stack(np.meshgrid(LINE, LINE))
    hill = np.exp(-((plane - 0.5) ** 2).sum(axis=0))
    curves = [density.Curve(name, hill, style.SAMPLER, "--") for name in "ab"]
    x = np.stack([LINE, LINE], axis=1)
    ax = density.draw(density.Densities("plane", ("x", "y"), x, np.ones(20), plane, curves))
    assert faults(ax.figure) == []
    assert len({repr(line._dash_pattern) for line in ax.lines}) == 2


@pytest.mark.parametrize(
    ("column", "unit", "label"),
    [("waiting", "min", "waiting (min)"), ("height_cm", "cm", "height (cm)"), ("x", "", "x")],
)
def test_a_unit_is_said_once(column, unit, label):
    assert words.labelled(column, unit) == label


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("em", "em"),
        ("em[old-means], 200 iterations", "em[old-means],\n200 iterations"),
        (LONG, "l-bfgs-b[bounded+\nlogsumexp+scaled]"),
    ],
)
def test_long_names_take_two_lines(text, shown):
    assert style.broken(text, 22) == shown


@pytest.mark.parametrize("low", [-2.62, -0.0262, 0.99981, -123.4, 5e-8])
@pytest.mark.parametrize("label", ["em", "l-bfgs-b[bounded]"])
def test_numbers_under_estimates_stay_apart(low, label):
    for width in np.abs(low) * np.geomspace(1e-3, 1, 12):
        one = posterior.Estimate((label,), low + width / 2, low, low + width)
        axes = posterior.draw([posterior.Parameter(f"mean {k}", [one]) for k in range(4)])
        assert faults(axes.flat[0].figure) == []
