"""What relates rows: best known, gap, reached, wrong words, distinct optima."""

import json

import numpy as np
import pandas as pd
import pytest
from planted import BEST, LOWER, NAN, NARROW, results, row, several, swapped, theta, waiting

from mixcompare.study.optima import OPTIMA_COLUMNS
from mixcompare.theta import Theta


def test_best_known_gap_and_reached():
    rows = results(waiting()).rows
    assert (rows["best_known"] == -100.0).all()  # neither the narrow -98 nor the saddle
    assert np.allclose(rows["gap"], [0, 5e-5, 0, 3, 0, 10, -2, NAN], equal_nan=True)
    assert rows["reached"].tolist() == [True, True, True, False, True, False, False, False]


def test_reached_is_within_a_thousandth():
    ends = [("maximum", v, True, {}) for v in (-100.0, -100.0009, -100.0011)]
    assert results(several("em", *ends)).rows["reached"].tolist() == [True, True, False]


def test_the_polished_value_decides_and_the_own_value_is_the_gap():
    rows = results([row("em", "maximum", -100.002, polished_loglik=-100.0)]).rows
    assert rows["best_known"][0] == -100.0
    assert np.isclose(rows["gap"][0], 0.002)
    assert rows["reached"][0] is True


def test_best_known_is_of_the_same_data_replicate_and_model():
    rows = [
        row("em", "maximum", -100.0),
        row("em", "maximum", -90.0, replicate=1),
        row("em", "maximum", -80.0, model="gaussian K=2 tied"),
        row("em", "maximum", -70.0, data="other"),
        row("bfgs", "not_stationary", -101.0),
    ]
    assert results(rows).rows["best_known"].tolist() == [-100, -90, -80, -70, -100]


@pytest.mark.parametrize(
    "finding", ["unsupported", "error", "non_finite", "out_of_domain", "singular"]
)
def test_no_end_no_gap(finding):
    rows = results([row("em", "maximum", -100.0), row("bfgs", finding, 50.0)]).rows
    assert np.isnan(rows["gap"][1])
    assert rows["best_known"][1] == -100.0


def test_an_infinite_value_is_never_the_best():
    rows = results([row("em", "maximum", -100.0), row("bfgs", "maximum", float("inf"))]).rows
    assert rows["best_known"].tolist() == [-100.0, -100.0]


def test_wrong_words():
    cases = [
        ("maximum", True, (False, False)),
        ("boundary", True, (False, False)),
        ("ridge", True, (False, False)),
        ("duplicate", True, (True, False)),
        ("saddle", True, (True, False)),
        ("singular", True, (True, False)),
        ("maximum", False, (False, True)),
        ("saddle", False, (False, False)),
        ("maximum", None, (False, False)),
        ("", True, (False, False)),  # not verified
        ("unsupported", None, (False, False)),
    ]
    rows = results([row("m", finding, -1.0, said) for finding, said, _ in cases]).rows
    assert list(zip(rows["false_success"], rows["false_failure"], strict=True)) == [
        w for *_, w in cases
    ]


def test_missing_words_in_any_dress():
    rows = results(
        [row("m", "maximum", -1.0, said) for said in (True, None, NAN, pd.NA, np.False_)]
    ).rows
    assert rows["said"].tolist() == [True, None, None, None, False]


def test_samplers_reach_nothing():
    rows = [
        row("em", "maximum", -100.0, True),
        row("nuts", "verified", -100.4),
        row("nuts", "error", NAN, False, replicate=1),
    ]
    found = results(rows).rows
    assert found["sampler"].tolist() == [False, True, True]
    assert found["reached"].tolist() == [True, None, None]
    assert np.isclose(found["gap"][1], 0.4)
    assert found["sound"].tolist() == [True, True, False]


def test_a_label_takes_the_methods_place():
    rows = results(
        [row("em", "maximum", -1.0, label="EM, by hand"), row("em", "maximum", -1.0, label=None)]
    )
    assert rows.rows["method"].tolist() == ["EM, by hand", "em"]


