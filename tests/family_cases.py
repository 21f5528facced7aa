"""Data and points for every registered family with every value of its options."""

from __future__ import annotations

import dataclasses
import itertools
import typing

import numpy as np
import pytest

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.families.base import Family
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta


def _normal(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.normal(size=(n, d)) + np.where(rng.random((n, 1)) < 0.4, 3.0, 0.0)


def _binary(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return (rng.random((n, d)) < np.where(rng.random((n, 1)) < 0.4, 0.8, 0.3)).astype(float)


def _counts(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.poisson(np.where(rng.random((n, d)) < 0.4, 2.0, 9.0)).astype(float)


def _successes(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.binomial(7, np.where(rng.random((n, d)) < 0.4, 0.2, 0.7)).astype(float)


def _times(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.exponential(np.where(rng.random((n, d)) < 0.4, 0.5, 6.0))


def _tailed(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.standard_t(2, size=(n, d)) + np.where(rng.random((n, 1)) < 0.4, 2.0, 0.0)


def _sizes(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.gamma(4.0, np.where(rng.random((n, d)) < 0.4, 0.3, 3.0))


def _codes(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Items of three and of two levels in turn."""
    tops = np.where(np.arange(d) % 2, 1, 2)
    return rng.binomial(tops, np.where(rng.random((n, 1)) < 0.4, 0.3, 0.6)).astype(float)


MAKERS = {
    "gaussian": _normal,
    "student_t": _tailed,
    "bernoulli": _binary,
    "poisson": _counts,
    "binomial": _successes,
    "exponential": _times,
    "gamma": _sizes,
    "categorical": _codes,
}
"""How to make data (n, d) for each family: a family registered without a line here fails the tests."""

VALUES: dict[tuple[str, str], tuple[typing.Any, ...]] = {
    ("binomial", "n_trials"): (7,),
    ("student_t", "df"): (4.0, None),
    ("categorical", "levels"): (None,),
    ("categorical", "first"): (None,),
}
"""Values to test of each option whose type does not list them."""


def families() -> list[Family]:
    """Every registered family, once for each combination of values of its options."""
    made = []
    for name in registry.NAMES["families"]:
        cls = registry.load("families", name)
        hints = typing.get_type_hints(cls)
        options = [field.name for field in dataclasses.fields(cls)]
        choices = [VALUES.get((name, o)) or typing.get_args(hints[o]) for o in options]
        for values in itertools.product(*choices):
            made.append(cls(**dict(zip(options, values, strict=True))))
    return made


def label(family: Family) -> str:
    return "-".join([family.name, *(str(v) for v in family.options.values() if v is not None)])


BY_BLOCKS = ("student_t",)
"""Families without a compiled pass."""


def cases(
    *sizes: typing.Any, slow: typing.Any = (), slow_by_blocks: typing.Any = ()
) -> list[typing.Any]:
    """Every family with every size, d or (d, ...): for univariate families those with d = 1.

    Sizes that are in `slow` too are marked so, those in `slow_by_blocks` for families of `BY_BLOCKS`.
    """
    made = []
    for family, size in itertools.product(families(), sizes):
        numbers = size if isinstance(size, tuple) else (size,)
        if numbers[0] == 1 or not family.univariate:
            name = "-".join([label(family), *map(str, numbers)])
            late = size in slow or (family.name in BY_BLOCKS and size in slow_by_blocks)
            marks = [pytest.mark.slow] if late else []
            made.append(pytest.param(family, *numbers, id=name, marks=marks))
    return made


def make_model(
    family: Family, K: int, n: int, d: int = 1, seed: int = 0, counts: bool = False
) -> tuple[MixtureModel, Dataset]:
    """A model and data it can be fitted to, which it knows."""
    data = make_data(family, n, d, seed, counts)
    return MixtureModel(family, K).on(data), data


def make_data(family: Family, n: int, d: int, seed: int = 0, counts: bool = False) -> Dataset:
    rng = np.random.default_rng(seed)
    x = MAKERS[family.name](rng, n, d)
    return Dataset(x, counts=rng.integers(1, 6, n) if counts else None)


def make_point(model: MixtureModel, data: Dataset, seed: int = 0) -> Theta:
    """An interior point with nothing special about it: an M-step from random responsibilities."""
    rng = np.random.default_rng(seed)
    family = model.on(data).family
    shares = rng.dirichlet(np.full(model.n_components, 0.5), size=data.n_rows)
    parameters = family.from_frame(family.mle(family.sums(data, shares)), family.frame(data))
    return Theta(rng.dirichlet(np.full(model.n_components, 3.0)), **parameters)
