"""47 cases with known optima: what 200 mixed starts of EM find, and what verification says of each point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from listed_optima import CASES, data_of, model_of, theta_of

from mixcompare.data import Dataset
from mixcompare.fit import fit_many
from mixcompare.mixture import MixtureModel
from mixcompare.records import FitRecord, Verdict
from mixcompare.study.ends import relate
from mixcompare.study.optima import find_optima
from mixcompare.theta import Theta
from mixcompare.verify.verifier import Verifier, verify

STARTS = 200

EXPECTED = 5
"""Listed optima that so many of 200 starts lead to, by the counts of the list, must be found.

Of general starts: no mixed start puts a component on a few neighbouring observations, as the list's narrow
starts do, so their counts say nothing of ours.
"""


def search(case: dict[str, Any]) -> pd.DataFrame:
    """The distinct optima that 200 mixed starts of EM lead to."""
    data, model = data_of(case), model_of(case)
    records = fit_many(model, data, "em", n_starts=STARTS, starts="mixed", seed=0, verify=False)
    verdicts = judged(model, data, records)
    rows = [
        {
            "data": data.name,
            "model": model.name,
            "method": "em",
            "start_scheme": "mixed",
            "start_index": i,
            "theta": record.theta,
            "loglik": record.loglik,
            "finding": verdict.finding,
            "narrow": verdict.narrow,
            "polished": verdict.polished,
            "polished_loglik": verdict.polished_loglik,
        }
        for i, (record, verdict) in enumerate(zip(records, verdicts, strict=True))
    ]
    related = relate(pd.DataFrame(rows))
    return find_optima(related, lambda row, theta: model.log_density(data.x, theta))[0]


def judged(model: MixtureModel, data: Dataset, records: Sequence[FitRecord]) -> list[Verdict]:
    """The verdict on each end. Ends with equal components and equal density at the data share one: weights
    may differ between coinciding components, but which of them coincide decides whether a split ascends.
    """
    verifier = Verifier(model, data)
    seen: list[tuple[Theta, np.ndarray, Verdict]] = []
    verdicts = []
    for record in records:
        theta = record.theta
        if theta is None or model.outside(theta):
            verdicts.append(verifier.point(theta))
            continue
        density = model.log_density(data.x, theta)
        verdict = next(
            (v for t, d, v in seen if np.abs(d - density).max() < 1e-5 and _alike(t, theta)), None
        )
        if verdict is None:
            verdict = verifier.point(theta)
            seen.append((theta, density, verdict))
        verdicts.append(verdict)
    return verdicts


def _alike(one: Theta, other: Theta) -> bool:
    return all(np.allclose(value, other[name], rtol=1e-3) for name, value in one.parameters.items())


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_200_mixed_starts_find_the_best_and_the_frequent_optima(case):
    optima = search(case)
    best = optima[optima["standing"] == "global"].iloc[0]
    assert best["loglik"] == pytest.approx(case["points"][0]["loglik"], abs=case["tolerance"])
    assert best["finding"] == case["points"][0]["finding"]
    for point in case["points"]:
        expected = STARTS * point["starts_reaching"] / case["starts"]
        if expected >= EXPECTED and point["found_by"] == "general":
            near = optima[np.abs(optima["loglik"] - point["loglik"]) <= case["tolerance"]]
            found = list(zip(near["finding"], near["narrow"], strict=True))
            assert (point["finding"], point["narrow"]) in found, point["loglik"]


WITHOUT = "the list has no parameters for it, and no search of ours came upon it"


@pytest.mark.parametrize(
    ("case", "point"),
    [
        pytest.param(
            *(case, point),
            id=f"{case['id']}-{i}",
            marks=[pytest.mark.skip(WITHOUT)] if point["theta"] is None else [],
        )
        for case in CASES
        for i, point in enumerate(case["points"])
    ],
)
def test_listed_points_get_their_finding(case, point):
    verdict = verify(model_of(case), data_of(case), theta_of(point))
    assert verdict.loglik == pytest.approx(point["loglik"], abs=1e-5)
    assert (verdict.finding, verdict.narrow) == (point["finding"], point["narrow"])
    assert verdict.smallest_count == pytest.approx(point["smallest_count"], abs=2e-4)
    if point["smallest_ratio"] is not None:
        assert verdict.narrow_ratio == pytest.approx(point["smallest_ratio"], rel=1e-3)
    if verdict.finding == "maximum":
        assert verdict.attainable_gain < 1e-7


def test_the_unit_of_one_feature_does_not_make_a_spherical_optimum_narrow():
    """Spreads are compared in standardised features, whatever the covariances are in."""
    (case,) = [c for c in CASES if c["id"] == "faithful_mvgaussian_K3_spherical"]
    data, model = data_of(case), model_of(case)
    for point in case["points"]:
        theta = theta_of(point)
        moved = Theta(theta.weights, means=1e3 * theta.means, covariances=1e6 * theta.covariances)
        verdict = verify(model, Dataset(1e3 * data.x), moved)
        assert (verdict.finding, verdict.narrow) == ("maximum", point["narrow"])


@pytest.mark.parametrize("case", [c for c in CASES if c["id"].startswith(("role", "lsat6"))])
def test_latent_classes_are_the_same_by_two_families(case):
    """A known maximum of the Bernoulli family, as a categorical one with codes from 0 and from 1."""
    items, theta = data_of(case), theta_of(case["points"][0])
    probs = np.stack([1 - theta.probs, theta.probs], axis=2)
    for first in (0, 1):
        coded = Dataset(items.x + first, counts=items.counts)
        verdict = verify(MixtureModel("categorical", 2), coded, Theta(theta.weights, probs=probs))
        assert verdict.finding == "maximum"
        assert verdict.loglik == pytest.approx(case["points"][0]["loglik"], abs=1e-5)
