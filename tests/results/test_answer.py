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
            "1 of 2 posteriors drawn by nuts did not pass every check (divergences).",
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
        *several("em", GOOD),
        *several("em", ("ridge", -6.73, True, {}), ("ridge", -6.73, True, {}), data="coins"),
        *[row("nuts", "verified", -6.8, data=d, flags=json.dumps(f)) for d, f in
          (("coins", ["unidentified"]), ("planted", []))],
    ]  # fmt: skip
    assert answer([*rows[1:], rows[0]]).startswith("On coins the best known optimum is a ridge")
    assert answer(rows).endswith(
        "On coins the best known optimum is a ridge of equally good points, so these data do not "
        "identify the parameters. Both posteriors drawn by nuts passed every check, 1 of them about as "
        "wide as the prior."
    )
    rows = [
        row("em", f, -1.0, True, replicate=r) for r, f in enumerate(("ridge", "maximum", "ridge"))
    ]
    assert "On planted (2 of 3 data sets) the best known" in answer(rows)
    assert "ridge" not in answer(several("em", GOOD, GOOD))


def coin(weight, p, q, method="em", **other):
    end = {"weights": [weight, 1 - weight], "probs": [[p], [q]]}
    return row(method, "ridge", -6.73, True, end=end, data="coins", **other)


def test_equally_good_answers_are_written_out_and_change_with_the_data():
    rows = [
        coin(0.46, 0.53, 0.66),
        coin(0.41, 0.54, 0.64, start_index=1),
        coin(0.43, 0.54, 0.65, start_index=2),
        coin(0.5, 0.2, 1.0, "bfgs"),
        row("nuts", "verified", -6.8, data="coins", end=BEST),
    ]
    rows[-1] |= {"theta": json.dumps({"weights": [0.3, 0.7], "probs": [[0.5], [0.6]]})}
    assert (
        "On coins the best known optimum (-6.730 nats) is a ridge of equally good points, so these data do "
        "not identify the parameters. On it em ended at probabilities 0.53/0.66 (weights 0.46/0.54) and "
        "0.54/0.64 (0.41/0.59); bfgs at 0.20/1.00 (0.50/0.50); the posterior mean is 0.50/0.60 "
        "(0.30/0.70) (nuts)."
    ) in answer(rows)
    assert "0.10/0.66" in answer([coin(0.46, 0.1, 0.66), coin(0.41, 0.54, 0.64, start_index=1)])


def test_of_large_models_the_number_that_differs_most_is_given():
    probs = [[[v, 0.5, 0.5], [0.5] * 3, [0.9, 0.5, 0.5]] for v in (0.1, 0.4)]
    ends = [{"weights": [0.2, 0.3, 0.5], "probs": cells} for cells in probs]
    rows = [
        row("em", "ridge", -6.73, True, end=end, start_index=k, data="items")
        for k, end in enumerate(ends)
    ]
    assert "On it fits ended with a probability of component 1 anywhere from 0.1 to 0.4." in answer(
        rows
    )


def test_few_methods_on_few_data_sets_are_told_apart_where_they_differ():
    rows = [*several("em", *[GOOD] * 3), *several("em", GOOD, LOST, data="other")]
    said = answer(rows)
    assert "Planted: in all 3 fits em ended at the best known optimum, the highest" in said
    assert "Other: in 1 of 2 fits em ended at the best known optimum. What" in said
    assert "Planted" not in answer([r for r in rows if r["finding"] == "maximum"])


def test_many_models_of_few_data_sets_are_told_by_data_set():
    rows = [
        r
        for k in range(5)
        for r in several("em", GOOD, *([] if k else [LOST]), model=f"gaussian K={k + 1} full")
    ] + several("em", GOOD, LOST, LOST, data="other")
    said = answer(rows)
    assert "Planted (5 models): in 5 of 6 fits em ended at the best known optimum, the" in said
    assert "Other: in 1 of 3 fits em ended at the best known optimum." in said


def test_many_methods_that_get_there_sometimes_are_counted():
    names = [f"m{k}" for k in range(7)]
    rows = [
        r
        for k, name in enumerate(names)
        for r in several(name, *[GOOD] * (8 - k), *[("maximum", -103.0, True, {"end": LOWER})] * k)
    ]
    assert (
        "In all 8 fits m0 ended at the best known optimum, the highest verified one of any fit to the same "
        "data; m1 did in 7 of 8 fits, m2 in 6 of 8, m3 in 5 of 8 and 3 others in fewer, down to 2 of 8 (m6)."
    ) in answer(rows)


