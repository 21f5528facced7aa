"""Nothing that an estimator says about its end has any influence on what the end is found to be."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.estimators.base import KINDS, TARGETS, Estimator
from mixcompare.estimators.em import EM
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import FINDINGS, Claim, FitRecord, Solver
from mixcompare.store.rows import to_json
from mixcompare.theta import Theta

FREE = MixtureModel("gaussian", 2)
COINS = MixtureModel("bernoulli", 2)
WAITING = load_dataset("old_faithful", columns=["waiting"])


def normal(weights: list[float], means: list[float], variances: list[float]) -> Theta:
    return Theta(weights, means=np.c_[means], covariances=np.reshape(variances, (-1, 1, 1)))


def coins(weights: list[float], probs: list[float]) -> Theta:
    return Theta(weights, probs=np.c_[probs])


def best() -> Theta:
    problem = Problem(FREE, WAITING)
    claim = EM().fit(problem, normal([0.5, 0.5], [55, 80], [25, 25]), np.random.default_rng(0))
    assert claim.theta is not None
    return claim.theta


ENDS: dict[str, tuple[MixtureModel, Dataset, Theta | None]] = {
    "unsupported": (FREE, WAITING, None),
    "error": (FREE, WAITING, None),
    "non_finite": (FREE, WAITING, normal([0.5, 0.5], [55, np.nan], [25, 25])),
    "out_of_domain": (FREE, WAITING, normal([0.5, 0.5], [55, 80], [25, -25])),
    "singular": (FREE, WAITING, normal([0.01, 0.99], [WAITING.x[0, 0], 71], [1e-12, 180])),
    "not_stationary": (FREE, WAITING, normal([0.5, 0.5], [55, 80], [25, 25])),
    "saddle": (FREE, load_dataset("ten_points"), normal([0.5, 0.5], [6.56] * 2, [18.1324] * 2)),
    "duplicate": (COINS, Dataset(np.repeat([0.0, 1.0], [4, 6])), coins([0.5, 0.5], [0.6, 0.6])),
    "boundary": (COINS, load_dataset("li_hang_coins"), coins([0.6, 0.4], [1, 0])),
    "ridge": (COINS, load_dataset("li_hang_coins"), coins([0.4136, 0.5864], [0.5471, 0.637312])),
    "maximum": (FREE, WAITING, best()),
}
"""An end of each finding."""


@dataclass(frozen=True)
class Says(Estimator):
    """Hands back what it is told to, in the words it is told to use."""

    finding: str = "maximum"
    claim: Claim | None = None

    name: ClassVar[str] = "says"

    def supports(self, model: MixtureModel, n_features: int) -> str:
        return "it never could" if self.finding == "unsupported" else ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        if self.finding == "error":
            raise ZeroDivisionError(self.claim.solver.message if self.claim else "")
        assert self.claim is not None
        return self.claim


SOLVERS = [
    Solver(success, status, message, counts)
    for (success, (status, message)), counts in zip(
        itertools.product(
            (True, False, None),
            [("0", "Optimization terminated successfully."), ("unsupported", "I am a maximum")],
        ),
        itertools.cycle([{}, {"nfev": -1}, {"nit": 10**9}]),
        strict=False,
    )
]


def record(finding: str, solver: Solver, **words: object) -> FitRecord:
    model, data, theta = ENDS[finding]
    return fit(model, data, Says(finding, Claim(theta, solver, **words)))


@pytest.mark.parametrize("finding", FINDINGS)
def test_no_word_of_a_solver_changes_a_finding(finding):
    plain = record(finding, Solver())
    assert plain.finding == finding
    assert plain.verdict is not None
    lies = [record(finding, solver) for solver in SOLVERS]
    for other in ("unsupported", "maximum"):
        words = {"notes": (f"{other}: surely",), "passes": 0.0, "compile_seconds": -1.0}
        lies.append(record(finding, Solver(True), unsupported=f"I am {other}", **words))
    message = {"message"} if finding == "error" else set()  # an exception's own words are kept
    for lie in lies:
        assert lie.verdict is not None
        for field in dataclasses.fields(plain.verdict):
            if field.name not in message:
                mine, theirs = (getattr(v, field.name) for v in (plain.verdict, lie.verdict))
                if isinstance(mine, Theta):
                    mine, theirs = mine.to_dict(), theirs.to_dict()
                assert to_json(mine) == to_json(theirs), field.name
        assert to_json(lie.loglik) == to_json(plain.loglik)


def test_words_are_kept_verbatim():
    said = Solver(True, "17", "All is well.", {"nit": 3})
    found = record("saddle", said)
    assert found.solver == said
    assert (found.finding, found.target) == ("saddle", "likelihood")


def test_every_method_declares_what_it_is_and_maximises():
    classes = {name: registry.load("methods", name) for name in registry.NAMES["methods"]}
    assert {cls.kind for cls in classes.values()} == set(KINDS) - {"other"}
    assert {cls.target for cls in classes.values()} == set(TARGETS)
    targets = {name: cls.target for name, cls in classes.items() if cls.target != "likelihood"}
    assert targets == {"em[penalised]": "penalised", "cem": "classification"}
