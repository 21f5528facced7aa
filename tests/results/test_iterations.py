import json

import numpy as np
import pandas as pd
import pytest
from kept_histories import cells, em, geyser, heights, history, lines
from planted import results, row

from mixcompare.study import iterations
from mixcompare.study.iterations import plateaus, printed

STUDY = {
    "method": [{"name": "em"}, {"name": "em", "label": "em, 40"}, {"name": "squarem"}],
}


def kept(data, *runs):
    """Results of runs (method, start, loglik, points, other cells), all with a history."""
    rows, tables = [], []
    for k, (method, start, loglik, points, more) in enumerate(runs):
        finding = more.pop("finding", "maximum")
        rows.append(row(method, finding, start_index=start, **cells(points, loglik, **more)))
        tables.append(lines(f"key{k}", loglik, points))
    found = results(rows, STUDY, data={("planted", 0): data})
    found.histories = pd.concat(tables, ignore_index=True)
    return found


@pytest.fixture(scope="module")
def faithful():
    data, start = geyser()
    return data, *em(data, start, 50)


@pytest.fixture(scope="module")
def davis():
    data, start = heights()
    return data, *em(data, start, 480)


# -- plateaus -------------------------------------------------------------------------------------


def test_the_plateau_of_the_geyser(faithful):
    _, loglik, _ = faithful
    assert loglik[30] == pytest.approx(-538.8634257, abs=1e-6)  # reference: 004-faithful
    (found,) = plateaus(history(loglik))
    assert (found.first, found.last, found.length) == (2, 30, 29)
    assert found.gained == pytest.approx(loglik[30] - loglik[1])
    assert found.later == pytest.approx(loglik[50] - loglik[30])
    assert found.smallest == pytest.approx(np.diff(loglik)[15])
    assert found.fooled == pytest.approx(0.1)
    assert np.diff(loglik)[found.first - 1 : found.last].min() < found.fooled


def test_slow_convergence_is_no_plateau():
    assert plateaus(history(-100 * 0.995 ** np.arange(1000))) == []
    assert plateaus(history([-5.0])) == []
    assert plateaus(history([np.nan, np.nan])) == []


def test_the_plateau_of_the_heights(davis):
    (found,) = plateaus(history(davis[1]))
    assert found.fooled == pytest.approx(0.01)
    assert found.last < 40
    assert found.later > 1


def test_less_than_a_nat_to_come_is_convergence():
    rises = np.concatenate([-0.9 + 1e-4 * np.arange(20), [-0.5, -0.1, 0.0]])
    assert plateaus(history(rises)) == []
    (found,) = plateaus(history(3 * rises))
    assert (found.first, found.last) == (1, 19)


def test_a_thinned_history_has_the_same_plateau(faithful):
    _, loglik, _ = faithful
    steps = np.array([0, 1, *range(3, 51, 3), 50])
    (found,) = plateaus(history(loglik[steps], steps=steps))
    assert (found.first, found.last) == (2, 30)
    assert found.smallest == pytest.approx((loglik[18] - loglik[15]) / 3, rel=0.05)


def test_worse_evaluations_do_not_count(faithful):
    _, loglik, _ = faithful
    worse = np.stack([loglik, loglik - 1000, np.full(51, -np.inf)], axis=1).ravel()
    (found,) = plateaus(history(worse))
    assert (found.first, found.last) == (4, 93)  # of gains a third as large


def test_a_start_beside_a_saddle_leaves_it_late():
    rises = -100 + 1e-9 * np.exp(0.1 * np.arange(200))
    loglik = np.concatenate([rises, [-99, -80, -40, -10, -1, 0]])
    (found,) = plateaus(history(loglik))
    assert found.first == 1
    assert found.last > 190
    assert found.fooled < 1e-6


def test_differences_taken_for_a_gradient_are_no_plateau():
    steps = [-100.0, -60.0, -30.0, -10.0, -2.0, 0.0]
    probes = [value + 1e-8 * k for value in steps for k in range(10)]
    assert plateaus(history(probes)) == []


