"""Rankings from the same starts: counted, tested, and said only where they are beyond chance."""

import numpy as np
import pytest
from planted import LOWER, NAN, results, several

from mixcompare.errors import SpecError
from mixcompare.study.ranking import holm, rank
from mixcompare.study.spec import load_study

GOOD = ("maximum", -100.0, True, {})
LOW = ("maximum", -103.0, True, {"end": LOWER})


def fits(method, hits, n=40, first=0, **common):
    """n fits of which those from start `first` on reached the best known optimum."""
    ends = [GOOD if first <= k < first + hits else LOW for k in range(n)]
    return several(method, *ends, **common)


def opening(rows, lead, **study):
    return results(rows, {"lead": lead, **study}).answer()[0]


THREE = [*fits("em", 10), *fits("bfgs", 25), *fits("cg", 40)]


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_lead_opens_with_counts_and_exact_tests():
    """cg against bfgs: 15 to 0 discordant, p = 2 / 2**15; bfgs against em the same; Holm doubles them."""
    assert opening(THREE, {"methods": ["em", "bfgs", "cg"]}).startswith(
        "Planted: from the same 40 starts cg reached the best known optimum, the highest verified one of "
        "any fit to the same data, 40 times, bfgs 25 times and em 10 times: each more often than the next "
        "beyond chance (exact McNemar tests, Holm's correction, p at most 0.00012)."
    )
    ranking = rank(results(THREE).rows, ["em", "bfgs", "cg"])
    assert ranking.p["cg", "bfgs"] == pytest.approx(2 * 2 / 2**15)
    assert ranking.p["cg", "em"] == pytest.approx(3 * 2 / 2**30)


def test_only_what_is_beyond_chance_is_said():
    rows = [*fits("em", 20), *fits("bfgs", 21)]
    assert "21 times and em 20 times: no difference beyond chance (exact McNemar test, p = 1)." in (
        opening(rows, {"methods": ["em", "bfgs"]})
    )
    rows += fits("cg", 2)
    said = opening(rows, {"methods": ["em", "bfgs", "cg"]})
    assert (
        "the lead over cg is beyond chance (exact McNemar tests, Holm's correction, p < 0.0001)"
        in said
    )
    assert ", that over em is not (p = 1)." in said
    said = opening([*rows, *fits("tnc", 21)], {"methods": ["em", "bfgs", "cg", "tnc"]})
    assert "bfgs and tnc reached the best known optimum" in said
    assert "each 21 times, em 20 times and cg twice: the lead over cg is" in said


def test_the_rest_of_the_fits_is_told_after_it_and_the_definition_once():
    rows = [*THREE, *fits("powell", 40)]
    lead, said = results(rows, {"lead": {"methods": ["em", "bfgs"]}}).answer()[:2]
    assert "highest verified one" not in said
    assert lead.count("the highest verified one") == 1
    assert (
        "Among the other fits: in all 40 fits cg ended at the best known optimum, and so did powell."
        in said
    )


def test_data_come_in_the_order_of_the_lead():
    rows = [*fits("em", 3), *fits("cg", 9), *fits("em", 30, data="b"), *fits("cg", 40, data="b")]
    said = opening(rows, {"data": ["b", "planted"]})
    assert said.startswith(
        "B: from the same 40 starts cg reached the best known optimum, the highest"
    )
    assert (
        "Planted: from the same 40 starts cg reached the best known optimum 9 times and em 3"
        in said
    )


def test_the_lead_comes_before_what_stopping_early_cost():
    early = {"name": "em", "label": "em, 200", "options": {"tol": 0, "max_iter": 200}}
    study = {"method": [{"name": "em"}, early, {"name": "cg"}]}
    rows = [*fits("em", 30), *fits("em, 200", 20), *fits("cg", 40)]
    said = results(rows, study).answer()
    assert said[0].startswith("Stopped after 200 iterations")
    said = results(rows, {**study, "lead": {"methods": ["em", "cg"]}}).answer()
    assert said[0].startswith("Planted: from the same 40 starts cg reached")
    assert said[1].startswith("Stopped after 200 iterations")


