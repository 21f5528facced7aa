"""Choice of model, from planted rows: 30 points in two groups, one component or two."""

import json

import numpy as np
import pytest
import xarray as xr
from planted import BEST, LOWER, NARROW, results, row, several
from scipy.stats import norm

from mixcompare.data import Dataset
from mixcompare.inference.criteria import information_criteria
from mixcompare.mixture import MixtureModel
from mixcompare.study import criteria_words
from mixcompare.study.criteria import rank
from mixcompare.study.expect import find
from mixcompare.theta import Theta

QUANTILES = norm.ppf((np.arange(15) + 0.5) / 15)
X = Dataset(np.concatenate([QUANTILES, 5 + QUANTILES]), name="planted")
ONE = {"weights": [1.0], "means": [[2.5]], "covariances": [[[float(X.x.var())]]]}
STUDY = {
    "model": [
        {"family": "gaussian", "n_components": 1, "options": {"covariance": "full"}},
        {"family": "gaussian", "n_components": 2, "options": {"covariance": "full"}},
        {"family": "gaussian", "n_components": 2, "options": {"covariance": "tied"}},
    ]
}
FIRST = {"model": "gaussian K=1 full", "n_components": 1, "end": ONE}


def loglik(theta):
    model = MixtureModel("gaussian", len(theta["weights"]))
    return model.log_likelihood(X, Theta.from_dict(theta))


def end(method, theta, finding="maximum", **other):
    return row(method, finding, loglik(theta), True, theta, **other)


def planted():
    """em finds the better of two optima of K = 2, bfgs the lower one; both the one of K = 1."""
    one = {**FIRST}
    one.pop("end")
    return [
        end("em", ONE, **one),
        end("bfgs", ONE, **one),
        end("em", LOWER, start_index=0),
        end("em", BEST, start_index=1),
        end("em", NARROW, narrow=True, start_index=2),
        end("bfgs", LOWER),
        row("em", "singular", 50.0, True, BEST, model="gaussian K=2 tied"),
        row("bfgs", "not_stationary", -80.0, True, BEST, model="gaussian K=2 tied"),
    ]


def study(rows, data=None):
    return results(rows, STUDY, data=data or {("planted", 0): X})


def lines(made, data="planted"):
    table = made.criteria(data)
    return {(line["model"], line["method"]): line for _, line in table.iterrows()}


def test_each_methods_best_end_that_is_not_narrow_counts():
    found = lines(study(planted()))
    em = found["gaussian K=2 full", "em"]
    exact = information_criteria(MixtureModel("gaussian", 2), X, Theta.from_dict(BEST))
    assert em["key"] == "key3"
    assert em["q"] == 5
    assert em["n"] == 30
    assert em["bic"] == pytest.approx(-2 * loglik(BEST) + 5 * np.log(30))
    for name in ("aic", "bic", "icl", "separation"):
        assert em[name] == pytest.approx(getattr(exact, name))
    assert found["gaussian K=2 full", "bfgs"]["loglik"] == pytest.approx(loglik(LOWER))
    assert found["gaussian K=1 full", "em"]["aic"] == pytest.approx(-2 * loglik(ONE) + 4)


def test_no_optimum_no_criterion():
    found = lines(study(planted()))
    em, bfgs = found["gaussian K=2 tied", "em"], found["gaussian K=2 tied", "bfgs"]
    assert np.isnan(em["bic"])
    assert "singular 1" in em["refused"]
    assert "not stationary 1" in bfgs["refused"]


def test_ends_at_the_edge_keep_a_note():
    rows = [end("em", BEST, "boundary"), row("em", "maximum", loglik(ONE), **FIRST)]
    found = lines(study(rows))
    assert "edge of the parameter space" in found["gaussian K=2 full", "em"]["note"]
    assert np.isfinite(found["gaussian K=2 full", "em"]["bic"])


def test_data_that_are_not_at_hand_are_a_reason():
    rows = [end("em", BEST, replicate=r) for r in (0, 1)]
    table = study(rows).criteria()
    assert list(table["refused"] != "") == [False, True]


