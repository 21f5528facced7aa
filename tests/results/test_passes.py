"""Passes to the best known value and the profiles made of them, each number by hand."""

import time

import numpy as np
import pandas as pd
import pytest
from planted import NAN, results, row

INF = float("inf")


def made(*fits, study=None):
    """Results of fits (row, [(passes, loglik), ...])."""
    found = results([fit for fit, _ in fits], study)
    lines = [
        (f"key{k}", passes, loglik) for k, (_, path) in enumerate(fits) for passes, loglik in path
    ]
    found.trajectories = pd.DataFrame(lines, columns=["key", "passes", "loglik"])
    return found


def end(method, loglik, spent, finding="maximum", **other):
    return row(method, finding, loglik, True, passes=float(spent), **other)


PATH = [(1, -120.0), (3, -101.0), (5, -100.2), (8, -100.05), (13, -100.004), (20, -100.0)]


def planted():
    """em from two starts, one of them lost at a lower maximum; bfgs from the same, both there."""
    return made(
        (end("em", -100.0, 20), PATH),
        (end("em", -105.0, 9, start_index=1), [(1, -120.0), (9, -105.0)]),
        (end("bfgs", -100.0, 30), [(1, -120.0), (2, -100.5), (26, -100.0), (30, -100.0)]),
        (end("bfgs", -100.0, 7, start_index=1), [(1, -120.0), (4, -100.09), (7, -100.0)]),
        (row("nuts", "verified", -100.3, passes=5000.0), []),
    )


def of(table, **where):
    for key, value in where.items():
        table = table[table[key] == value]
    return table


def test_passes_by_hand():
    table = planted().passes_to()
    assert table["tolerance"].unique().tolist() == [1.0, 0.1, 0.01]
    wide = table.pivot_table(index="key", columns="tolerance", values="passes", dropna=False)
    assert wide[1.0].tolist() == pytest.approx([3, NAN, 2, 4], nan_ok=True)
    assert wide[0.1].tolist() == pytest.approx([8, NAN, 26, 4], nan_ok=True)
    assert wide[0.01].tolist() == pytest.approx([13, NAN, 26, 7], nan_ok=True)
    assert "nuts" not in set(table["method"])
    assert of(table, tolerance=0.1)["level"].tolist() == [-100.1] * 4
    assert (table["n_parameters"] == 5).all()
    assert of(table, tolerance=1.0)["spent"].tolist() == [20, 9, 30, 7]


def test_rows_in_any_order_and_paths_that_fall_back():
    """The running best is taken here, whatever order the rows of the table have."""
    found = planted()
    before = found.passes_to()
    shuffled = found.trajectories.sample(frac=1, random_state=0)
    dip = pd.DataFrame([("key0", 14, -150.0), ("key0", 15, NAN)], columns=shuffled.columns)
    found.trajectories = pd.concat([shuffled, dip])
    pd.testing.assert_frame_equal(found.passes_to(), before)


@pytest.mark.parametrize(
    "lost",
    [
        {"finding": "singular", "loglik": 40.0},
        {"finding": "out_of_domain", "loglik": -90.0},
        {"finding": "error", "loglik": NAN},
        {"finding": "maximum", "loglik": -98.0, "narrow": True},
    ],
)
def test_a_fit_that_ended_nowhere_is_censored(lost):
    ended = end("bfgs", lost.pop("loglik"), 20, **lost)
    found = made((end("em", -100.0, 20), PATH), (ended, [*PATH[:-1], (20, -99.9)]))
    assert of(found.passes_to(), method="bfgs")["passes"].isna().all()
    assert of(found.passes_to(), method="em")["passes"].tolist() == [3, 8, 13]


def test_reaching_counts_whatever_the_end():
    """Not stationary, a nat and a half below: it had been there, and went away."""
    found = made(
        (end("em", -100.0, 20), PATH), (end("sem", -101.5, 40, finding="not_stationary"), PATH)
    )
    assert of(found.passes_to(), method="sem")["passes"].tolist() == [3, 8, 13]


def test_a_path_above_every_proper_value_tells_nothing():
    """With a weight above one the naive density has higher values: then the whole fit is the cost."""
    spike = [(1, -120.0), (4, -90.0), (50, -90.0)]
    found = made(
        (end("em", -100.0, 20), PATH),
        (end("bfgs[naive]", -100.0, 50), spike),
        (end("powell[naive]", -100.05, 50, finding="not_stationary"), spike),
    )
    assert of(found.passes_to(), method="bfgs[naive]")["passes"].tolist() == [50, 50, 50]
    passes = of(found.passes_to(), method="powell[naive]")["passes"].tolist()
    assert passes == pytest.approx([50, 50, NAN], nan_ok=True)


