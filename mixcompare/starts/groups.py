"""From groups of observations to a starting point: what the schemes that sort observations share."""

from __future__ import annotations

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

FLAT = 1e-6
"""Spread of a group, in sds of the data, below which it can't be a component's own."""


def from_groups(model: MixtureModel, data: Dataset, labels: np.ndarray) -> Theta:
    """Each group's own estimates, for labels (n,) in 0..K-1, no group empty.

    What a group can't say is taken from `Family.components_at` its centre: all of a component whose
    group has no spread, and parameters at the edge of the parameter space (a share of exactly 0 or 1),
    which no method could leave.
    """
    family = model.family
    hard = (labels[:, None] == np.arange(model.n_components)).astype(float)
    size = data.weights @ hard
    centres = (hard * data.weights[:, None]).T @ data.x / size[:, None]
    estimates = family.mle(family.sums(data, hard))
    substitute = family.components_at(centres, data)
    parameters = {
        name: value.copy()
        for name, value in family.from_frame(estimates, family.frame(data)).items()
    }
    for edge in family.edges(parameters):
        at = (edge.component, *edge.index)
        if parameters[edge.parameter][at] == edge.value:
            parameters = family.moved(parameters, edge, float(substitute[edge.parameter][at]))
    flat = family.spread(estimates) < FLAT
    for name, value in parameters.items():
        value[flat] = substitute[name][flat]
    return Theta(size / data.n, **parameters)