def test_rank_takes_the_best_end_of_each_model():
    table = study(planted()).criteria("planted")
    ranked = rank(table, "bic")
    assert sorted(ranked["model"]) == ["gaussian K=1 full", "gaussian K=2 full"]
    assert ranked["bic"].is_monotonic_increasing
    assert ranked.set_index("model").loc["gaussian K=2 full", "method"] == "em"


# -- posteriors -----------------------------------------------------------------------------------


def draws(theta, spread, seed):
    rng = np.random.default_rng(seed)
    means = np.array(theta["means"]) + spread * rng.standard_normal((4, 250, 1, 1))
    full = {
        "weights": np.broadcast_to(theta["weights"], (4, 250, len(theta["weights"]))),
        "means": means,
        "covariances": np.broadcast_to(
            theta["covariances"], (4, 250, *np.shape(theta["covariances"]))
        ),
    }
    group = {
        name: (["chain", "draw", *[f"{name}_{i}" for i in range(value.ndim - 2)]], value)
        for name, value in full.items()
    }
    return xr.DataTree.from_dict({"posterior": xr.Dataset(group)})


def sampled(finding="verified", **other):
    """nuts on K = 1 and K = 2, the latter with a finding."""
    common = {"posterior_intervals": json.dumps({"means": [[[0.0]], [[1.0]]]}), "said": None}
    one = {**FIRST}
    one.pop("end")
    rows = [
        row("nuts", "verified", loglik(ONE), end=ONE, draws="one", **one, **common),
        row("nuts", finding, loglik(BEST), end=BEST, draws="two", **common, **other),
    ]
    made = study([*planted(), *rows])
    made.draws = {"one": draws(ONE, 0.3, 1), "two": draws(BEST, 0.2, 2)}.get
    return made


def test_leave_one_out_of_sound_draws():
    found = lines(sampled())
    one, two = found["gaussian K=1 full", "nuts"], found["gaussian K=2 full", "nuts"]
    best, other = (one, two) if one["elpd_loo"] > two["elpd_loo"] else (two, one)
    assert best["elpd_difference"] == 0
    assert other["elpd_difference"] == pytest.approx(other["elpd_loo"] - best["elpd_loo"])
    assert 0 < other["elpd_difference_se"] < other["elpd_loo_se"] + best["elpd_loo_se"]
    assert np.isnan(one["bic"])
    assert one["elpd_loo"] < loglik(ONE)
    assert one["n"] == 30


@pytest.mark.parametrize(
    ("finding", "other", "reason"),
    [
        ("not_mixed", {}, "the draws are not sound: not mixed"),
        ("", {}, "the draws were not verified"),
        ("verified", {"flags": json.dumps(["approximate"])}, "draws of an approximation"),
        ("verified", {"draws": None}, "the draws are not at hand"),
    ],
)
def test_other_draws_have_none_and_say_why(finding, other, reason):
    rows = sampled().fits
    rows.loc[len(rows) - 1, ["finding", *other]] = [finding, *other.values()]
    made = study(rows.to_dict("records"))
    made.draws = sampled().draws
    line = lines(made)["gaussian K=2 full", "nuts"]
    assert reason in line["refused"]
    assert np.isnan(line["elpd_loo"])


# -- words ----------------------------------------------------------------------------------------


def test_sentences_name_choice_margin_disagreement_and_refusals():
    made = sampled("not_mixed")
    said = list(criteria_words.tell(made, "planted"))
    ranked = rank(made.criteria("planted"), "bic")
    gap = ranked["bic"].iloc[1] - ranked["bic"].iloc[0]
    (bic,) = [text for text in said if text.startswith("BIC prefers")]
    assert f"{ranked['model'].iloc[0]} ({ranked['bic'].iloc[0]:.1f}), by {gap:.1f} over" in bic
    (both,) = [text for text in said if "same best optimum" in text]
    assert both.startswith("em and bfgs found the same best optimum of 1 of 2 models")
    assert "where bfgs stayed below" in both
    assert "nuts has no criterion of gaussian K=2 full: the draws are not sound: not mixed." in said
    assert any("singular 1" in text and text.startswith("em has no") for text in said)
    assert any(text.startswith("nuts: only gaussian K=1 full has") for text in said)