def test_methods_that_found_it_and_denied_it_are_told_apart():
    denied = ("maximum", -100.0, False, {})
    rows = [*several("em", GOOD, GOOD), *several("bfgs", GOOD, denied), *several("cg", GOOD, GOOD)]
    assert "and so did cg; bfgs did too, but at times denied it." in answer(rows)


def test_shortfalls_beyond_chance_are_told_from_the_others():
    """Of 12 pairs 12 discordant give p = 2 / 2**12, and twice that after Holm; 2 give p = 0.5."""
    low = ("maximum", -103.0, True, {"end": LOWER})
    rows = [*several("em", *[GOOD] * 12), *several("cg", *[GOOD] * 10, low, low)]
    said = answer(rows)
    assert (
        "The shortfall is not beyond chance (each against the best from the same starts, 1 test)."
        in said
    )
    rows += several("bfgs", *[low] * 12)
    assert "Of the shortfalls only that of bfgs is beyond chance (each against the best" in answer(
        rows
    )
    assert "shortfall" not in answer([*several("em", *[GOOD] * 5), *several("cg", *[low] * 5)])


def test_posteriors_that_passed_and_those_that_did_not_share_a_sentence():
    rows = [
        *[row(m, "verified", -1.0) for m in ("a", "b")],
        *[row("c", f, -1.0, replicate=k) for k, f in enumerate(["divergences", "not_mixed"] * 2)],
        *[row(m, "not_mixed", -1.0) for m in ("d", "e")],
    ]
    assert answer(rows) == text(
        """All 2 posteriors drawn by a and b passed every check; all 4 by c did not (divergences 2, not mixed
        2); those by d and e did not (not mixed)."""
    ).replace("All 2", "Both")
    assert (
        answer(rows[6:]) == "The posteriors drawn by d and e did not pass every check (not mixed)."
    )


FAULT = {"fault": "passes variances where standard deviations belong."}


def test_a_contestant_that_is_wrong_on_purpose_has_a_sentence_of_its_own_and_no_other():
    rows = several("em", GOOD, GOOD)
    before = answer(rows)
    wrong = {**FAULT, "said_values": json.dumps([-120.0, 225.0])}
    rows += several("em (wrong)", ("saddle", -104.166, True, wrong))
    assert answer(rows) == text(
        f"""{before} em (wrong) is wrong on purpose: passes variances where standard deviations belong. It
        ended at a saddle, 4.17 nats below the best known optimum, said, wrongly, that it had succeeded, and
        printed 225.000 where the log-likelihood of its end is -104.166."""
    )
    rows[-1] |= {"said_values": json.dumps([-104.166])}
    assert "printed" not in answer(rows)
    rows += several("em (wrong)", ("maximum", -100.0, True, {**FAULT, "start_index": 1}))
    assert (
        "belong. 1 of 2 fits ended at the best known optimum (1 at a saddle), and success was claimed twice."
        in answer(rows)
    )


@pytest.mark.parametrize(
    ("replicates", "methods"),
    [
        (1, ("a", "b")),
        *(
            pytest.param(n, methods, marks=pytest.mark.slow)
            for n, methods in itertools.product((1, 2), [("a", "b"), ("a", "a"), ("a", "a[naive]")])
            if (n, methods) != (1, ("a", "b"))
        ),
    ],
)
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
        assert len(re.findall(r"\.(?: |$)", said)) <= 5, said
        assert not re.search(r"None|  |\(\)|\.\.| ,|: \.|;\.|; ;", said), said
        assert not re.search(r"\b1 (fits|data sets|ends|of them are)\b", said), said
        assert not re.search(r"\bof 1\b", said), said


def test_the_command_line_begins_with_the_answer():
    made = results(waiting())
    said = " ".join(study_text(made, 60).split())
    assert said.startswith(" ".join(made.answer()))


def test_answers_on_a_ridge_share_what_the_data_determine():
    # 0.5 * 0 + 0.5 * 5 = 0.75 * 0 + 0.25 * 10
    agreeing = [{"end": theta(w=0.5, m2=5.0)}, {"end": theta(w=0.75, m2=10.0)}]
    said = answer(several("em", *[("ridge", -6.73, True, end) for end in agreeing]))
    assert said.startswith("On planted the data fix the mean of x (2.5) and not all parameters: ")
    apart = [{"end": theta(w=0.5, m2=5.0)}, {"end": theta(w=0.75, m2=5.0)}]
    assert "the data fix" not in answer(several("em", *[("ridge", -6.73, True, e) for e in apart]))
