"""What solvers said against what was found, and two methods from the same starts, each number by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from planted import LOWER, NAN, results, row, several, waiting

from mixcompare.errors import SpecError
from mixcompare.study.shares import mcnemar, wilson


def of(table, **where):
    for key, value in where.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_words_and_findings_crossed():
    table = results(waiting()).claimed_and_found()
    line = of(table, method="bfgs[naive]", said="success")
    assert (line["saddle"], line["maximum"], line["error"]) == (1, 1, 0)
    line = of(table, method="bfgs[naive]", said="failure")
    assert (line["saddle"], line["maximum"], line["error"]) == (0, 1, 1)
    findings = list(table.columns[table.columns.get_loc("target") + 1 :])
    assert findings == ["error", "saddle", "maximum"]
    assert table[findings].to_numpy().sum() == 8


def test_pooled_over_data_and_models():
    rows = [*waiting(), *(fit | {"data": "other"} for fit in waiting())]
    made = results(rows, {"seed": 1})
    line = of(made.claims(pooled=True), method="bfgs[naive]", said="success")
    assert (line.fits, line.sound, line.wrong, line.share_wrong) == (4, 2, 2, 0.5)
    assert line.interval == "Wilson over data sets"
    line = of(made.claims(pooled=True), method="em", said="success")
    assert (line.interval, line.lower, line.upper) == ("Wilson over data sets", *wilson(0, 2))
    line = of(made.claimed_and_found(pooled=True), method="bfgs[naive]", said="success")
    assert (line["saddle"], line["maximum"]) == (2, 2)


def test_models_of_one_data_set_are_not_two_data_sets():
    rows = [*waiting(), *(fit | {"model": "gaussian K=2 tied"} for fit in waiting())]
    line = of(results(rows).claims(pooled=True), method="bfgs[naive]", said="success")
    assert (line.interval, line.lower, line.upper) == ("Wilson", *wilson(2, 4))


@pytest.mark.parametrize("target", ["penalised", "classification"])
def test_words_about_something_else_are_not_judged(target):
    rows = [
        *several("em", ("maximum", -1.0, True, {}), target="likelihood"),
        *several(
            "other", ("not_stationary", -2.0, True, {}), ("maximum", -1.0, False, {}), target=target
        ),
    ]
    made = results(rows)
    assert made.rows["claimed"].tolist() == [True, None, None]
    assert not made.rows[["false_success", "false_failure"]].any(axis=None)
    line = of(made.claims(), method="other", said="success")
    assert (line.fits, line.sound, line.target) == (1, 0, target)
    assert np.isnan(line.wrong)
    assert np.isnan(line.share_wrong)
    line = of(made.summary(), method="other")
    assert line.said_success == 1
    assert np.isnan(line.false_success)
    assert of(made.summary(), method="em").false_success == 0
    assert made.pairs("borne_out").empty
    assert "wrong" not in " ".join(made.answer())


def test_a_table_without_targets_is_about_the_likelihood():
    assert results(waiting()).rows["target"].eq("likelihood").all()
    assert results([row("em", "saddle", -1.0, True, target=None)]).rows["false_success"].all()


def test_pairs_within_one_data_set_by_hand():
    line = of(results(waiting()).pairs())
    assert (line.method, line.other, line.pairs, line.replicates) == ("em", "bfgs[naive]", 4, 1)
    # em reached at starts 0, 1, 2; bfgs[naive] at 0
    assert (line.both, line.only_method, line.only_other, line.neither) == (1, 2, 0, 1)
    assert line.p_value == mcnemar(2, 0) == 0.5
    assert line.difference == 0.5
    assert np.isnan(line.mcse)
    line = of(results(waiting()).pairs("borne_out"))
    # em was right at all four; bfgs[naive] at 2 (narrow, but a maximum) and 3 (an error, and said so)
    assert (line.both, line.only_method, line.only_other, line.neither) == (2, 2, 0, 0)
    line = of(results(waiting()).pairs("sound"))
    assert (line.both, line.only_method, line.neither) == (2, 2, 0)


def test_pairs_over_replicates_by_hand():
    rows = []
    for replicate, lost in enumerate([0, 1, 2]):
        best = [("maximum", -1.0, True, {})] * 2
        other = [("maximum", -5.0, True, {"end": LOWER})] * lost + best[lost:]
        rows += several("em", *best, replicate=replicate)
        rows += several("bfgs", *other, replicate=replicate)
    line = of(results(rows).pairs())
    assert (line.pairs, line.replicates, line.only_method, line.only_other) == (6, 3, 3, 0)
    assert np.isnan(line.p_value)
    assert line.difference == 0.5  # of 0, 0.5, 1
    assert line.mcse == pytest.approx(0.5 / np.sqrt(3))


def test_pairs_are_of_the_same_start_and_never_of_samplers():
    rows = [
        *several("em", ("maximum", -1.0, True, {}), ("maximum", -1.0, True, {})),
        row("bfgs", "saddle", -2.0, True, start_index=1),
        row("nuts", "verified", -1.5),
    ]
    line = of(results(rows).pairs())
    assert (line.pairs, line.only_method) == (1, 1)


def test_unverified_fits_make_no_pair():
    rows = [row("em", "", -1.0, True), row("bfgs", "", -1.0, True)]
    assert results(rows).pairs().empty


@pytest.mark.parametrize("rows", [[], several("em", ("maximum", -1.0, True, {}))])
def test_no_pairs(rows):
    table = results(rows).pairs()
    assert table.empty
    assert {"method", "other", "p_value", "difference"} <= set(table.columns)


def test_empty_claims_keep_their_columns():
    assert {"method", "said", "share_wrong"} <= set(results([]).claims(pooled=True).columns)
    assert {"method", "said", "target"} <= set(results([]).claimed_and_found().columns)


def test_an_unknown_event_is_named():
    with pytest.raises(SpecError, match=r'event: expected one of .* got "reach"'):
        results(waiting()).pairs("reach")


def test_pairs_are_the_same_at_each_reading():
    rows = [row("em", "saddle" if r % 3 else "maximum", -1.0, True, replicate=r) for r in range(9)]
    rows += [row("bfgs", "maximum", -1.0, NAN, replicate=r, end=LOWER) for r in range(9)]
    first, again = results(json.loads(json.dumps(rows))), results(rows)
    pd.testing.assert_frame_equal(first.pairs(), again.pairs())
