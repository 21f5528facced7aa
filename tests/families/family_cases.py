"""Data and points for every registered family with every value of its options."""

from __future__ import annotations

import dataclasses
import itertools
import typing

import numpy as np

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.families.base import Family
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta


def _normal(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.normal(size=(n, d)) + np.where(rng.random((n, 1)) < 0.4, 3.0, 0.0)


def _binary(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return (rng.random((n, d)) < np.where(rng.random((n, 1)) < 0.4, 0.8, 0.3)).astype(float)


MAKERS = {"gaussian": _normal, "bernoulli": _binary}
"""How to make data (n, d) for each family: a family registered without a line here fails the tests."""


def families() -> list[Family]:
    """Every registered family, once for each combination of values of its options."""
    made = []
    for name in registry.NAMES["families"]:
        cls = registry.load("families", name)
        hints = typing.get_type_hints(cls)
        options = [field.name for field in dataclasses.fields(cls)]
        for values in itertools.product(*(typing.get_args(hints[option]) for option in options)):
            made.append(cls(**dict(zip(options, values, strict=True))))
    return made


def label(family: Family) -> str:
    return "-".join([family.name, *map(str, family.options.values())])


def make_data(family: Family, n: int, d: int, seed: int = 0, counts: bool = False) -> Dataset:
    rng = np.random.default_rng(seed)
    x = MAKERS[family.name](rng, n, d)
    return Dataset(x, counts=rng.integers(1, 6, n) if counts else None)


def make_point(model: MixtureModel, data: Dataset, seed: int = 0) -> Theta:
    """An interior point with nothing special about it: an M-step from random responsibilities."""
    rng = np.random.default_rng(seed)
    family = model.family
    shares = rng.dirichlet(np.full(model.n_components, 0.5), size=data.n_rows)
    parameters = family.from_frame(family.mle(family.sums(data, shares)), family.frame(data))
    return Theta(rng.dirichlet(np.full(model.n_components, 3.0)), **parameters)
