"""How long each method took from each start, read off planted histories."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from planted import BEST, LOWER, row, theta

from mixcompare.data import Dataset
from mixcompare.study.from_starts import summed, tell
from mixcompare.study.results import Results


def made(held: int = 1) -> Results:
    starts = [theta(m1=0.0, m2=0.0), theta(m1=0.0, m2=1.0), theta(m1=0.0, m2=2.0)]
    ends = [("saddle", -110.0, LOWER), ("maximum", -100.0, BEST), ("maximum", -100.0, BEST)]
    paths = [[-120.0, -110.0], [-120.0, -101.5, -100.5, -100.0], [-120.0, *[-110.0] * 20, -100.0]]
    if held == 2:
        ends[1], paths[1] = ("saddle", -112.0, LOWER), [-120.0, -112.0]
    rows, lines = [], []
    for index, (start, (finding, loglik, end), path) in enumerate(
        zip(starts, ends, paths, strict=True)
    ):
        made = row("em", finding, loglik, True, end, start_index=index, key=f"k{index}")
        rows.append(made | {"start": json.dumps(start), "permutation": "[0, 1]"})
        steps = np.arange(len(path))
        lines.append(
            pd.DataFrame({"key": f"k{index}", "step": steps, "passes": steps + 1, "loglik": path,
                          "theta": json.dumps(end)})
        )  # fmt: skip
    study = {"model": [{"family": "gaussian", "n_components": [2]}]}
    data = {("planted", 0): Dataset(np.linspace(-1, 6, 30), name="planted")}
    return Results(pd.DataFrame(rows), pd.DataFrame(), study, data, histories=pd.concat(lines))


def test_steps_are_counted_from_each_start() -> None:
    lines = made().from_starts()
    assert lines["start"].to_list() == [f"mean 2 = {k}" for k in range(3)]
    assert lines["steps"].to_list() == [1, 3, 21]
    np.testing.assert_array_equal(lines["within_1"], [np.nan, 2, 21])
    np.testing.assert_array_equal(lines["within_0.0001"], [np.nan, 3, 21])
    assert lines["gap"].to_list() == pytest.approx([10.0, 0.0, 0.0])


def test_sentences_name_who_does_not_arrive_and_who_is_slow() -> None:
    first, second = tell(made().from_starts())
    assert first == (
        "em does not reach the best known optimum from start 0 (mean 2 = 0): it ends 10.0 nats below it "
        "(saddle)."
    )
    assert second == (
        "em needs 3 steps to come within 0.0001 nats of the best known optimum from start 1 (mean 2 = 1), "
        "and 21 from start 2 (mean 2 = 2)."
    )


def test_a_saddle_is_named_in_the_answer() -> None:
    (text,) = summed(made())
    assert text == (
        "From mean 2 = 0 (planted) em ends at a saddle, 10.0 nats below the best known optimum."
    )
    wrong = made()
    wrong.fits["fault"] = "on purpose"
    assert list(summed(Results(wrong.fits, pd.DataFrame(), wrong.study, wrong.data,
                               histories=wrong.histories))) == []  # fmt: skip


def test_starts_of_one_end_are_told_in_one_sentence() -> None:
    found = made(held=2)
    (text,) = summed(found)
    assert text == (
        "From 2 of 3 starts (planted, 0 and 1) em ends at a saddle, up to 12.0 nats below the best known "
        "optimum."
    )
    found.fits["method"] = "em, 40 iterations"
    (told,) = tell(Results(found.fits, pd.DataFrame(), found.study, found.data,
                           histories=found.histories).from_starts())  # fmt: skip
    assert told == (
        '"em, 40 iterations" does not reach the best known optimum from 2 of 3 starts: it ends 10.0 to '
        "12.0 nats below it (saddle)."
    )


def test_a_method_that_arrives_from_no_start_arrives_from_none_of_any() -> None:
    found = made(held=2)
    lines = found.from_starts()
    lost = lines[lines["gap"] > 1].assign(method="em, 40 iterations")
    (told,) = tell(lost)
    assert told.startswith(
        '"em, 40 iterations" does not reach the best known optimum from any of 2 starts: it ends '
    )


def test_without_histories_there_is_nothing() -> None:
    assert Results(made().fits, pd.DataFrame()).from_starts().empty
