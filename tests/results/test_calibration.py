"""Calibration read off planted ranks: what is uniform, what is not, and that no run is dropped."""

import json

import numpy as np
import pytest
from planted import results, row

from mixcompare.study.expect import find

R = 200


def run(replicate, ranks, method="nuts", finding="verified", ess=150.0, **other):
    metrics = {"ranks": ranks, "rank_draws": 99, "rank_ess": ess, "same_prior": True}
    metrics.update(other.pop("metrics", {}))
    cells = {"replicate": replicate, "metrics": json.dumps(metrics), **other}
    return row(method, finding, -100.0, **cells)


def uniform(seed, R=R):
    return np.random.default_rng(seed).random(R)


def ranks(u, narrow):
    """Uniform ones of the first mean, too many extreme ones of the second and of the log-likelihood."""
    extreme = 0.5 + np.sign(narrow - 0.5) * 0.5 * np.abs(2 * narrow - 1) ** 0.4
    return [{"means": [[a], [b]], "loglik": b} for a, b in zip(u, extreme, strict=True)]


def planted():
    """nuts: as above, three runs unclean in three ways; gibbs: uniform, one run without draws."""
    found = [run(r, cell) for r, cell in enumerate(ranks(uniform(1), uniform(2)))]
    found[0] = run(0, {"means": [[0.5], [0.5]], "loglik": 0.5}, finding="divergences")
    found[1] = run(1, {"means": [[0.5], [None]], "loglik": 0.5}, ess=20.0)
    found[2] = run(2, {"means": [[0.5], [0.5]], "loglik": 0.5}, ess=None)
    a, b, c = uniform(3), uniform(4), uniform(5)
    for r in range(R):
        cell = {"means": [[a[r]], [b[r]]], "loglik": c[r]}
        found.append(run(r, cell, "gibbs"))
    found[-1] = row("gibbs", "error", replicate=R - 1, metrics="{}", error="RuntimeError: no")
    return found


@pytest.fixture(scope="module")
def made():
    return results(planted())


def test_one_line_a_quantity(made):
    table = made.calibration().set_index(["method", "parameter", "component", "index"])
    assert list(table.index) == [
        (method, *place)
        for method in ("nuts", "gibbs")
        for place in (("means", 1, "1"), ("means", 2, "1"), ("loglik", "", ""))
    ]
    assert list(table["inside"]) == [True, False, False, True, True, True]
    assert (table["p_value"].iloc[1:3] < 0.001).all()
    assert (table["simulations"] == R).all()
    assert list(table["ranked"]) == [R, R - 1, R, R - 1, R - 1, R - 1]
    assert list(table["unclean"]) == [3] * 3 + [1] * 3
    assert (table["draws"] == 99).all()
    assert table["same_prior"].all()


def test_quantities_of_the_study_file(made):
    def value(quantity, **where):
        return find(made, quantity, where)[0]

    assert value("calibrated", method="nuts") == pytest.approx(1 / 3)
    assert value("calibrated", method="gibbs") == 1
    assert value("calibrated") == pytest.approx(4 / 6)
    assert value("calibrated", method="nuts", parameter="means", component=1) == 1
    assert value("n_unclean") == 4
    assert value("n_unclean", method="gibbs") == 1
    p = made.calibration()["p_value"]
    assert value("calibration_p", method="gibbs") == min(1, 3 * p[3:].min()) > 0.05
    assert value("calibration_p") == 6 * p.min()
    for quantity in ("calibrated", "calibration_p", "n_unclean"):
        assert "no ranks" in find(made, quantity, {"method": "em"})[1]
        assert "no ranks" in find(results([row("em", "maximum", -1.0)]), quantity, {})[1]


def test_sentences(made):
    said = [s for s in made.sentences() if "drawn from the prior" in s]
    nuts, gibbs = said
    assert "nuts: over 200 truths drawn from the prior the ranks are not uniform" in nuts
    assert "1 of 3 quantities stay inside" in nuts
    assert "3 runs did not sample cleanly, and are among the ranks all the same." in nuts
    assert "no departure from calibration" in gibbs
    assert "all 3 quantities stay inside" in gibbs
    assert "1 run did not sample cleanly: no draws were left to rank among." in gibbs
    assert not any("prior is not the one" in s for s in said)


def test_the_answer_in_short(made):
    (said,) = [p for p in made.answer() if "drawn from the prior" in p]
    assert "The ranks of truths drawn from the prior are not uniform with nuts (4 of 6" in said
    assert "4 of 400 runs did not sample cleanly and stay in" in said
    cells = [{"loglik": u} for u in uniform(3, 30)]
    (said,) = results([run(r, cell) for r, cell in enumerate(cells)]).answer()
    assert "show no departure from calibration (1 of 1 quantities" in said


def test_advice_counts_the_draws_that_can_be_believed(made):
    assert "the draws of 398 of 400 fits; the table says" in made.advice()


def test_another_prior_is_said():
    cells = ranks(uniform(1, 30), uniform(2, 30))
    other = results([run(r, c, metrics={"same_prior": False}) for r, c in enumerate(cells)])
    assert not other.calibration()["same_prior"].any()
    (said,) = [s for s in other.sentences() if "drawn from the prior" in s]
    assert "The sampler's prior is not the one that truths were drawn from" in said
    assert "Every run sampled cleanly." in said


def test_a_method_without_any_ranks_is_not_left_out():
    failed = [row("gibbs", "error", replicate=r, posterior_intervals="{}") for r in range(3)]
    failed[0]["finding"] = "not_mixed"  # a sampler, by its finding
    drawn = [run(r, {"loglik": 0.1 + 0.3 * r}) for r in range(3)]
    made = results([*drawn, *failed])
    line = made.calibration().set_index("method").loc["gibbs"]
    assert (line["simulations"], line["ranked"], line["unclean"]) == (3, 0, 3)
    assert line["inside"] is None
    said = " ".join(made.sentences())
    assert "gibbs: of 3 truths drawn from the prior too few were ranked to tell." in said


def test_fixed_truths_have_no_calibration():
    metrics = json.dumps({"kl": 0.01, "errors": {}, "covered": {}, "width": {}})
    fixed = results([row("nuts", "verified", -100.0, metrics=metrics)])
    assert fixed.calibration().empty
    assert "rank" not in set(fixed.accuracy()["metric"])