def test_a_search_is_on_a_plateau_where_its_better_points_are(faithful):
    _, loglik, _ = faithful
    worse = np.stack([loglik, loglik - 1000, np.full(51, -np.inf)], axis=1).ravel()
    (found,) = plateaus(history(worse), "evaluation")
    assert (found.first, found.last) == (4, 90)
    waiting = [-100.0, *[-200.0] * 30, -99.9, *[-200.0] * 30, -50.0, -10.0, 0.0]
    assert plateaus(history(waiting), "evaluation") == []  # it searched, and then gained at once


def test_a_slope_is_no_plateau():
    slope = np.arange(-150, -50, 0.05)  # 100 nats, and 50 that come faster
    assert plateaus(history([*slope, -20.0, 0.0])) == []


def test_gains_that_no_rule_would_stop_at_are_no_plateau():
    assert plateaus(history([*np.arange(-1000, -990, 1.0), -500.0, -200.0, 0.0])) == []


# -- what was printed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ([np.nan, -3.0, -2.0, -1.0], "same"),
        ([np.nan, -3.0 + 1e-9, np.nan, -1.0], "same"),
        ([np.nan, -4.0, -3.0, -2.0], "before"),
        ([np.nan, 224.0, 225.0, 226.0], "other"),
        ([-4.0, -3.0, -2.0, -1.5], "other"),
    ],
)
def test_printed_values_are_compared_with_the_log_likelihood(said, what):
    found = printed(history([-4.0, -3.0, -2.0, -1.0], said=said))
    assert found is not None
    assert found.what == what


def test_the_worst_printed_value_is_named():
    found = printed(history([-4.0, -3.0, -2.0], said=[np.nan, 5.0, 7.0]))
    assert found is not None
    assert (found.step, found.said, found.loglik) == (2, 7.0, -2.0)
    assert printed(history([-4.0, -3.0])) is None


# -- the table ------------------------------------------------------------------------------------


def test_every_parameter_of_every_step_as_people_read_it(davis):
    data, loglik, points = davis
    table = kept(data, ("em", 2, loglik[:41], points[:41], {})).iterations()
    assert list(table) == list(iterations.COLUMNS)
    assert set(table["parameter"]) == {"weights", "means", "sds"}
    assert len(table) == 41 * 6
    assert set(table["start"]) == {2}
    last = table[table["step"] == 40].set_index(["parameter", "component", "index"])["value"]
    for name, values in {  # reference: 002-davis_heights, second start after 40 iterations
        "means": (163.7118168, 173.3519565),
        "sds": (4.683273866, 8.711095931),
        "weights": (0.2890991842, 0.7109008158),
    }.items():
        for component, value in enumerate(values, 1):
            assert last[name, component, 1] == pytest.approx(value, rel=1e-8)
    start = table[(table["step"] == 0) & (table["parameter"] == "means")]["value"]
    assert start.tolist() == [160, 170]  # components are those of the end


def test_two_features_have_correlations(faithful):
    data, loglik, points = faithful
    table = kept(data, ("em", 0, loglik, points, {})).iterations()
    sizes = table[table["step"] == 50].groupby("parameter").size()
    assert sizes.to_dict() == {"weights": 2, "means": 4, "sds": 4, "correlations": 2}
    assert table["said"].isna().all()


def test_results_without_histories_have_an_empty_table():
    found = results([row("em", "maximum", -100.0)])
    assert list(found.iterations()) == list(iterations.COLUMNS)
    assert found.iterations().empty
    assert not any("plateau" in sentence for sentence in found.sentences())


def test_a_step_is_an_iteration_where_the_method_counts_as_many(davis):
    data, loglik, points = davis
    few, some = loglik[:9], points[:9]
    runs = [
        ("em", 0, few, some, {}),
        ("squarem", 0, few, some, {"said_counts": json.dumps({"iterations": 3})}),
        ("bfgs", 0, few, some, {"said_counts": json.dumps({"nit": 8})}),
        ("em", 1, few, some, {"passes": 17.0}),
        ("em", 2, few, some, {"said_counts": json.dumps({"iterations": 7}), "passes": 8.0}),
        ("prints", 0, few, some, {"said_counts": None, "said_values": json.dumps([1.0] * 8)}),
    ]
    found = kept(data, *runs).runs.values()
    assert [run.unit for run in found] == [
        *("iteration", "evaluation", "evaluation"),
        *["iteration"] * 3,
    ]


# -- words ----------------------------------------------------------------------------------------


def about(found, word):
    return [sentence for sentence in found.sentences() if word in sentence]


