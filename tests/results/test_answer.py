"""The answer in one paragraph: right for none, one, some and all of methods, claims, data sets."""

import itertools
import json
import re

import pytest
from planted import BEST, LOWER, NAN, NARROW, results, row, several, theta, waiting
from test_sentences import ENDS

from mixcompare.report.terminal import study_text

GOOD = ("maximum", -100.0, True, {})
LOST = ("non_finite", NAN, False, {"non_finite": 5})


def answer(*made):
    return " ".join(results(*made).answer())


def text(expected):
    return " ".join(expected.split())


def test_the_planted_study():
    expected = """
        No method ended in every fit at the best known optimum, the highest verified one of any fit to
        the same data: em did in 3 of 4 fits and bfgs[naive] in 1 of 4. What solvers said of success
        and failure was wrong at 2 of 8 ends: success was claimed at 1 that was no sound optimum (1 of 2
        by bfgs[naive]) and failure at 1 that was sound (1 of 2 by bfgs[naive]); 2 more successes were
        claimed at sound optima other than the best known. 2 of the 4 fits that missed it met
        log-likelihoods that are nan or infinite, against none of the 4 that reached it.
    """
    assert answer(waiting()) == text(expected)


def test_a_sound_formulation_that_does_as_well_is_said_to():
    rows = [
        *several("em", *[GOOD] * 3),
        *several("bfgs[naive]", GOOD, LOST, LOST),
        *several("powell[naive]", *[LOST] * 3),
        *several("bfgs", *[GOOD] * 3),
        *several("powell", GOOD, GOOD, ("saddle", -110.0, True, {})),
        *several("l-bfgs-b", *[GOOD] * 2),
    ]
    expected = """
        In all 3 fits em ended at the best known optimum, the highest verified one of any fit to the same
        data, and so did bfgs and l-bfgs-b (both fits); powell did in 2 of 3 fits and bfgs[naive] in
        1 of 3; powell[naive] never did, in 3 fits. What solvers said of success and failure was wrong
        at 1 of 17 ends: success was claimed at 1 that was no sound optimum (1 of 3 by powell). With the
        same solvers and starts, the formulation [naive] ended there in 1 of 6 fits and the default one
        in 5; 5 of the 6 fits that missed it met log-likelihoods that are nan or infinite, against none
        of the 11 that reached it.
    """
    assert answer(rows) == text(expected)


def test_the_default_is_compared_from_the_same_starts_only():
    rows = [
        *several("bfgs[bounded]", GOOD, LOST, data="other"),
        *several("bfgs", *[GOOD] * 2, data="other"),
        *several("bfgs", *[GOOD] * 20),
    ]
    assert "[bounded] ended there in 1 of 2 fits and the default one in both;" in answer(rows)


def test_labels_stand_for_what_was_typed():
    study = {"method": [{"name": "bfgs", "label": "good"}, {"name": "bfgs[naive]", "label": "bad"}]}
    rows = [*several("good", *[GOOD] * 2), *several("bad", *[LOST] * 2)]
    said = answer(rows, study)
    assert "In both fits good ended" in said
    assert "[naive] ended there in none of 2 fits and the default one in both;" in said


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "There are no fits to report."),
        (
            several("em", *[GOOD] * 20),
            (
                "In all 20 fits em ended at the best known optimum, the highest verified one of any fit to "
                "the same data. What solvers said of success and failure was right at all 20 ends."
            ),
        ),
        (
            [row("em", *GOOD[:3])],
            (
                "In its only fit em ended at the best known optimum, the highest verified one of any fit to "
                "the same data. What solvers said of success and failure was right at the only end."
            ),
        ),
        (
            several("em", GOOD, LOST),
            (
                "In 1 of 2 fits em ended at the best known optimum, the highest verified one of any fit to "
                "the same data. What solvers said of success and failure was right at both ends. The one fit "
                "that missed it met log-likelihoods that are nan or infinite; the one that reached it "
                "did not."
            ),
        ),
        (
            [row("em", "saddle", -100.0, True)],
            (
                "No fit ended at a verified optimum that is not narrow, so there is nothing to compare "
                "methods by. What solvers said of success and failure was wrong at the only end: success was "
                "claimed at one that was no sound optimum (the only one by em)."
            ),
        ),
        (
            [row("em", "maximum", -98.0, end=NARROW, narrow=True)],
            (
                "No fit ended at a verified optimum that is not narrow, so there is nothing to compare "
                "methods by. No solver said whether it had succeeded."
            ),
        ),
        (
            [row("em", "", -100.0, True)] * 3,
            "No end was verified, so nothing can be said of who found an optimum.",
        ),
        (
            [row("nuts", "verified", -100.0), row("nuts", "divergences", -100.0, replicate=1)],
            "1 of 2 posteriors drawn by nuts passed every check.",
        ),
        ([row("nuts", "verified", -1.0)], "The posterior drawn by nuts passed every check."),
        (
            [row("nuts", "not_mixed", -1.0)],
            "The posterior drawn by nuts did not pass every check (not mixed).",
        ),
        (
            [row("nuts", "", -1.0, posterior_intervals='{"means": [[1], [2]]}')],
            "What nuts drew was not checked.",
        ),
    ],
)
def test_few_of_anything(rows, expected):
    assert answer(rows) == expected


