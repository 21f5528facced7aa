"""Conjugate priors on probabilities: Beta for one, Dirichlet for several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.families.base import Parameters
from mixcompare.families.conjugate.shares import (
    draw_bernoulli,
    draw_binomial,
    draw_categorical,
)
from mixcompare.families.priors.base import (
    ComponentPrior,
    Number,
    declare_located,
    locate,
    located,
    worded,
)
from mixcompare.families.priors.densities import log_beta_density, log_dirichlet_density

SHAPE = 1.5
"""Default shapes: weakly informative, and zero at the edges."""

OFF_EDGE = 1e-6
"""A start at an edge is moved this far inside, where its density is positive."""


@dataclass(frozen=True)
class BetaProbabilities(ComponentPrior):
    """probs ~ Beta(a, b), independent; (K, d) if there are features, else (K,). Variable "p"."""

    features: bool
    form: str = "weak"

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Both shapes."""
        return Number("a", SHAPE), Number("b", SHAPE)

    def text(self, given: Mapping[str, Any]) -> str:
        """See `ComponentPrior`."""
        v = worded(self.numbers, given)
        return f"probabilities ~ Beta({v['a']}, {v['b']})"

    @property
    def conjugate(self) -> Callable[..., None]:
        """See `ComponentPrior`."""
        return draw_bernoulli if self.features else draw_binomial

    def packed(self, d: int, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
        """See `ComponentPrior`."""
        return np.array([numbers["a"], numbers["b"]], dtype=float)

    def declare(self, K: int, d: int, numbers: Mapping[str, Any], ordered: bool) -> dict[str, Any]:
        """See `ComponentPrior`."""
        import pymc as pm

        shapes = {"alpha": numbers["a"], "beta": numbers["b"]}
        return {
            "probs": declare_located("p", pm.Beta, shapes, K, d if self.features else None, ordered)
        }

    def from_draws(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        return {"probs": located("p", draws, self.features)}

    def to_draws(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        return locate("p", np.clip(parameters["probs"], OFF_EDGE, 1 - OFF_EDGE))

    def log_density(self, parameters: Parameters, numbers: Mapping[str, np.ndarray]) -> float:
        """See `ComponentPrior`."""
        return log_beta_density(parameters["probs"], float(numbers["a"]), float(numbers["b"]))

    def sample(
        self,
        size: int,
        K: int,
        d: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        shape = (size, K, d) if self.features else (size, K)
        return {"probs": rng.beta(numbers["a"], numbers["b"], size=shape)}


@dataclass(frozen=True)
class DirichletProbabilities(ComponentPrior):
    """The probabilities of each item ~ Dirichlet(a, ..., a), independent. Variables "p_j" (K, L_j).

    Parameters
    ----------
    levels : tuple of int
        Of each item; those with one level have nothing to estimate.
    """

    levels: tuple[int, ...]
    form: str = "weak"

    unordered: ClassVar[str] = "probabilities of several levels have no order"

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The concentration of a level."""
        return (Number("a", SHAPE),)

    def text(self, given: Mapping[str, Any]) -> str:
        """See `ComponentPrior`."""
        a = worded(self.numbers, given)["a"]
        return f"probabilities of each item ~ Dirichlet({a}, ..., {a})"

    @property
    def open(self) -> list[tuple[int, int]]:
        """Index and number of levels of each item that has several."""
        return [(j, L) for j, L in enumerate(self.levels) if L > 1]

    @property
    def conjugate(self) -> Callable[..., None]:
        """See `ComponentPrior`."""
        return draw_categorical

    def packed(self, d: int, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
        """See `ComponentPrior`."""
        return np.array([numbers["a"]], dtype=float)

    def declare(self, K: int, d: int, numbers: Mapping[str, Any], ordered: bool) -> dict[str, Any]:
        """See `ComponentPrior`; "probs" are a list, one (K, L_j) for each item with several levels."""
        import pymc as pm

        return {
            "probs": [
                pm.Dirichlet(f"p_{j}", numbers["a"] * np.ones((K, L)), shape=(K, L))
                for j, L in self.open
            ]
        }

    def from_draws(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        return self._padded({j: draws[f"p_{j}"] for j, _ in self.open})

    def _padded(self, p: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
        leading = next(iter(p.values())).shape[:-1]
        probs = np.zeros((*leading, len(self.levels), max(self.levels)))
        probs[..., 0] = 1.0  # items of one level
        for j, L in self.open:
            probs[..., j, :L] = p[j]
        return {"probs": probs}

    def to_draws(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        draws = {}
        for j, L in self.open:
            p = np.maximum(parameters["probs"][:, j, :L], OFF_EDGE)
            draws[f"p_{j}"] = p / p.sum(axis=1, keepdims=True)
        return draws

    def log_density(self, parameters: Parameters, numbers: Mapping[str, np.ndarray]) -> float:
        """See `ComponentPrior`."""
        p, a = parameters["probs"], float(numbers["a"])
        return sum(log_dirichlet_density(p[:, j, :L], a) for j, L in self.open)

    def sample(
        self,
        size: int,
        K: int,
        d: int,
        numbers: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        """See `ComponentPrior`."""
        a = float(numbers["a"])
        return self._padded({j: rng.dirichlet(np.full(L, a), size=(size, K)) for j, L in self.open})