def test_a_plateau_in_words(faithful):
    data, loglik, points = faithful
    short = {"finding": "not_stationary"}
    found = kept(
        data, ("em", 0, loglik, points, {}), ("em, 40", 0, loglik[:41], points[:41], short)
    )
    (sentence,) = about(found, "plateau")
    assert sentence == (
        "planted: em sat on a plateau near -542 nats for 29 iterations (2 to 30), gaining 4.12 nats, and "
        "then gained 153 more; a rule that stops at gains below 0.1 nats would have stopped there."
    )


def test_starts_are_named_where_there_are_several(faithful):
    data, loglik, points = faithful
    found = kept(data, *[("em", k, loglik, points, {}) for k in range(3)])
    (sentence,) = about(found, "plateau")
    assert sentence.startswith("planted: from start 0 em sat on a plateau")
    assert sentence.endswith(
        "would have stopped there; both runs from other starts met a plateau too."
    )


def test_the_most_costly_plateau_is_told(faithful):
    data, loglik, points = faithful
    waited = np.concatenate([loglik[:15], [loglik[15]] * 20 + 0.001 * np.arange(20), loglik[16:]])
    long = ("em", 1, waited, [*points[:15], *[points[15]] * 20, *points[16:]], {})
    (sentence,) = about(kept(data, ("em", 0, loglik, points, {}), long), "plateau")
    assert "from start 1" in sentence
    assert "for 48 iterations" in sentence
    assert sentence.endswith("the run from the other start met a plateau too.")


def test_no_rule_stops_at_an_evaluation_and_no_plateau_where_values_mean_nothing(faithful):
    data, loglik, points = faithful
    search = ("bfgs", 0, loglik, points, {"said_counts": "{}"})
    (sentence,) = about(kept(data, search), "plateau")
    assert "for 29 evaluations" in sentence
    assert "a rule" not in sentence
    lost = ("em", 0, loglik, points, {"finding": "singular"})
    assert not about(kept(data, lost), "plateau")


def test_stopped_early_in_words(davis):
    data, loglik, points = davis
    long = ("em", 1, loglik, points, {})
    short = ("em, 40", 1, loglik[:41], points[:41], {"finding": "not_stationary"})
    (sentence,) = about(kept(data, long, short), "no optimum")
    assert sentence == (
        'planted: "em, 40" stopped after 40 iterations from start 1 at no optimum, but 0.906 nats below '
        "where em ends from the same start (480 iterations); farthest from its end was weight 1, 0.289 in "
        "place of 0.150."
    )
    elsewhere = ("em", 0, loglik, points, {})
    assert not about(kept(data, elsewhere, short), "no optimum")  # another start
    other = ("squarem", 1, loglik, points, {})
    assert not about(kept(data, other, short), "no optimum")  # another method


def test_what_was_printed_in_words(davis):
    data, loglik, points = davis
    wrong = {"said_values": json.dumps([200.0 + k for k in range(8)])}
    found = kept(data, ("em", 0, loglik[:9], points[:9], wrong))
    (sentence,) = about(found, "printed")
    assert sentence.startswith("planted: what em printed is not the log-likelihood of these param")
    assert "207.000 against" in sentence
    assert "at iteration 8" in sentence
    before = {"said_values": json.dumps(loglik[:8].tolist())}
    (sentence,) = about(kept(data, ("em", 0, loglik[:9], points[:9], before)), "printed")
    assert "is the log-likelihood of the parameters before it" in sentence
    right = {"said_values": json.dumps(loglik[1:9].tolist())}
    assert not about(kept(data, ("em", 0, loglik[:9], points[:9], right)), "printed")


def test_the_plateau_of_the_film_is_in_the_answer(faithful):
    data, loglik, points = faithful
    found = kept(data, ("em", 0, loglik, points, {}), ("squarem", 0, loglik[:4], points[:4], {}))
    assert not any("plateau" in text for text in found.answer())
    found.study = {**STUDY, "animate": {"data": "planted", "method": "em", "start": 0}}
    first = found.answer()[0]
    assert first.startswith(
        "Planted: em sat on a plateau near -542 nats for 29 iterations (2 to 30)"
    )
    assert "other start" not in first
    found.study["animate"]["method"] = "squarem"
    assert not any("plateau" in text for text in found.answer())
