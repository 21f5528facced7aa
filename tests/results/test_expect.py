"""Expectations: quantities, limits, names, and what has no answer."""

import json

import numpy as np
import pytest
from planted import BEST, NAN, results, row, several, waiting

from mixcompare import registry
from mixcompare.errors import SpecError
from mixcompare.study.expect import QUANTITIES, check, check_names, each, find


def value(made, quantity, **where):
    return find(made, quantity, where)[0]


@pytest.mark.parametrize(
    ("quantity", "where", "expected"),
    [
        ("best_loglik", {"method": "bfgs[naive]"}, -100.0),
        ("best_known", {}, -100.0),
        ("best_finding", {}, "maximum"),
        ("n_optima", {}, 3),
        ("n_optima_not_narrow", {"data": "planted"}, 2),
        ("share_at_best", {"method": "em"}, 0.75),
        ("count_at_best", {}, 4),
        ("count_within", {"gap": 1e-3}, 4),
        ("count_within", {"gap": 1e-3, "said": True}, 3),
        ("count_within", {"gap": 1e-5, "said": True}, 2),
        ("count_beyond", {"gap": 1e-3}, 2),
        ("count_beyond", {"gap": 5.0, "said": True, "method": "bfgs[naive]"}, 1),
        ("finding", {"method": "em"}, "maximum"),
        ("share_finding", {"finding": "saddle"}, 1 / 8),
        ("count_finding", {"finding": "error", "method": "bfgs[naive]"}, 1),
        ("share_said_success", {"method": "bfgs[naive]"}, 0.5),
        ("false_success", {"method": "bfgs[naive]"}, 1),
        ("false_failure", {"method": "bfgs[naive]"}, 1),
        ("false_success_rate", {"method": "bfgs[naive]"}, 0.5),
        ("false_failure_rate", {"method": "bfgs[naive]"}, 0.5),
        ("paired_difference", {"method": "em", "other": "bfgs[naive]"}, 0.5),
        ("paired_difference", {"method": "bfgs[naive]", "other": "em"}, -0.5),
        ("mcnemar_p", {"method": "bfgs[naive]", "other": "em"}, 0.5),
        ("median_passes_to", {"method": "em", "tolerance": 0.01}, 10.0),
        ("passes_per_success", {"method": "em", "tolerance": 0.01}, 40 / 3),
        ("chance_of_new", {"method": "em"}, 0.25),
        ("median_passes", {"method": "bfgs[naive]"}, 35.0),
        ("median_gap", {"method": "em"}, 2.5e-5),
        ("n_rows", {}, 8),
        ("n_null_directions", {}, 0),
        ("estimate", {"parameter": "means", "component": 2}, 5.0),
        ("estimate", {"parameter": "weights", "component": 1}, 0.5),
        ("estimate", {"parameter": "covariances", "component": 1}, 1.0),
        ("estimate", {"parameter": "covariances", "component": 1, "index": [1, 1]}, 1.0),
        ("estimate", {"parameter": "log_sds", "component": 1}, 0.0),
    ],
)
def test_quantities_by_hand(quantity, where, expected):
    found = value(results(waiting()), quantity, **where)
    assert found == expected if isinstance(expected, str) else np.isclose(found, expected)


def test_several_features_need_an_index():
    end = {"weights": [1.0], "means": [[1.0, 2.0]], "covariances": [[[4.0, 0.5], [0.5, 9.0]]]}
    made = results(
        [row("em", "maximum", -1.0, end=end, n_components=1, model="gaussian K=1 full")], data={}
    )
    where = {"parameter": "covariances", "component": 1}
    assert value(made, "estimate", **where, index=[1, 2]) == 0.5
    assert value(made, "estimate", parameter="means", component=1, index=2) == 2.0
    assert find(made, "estimate", where)[0] is None
    assert find(made, "estimate", {"parameter": "means", "component": 3})[0] is None
    assert "expected one of" in find(made, "estimate", {"parameter": "mean", "component": 1})[1]


def test_posteriors():
    diagnostics = [
        {"rhat_labelfree": 1.004, "rhat_raw": 1.7, "divergences": 2},
        {"rhat_labelfree": 1.01, "divergences": 0},
    ]
    rows = [
        row(
            "nuts",
            "verified",
            -100.0,
            replicate=k,
            diagnostics=json.dumps(d),
            theta=json.dumps(BEST),
        )
        for k, d in enumerate(diagnostics)
    ]
    made = results([*rows, row("em", "maximum", -100.0)])
    assert value(made, "max_rhat") == 1.01
    assert value(made, "divergences") == 2
    assert value(made, "diagnostic", name="rhat_raw") == 1.7
    assert (
        value(made, "estimate", method="nuts", replicate=0, parameter="means", component=2) == 5.0
    )
    assert find(made, "max_rhat", {"method": "em"}) == (None, "no posterior is selected")
    assert "rhat_labelfree" in find(made, "diagnostic", {"name": "rhat"})[1]


def test_accuracy_quantities():
    rows = [
        row(
            "em",
            "maximum",
            -1.0,
            replicate=r,
            metrics=json.dumps({"kl": 1.0 + r, "errors": {"means": [[1.0], [2.0]]}}),
        )
        for r in (0, 2)
    ]
    made = results(rows)
    assert value(made, "kl", method="em") == 2.0
    assert value(made, "bias", method="em", parameter="means", component=2) == 2.0
    found, note = find(made, "rmse", {"method": "em"})
    assert found is None
    assert note.startswith("2 numbers are selected")
    assert set(registry.NAMES["metrics"]) <= set(QUANTITIES)


