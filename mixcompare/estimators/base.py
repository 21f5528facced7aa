"""The estimator protocol, and how a method's name becomes one: `bfgs[naive+scaled]`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from mixcompare import registry
from mixcompare.errors import SpecError, nearest
from mixcompare.mixture import MixtureModel
from mixcompare.options import with_options
from mixcompare.problem import Problem
from mixcompare.records import Claim
from mixcompare.theta import Theta

KINDS = ("em", "gradient", "search", "sampler", "other")
"""EM and its relatives; solvers that use slopes; those that use values only; samplers; anything else."""

TARGETS = ("likelihood", "penalised", "classification")
"""What estimators maximise."""


@dataclass(frozen=True)
class Estimator(ABC):
    """Frozen settings, and one way to turn a metered problem and a start into a Claim.

    May iterate, stop and translate native codes. May not choose a start, restart, time, verify, store or
    swallow broad exceptions: what it raises is the row's `error`. `BudgetExceeded` may be caught to hand
    back the best point so far.

    A method's name may carry modifiers in brackets, joined by "+"; `modifiers` lists those allowed. A
    variant that is a method of its own is registered under its whole name, brackets included.
    """

    name: ClassVar[str]
    modifiers: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = "other"
    """How it works, for readers: one of `KINDS`."""
    target: ClassVar[str] = "likelihood"
    """What its claims of success are about: one of `TARGETS`. Verdicts are about the likelihood always.

    A sampler's are about the posterior of that likelihood, which is what the verdict on draws judges.
    """

    fault: ClassVar[str] = ""
    """What a contestant does wrong on purpose, in one sentence; "" for all that mean to be right."""

    batches: ClassVar[bool] = False
    """Whether `fit_many` is faster than `fit` again and again."""

    @property
    def changes(self) -> frozenset[str]:
        """What its formulation changes of what a newcomer writes, if it has several formulations."""
        return frozenset()

    @property
    def chains(self) -> int:
        """0: one fit a start. Otherwise a sampler: planned once a data set, with this many starts."""
        return 0

    def longer(self) -> Estimator | None:
        """The same sampler with twice the draws, for the driver to try again; None where that is no help."""
        return None

    @classmethod
    def modified(cls, modifiers: Sequence[str], **options: Any) -> Self:
        """The settings that the bracketed modifiers and options ask for."""
        return cls(**options)

    @abstractmethod
    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Say why the method cannot fit this model; "" if it can."""

    @abstractmethod
    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """One fit from one start."""

    def fit_many(
        self,
        problems: Sequence[Problem],
        starts: Sequence[Theta],
        rngs: Sequence[np.random.Generator],
    ) -> list[Claim | Exception]:
        """Fits of the same model to the same data, each metered by its own problem; its claim, or what it
        raised. A method whose fits can share compiled work overrides it, and says so by `batches`.
        """
        found: list[Claim | Exception] = []
        for problem, start, rng in zip(problems, starts, rngs, strict=True):
            try:
                found.append(self.fit(problem, start, rng))
            except Exception as error:  # noqa: BLE001 - what one fit raises is its own result
                found.append(error)
        return found

    def run(self, problem: Problem, starts: Sequence[Theta], rng: np.random.Generator) -> Claim:
        """What the driver calls: a sampler overrides it to use all its starts."""
        return self.fit(problem, starts[0], rng)


def one(found: Sequence[Claim | Exception]) -> Claim:
    """The claim of the only fit of `fit_many`; raises what it raised."""
    (claim,) = found
    if isinstance(claim, Exception):
        raise claim
    return claim


def make_estimator(method: str | Estimator, **options: Any) -> Estimator:
    """The estimator of a method's name, for example "em" or "l-bfgs-b[bounded]", with its options.

    Raises SpecError for an unknown name, modifier or option, with the nearest right one.
    """
    if isinstance(method, Estimator):
        return method
    match = re.fullmatch(r"([^\[\]]+)(?:\[([^\[\]]+)\])?", str(method))
    if not match:
        raise SpecError(f'method: expected a name such as "em" or "bfgs[naive]", got "{method}"')
    variant = method in registry.names(
        "methods"
    )  # a variant may have a name in brackets of its own
    cls = registry.load("methods", method if variant else match[1])
    modifiers = match[2].split("+") if match[2] and not variant else []
    for modifier in modifiers:
        if modifier not in cls.modifiers:
            known = [*_variants(match[1]), *cls.modifiers]
            raise SpecError(
                f'method {method}: unknown modifier "{modifier}": {match[1]} takes '
                f"{', '.join(known) or 'none'}.{nearest(modifier, known)}"
            )
    known = [field.name for field in fields(cls) if field.init]
    for key in options:
        if key not in known:
            raise SpecError(
                f'method {method}: unknown option "{key}": expected one of {", ".join(known)}.'
                f"{nearest(key, known)}"
            )
    estimator: Estimator = with_options(partial(cls.modified, modifiers), cls, options)
    return estimator


def _variants(method: str) -> list[str]:
    """What stands in brackets after this method's name among the registered names."""
    return [
        name[len(method) + 1 : -1]
        for name in registry.names("methods")
        if name.startswith(f"{method}[")
    ]
