"""Summary, claims and accuracy, each number by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from planted import NAN, results, row, several, waiting
from scipy.stats import binomtest

from mixcompare.study.shares import mcnemar, share_interval, share_with_error, wilson


def of(table, method, **more):
    for key, value in {"method": method, **more}.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_summary_by_hand():
    table = results(waiting()).summary()
    em, naive = of(table, "em"), of(table, "bfgs[naive]")
    assert (em.fits, em.replicates, em.verified, em.at_best) == (4, 1, 4, 3)
    assert em.share_at_best == 0.75
    assert np.isclose(em.share_at_best_mcse, np.sqrt(0.75 * 0.25 / 4))
    assert np.isclose(em.median_gap, 2.5e-5)
    assert (em.said_success, em.false_success, em.false_failure, em.met_non_finite) == (4, 0, 0, 0)
    assert (naive.fits, naive.verified, naive.at_best) == (4, 2, 1)
    assert naive.findings == "error 1, saddle 1, maximum 2"
    assert naive.median_gap == 0  # of 0, 10, -2; the error has none
    assert (naive.said_success, naive.said_failure) == (2, 2)
    assert (naive.false_success, naive.false_failure, naive.met_non_finite) == (1, 1, 2)
    assert (naive.median_passes, naive.median_seconds) == (35.0, 0.5)


def test_summary_of_failures_alone():
    line = of(results([row("em", "error"), row("em", "unsupported")]).summary(), "em")
    assert (line.fits, line.verified, line.at_best, line.share_at_best) == (2, 0, 0, 0.0)
    assert line.findings == "unsupported 1, error 1"
    assert np.isnan(line.median_gap)


def test_summary_of_a_sampler():
    rows = [
        row("em", "maximum", -100.0),
        row("nuts", "verified", -100.5),
        row("nuts", "divergences", -101.0),
    ]
    line = of(results(rows).summary(), "nuts")
    assert (line.fits, line.verified) == (2, 1)
    assert np.isnan(line.at_best)
    assert np.isnan(line.share_at_best)
    assert np.isclose(line.median_gap, 0.75)


def test_unverified_fits():
    line = of(results([row("em", "", -100.0, True)]).summary(), "em")
    assert line.findings == "not verified 1"
    assert (line.verified, line.false_success) == (0, 0)


def test_empty_tables_keep_their_columns():
    made = results([])
    for table in (
        made.summary(),
        made.claims(),
        made.accuracy(),
        made.table(),
        made.expectations(),
    ):
        assert table.empty
        assert len(table.columns) > 5


def test_share_over_replicates():
    # shares 1, 0.5, 0: mean 0.5, sd 0.5
    share, mcse = share_with_error([1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 2, 2])
    assert share == 0.5
    assert np.isclose(mcse, 0.5 / np.sqrt(3))


def test_wilson_by_hand():
    # Newcombe (1998), table I: 81 of 263 and 15 of 148
    assert np.allclose(wilson(81, 263), (0.2553, 0.3662), atol=5e-5)
    assert np.allclose(wilson(15, 148), (0.0624, 0.1605), atol=5e-5)
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0


def test_mcnemar_by_hand():
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 2**6)
    assert mcnemar(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert mcnemar(3, 3) == 1.0


def test_intervals_over_data_sets():
    rng = np.random.default_rng(0)
    share, low, high, kind = share_interval([0, 0, 1], [5, 5, 5], rng)
    assert kind == "Wilson"
    assert (low, high) == wilson(1, 3)
    share, low, high, kind = share_interval([0] * 6, [0, 0, 1, 1, 2, 2], rng)
    assert kind == "Wilson over data sets"
    assert (share, low, high) == (0.0, *wilson(0, 3))
    # all or nothing in each data set: the bootstrap knows that 240 fits are only 24 data sets
    hits, sets = np.repeat([0, 1] * 12, 10), np.repeat(np.arange(24), 10)
    share, low, high, kind = share_interval(hits, sets, rng)
    assert kind == "bootstrap over data sets"
    assert (share, low, high) == (0.5, 7 / 24, 17 / 24)  # quantiles of Binomial(24, 1/2) / 24


def test_wilson_intervals_are_scipys():
    for hits, n in [(0, 1), (1, 1), (0, 7), (7, 7), (3, 11), (150, 200)]:
        theirs = binomtest(hits, n).proportion_ci(method="wilson")
        assert wilson(hits, n) == pytest.approx((theirs.low, theirs.high), abs=1e-14)


def test_one_hit_more_widens_no_interval_over_few_data_sets():
    """1 of 23 over two data sets had the bootstrap interval 0 to 0.09 where 0 of 23 had 0 to 0.66."""
    sets = np.repeat([0, 1], [11, 12])
    rng = np.random.default_rng(0)
    uppers = [share_interval(np.arange(23) < hits, sets, rng)[2] for hits in range(24)]
    assert (np.diff(uppers) >= 0).all()


@pytest.mark.parametrize("R", [2, 5, 10, 20])
def test_intervals_over_data_sets_hold_the_chance(R):
    rng = np.random.default_rng(R)
    sets, held = np.repeat(np.arange(R), 20), 0
    for _ in range(200):
        hits = rng.random(20 * R) < np.repeat(rng.beta(0.5, 0.5, R), 20)
        _, low, high, _ = share_interval(hits, sets, rng)
        held += low <= 0.5 <= high
    assert held >= 0.9 * 200


def test_claims_by_hand():
    table = results(waiting(), {"seed": 3}).claims()
    line = of(table, "bfgs[naive]", said="success")
    assert (line.fits, line.sound, line.wrong, line.unjudged, line.share_wrong) == (2, 1, 1, 0, 0.5)
    assert (line.lower, line.upper) == wilson(1, 2)
    assert line.findings == "saddle 1, maximum 1"
    line = of(table, "bfgs[naive]", said="failure")
    assert (line.fits, line.sound, line.wrong) == (2, 1, 1)
    line = of(table, "em", said="success")
    assert (line.fits, line.wrong, line.lower) == (4, 0, 0.0)
    assert len(table) == 3


def test_claims_of_those_who_say_nothing_or_are_not_judged():
    table = results([row("nuts", "verified", -1.0), row("em", "", -1.0, True)]).claims()
    line = of(table, "nuts")
    assert line.said == "nothing"
    assert np.isnan(line.wrong)
    line = of(table, "em")
    assert (line.said, line.wrong, line.unjudged) == ("success", 0, 1)
    assert np.isnan(line.share_wrong)


def test_claims_are_the_same_at_each_reading():
    rows = [row("em", "saddle" if r % 3 else "maximum", -1.0, True, replicate=r) for r in range(24)]
    made = results(rows, {"seed": 4})
    pd.testing.assert_frame_equal(made.claims(), results(rows, {"seed": 4}).claims())
    assert made.claims()["interval"].tolist() == ["bootstrap over data sets"]


def measured(method, replicate, error, covered, loglik=-100.0, finding="maximum", **other):
    found = {
        "kl": error**2,
        "errors": {"means": [[error], [0.0]]},
        "intervals": {"wald": {"covered": {"means": [[covered], [1.0]]}}},
    }
    return row(method, finding, loglik, replicate=replicate, metrics=json.dumps(found), **other)


def test_accuracy_by_hand():
    rows = [
        measured("em", 0, 1.0, 1.0),
        measured(
            "em", 0, 9.0, 0.0, loglik=-105.0, start_index=1
        ),  # a worse start is not the answer
        measured("em", 1, 3.0, 0.0),
        measured("em", 2, 50.0, None, finding="singular", loglik=90.0),  # no estimate
        row("em", "error", replicate=3),
    ]
    table = results(rows).accuracy()

    def line(metric, component=""):
        part = table[
            (table["metric"] == metric) & (table["component"].astype(str) == str(component))
        ]
        assert len(part) == 1
        return part.iloc[0]

    bias = line("bias", 1)
    assert (bias.parameter, bias["index"], bias.estimate, bias.n_used, bias.n_planned) == (
        "means",
        "1",
        2.0,
        2,
        4,
    )
    assert np.isclose(bias.mcse, 1.0)  # sd of 1 and 3 is sqrt 2; / sqrt 2
    assert np.isclose(line("rmse", 1).estimate, np.sqrt(5))
    assert np.isclose(
        line("rmse", 1).mcse, 4.0 / (2 * np.sqrt(5))
    )  # sd of 1 and 9 is 4 sqrt 2; / sqrt 2
    assert line("coverage", 1).estimate == 0.5
    assert line("coverage", 2).estimate == 1.0
    assert (line("kl").estimate, line("kl").mcse) == (5.0, 4.0)


def test_accuracy_prefers_ends_that_are_not_narrow():
    rows = [
        measured("em", 0, 5.0, 1.0, loglik=-98.0, narrow=True),
        measured("em", 0, 1.0, 1.0, start_index=1),
    ]
    table = results(rows).accuracy()
    assert table.loc[table["metric"] == "kl", "estimate"].tolist() == [1.0]


def test_a_method_that_never_got_anywhere_keeps_its_denominator():
    rows = [measured("em", r, 1.0, 1.0) for r in (0, 1)] + [
        row("powell", "error", replicate=r) for r in (0, 1)
    ]
    table = results(rows).accuracy()
    lost = table[table["method"] == "powell"]
    assert set(lost["metric"]) >= {"bias", "rmse", "kl", "coverage"}
    assert (lost["n_used"] == 0).all()
    assert (lost["n_planned"] == 2).all()
    assert lost["estimate"].isna().all()


def test_intervals_of_each_kind_have_lines_of_their_own():
    def cell(wald, profile):
        kinds = {"wald": wald, "profile": profile}
        return {
            kind: {"covered": {"means": [[held]]}, "width": {"means": [[width]]}}
            for kind, (held, width) in kinds.items()
            if held is not None
        }

    rows = [
        row("em", "maximum", -1.0, replicate=r, metrics=json.dumps({"kl": 1.0, "intervals": kinds}))
        for r, kinds in enumerate(
            [
                cell((1.0, 2.0), (1.0, None)),
                cell((0.0, 4.0), (1.0, 5.0)),
                cell((1.0, 3.0), (None, 0)),
            ]
        )
    ]
    table = results(rows).accuracy().set_index(["metric", "kind"])
    assert table.loc[("coverage", "wald"), ["estimate", "n_used", "n_planned"]].tolist() == [
        2 / 3,
        3,
        3,
    ]
    assert table.loc[("coverage", "profile"), ["estimate", "n_used"]].tolist() == [1.0, 2]
    assert table.loc[("width", "wald"), ["estimate", "n_used"]].tolist() == [3.0, 3]
    # one profile is open, one was refused: neither has a width
    assert table.loc[("width", "profile"), ["estimate", "n_used"]].tolist() == [5.0, 1]
    assert table.loc[("kl", ""), "estimate"] == 1.0


def predicted(method, replicate, **values):
    named = {name.replace("_", " " if "post" in name else "-"): v for name, v in values.items()}
    cell = json.dumps({"predictive": named})
    finding = "verified" if len(values) > 1 else "maximum"
    return row(method, finding, -1.0, replicate=replicate, metrics=cell)


def test_predictive_differences_are_paired_over_replicates():
    rows = [
        *(
            predicted("nuts", r, plug_in=v - 1, posterior_predictive=v + 1)
            for r, v in enumerate([1, 5])
        ),
        *(predicted("em", r, plug_in=v) for r, v in enumerate([1, 5, 9])),
        *(predicted("bfgs", r, plug_in=v) for r, v in enumerate([2, 5, None])),
    ]
    table = results(rows).predictive().set_index(["method", "density"])
    em = table.loc[("em", "plug-in")]
    assert (em.estimate, em.n_used, em.n_planned, em.than, em.n_pairs) == (5.0, 3, 3, "", 0)
    assert np.isnan(em.difference)
    drawn = table.loc[("nuts", "posterior predictive")]
    # on each replicate one nat above em's, whatever em's was: the difference has no error left
    assert (drawn.than, drawn.difference, drawn.difference_mcse, drawn.n_pairs) == (
        "em",
        1.0,
        0.0,
        2,
    )
    assert np.isclose(drawn.mcse, 2.0)  # sd of 2 and 6 is sqrt 8; / sqrt 2
    assert table.loc[("nuts", "plug-in"), "difference"] == -1.0
    bfgs = table.loc[("bfgs", "plug-in")]
    assert (bfgs.estimate, bfgs.n_used, bfgs.n_planned) == (3.5, 2, 3)
    assert (bfgs.difference, bfgs.difference_mcse, bfgs.n_pairs) == (0.5, 0.5, 2)
    assert results(waiting()).predictive().empty
    asked = {"quantity": "predictive_difference", "where": {"method": "nuts", "density": "plug-in"}}
    found = results(rows, {"expect": [{**asked, "value": -1.0, "tolerance": 1e-9}]}).expectations()
    assert found["status"].tolist() == ["reproduced"]


def test_accuracy_of_real_data_is_empty():
    assert results(waiting()).accuracy().empty


def test_the_table_of_fits():
    table = results(waiting()).table()
    assert len(table) == 8
    assert table["message"].tolist()[-1] == "ValueError: no"
    assert {"gap", "finding", "said", "key", "start"} <= set(table.columns)


@pytest.mark.parametrize("replicates", [1, 2])
def test_several_starts_in_a_replicate(replicates):
    rows = [
        r
        for k in range(replicates)
        for r in several("em", ("maximum", -1.0, True, {}), ("saddle", -2.0, NAN, {}), replicate=k)
    ]
    line = of(results(rows).summary(), "em")
    assert line.share_at_best == 0.5
    assert line.share_at_best_mcse == (0.0 if replicates == 2 else np.sqrt(0.125))