def test_failure_said_of_sound_ends_alone():
    said = answer(several("em", ("maximum", -100.0, False, {}), GOOD, GOOD))
    assert (
        "wrong at 1 of 3 ends: failure was reported at 1 that was sound (the only one by em)."
        in said
    )
    said = answer(several("em", *[("maximum", -100.0, False, {})] * 3))
    assert "wrong at all 3 ends: failure was reported at 3 that were sound (all 3 by em)." in said


def test_success_at_a_lower_optimum_is_right_but_told():
    said = answer(several("em", GOOD, ("maximum", -103.0, True, {"end": LOWER})))
    assert "right at both ends; one more success was claimed at a sound optimum other than" in said


def test_data_without_a_best_known_optimum_are_left_out_and_counted():
    rows = [*several("em", GOOD, GOOD), *several("em", LOST, LOST, data="other")]
    said = answer(rows)
    assert "In both fits em ended" in said
    assert "(1 of 2 data sets left out, for want of such an optimum)." in said


def test_a_ridge_identifies_nothing():
    rows = [
        *several("em", ("ridge", -6.73, True, {}), ("ridge", -6.73, True, {}), data="coins"),
        *several("em", GOOD),
        *[row("nuts", "verified", -6.8, data=d, flags=json.dumps(f)) for d, f in
          (("coins", ["unidentified"]), ("planted", []))],
    ]  # fmt: skip
    said = (
        "On coins the best known optimum is a ridge of equally good points, so these data do not "
        "identify the parameters; both posteriors drawn by nuts passed every check, 1 of them about as "
        "wide as the prior."
    )
    assert answer(rows).startswith(said)  # where the first data have no answer, that comes first
    assert answer(rows[2:] + rows[:2]).endswith(said)
    rows = [
        row("em", f, -1.0, True, replicate=r) for r, f in enumerate(("ridge", "maximum", "ridge"))
    ]
    assert "On planted (2 of 3 data sets) the best known" in answer(rows)
    assert "ridge" not in answer(several("em", GOOD, GOOD))


@pytest.mark.parametrize("methods", [("a", "b"), ("a", "a"), ("a", "a[naive]")])
@pytest.mark.parametrize("replicates", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_whole_whatever_the_rows(replicates, methods):
    """Every pair of ends: nothing missing, no wrong plural, at most four sentences."""
    assert BEST
    for pair in itertools.product(ENDS, repeat=2):
        rows = [
            r
            for k in range(replicates)
            for m, end in zip(methods, pair, strict=True)
            for r in several(m, end, replicate=k)
        ]
        said = answer(rows)
        assert said.endswith("."), said
        assert said[0].isupper() or said[0].isdigit(), said
        assert len(re.findall(r"\.(?: |$)", said)) <= 4, said
        assert not re.search(r"None|  |\(\)|\.\.| ,|: \.|;\.|; ;", said), said
        assert not re.search(r"\b1 (fits|data sets|ends|of them are)\b", said), said
        assert not re.search(r"\bof 1\b", said), said


def test_the_command_line_begins_with_the_answer():
    made = results(waiting())
    said = " ".join(study_text(made, 60).split())
    assert said.startswith(" ".join(made.answer()))


def test_ends_on_a_ridge_are_told_apart():
    ends = [
        ("ridge", -6.73, True, {"end": theta(w=w), "replicate": r})
        for w, r in ((0.4, 0), (0.52, 0), (0.46, 0), (0.9, 1))
    ]
    said = answer(several("em", *ends[:3]))
    assert "identify the parameters: 3 ends that fit equally well put weight 1 anywhere" in said
    assert "from 0.40 to 0.52." in said
    assert "from 0.40 to 0.52." in answer(several("em", *ends))  # of the first data set alone
    assert "anywhere" not in answer(several("em", ends[0], ends[0]))
    # 0.5 * 0 + 0.5 * 5 = 0.75 * 0 + 0.25 * 10
    agreeing = [{"end": theta(w=0.5, m2=5.0)}, {"end": theta(w=0.75, m2=10.0)}]
    said = answer(several("em", *[("ridge", -6.73, True, end) for end in agreeing]))
    assert "from 0.50 to 0.75, and all of them the mean of x at 2.5." in said


def test_what_is_wrong_on_purpose_is_said_to_be():
    fault = {"fault": "It squares the data."}
    wrong = several("em (wrong)", ("saddle", -104.0, True, fault), ("maximum", -100.0, True, fault))
    printed = {"fault": "It prints squares.", "said_values": json.dumps([1.0, 25.0])}
    sums = several("sum (wrong)", ("not_stationary", -101.5, False, printed), data="other")
    said = results(
        [*several("em", GOOD), *several("em", GOOD, data="other"), *wrong, *sums]
    ).answer()
    assert said[-2] == text("""
        em (wrong) is wrong on purpose: it squares the data; it ended at a saddle on planted, 4 nats below
        the best known optimum, claiming success.
    """)
    assert said[-1] == text("""
        sum (wrong) is wrong on purpose: it prints squares; it
        ended at a point that is not stationary on other, 1.5 nats below the best known optimum. The last
        value that it printed for the log-likelihood, 25.000, is none: that of its end is -101.500 nats.
    """)
    honest = {**printed, "said_values": json.dumps([1.0, -101.5])}
    sums = several("sum (wrong)", ("not_stationary", -101.5, False, honest))
    assert "printed for" not in answer(sums)
