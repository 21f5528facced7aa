"""How the log-likelihood of a mixture is written into a PyMC model: as a graph, or as one compiled pass.

Both give sum_i c_i log f(u_i) in the family's frame, nats, and the same gradient; which ones a family has is
its `likelihoods`. The data are `pm.Data`, of any number of rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.families.base import Family


class Likelihood(ABC):
    """One way."""

    @abstractmethod
    def declare(
        self, family: Any, parameters: Mapping[str, Any], log_weights: Any, n_features: int
    ) -> Any:
        """Declare the data, with placeholders, in the open model; the symbolic log-likelihood ().

        `parameters` are those that the family's priors declare, log_weights (K,).
        """

    @abstractmethod
    def data(self, family: Any, data: Dataset) -> dict[str, np.ndarray]:
        """What stands in for the placeholders, by name."""


class Graph(Likelihood):
    """PyTensor's own operations: of any family, and with derivatives of any order.

    Only distinct rows are evaluated: rounded measurements and discrete data cost what they hold.
    """

    def declare(
        self, family: Any, parameters: Mapping[str, Any], log_weights: Any, n_features: int
    ) -> Any:
        """See `Likelihood`."""
        import pymc as pm
        import pytensor.tensor as pt

        # pytensor broadcasts only along axes whose length of one is known beforehand
        u = pt.specify_shape(pm.Data("u", np.zeros((2, n_features))), (None, n_features))
        counts = pm.Data("counts", np.ones(2))
        joint = family.pymc_log_density(u, parameters) + log_weights
        return (counts * pt.logsumexp(joint, axis=1)).sum()

    def data(self, family: Any, data: Dataset) -> dict[str, np.ndarray]:
        """See `Likelihood`."""
        held = data.distinct
        return {"u": family.frame(data)(held.x), "counts": held.weights}


class Fused(Likelihood):
    """The compiled pass of an exponential family, which gives value and gradient together (fused_op.py).

    Rows are compressed only where that halves them or more: counts make a pass slower.
    """

    def declare(
        self, family: Any, parameters: Mapping[str, Any], log_weights: Any, n_features: int
    ) -> Any:
        """See `Likelihood`."""
        import pymc as pm

        from mixcompare.estimators.fused_op import FusedLikelihood

        d = n_features
        held = {
            "x": np.zeros((d, 2)),
            "counts": np.ones(2),
            "centre": np.zeros(d),
            "scale": np.ones(d),
        }
        inputs = [pm.Data(name, value) for name, value in held.items()]
        a, eta = family.pymc_natural(parameters)
        value, *_ = FusedLikelihood.of(family.core(d).statistics)(*inputs, a + log_weights, eta)
        return value + pm.Data("constant", np.array(0.0))

    def data(self, family: Any, data: Dataset) -> dict[str, np.ndarray]:
        """See `Likelihood`."""
        return {name: np.asarray(value) for name, value in family.fused_data(data).items()}


LIKELIHOODS: dict[str, Likelihood] = {"graph": Graph(), "fused": Fused()}


def likelihood_of(family: Family, name: str = "") -> Likelihood:
    """The one of that name, the family's first for ""; see `unsupported`."""
    return LIKELIHOODS[name or family.likelihoods[0]]


def unsupported(family: Family, name: str) -> str:
    """Why a family has no such likelihood, in words; "" if it has, or none is named."""
    if not name or name in family.likelihoods:
        return ""
    return (
        f'the {family.name} family has no compiled pass to sample with: likelihood "{name}" is for '
        f'exponential families, use "{family.likelihoods[0]}"'
    )


def check_name(name: str) -> None:
    """SpecError for what is neither the name of one nor ""."""
    if name and name not in LIKELIHOODS:
        raise SpecError(
            f"likelihood: expected {' or '.join(LIKELIHOODS)}, got {name!r}.{nearest(str(name), LIKELIHOODS)}"
        )
