"""Families from outside, named module:Class in tests; importable in worker processes too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import mixcompare as mc


class Rayleigh:
    """Lengths of plane normal vectors: log f(x) = log x - 2 log s - x^2 / 2 s^2. The four methods alone."""

    def log_density(self, x: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        s = parameters["sigmas"]
        return np.log(x) - 2 * np.log(s) - 0.5 * (x / s) ** 2

    def weighted_mle(self, x: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"sigmas": np.sqrt((x**2).T @ weights / (2 * weights.sum(axis=0)))[0]}

    def to_unconstrained(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.log(parameters["sigmas"])

    def to_natural(
        self, z: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        return {"sigmas": np.exp(z)}


@dataclass(frozen=True)
class LogNormal(mc.UserFamily):
    """A base class, an option, a sampler, spreads, and the normal family to hold it against."""

    offset: float = 0.0

    name = "log-normal"

    def check(self, data: mc.Dataset) -> None:
        if (data.x <= self.offset).any():
            raise mc.DataError(f"the log-normal family expects numbers > {self.offset:g}")

    def log_density(self, x: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        y, s = np.log(x - self.offset), parameters["sds"]
        return -0.5 * ((y - parameters["means"]) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi) - y

    def weighted_mle(self, x: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        y = np.log(x - self.offset)
        means = (weights * y).sum(axis=0) / weights.sum(axis=0)
        variances = (weights * (y - means) ** 2).sum(axis=0) / weights.sum(axis=0)
        return {"means": means, "sds": np.sqrt(variances)}

    def to_unconstrained(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.column_stack([parameters["means"], np.log(parameters["sds"])]).ravel()

    def to_natural(
        self, z: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        table = z.reshape(n_components, 2)
        return {"means": table[:, 0], "sds": np.exp(table[:, 1])}

    def sample(
        self, parameters: Mapping[str, np.ndarray], labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        y = parameters["means"][labels] + parameters["sds"][labels] * rng.normal(size=labels.size)
        return (self.offset + np.exp(y))[:, None]

    def spread(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        return parameters["sds"]

    def extent(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        return parameters["sds"]


class Half(Rayleigh):
    """Lacks a method."""

    to_natural = None


class Flat(Rayleigh):
    """Returns densities of the wrong shape."""

    def log_density(self, x: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        return super().log_density(x, parameters).sum(axis=1)
