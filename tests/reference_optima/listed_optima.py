"""The listed optima of optima.json, as data, models and points of ours.

optima.json: 47 cases, each with the optima that thousands of starts of another program found, the best
first, then the other regular ones, then narrow ones (a component on a handful of nearly tied
observations), confirmed with R's mclust, mixtools and flexmix and with scikit-learn. Of a point,
`starts_reaching` counts the starts, out of the case's `starts`, that ended there; `found_by` says of which
kind they were: "general", or "narrow" (one component put on a few neighbouring observations).
`parameters` says where theta is from: "listed"; "completed" (the list has means and weights, the
covariances are those that maximise the likelihood there); "found" (the list has no parameters, and this
is a maximum of ours with its log-likelihood, ratio of spreads and least count); "" if nobody has them.

`finding` is "maximum" where the list says strict. Where it says "flat direction (ridge, duplicate or empty
component)", it is what perturbing the point and climbing again by scipy's BFGS shows: a `ridge`, a
`duplicate`, or a `saddle` (Davis heights: the split of the one normal gains 3.2 nats). Five narrow points
that it calls flat are maxima: in units of the component's own spread no eigenvalue of the negative Hessian,
by differences in extended precision, is below 0.8.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.datasets import available, load_dataset
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "optima.json").read_text(encoding="utf-8")
)["cases"]

BESIDE = Path(__file__).parents[3] / "shared" / "data"
"""Where data that may not come with the project lie, if they are at hand."""


def data_of(case: dict[str, Any]) -> Dataset:
    """The observations of a case; skips the test where they may not come along."""
    name = case["data"]["name"]
    if name not in available():
        file = BESIDE / f"{name}.csv"
        if not file.exists():
            pytest.skip(f"the data {name} may not come with the project")
        return Dataset(np.loadtxt(file, skiprows=1), name=name)
    data = load_dataset(name, columns=case["data"].get("columns"))
    if "label" in case["data"]:
        return Dataset(data.x[data.labels == case["data"]["label"]], name=name)
    return Dataset(data.x / case["data"].get("divided_by", 1), counts=data.counts, name=name)


def model_of(case: dict[str, Any]) -> MixtureModel:
    """The model of a case."""
    return MixtureModel(case["family"], case["n_components"], **case["options"])


def theta_of(point: dict[str, Any]) -> Theta:
    """A listed point; printed weights sum to one up to their last digit."""
    weights = np.array(point["theta"]["weights"])
    return Theta.from_dict({**point["theta"], "weights": weights / weights.sum()})
