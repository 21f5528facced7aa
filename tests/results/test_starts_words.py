"""What is said of many starts: the cost of stopping early, and whose lead is more than chance."""

from planted import LOWER, results, several


def fits(method, hits, n=40):
    return several(
        method,
        *[("maximum", -100.0, True, {}) if k < hits else ("maximum", -103.0, True, {"end": LOWER})
          for k in range(n)],
    )  # fmt: skip


STUDY = {
    "method": [
        {"name": "em", "label": "em, 40 iterations", "options": {"max_iter": 40, "tol": 0.0}},
        {"name": "em"},
        {"name": "bfgs"},
    ]
}


def first(*rows, study=STUDY):
    return results([r for method in rows for r in method], study).answer()[0]


def test_stopping_early_is_told_first_with_its_test():
    told = first(fits("em, 40 iterations", 10), fits("em", 30), fits("bfgs", 28))
    assert told.startswith(
        "planted: stopped after 40 iterations, em ended at the best known optimum"
    )
    assert "from 10 of 40 starts, and run to its own end from 30 (p < 0.0001)" in told
    assert "em got there most often, from 30 of 40: more often than em, 40 iterations (10;" in told
    # two starts more out of forty, all on one side: p = 2 / 2^2
    assert "but its lead over bfgs (28; p = 0.5) may be chance" in told


def test_the_order_of_methods_in_the_study_does_not_matter():
    told = first(fits("bfgs", 40), fits("em", 10))
    assert told.startswith("planted: from the same starts bfgs got there most often, from all 40")
    assert "more often than em (10; p < 0.0001)" in told


def test_nothing_is_made_of_few_starts_or_of_a_draw():
    assert "most often" not in first(fits("em", 20, n=29), fits("bfgs", 3, n=29))
    assert "most often" not in first(fits("em", 20), fits("bfgs", 20))


def test_methods_that_did_not_have_all_starts_are_not_ranked():
    told = first(fits("em", 30), fits("bfgs", 5), fits("powell", 3, n=3))
    assert "powell" not in told