def test_an_end_above_the_best_known_value_has_been_there():
    """Cut short by its budget on the way to a better optimum that no fit reached."""
    found = made(
        (end("em", -100.0, 20), PATH),
        (end("bfgs", -80.0, 5, finding="not_stationary"), [(1, -120.0), (5, -80.0)]),
    )
    assert of(found.passes_to(), method="bfgs")["passes"].tolist() == [5, 5, 5]


def test_without_a_trajectory_the_whole_fit_is_the_cost():
    found = made((end("em", -100.0, 20), PATH), (end("other", -100.05, 33, start_index=1), []))
    passes = of(found.passes_to(), method="other")["passes"].tolist()
    assert passes == pytest.approx([33, 33, NAN], nan_ok=True)


def test_nothing_to_reach():
    found = made((end("em", -100.0, 20, finding="saddle"), PATH))
    table = found.passes_to()
    assert table["passes"].isna().all()
    assert table["level"].isna().all()
    assert of(found.cost(), tolerance=1.0)["per_success"].tolist() == [INF]


def test_cost_by_hand():
    line = of(planted().cost(), method="em", tolerance=0.01).iloc[0]
    assert (line.fits, line.reached, line.share) == (2, 1, 0.5)
    assert line.per_success == 13 + 9
    assert (line.median_passes, line.lower, line.upper) == (13, 13, INF)
    line = of(planted().cost(), method="bfgs", tolerance=0.01).iloc[0]
    assert (line.reached, line.per_success, line.median_passes, line.upper) == (2, 16.5, 7, 26)


def test_performance_profiles_by_hand():
    table = of(planted().performance_profiles(), tolerance=0.01)
    # start 0: em 13, bfgs 26; start 1: bfgs 7 alone
    em, bfgs = of(table, method="em"), of(table, method="bfgs")
    assert (em["ratio"].tolist(), em["share"].tolist()) == ([1.0], [0.5])
    assert (bfgs["ratio"].tolist(), bfgs["share"].tolist()) == ([1.0, 2.0], [0.5, 1.0])
    assert em[["reached", "fits"]].iloc[0].tolist() == [1, 2]


def test_data_profiles_by_hand():
    table = of(planted().data_profiles(), tolerance=0.01, method="bfgs")
    assert table["budget"].tolist() == pytest.approx([7 / 6, 26 / 6])  # two normals: q = 5
    assert table["share"].tolist() == [0.5, 1.0]


def test_runtime_distributions_by_hand():
    table = of(planted().runtime_distributions(), tolerance=0.1)
    em, bfgs = of(table, method="em"), of(table, method="bfgs")
    assert (em["passes"].tolist(), em["share"].tolist()) == ([8.0], [0.5])
    assert (bfgs["passes"].tolist(), bfgs["share"].tolist()) == ([4.0, 26.0], [0.5, 1.0])


def test_ties_are_one_jump():
    found = made((end("em", -100.0, 20), PATH), (end("em", -100.0, 20, start_index=1), PATH))
    table = found.runtime_distributions([1.0])
    assert (table["passes"].tolist(), table["share"].tolist()) == ([3.0], [1.0])


def test_a_method_that_never_got_there_keeps_its_curve():
    found = made((end("em", -100.0, 20), PATH), (row("powell", "error"), []))
    for table in (found.performance_profiles(), found.data_profiles()):
        lost = of(table, method="powell")
        assert lost["share"].tolist() == [0.0] * 3
        assert lost["fits"].tolist() == [1] * 3


def test_empty_tables_keep_their_columns():
    found = results([])
    assert {"passes", "spent", "level", "tolerance"} <= set(found.passes_to().columns)
    assert {"per_success", "median_passes"} <= set(found.cost().columns)
    assert {"ratio", "share"} <= set(found.performance_profiles().columns)
    assert {"budget", "share"} <= set(found.data_profiles().columns)
    assert {"passes", "share"} <= set(found.runtime_distributions().columns)


def test_a_hundred_thousand_fits_are_read_in_seconds():
    n = 100_000
    fits = pd.DataFrame([end("em", -100.0, 20)]).loc[np.zeros(n, dtype=int)].reset_index(drop=True)
    fits = fits.assign(key=[f"k{i}" for i in range(n)], start_index=np.arange(n))
    path = np.tile(np.array(PATH), (n, 1))
    found = results([end("em", -100.0, 20)])
    found.fits = fits
    found.trajectories = pd.DataFrame(
        {"key": fits["key"].repeat(len(PATH)), "passes": path[:, 0], "loglik": path[:, 1]}
    )
    assert len(found.rows) == n
    started = time.process_time()
    table = found.passes_to()
    assert time.process_time() - started < 10
    assert of(table, tolerance=0.01)["passes"].eq(13).all()
