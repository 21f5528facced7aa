"""Contestants from outside, named module:Class in test studies; importable in worker processes too."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare.estimators.base import Estimator
from mixcompare.estimators.em import EM
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim, Solver
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Raises(Estimator):
    name: ClassVar[str] = "raises"

    def supports(self, model: MixtureModel, n_features: int) -> str:
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        problem.log_likelihood(start)
        raise ZeroDivisionError("as planned")


@dataclass(frozen=True)
class Unable(Estimator):
    name: ClassVar[str] = "unable"

    def supports(self, model: MixtureModel, n_features: int) -> str:
        return "it never could"

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        raise AssertionError("must not be called")


@dataclass(frozen=True)
class Slow(Estimator):
    """EM after a pause, so that a test can step in."""

    pause: float = 0.4

    name: ClassVar[str] = "slow"

    def supports(self, model: MixtureModel, n_features: int) -> str:
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        time.sleep(self.pause)
        return EM().fit(problem, start, rng)


@dataclass(frozen=True)
class Chains(Estimator):
    """Planned like a sampler: once a data set, with the first starts; ends where the last start is."""

    draws: int = 100

    name: ClassVar[str] = "chains"

    @property
    def chains(self) -> int:
        return 3

    def supports(self, model: MixtureModel, n_features: int) -> str:
        return ""

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        raise AssertionError("run is called instead")

    def run(self, problem: Problem, starts: list[Theta], rng: np.random.Generator) -> Claim:
        said = {"starts": len(starts), "random": int(rng.integers(1 << 30))}
        return Claim(starts[-1], Solver(True, "done", "", said))