def test_a_comma_in_a_label_is_no_comma_of_the_list():
    rows = [*fits("em, 200 iterations", 10), *fits("bfgs", 30)]
    said = opening(rows, {"data": "planted"})
    assert "bfgs reached" in said
    assert '30 times and "em, 200 iterations" 10 times: a difference beyond chance' in said


def test_a_solver_on_both_sides_of_another_method_is_noticed():
    study = {
        "method": [{"name": "em"}, {"name": "bfgs"}, {"name": "bfgs[gradient]", "label": "raw"}]
    }
    rows = [*fits("em", 25), *fits("bfgs", 40), *fits("raw", 10)]
    said = opening(rows, {"data": ["planted"]}, **study)
    assert (
        "em stands between two forms of one solver, below bfgs and above raw: the formulation decides that "
        "ranking, not the solver. The two differ in scaled (data standardised, objective per observation)."
        in said
    )
    study["method"][2]["name"] = "bfgs[logsumexp]"
    said = opening(rows, {"data": ["planted"]}, **study)
    assert "The two differ in unconstrained, gradient and scaled." in said
    assert "stands between" not in opening(THREE, {"data": ["planted"]}, **study)


def test_over_data_sets_means_are_compared():
    rows = [
        r
        for k in range(8)
        for r in (*fits("em", 4, 4, replicate=k), *fits("cg", k % 3, 4, replicate=k))
    ]
    ranking = rank(results(rows).rows, ["em", "cg"])
    differences = np.array([1 - (k % 3) / 4 for k in range(8)])
    t = differences.mean() / (differences.std(ddof=1) / np.sqrt(8))
    from scipy.stats import t as student

    assert ranking.p["em", "cg"] == pytest.approx(2 * student.sf(t, 7))
    assert opening(rows, {"methods": ["em", "cg"]}).startswith(
        "Planted: from the same 32 starts on 8 data sets em reached"
    )


def test_methods_are_compared_on_the_starts_that_all_have():
    ranking = rank(results([*fits("em", 40), *fits("cg", 6, 6)]).rows, ["em", "cg"])
    assert (ranking.fits, ranking.hits) == (6, (6, 6))
    assert rank(results(fits("em", 3)).rows, ["em", "cg"]) is None
    lost = [*several("em", ("saddle", NAN, True, {})), *several("cg", ("error", NAN, None, {}))]
    assert rank(results(lost).rows, ["em", "cg"]) is None


STUDY = """
title = "t"
lead = LEAD
[[data]]
name = "coins"
dataset = "li_hang_coins"
[[model]]
family = "bernoulli"
n_components = 1
[[method]]
name = "em"
"""


@pytest.mark.parametrize(
    ("lead", "said"),
    [
        (
            '{ data = "coin" }',
            'lead.data[1]: unknown data "coin": expected one of coins. Did you mean',
        ),
        (
            '{ methods = ["em", "bfgs"] }',
            'lead.methods[2]: unknown method "bfgs": expected the label',
        ),
        ("{ method = 1 }", 'lead: unknown key "method": expected one of data, methods'),
        ("{ data = [] }", "lead.data: expected at least one entry"),
    ],
)
def test_a_wrong_lead_is_one_message(tmp_path, lead, said):
    path = tmp_path / "s.toml"
    path.write_text(STUDY.replace("LEAD", lead))
    with pytest.raises(SpecError) as caught:
        load_study(path)
    assert said in str(caught.value)


def test_a_lead_changes_no_fit(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(STUDY.replace("LEAD", '{ data = "coins", methods = ["em"] }'))
    first = load_study(path)
    path.write_text(STUDY.replace("lead = LEAD", ""))
    assert first.digest({}, False) == load_study(path).digest({}, False)
