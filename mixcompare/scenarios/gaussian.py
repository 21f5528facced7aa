"""Data from a mixture of normal distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.families.gaussian import Gaussian
from mixcompare.scenarios.base import Scenario, whole
from mixcompare.theta import Theta


@dataclass(frozen=True)
class GaussianScenario(Scenario):
    """n observations of sum_k w_k N(m_k, S_k).

    Parameters
    ----------
    weights : sequence of K numbers
        Positive, with sum 1.
    means : sequence of K numbers, or of K sequences of d numbers
    n : int
        Observations in one data set.
    sds : sequence of K numbers
        For d = 1; else `covariances` (K, d, d). Exactly one of the two.
    stratified : bool
        False: component labels are drawn with the weights, in random order. True: each component has
        its exact share of n (cumulative shares rounded), and the rows are in the order of components.
    first_seed : int, optional
        Replicate r is drawn by `numpy.random.default_rng(first_seed + r)`, whatever the study's seed: for
        data published with seeds. Stratified, they are `rng.normal(m_k, s_k, n_k)` one after the other.

    Raises
    ------
    SpecError
        Names the parameter, what was expected and what came.
    """

    weights: Any
    means: Any
    n: int
    sds: Any = None
    covariances: Any = None
    stratified: bool = False
    first_seed: int | None = None

    name: ClassVar[str] = "gaussian"

    def __post_init__(self) -> None:
        weights = _array("weights", self.weights)
        if (
            weights.ndim != 1
            or not weights.size
            or (weights <= 0).any()
            or abs(weights.sum() - 1) > 1e-9
        ):
            raise _wrong("weights", "positive numbers with sum 1", self.weights)
        K = weights.size
        means = _array("means", self.means)
        means = means[:, None] if means.ndim == 1 else means
        if means.ndim != 2 or means.shape[0] != K or not means.shape[1]:
            raise _wrong("means", f"{K} entries, as many as weights", self.means)
        if not whole(self.n, 1):
            raise _wrong("n", "a whole number of at least 1", self.n)
        if not isinstance(self.stratified, bool):
            raise _wrong("stratified", "true or false", self.stratified)
        if self.first_seed is not None and not whole(self.first_seed, 0):
            raise _wrong("first_seed", "a whole number of at least 0", self.first_seed)
        covariances = self._covariances(K, means.shape[1])
        theta = Theta(weights, means=means, covariances=covariances)
        outside = Gaussian().outside(theta.parameters)
        if outside:
            raise SpecError(f"scenario gaussian: expected proper covariances, but {outside}")
        object.__setattr__(self, "_theta", theta)

    def _covariances(self, K: int, d: int) -> np.ndarray:
        if (self.sds is None) == (self.covariances is None):
            got = "neither" if self.sds is None else "both"
            raise SpecError(f"scenario gaussian: expected either sds or covariances, got {got}")
        if self.sds is None:
            covariances = _array("covariances", self.covariances)
            if covariances.shape != (K, d, d):
                raise _wrong("covariances", f"shape {(K, d, d)}", f"shape {covariances.shape}")
            return covariances
        sds = _array("sds", self.sds)
        if d > 1:
            raise SpecError(
                f"scenario gaussian: sds are for one feature, means have {d}; give covariances"
            )
        if sds.shape != (K,) or (sds <= 0).any():
            raise _wrong("sds", f"{K} positive numbers, as many as weights", self.sds)
        return (sds**2)[:, None, None]

    @property
    def theta(self) -> Theta:
        """The truth of every replicate, in full shapes."""
        theta: Theta = self.__dict__["_theta"]
        return theta

    def rng(self, root: int, name: str, replicate: int) -> np.random.Generator:
        """See `Scenario`, and `first_seed`."""
        if self.first_seed is None:
            return super().rng(root, name, replicate)
        return np.random.default_rng(self.first_seed + replicate)

    def draw(self, rng: np.random.Generator, name: str = "") -> Dataset:
        """See `Scenario`."""
        theta = self.theta
        K = theta.n_components
        if self.stratified:
            ends = np.round(np.cumsum(theta.weights) * self.n).astype(int)
            labels = np.repeat(np.arange(K), np.diff(ends, prepend=0))
        else:
            labels = rng.choice(K, size=self.n, p=theta.weights / theta.weights.sum())
        x = Gaussian().sample(theta.parameters, labels, rng)
        source = f"simulated: {self.n} observations of {K} normal component{'s' if K > 1 else ''}"
        return Dataset(x, labels=labels, name=name or self.name, source=source, truth=theta)


def _array(key: str, value: Any) -> np.ndarray:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise _wrong(key, "numbers", value) from error
    if not np.isfinite(array).all():
        raise _wrong(key, "finite numbers", value)
    return array


def _wrong(key: str, expected: str, got: Any) -> SpecError:
    return SpecError(f"scenario gaussian, {key}: expected {expected}, got {got}")
