"""The posterior as a PyMC model: declared and compiled once a process, given new data as often as needed.

Data and the numbers of priors are `pm.Data`, so one compiled model serves every data set and replicate of
the same family, K, d, form of prior, labels and likelihood (likelihoods.py). The log-likelihood enters as a
Potential, in the family's frame.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.estimators.likelihoods import likelihood_of
from mixcompare.families.base import Family
from mixcompare.families.priors.base import ORDERED
from mixcompare.mixture import MixtureModel
from mixcompare.prior import ModelPrior
from mixcompare.theta import Theta

EDGE = 1e-6
"""A start at the edge of the parameter space is moved this far inside, where its density is finite.

Every start is moved about so far in its unconstrained coordinates, each by another amount: nutpie refuses
a start where a slope is exactly zero, as symmetric starts on symmetric data have it.
"""


@dataclass(frozen=True)
class Compiled:
    """A compiled posterior without data.

    Parameters
    ----------
    sampler : nutpie CompiledPyMCModel
    locate : callable
        Values of the declared variables, in order -> unconstrained coordinates, as the sampler has them.
    names : tuple of str
        The declared variables in that order.
    likelihood : str
        As it was declared with.
    """

    sampler: Any
    locate: Callable[..., np.ndarray]
    names: tuple[str, ...]
    likelihood: str

    def on(self, model: MixtureModel, data: Dataset, prior: ModelPrior) -> Compiled:
        """The same, with this data."""
        used = {variable.name for variable in self.sampler.shared_var_keys}
        values = shared(model, data, prior, self.likelihood)
        used_values = {name: value for name, value in values.items() if name in used}
        return replace(self, sampler=self.sampler.with_data(**used_values))

    def at(self, prior: ModelPrior, theta: Theta) -> Any:
        """The sampler, set to start at theta (see `EDGE`), its components in canonical order."""
        values = values_at(prior, prior.model.canonical(theta)[0])
        point = np.asarray(self.locate(*[values[name] for name in self.names]), dtype=float)
        point = point + EDGE * np.linspace(1.0, 2.0, point.size)
        return replace(self.sampler, initial_point_func=lambda seed: point)


def values_at(prior: ModelPrior, theta: Theta) -> dict[str, np.ndarray]:
    """Values of the declared variables at a point, kept off the edges; components as they stand."""
    framed = prior.model.family.to_frame(theta.parameters, prior.frame)
    values = {name: _apart(name, v) for name, v in prior.components.to_draws(framed).items()}
    weights = theta.weights + EDGE
    return {**values, "w": weights / weights.sum()}


def _apart(name: str, value: np.ndarray) -> np.ndarray:
    """Values of variables in order, equal ones moved apart: PyMC's transform has no place for ties."""
    if not name.endswith(ORDERED):
        return value
    step = EDGE * max(1.0, float(np.abs(value).max()))
    moved = np.sort(value)
    for k in range(1, moved.size):
        moved[k] = max(moved[k], moved[k - 1] + step)
    return moved


@cache
def compiled(
    family: Family,
    n_components: int,
    n_features: int,
    form: str,
    ordered: bool,
    likelihood: str = "",
) -> Compiled:
    """The compiled posterior of a model, from this process's cache; takes seconds the first time."""
    # what pytensor warns of while compiling (no BLAS, ...) says nothing of the fit that came first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = declare(family, n_components, n_features, form, ordered, likelihood)
        return _compiled(model, likelihood)


def _compiled(model: Any, likelihood: str) -> Compiled:
    import nutpie

    names = tuple(variable.name for variable in model.free_RVs)
    return Compiled(nutpie.compile_pymc_model(model), locator(model), names, likelihood)


def declare(
    family: Family,
    n_components: int,
    n_features: int,
    form: str,
    ordered: bool,
    likelihood: str = "",
) -> Any:
    """The PyMC model, with two rows of placeholder data; its log-likelihood is the Potential "loglik".

    `likelihood` is one of the family's `likelihoods`, the first of them for "".
    """
    import pymc as pm
    import pytensor.tensor as pt

    K, d, components = n_components, n_features, family.component_prior(form, n_features)
    with pm.Model() as model:
        numbers = {}
        for number in components.numbers:
            name = f"prior_{number.name}"
            if number.by_feature:
                # pytensor broadcasts only along axes whose length of one is known beforehand
                numbers[number.name] = pt.specify_shape(pm.Data(name, np.ones(d)), (d,))
            else:
                numbers[number.name] = pm.Data(name, np.array(1.0))
        parameters = components.declare(K, d, numbers, ordered)
        log_weights: Any = pt.zeros(1)
        if K > 1:
            concentration = pm.Data("prior_weights", np.array(1.0))
            log_weights = pt.log(pm.Dirichlet("w", concentration * np.ones(K), shape=K))
        way = likelihood_of(family, likelihood)
        pm.Potential("loglik", way.declare(family, parameters, log_weights, d))
    return model


def locator(model: Any) -> Callable[..., np.ndarray]:
    """A function from values of the model's variables, in order, to its unconstrained coordinates (q,)."""
    import pytensor
    import pytensor.tensor as pt

    inputs, outputs = [], []
    for variable in model.free_RVs:
        value = pt.TensorType("float64", variable.type.shape)(f"{variable.name}_at")
        transform = model.rvs_to_transforms[variable]
        free = value if transform is None else transform.forward(value, *variable.owner.inputs)
        inputs.append(value)
        outputs.append(free.ravel())
    # called once a chain: compiling it in earnest would cost more than it saves
    function: Callable[..., np.ndarray] = pytensor.function(
        inputs, pt.concatenate(outputs), mode="FAST_COMPILE", on_unused_input="ignore"
    )
    return function


def shared(
    model: MixtureModel, data: Dataset, prior: ModelPrior, likelihood: str = ""
) -> dict[str, np.ndarray]:
    """Values of the model's `pm.Data`: what its likelihood reads of the data, and the prior's numbers."""
    return {**likelihood_of(model.family, likelihood).data(model.family, data), **prior.data}