def test_rows_are_not_changed():
    made = results(waiting())
    before = made.fits.copy()
    made.rows, made.summary(), made.optima(), made.claims(), made.sentences()
    pd.testing.assert_frame_equal(made.fits, before)


def test_distinct_optima():
    table = results(waiting()).optima()
    assert list(table.columns) == OPTIMA_COLUMNS
    assert table["loglik"].tolist() == [-98.0, -100.0, -103.0]
    assert table["standing"].tolist() == ["local", "global", "local"]
    assert table["narrow"].tolist() == [True, False, False]
    assert table["gap"].tolist() == [-2.0, 0.0, 3.0]
    assert table["starts_reaching"].tolist() == [1, 3, 1]  # starts 0, 1, 2; start 0 by two methods
    assert table["methods"].tolist() == [{"bfgs[naive]": 1}, {"em": 3, "bfgs[naive]": 1}, {"em": 1}]
    assert table["theta"][1] == Theta.from_dict(BEST)
    assert table["theta"][0] == Theta.from_dict(NARROW)


def test_labels_make_no_new_optimum_but_another_density_does():
    rows = several(
        "em",
        ("maximum", -100.0, True, {}),
        ("maximum", -100.0, True, {"end": swapped(BEST)}),
        ("maximum", -100.0, True, {"end": LOWER}),
    )
    assert results(rows).optima()["starts_reaching"].tolist() == [2, 1]


def test_the_loglik_tells_optima_apart_too():
    rows = several("em", ("maximum", -100.0, True, {}), ("maximum", -100.0002, True, {}))
    assert len(results(rows).optima()) == 2


def test_without_the_data_the_loglik_decides_alone():
    rows = several("em", ("maximum", -100.0, True, {}), ("maximum", -100.0, True, {"end": LOWER}))
    assert len(results(rows, data={}).optima()) == 1


def test_a_replicate_without_data_is_told_apart_at_the_first_ones():
    rows = several(
        "em", ("maximum", -1.0, True, {}), ("maximum", -1.0, True, {"end": LOWER}), replicate=7
    )
    assert len(results(rows).optima()) == 2


def test_a_ridge_is_one_optimum():
    """Different parameters, the same density: three coins."""
    x = np.array([1, 1, 0, 1, 0, 0, 1, 0, 1, 1.0])
    from mixcompare.data import Dataset

    ends = [
        {"weights": [w, 1 - w], "probs": [[p], [(0.6 - w * p) / (1 - w)]]}
        for w, p in ((0.5, 0.5), (0.3, 0.4))
    ]
    ends.append({"weights": [0.4, 0.6], "probs": [[0.0], [1.0]]})
    rows = several(
        "em",
        ("ridge", -6.730117, True, {"end": ends[0]}),
        ("ridge", -6.730117, True, {"end": ends[1]}),
        ("boundary", -6.730117, True, {"end": ends[2]}),
        family="bernoulli",
        model="bernoulli K=2",
    )
    table = results(rows, data={("planted", 0): Dataset(x)}).optima()
    assert table["finding"].tolist() == ["ridge"]
    assert table["starts_reaching"].tolist() == [3]


def test_the_end_itself_stands_in_where_nothing_was_polished():
    rows = [row("em", "maximum", -100.0, polished=None, polished_loglik=NAN)]
    assert results(rows).optima()["loglik"].tolist() == [-100.0]


def test_only_narrow_optima():
    table = results([row("em", "maximum", -98.0, end=NARROW, narrow=True)]).optima()
    assert table["standing"].tolist() == ["local"]
    assert np.isnan(table["gap"][0])


def test_no_optimum_and_no_rows():
    for made in (results([row("em", "saddle", -5.0), row("em", "error")]), results([])):
        assert list(made.optima().columns) == OPTIMA_COLUMNS
        assert made.optima().empty
    assert results([]).rows.empty


def test_cells_may_be_read_already():
    rows = [row("em", "maximum", -100.0, polished=BEST, theta=theta())]
    assert results(rows).optima()["theta"][0] == Theta.from_dict(BEST)
    assert json.loads(json.dumps(BEST)) == BEST
