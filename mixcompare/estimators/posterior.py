"""The posterior as a PyMC model: declared and compiled once a process, given new data as often as needed.

Data and prior scales are `pm.Data`, so one compiled model serves every data set and replicate of the same
family, K and d. Frequency counts enter as a Potential, sum_i c_i log f(u_i), in the family's frame.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Family
from mixcompare.mixture import MixtureModel
from mixcompare.prior import CONCENTRATION, scales
from mixcompare.theta import Theta

EDGE = 1e-6
"""A start at the edge of the parameter space is moved this far inside, where its density is finite."""


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
    """

    sampler: Any
    locate: Callable[..., np.ndarray]
    names: tuple[str, ...]

    def on(self, model: MixtureModel, data: Dataset) -> Compiled:
        """The same, with this data."""
        used = {variable.name for variable in self.sampler.shared_var_keys}
        values = {name: value for name, value in shared(model, data).items() if name in used}
        return replace(self, sampler=self.sampler.with_data(**values))

    def at(self, model: MixtureModel, theta: Theta, data: Dataset) -> Any:
        """The sampler, set to start exactly at theta."""
        framed = model.family.to_frame(theta.parameters, model.family.frame(data))
        values = model.family.to_draws(framed)
        weights = theta.weights + EDGE
        values["w"] = weights / weights.sum()
        point = np.asarray(self.locate(*[values[name] for name in self.names]), dtype=float)
        return replace(self.sampler, initial_point_func=lambda seed: point)


@cache
def compiled(family: Family, n_components: int, n_features: int) -> Compiled:
    """The compiled posterior of a model, from this process's cache; takes seconds the first time."""
    # what pytensor warns of while compiling (no BLAS, ...) says nothing of the fit that came first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _compiled(declare(family, n_components, n_features))


def _compiled(model: Any) -> Compiled:
    import nutpie

    names = tuple(variable.name for variable in model.free_RVs)
    return Compiled(nutpie.compile_pymc_model(model), locator(model), names)


def declare(family: Family, n_components: int, n_features: int) -> Any:
    """The PyMC model, with two rows of placeholder data; its log-likelihood is the Potential "loglik"."""
    import pymc as pm
    import pytensor.tensor as pt

    K, d = n_components, n_features
    with pm.Model() as model:
        # pytensor broadcasts only along axes whose length of one is known beforehand
        u = pt.specify_shape(pm.Data("u", np.zeros((2, d))), (None, d))
        counts = pm.Data("counts", np.ones(2))
        prior = {
            name: pt.specify_shape(pm.Data(f"prior_{name}", value), (d,))
            for name, value in {"mean": np.zeros(d), "sd": np.ones(d)}.items()
        }
        joint = family.pymc_components(u, K, d, prior)
        if K > 1:
            joint += pt.log(pm.Dirichlet("w", np.full(K, CONCENTRATION)))
        pm.Potential("loglik", (counts * pt.logsumexp(joint, axis=1)).sum())
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


def shared(model: MixtureModel, data: Dataset) -> dict[str, np.ndarray]:
    """Values of the model's `pm.Data`: distinct rows in the frame, their multiplicities, prior scales.

    Only distinct rows are evaluated: rounded measurements and discrete data cost what they hold.
    """
    held = data.distinct
    prior = {f"prior_{name}": value for name, value in scales(model, data).items()}
    return {"u": model.family.frame(data)(held.x), "counts": held.weights, **prior}
