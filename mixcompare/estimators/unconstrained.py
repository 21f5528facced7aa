"""A declared posterior as functions of its unconstrained coordinates z (q,), for samplers beside nutpie.

Data and the numbers of the prior are arguments, so that one set of compiled functions serves every data set.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from mixcompare.estimators.posterior import declare, locator, values_at
from mixcompare.families.base import Family
from mixcompare.prior import ModelPrior
from mixcompare.theta import Theta

MODE = "NUMBA"
"""How pytensor compiles what is called again and again."""

Density = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Unconstrained:
    """The functions of one declared posterior.

    Parameters
    ----------
    variables : tuple of str
        The declared variables, in the order of their coordinates.
    given : tuple of str
        Names of its `pm.Data`, in the order in which the densities take them.
    size : int
        q, the number of coordinates.
    locate : callable
        Values of the variables, in order -> z.
    expand : callable
        z (m, q) -> values of the variables, in order, each (m, ...).
    log_likelihood, log_prior : callable
        z and what is given -> nats in the frame; the prior with respect to z.
    """

    variables: tuple[str, ...]
    given: tuple[str, ...]
    size: int
    locate: Callable[..., np.ndarray]
    expand: Callable[[np.ndarray], Sequence[np.ndarray]]
    log_likelihood: Callable[..., np.ndarray]
    log_prior: Callable[..., np.ndarray]

    def densities(self, values: Mapping[str, np.ndarray]) -> tuple[Density, Density]:
        """Log-likelihood and log-prior as functions of z alone; -inf where a number is not finite."""
        given = [np.asarray(values[name], dtype=float) for name in self.given]
        return partial(_at, self.log_likelihood, given), partial(_at, self.log_prior, given)

    def place(self, prior: ModelPrior, theta: Theta) -> np.ndarray:
        """z (q,) of a point, kept off the edges, its components as they stand."""
        values = values_at(prior, theta)
        return np.asarray(self.locate(*[values[name] for name in self.variables]), dtype=float)

    def at(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Values of the variables at z (chains, draws, q): name -> (chains, draws, ...)."""
        found = self.expand(z.reshape(-1, self.size))
        return {
            name: np.asarray(value).reshape(*z.shape[:2], *value.shape[1:])
            for name, value in zip(self.variables, found, strict=True)
        }


def _at(density: Callable[..., np.ndarray], given: Sequence[np.ndarray], z: np.ndarray) -> float:
    value = float(density(z, *given))
    return value if np.isfinite(value) else -np.inf


@cache
def unconstrained(
    family: Family, n_components: int, n_features: int, form: str, ordered: bool, likelihood: str
) -> Unconstrained:
    """The functions of a posterior, from this process's cache; takes seconds the first time."""
    # what pytensor warns of while compiling (no BLAS, ...) says nothing of the fit that came first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = declare(family, n_components, n_features, form, ordered, likelihood)
        functions = _functions(model)
        # numba compiles at the first call, which is not to be a sampler's
        for density in functions.densities({v.name: v.get_value() for v in model.data_vars}):
            density(np.zeros(functions.size))
    return functions


def _functions(model: Any) -> Unconstrained:
    import pytensor.tensor as pt
    from pytensor import function
    from pytensor.graph.replace import clone_replace, vectorize_graph

    z = pt.dvector("z")
    parts, size = _parts(model, z)
    likelihood = [term for term in model.potentials if term.name == "loglik"]
    others = [term for term in model.potentials if term.name != "loglik"]
    given = list(model.data_vars)
    inputs = [variable.type(f"{variable.name}_given") for variable in given]
    replaced = {**parts, **dict(zip(given, inputs, strict=True))}
    densities = [model.logp(vars=likelihood), model.logp(vars=[*model.free_RVs, *others])]
    densities = clone_replace(densities, replaced, rebuild_strict=False)
    log_likelihood, log_prior = (
        function([z, *inputs], density, mode=MODE, on_unused_input="ignore", trust_input=True)
        for density in densities
    )
    many = pt.dmatrix("many")
    values = clone_replace(_constrained(model), parts, rebuild_strict=False)
    # called once a fit: compiling it in earnest would cost more than it saves
    expand = function([many], vectorize_graph(values, {z: many}), mode="FAST_COMPILE")
    return Unconstrained(
        tuple(variable.name for variable in model.free_RVs),
        tuple(variable.name for variable in given),
        size,
        locator(model),
        expand,
        log_likelihood,
        log_prior,
    )


def _parts(model: Any, z: Any) -> tuple[dict[Any, Any], int]:
    """What of z each of the model's value variables is, and how many coordinates there are."""
    point, start = model.initial_point(random_seed=0), 0
    parts = {}
    for variable in model.value_vars:
        shape, size = point[variable.name].shape, point[variable.name].size
        parts[variable] = z[start : start + size].reshape(shape)
        start += size
    return parts, start


def _constrained(model: Any) -> list[Any]:
    """The declared variables, symbolically, of the model's value variables."""
    found = []
    for variable in model.free_RVs:
        value, transform = model.rvs_to_values[variable], model.rvs_to_transforms[variable]
        inputs = variable.owner.inputs
        found.append(value if transform is None else transform.backward(value, *inputs))
    return found
