"""NUTS and data augmentation share no code that draws: under the same prior they give the same posterior."""

from __future__ import annotations

from collections.abc import Callable

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


def difference(
    one: np.ndarray, other: np.ndarray, of: Callable[[np.ndarray], float], method: str
) -> float:
    """Between two estimates, in combined Monte Carlo errors; draws (chains, draws)."""
    errors = [float(arviz.mcse(draws, method=method)) for draws in (one, other)]
    return abs(of(one) - of(other)) / float(np.hypot(*errors))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_nuts_and_gibbs_agree(name):
    family, K, options, form, columns = CASES[name]
    data = load_dataset(name, columns=columns) if columns else load_dataset(name)
    model = MixtureModel(family, K, **options).on(data)
    records = [
        fit(model, data, method, start="from-data", verify=False, priors=form, **settings)
        for method, settings in (
            ("nuts", {"draws": 1000, "tune": 500, "n_chains": 2}),
            ("gibbs", {"draws": 2000, "tune": 500, "thin": 100, "n_chains": 2}),
        )
    ]
    assert not any(record.error for record in records)
    found = {}
    pairs = [
        summaries.label_free(model, draws, record.posterior.loglik)
        for draws, record in zip(together(model, data, records), records, strict=True)
    ]
    scales = [
        model.report_scales(draws.weights, draws.parameters)
        for draws in together(model, data, records)
    ]
    for values in (pairs, scales):
        for key in values[0]:
            one, other = (v[key].reshape(*v[key].shape[:2], -1) for v in values)
            for i in range(one.shape[2]):
                found[key, i, "mean"] = difference(one[..., i], other[..., i], np.mean, "mean")
                found[key, i, "sd"] = difference(one[..., i], other[..., i], np.std, "sd")
    assert max(found.values()) < LIMIT, found
