"""The answer in one paragraph: right for none, one, some and all of methods, claims, data sets."""

import itertools
import json
import re

import pytest
from planted import BEST, LOWER, NAN, NARROW, results, row, several, waiting
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
    assert answer(rows).endswith(
        "On coins the best known optimum is a ridge of equally good points, so these data do not "
        "identify the parameters; both posteriors drawn by nuts passed every check, 1 of them about as "
        "wide as the prior."
    )
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