def test_what_has_no_answer():
    made = results([row("em", "saddle", -1.0), row("em", "saddle", -1.0, replicate=1)])
    assert find(made, "best_loglik", {"method": "bfgs"}) == (None, "no fit is selected")
    assert "2 values of replicate" in find(made, "best_loglik", {})[1]
    assert "no fit ended" in find(made, "best_loglik", {"replicate": 0})[1]
    assert "no fit ended" in find(made, "best_finding", {"replicate": 0})[1]
    assert "several findings" in find(results(waiting()), "finding", {})[1]
    assert find(results([row("em", "error")]), "median_gap", {})[1] == "it is not a finite number"
    assert find(results([]), "n_rows", {})[0] is None


def test_status():
    blocks = [
        {"quantity": "best_loglik", "value": -100.0004, "tolerance": 1e-3, "source": "book"},
        {"quantity": "best_loglik", "value": -100.1, "tolerance": 1e-3},
        {"quantity": "best_loglik", "value": -101.0, "relative_tolerance": 0.02},
        {"quantity": "n_rows", "value": 8},
        {"quantity": "n_rows", "min": 8, "max": 9},
        {"quantity": "n_rows", "min": 9},
        {"quantity": "n_rows", "max": 7},
        {"quantity": "best_finding", "value": "maximum"},
        {"quantity": "best_finding", "value": "ridge"},
        {"quantity": "best_loglik", "where": {"method": "none"}, "value": -100.0},
        {"quantity": "n_rows", "value": 1, "at": "full"},
    ]
    table = check(results(waiting()), blocks, quick=True)
    yes, no = "reproduced", "not reproduced"
    assert table["status"].tolist() == [yes, no, yes, yes, yes, no, no, yes, no, no, "not checked"]
    assert table["found"].tolist()[:5] == [-100.0, -100.0, -100.0, 8.0, 8.0]
    assert table["found"][9] is None
    assert table["note"][9] == "no fit is selected"
    assert np.isclose(table["tolerance"][2], 2.02)
    assert table["expected"].tolist()[:7] == [
        "-100.0004 ± 0.001",
        "-100.1 ± 0.001",
        "-101 ± 2.02",
        "8",
        "at least 8 and at most 9",
        "at least 9",
        "at most 7",
    ]
    assert check(results(waiting()), blocks[-1:], quick=False)["status"].tolist() == [no]


def test_a_list_of_values_is_as_many_expectations():
    methods = ["em", "bfgs[naive]"]
    blocks = [
        {"quantity": "n_rows", "value": 8},
        {"quantity": "n_rows", "where": {"method": methods, "data": "planted"}, "value": [4, 5]},
        {"quantity": "n_rows", "where": {"method": methods}, "value": [1, 1], "at": "full"},
    ]
    table = check(results(waiting()), blocks, quick=True)
    assert [where.get("method") for where in table["where"]] == [None, *methods, *methods]
    assert table["value"].tolist() == [8, 4, 5, 1, 1]
    assert table["found"].tolist() == [8.0, 4.0, 4.0, None, None]
    yes, no = "reproduced", "not reproduced"
    assert table["status"].tolist() == [yes, yes, no, "not checked", "not checked"]


@pytest.mark.parametrize(
    ("where", "got"),
    [
        ({}, "got none"),
        ({"method": ["em"]}, "got method with 1"),
        ({"method": ["em", "bfgs"], "data": ["a", "b"]}, "got method with 2, data with 2"),
        ({"index": [1, 1]}, "got none"),
    ],
)
def test_lists_of_values_that_fit_no_list_of_where(where, got):
    with pytest.raises(SpecError, match=f"beside 2 values one key .* {got}"):
        list(each([{"quantity": "n_rows", "where": where, "value": [4, 4]}]))


def test_the_study_brings_its_own():
    study = {"expect": [{"quantity": "n_rows", "value": 8, "at": "full"}]}
    assert results(waiting(), study).expectations()["status"].tolist() == ["reproduced"]
    assert results(waiting(), study, quick=True).expectations()["status"].tolist() == [
        "not checked"
    ]


@pytest.mark.parametrize(
    ("quantity", "where", "says"),
    [
        ("best_logliks", {}, 'Did you mean "best_loglik"'),
        ("best_loglik", {"methods": "em"}, 'Did you mean "method"'),
        ("best_known", {"method": "em"}, "best_known takes data, model, replicate"),
        ("share_finding", {}, "needs finding"),
        ("estimate", {"parameter": "means"}, "needs component"),
    ],
)
def test_wrong_names(quantity, where, says):
    with pytest.raises(SpecError) as caught:
        check_names(quantity, where)
    assert says in str(caught.value)


def test_every_quantity_gives_a_value_or_a_reason():
    extra = {
        "finding": "saddle",
        "parameter": "means",
        "component": 1,
        "name": "x",
        "gap": 1.0,
        "step": 1,
        "flag": "ridge",
        "rank": 1,
        "criterion": "bic",
        "loglik": -100.0,
        "slice": "means",
        "data": "planted",
        "model": "gaussian K=2 full",
    }
    extra |= {"method": "em", "other": "bfgs", "tolerance": 0.1}
    for made in (
        results([]),
        results([row("em", "error")]),
        results(several("em", ("", NAN, None, {}))),
    ):
        for name, quantity in QUANTITIES.items():
            found, note = find(made, name, {key: extra[key] for key in quantity.required})
            assert (found is None) == bool(note), name
            assert quantity.doc
