"""What is said of methods that a study stops early, and lets end too."""

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
        {"name": "squarem", "options": {"max_iter": 40, "tol": 0.0}},
    ]
}


def first(*rows, study=STUDY):
    return results([r for method in rows for r in method], study).answer()[0]


def test_stopping_early_is_told_first_with_its_test():
    told = first(fits("em, 40 iterations", 10), fits("em", 30))
    assert told == (
        "Stopped after 40 iterations on planted, em ended at the best known optimum from 10 of 40 starts, "
        "and run to its end from 30 (exact McNemar test: p < 0.0001)."
    )


def test_the_order_of_methods_in_the_rows_does_not_matter():
    # two starts more out of forty, both on one side: p = 2 / 2^2
    told = first(fits("em", 12), fits("em, 40 iterations", 10))
    assert "from 10 of 40 starts, and run to its end from 12 (exact McNemar test: p = 0.5)" in told


def test_nothing_is_said_of_few_starts_or_without_the_same_method_to_its_end():
    assert "Stopped" not in first(fits("em, 40 iterations", 3, n=29), fits("em", 20, n=29))
    assert "Stopped" not in first(fits("em, 40 iterations", 10), fits("squarem", 20))
    assert "Stopped" not in first(fits("em, 40 iterations", 10), fits("em", 20), study={})
