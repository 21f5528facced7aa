"""What is said of a slice, from planted maps."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.study.basin_blocks import Reached
from mixcompare.study.basins import Basins
from mixcompare.study.landscape import Slice
from mixcompare.study.slices import StudySlice
from mixcompare.study.slices_words import summed, tell
from mixcompare.theta import Theta

DATA = Dataset(np.linspace(0, 1, 20), name="x")
CUT = Slice(
    MixtureModel("gaussian", 2).on(DATA),
    Theta([0.5, 0.5], means=[[0.0], [1.0]], covariances=[[[1.0]], [[1.0]]]),
    (("means", 0, 0), ("means", 1, 0)),
    ((0.0, 1.0), (0.0, 2.0)),
    10,
    DATA.columns,
)
REACHED = (
    Reached("maximum", True, "local", True, 20.0, CUT.base),
    Reached("maximum", True, "global", False, 12.5, CUT.base),
    Reached("saddle"),
)


def made(reached: tuple[Reached, ...] = REACHED) -> StudySlice:
    one, two = np.ones((10, 10), dtype=int), np.ones((10, 10), dtype=int)
    one[:2], two[:, :5], two[0] = 2, 0, 2
    said = {"em": np.ones((10, 10)), "bfgs": np.where(two == 2, 1, 0)}
    blank = {name: np.zeros((10, 10)) for name in said}
    basins = Basins("x", CUT, reached, {"em": one, "bfgs": two}, blank, blank, said)
    return StudySlice("means", "gaussian K=2 full", DATA, CUT, basins, ())


def test_the_shares_are_of_the_best_optimum_that_is_not_narrow() -> None:
    held, top, shares, same, claims = tell(made(), 12.5)
    assert held == (
        "Only mean 1 and mean 2 move; everything else is held: weights 0.5, 0.5; covariances 1, 1."
    )
    assert "nats below the best known optimum, which has other values of what is held here" in top
    assert shares == (
        "Share of the 100 starts, one at each point of the grid, from which a method reaches the best "
        "known optimum: em 80 % and bfgs 45 %."
    )
    assert same == "The two methods reach the same from 50 %."
    assert (
        claims
        == "Claims of success at ends that are not sound: em at 20 of 100 and bfgs at 10 of 10."
    )


def test_a_better_optimum_elsewhere_is_told() -> None:
    shares = list(tell(made(), 15.0))[2]
    assert "the best of what is reached (12.500 nats): em 80 %" in shares


def test_the_answer_names_shares_and_saddles() -> None:
    (text,) = summed(SimpleNamespace(slices={"means": made()}))
    assert text == (
        "Of 100 starts all over mean 1 and mean 2 (x) these shares lead to the best optimum found from "
        "there: em 80 % and bfgs 45 %; these end at a saddle: em 20 % and bfgs 10 %."
    )


def test_without_an_optimum_there_are_no_shares() -> None:
    nothing = made((Reached("not_stationary"), Reached("error"), Reached("saddle")))
    assert list(tell(nothing))[2] == (
        "None of the 100 starts of any method leads to an optimum that is not narrow."
    )
    assert list(summed(SimpleNamespace(slices={"means": nothing}))) == []


@pytest.mark.parametrize("value", [None, 0.5])
def test_the_surface_alone_has_two_sentences(value: float | None) -> None:
    alone = StudySlice("means", "gaussian K=2 full", DATA, CUT, None, ())
    assert len(list(tell(alone, value))) == 2