def test_choices_that_depend_on_the_method_are_told():
    """bfgs, which misses the better optimum of K = 2, would choose one component."""
    said = list(criteria_words.tell(study(planted()), "planted"))
    (both,) = [text for text in said if "same best optimum" in text]
    assert "BIC prefers gaussian K=2 full by the ends of em and gaussian K=1 full by" in both


def test_a_small_difference_decides_nothing():
    rows = [end("em", BEST), row("em", "maximum", loglik(BEST) - 4.0, **FIRST)]
    said = list(criteria_words.tell(study(rows), "planted"))
    gap = abs(-2 * 4.0 + 2 * 3)
    assert any(
        text.startswith("AIC prefers") and f"by {gap:.1f}" in text and "decides nothing" not in text
        for text in said
    )
    rows[1]["loglik"] = rows[1]["polished_loglik"] = loglik(BEST) - 3.5
    said = list(criteria_words.tell(study(rows), "planted"))
    assert any(text.startswith("AIC prefers") and "decides nothing" in text for text in said)


def test_the_answer_has_the_choice_where_there_is_one():
    made = sampled("not_mixed")
    (about,) = [text for text in made.answer() if text.startswith("Of 3 models of planted")]
    assert "BIC (by" in about
    assert "cannot choose" in about
    alone = study(several("em", ("maximum", -100.0, True, {})))
    assert criteria_words.summed(alone) == ""
    assert criteria_words.choices(alone) == []


def test_replicates_are_counted():
    rows = [
        line
        for r in (0, 1)
        for line in (end("em", BEST, replicate=r), {**planted()[0], "replicate": r})
    ]
    made = study(rows, {("planted", 0): X, ("planted", 1): X})
    said = list(criteria_words.tell(made, "planted"))
    assert "Over 2 replicates BIC prefers gaussian K=2 full on both." in said
    assert "planted: over 2 replicates BIC prefers gaussian K=2 full on both." in made.answer()[-1]


# -- quantities -----------------------------------------------------------------------------------


def test_expected_criteria_and_choices():
    made = sampled()
    table = made.criteria("planted").set_index(["model", "method"])
    where = {"data": "planted", "model": "gaussian K=2 full"}
    bic = table.loc[("gaussian K=2 full", "em"), "bic"]
    assert find(made, "criterion", {**where, "criterion": "bic"}) == (pytest.approx(bic), "")
    other = {**where, "method": "bfgs", "criterion": "bic"}
    assert find(made, "criterion", other)[0] > bic + 1
    looked = find(made, "criterion", {**where, "criterion": "elpd_loo"})[0]
    assert looked == pytest.approx(table.loc[("gaussian K=2 full", "nuts"), "elpd_loo"])
    assert find(made, "chosen", {"criterion": "bic"}) == ("gaussian K=2 full", "")
    assert find(made, "chosen", {"criterion": "bic", "method": "bfgs"})[0] == "gaussian K=1 full"
    assert find(made, "chosen", {"criterion": "elpd_loo"})[0] == "gaussian K=2 full"


@pytest.mark.parametrize(
    ("quantity", "where", "reason"),
    [
        ("criterion", {"criterion": "bic"}, "2 models are selected"),
        ("criterion", {"criterion": "dic", "model": "gaussian K=2 full"}, 'no criterion "dic"'),
        ("criterion", {"criterion": "bic", "model": "gaussian K=2 tied"}, "singular 1"),
        ("chosen", {"criterion": "separation"}, "chooses no model"),
        ("chosen", {"criterion": "elpd_loo"}, "no model has this criterion"),
    ],
)
def test_no_answer_has_a_reason(quantity, where, reason):
    found, note = find(study(planted()), quantity, where)
    assert found is None
    assert reason in note
