"""Who found which optimum, and the chance of a new one, each number by hand."""

import json

import numpy as np
import pytest
from planted import BEST, LOWER, NAN, results, row, several, swapped, theta, waiting

from mixcompare.study.shares import wilson

OTHER = theta(m1=1.0, m2=4.0)


def of(table, **where):
    for key, value in where.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_optima_reached_by_methods():
    found = results(waiting())
    table = found.reached_by()
    assert found.optima()["rank"].tolist() == [1, 2, 3]  # the narrow one is the highest
    assert len(table) == 6
    line = of(table, method="em", standing="global")
    assert (line["rank"], line.hits, line.fits, line.share) == (2, 3, 4, 0.75)
    assert (line.lower, line.upper) == wilson(3, 4)
    assert of(table, method="em", rank=3)["gap"] == pytest.approx(3.0)
    assert of(table, method="bfgs[naive]", rank=3)["hits"] == 0
    assert of(table, method="bfgs[naive]", rank=1)["hits"] == 1
    # fits that ended at no optimum are in the denominator alone
    assert table.groupby("method")["hits"].sum().to_dict() == {"em": 4, "bfgs[naive]": 2}


def test_evidence_for_the_best_known_value():
    line = of(results(waiting()).best_known())
    assert (line.best_known, line.finding) == (-100.0, "maximum")
    assert (line.fits, line.of_fits, line.starts, line.of_starts) == (4, 8, 3, 4)
    assert line.methods == {"em": 3, "bfgs[naive]": 1}
    assert line.missed_by == []
    assert line.higher == 0  # the narrow one does not count


def test_estimates_above_the_best_known_value_are_told():
    rows = [row("em", "maximum", -100.0), row("bfgs", "not_stationary", -99.0)]
    line = of(results(rows).best_known())
    assert (line.higher, line.missed_by) == (1, ["bfgs"])


def test_no_best_known_value():
    line = of(results([row("em", "saddle", -100.0)]).best_known())
    assert np.isnan(line.best_known)
    assert (line.fits, line.of_fits, line.finding, line.missed_by) == (0, 1, "", ["em"])


def ends(*places, scheme="random", method="em"):
    """Fits of one method that ended at these optima; None is a saddle."""
    kinds = {"best": (-100.0, BEST), "lower": (-103.0, LOWER), "other": (-104.0, OTHER)}
    made = []
    for k, place in enumerate(places):
        loglik, end = kinds.get(place, (-110.0, BEST))
        finding = "maximum" if place else "saddle"
        made.append(row(method, finding, loglik, end=end, start_index=k, start_scheme=scheme))
    return made


def test_good_turing_by_hand():
    rows = ends(*["best"] * 5, "lower", "lower", "other", None, None)
    line = of(results(rows).discovery())
    assert (line.starts, line.optima, line.once, line.chance) == (10, 3, 1, 0.1)
    assert line.upper == wilson(1, 10)[1]
    assert line.bound == 1.0
    many = of(results(ends(*["best"] * 400)).discovery())
    assert (many.once, many.chance) == (0, 0.0)
    assert many.bound == pytest.approx((1 + np.sqrt(2)) * np.sqrt(np.log(40) / 400))


def test_labels_make_no_new_optimum():
    rows = ends("best", "best")
    rows[1]["theta"] = rows[1]["polished"] = json.dumps(swapped(BEST))
    line = of(results(rows).discovery())
    assert (line.optima, line.once, line.chance) == (1, 0, 0.0)


def test_each_method_and_scheme_has_its_own_chance():
    rows = [
        *ends("best", "best", "lower"),
        *ends("best", scheme="from-data"),
        *ends("other", method="bfgs"),
    ]
    table = results(rows).discovery()
    assert of(table, method="em", start_scheme="random")["chance"] == pytest.approx(1 / 3)
    assert of(table, method="em", start_scheme="from-data")["chance"] == 1.0
    both = of(table, method="em", start_scheme="all")
    assert (both.starts, both.optima, both.once, both.chance) == (4, 2, 1, 0.25)
    assert of(table, method="bfgs")["starts"] == 1


@pytest.mark.parametrize("scheme", ["hierarchical", "given", "module:NotHere"])
def test_starts_that_are_not_drawn_at_random_have_no_chance(scheme):
    assert results(ends("best", "lower", scheme=scheme)).discovery().empty


def test_samplers_and_narrow_ends_find_nothing():
    rows = [
        *several("em", ("maximum", -100.0, True, {}), ("maximum", -98.0, True, {"narrow": True})),
        row("nuts", "verified", -100.5),
    ]
    found = results(rows)
    line = of(found.discovery())
    assert (line.method, line.starts, line.optima, line.once) == ("em", 2, 1, 1)
    assert set(found.reached_by()["method"]) == {"em"}
    assert of(found.best_known()).of_fits == 2


@pytest.mark.parametrize("rows", [[], [row("em", "error", NAN)]])
def test_nothing_found(rows):
    found = results(rows)
    assert found.reached_by().empty
    assert {"hits", "share", "upper"} <= set(found.reached_by().columns)
    assert len(found.best_known()) == len(rows)
    assert {"chance", "upper", "bound"} <= set(found.discovery().columns)
    assert (found.discovery()["optima"] == 0).all()


@pytest.mark.parametrize(
    "chances", [[0.9, 0.1], [0.5, 0.3, 0.15, 0.05], [0.8, *[0.02] * 10], [0.25] * 4]
)
@pytest.mark.parametrize("n", [20, 100])
def test_the_interval_covers_the_unseen_chance(chances, n):
    """Of 500 drawn collections the upper limit holds the true chance in at least 92 of 100."""
    rng = np.random.default_rng(n)
    counts = rng.multinomial(n, chances, size=500)
    unseen = ((counts == 0) * np.array(chances)).sum(axis=1)
    limits = np.array([wilson(int(once), n)[1] for once in (counts == 1).sum(axis=1)])
    assert (unseen <= limits).mean() >= 0.92
