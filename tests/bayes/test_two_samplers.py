"""NUTS and data augmentation share no code that draws: under the same prior they give the same posterior."""

from __future__ import annotations

import arviz
import numpy as np
import pytest

from mixcompare import draws as summaries
from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.draws import Draws
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.records import FitRecord
from mixcompare.relabel import relabel

LIMIT = 4.0
"""Combined Monte Carlo errors by which two estimates may differ."""

CASES = {
    "old_faithful": ("gaussian", 2, {}, "richardson-green", ["waiting"]),
    "galaxies": ("gaussian", 3, {}, "richardson-green", None),
    "quine_days": ("poisson", 2, {}, "weak", None),
    "saxony_families": ("binomial", 2, {"n_trials": 12}, "weak", None),
    "lsat6": ("bernoulli", 2, {}, "weak", None),
    "coal_intervals": ("exponential", 2, {}, "weak", None),
}
"""Family, K, options, form of the prior, columns."""


def together(model: MixtureModel, data: Dataset, records: list[FitRecord]) -> list[Draws]:
    """The draws of all records, relabelled as one sample: by one convention."""
    draws = [summaries.from_tree(model, data.n_features, r.posterior.draws) for r in records]
    flat = {
        name: np.concatenate([d.values[name].reshape(-1, *d.values[name].shape[2:]) for d in draws])
        for name in draws[0].values
    }
    loglik = np.concatenate([record.posterior.loglik.ravel() for record in records])
    found, at, renumbered = relabel(model, data, flat.pop("weights"), flat, loglik), 0, []
    for one in draws:
        size = one.weights.shape[0] * one.weights.shape[1]
        renumbered.append(one.relabelled(found[at : at + size].reshape(one.weights.shape)))
        at += size
    return renumbered


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Between two means, in combined Monte Carlo errors; draws (chains, draws)."""
    errors = [float(arviz.mcse(draws)) for draws in (one, other)]
    return abs(one.mean() - other.mean()) / float(np.hypot(*errors))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_nuts_and_gibbs_agree(case):
    family, K, options, form, columns = CASES[case]
    data = load_dataset(case, columns=columns) if columns else load_dataset(case)
    model = MixtureModel(family, K, **options).on(data)
    records = [
        fit(model, data, method, start="from-data", verify=False, priors=form, **settings)
        for method, settings in (
            ("nuts", {"draws": 2000, "tune": 500, "n_chains": 2}),
            ("gibbs", {"draws": 2000, "tune": 500, "thin": 100, "n_chains": 2}),
        )
    ]
    assert not any(record.error for record in records)
    found = {}
    relabelled = together(model, data, records)
    label_free = [
        summaries.label_free(model, draws, record.posterior.loglik)
        for draws, record in zip(relabelled, records, strict=True)
    ]
    scales = [model.report_scales(draws.weights, draws.parameters) for draws in relabelled]
    for values in (label_free, scales):
        for name in values[0]:
            one, other = (v[name].reshape(*v[name].shape[:2], -1) for v in values)
            for i in range(one.shape[2]):
                # spreads by absolute deviations: components that are sometimes empty have heavy tails
                # then, of which a few thousand draws do not tell the standard deviation's own error
                middle = np.median(np.concatenate([one[..., i].ravel(), other[..., i].ravel()]))
                spreads = (np.abs(draws[..., i] - middle) for draws in (one, other))
                found[name, i, "mean"] = difference(one[..., i], other[..., i])
                found[name, i, "spread"] = difference(*spreads)
    assert max(found.values()) < LIMIT, found
