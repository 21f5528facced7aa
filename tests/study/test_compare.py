from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mixcompare as mc
from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.errors import DataError, SpecError
from mixcompare.estimators.em import EM
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.store.rows import theta_from_json
from mixcompare.study.compare import compare
from mixcompare.theta import Theta

MODEL = MixtureModel("gaussian", n_components=2)
DATA = load_dataset("acidity")
POINT = Theta([0.5, 0.5], means=[4, 6], covariances=[1, 1])


def test_methods_share_starts_and_rows_are_those_of_fit() -> None:
    seen: list[int] = []
    results = compare(
        MODEL,
        DATA,
        ["em", "l-bfgs-b"],
        n_starts=3,
        starts="random",
        seed=5,
        progress=lambda d, n, _: seen.append(d),
    )
    rows = results.fits
    assert seen == [1, 2, 3, 4, 5, 6]
    assert list(zip(rows["method"], rows["start_index"], strict=True)) == [
        *(("em", i) for i in range(3)),
        *(("l-bfgs-b", i) for i in range(3)),
    ]
    assert list(rows["start"][:3]) == list(rows["start"][3:])
    assert rows["start"].nunique() == 3
    record = fit(MODEL, DATA, "em", "random", seed=5)
    assert theta_from_json(rows["theta"][0]) == record.theta
    assert rows["loglik"][0] == record.loglik
    assert set(results.trajectories["key"]) == set(rows["key"])
    assert not results.summary().empty
    assert not results.optima().empty


def test_options_go_to_the_methods_that_have_them() -> None:
    rows = compare(
        MODEL, DATA, ["em", "study_outsiders:Unable"], n_starts=1, max_iter=3, tol=0.0, verify=False
    ).fits
    assert rows["passes"][0] == 4
    assert rows["finding"].tolist() == ["", ""]
    with pytest.raises(SpecError, match=r'"max_itr".*Did you mean "max_iter"\?'):
        compare(MODEL, DATA, ["em"], max_itr=3)
    with pytest.raises(SpecError, match=r"max_iter: expected a whole number, got 2\.5"):
        compare(MODEL, DATA, ["em"], max_iter=2.5)  # type: ignore[arg-type]


def test_given_starts_instances_and_budget() -> None:
    theta = Theta([0.5, 0.5], means=[4.0, 6.0], covariances=[0.2, 0.2])
    results = compare(MODEL, DATA, [EM(max_iter=7, tol=0)], starts=[theta, theta], budget=5)
    assert results.fits["said_status"].tolist() == ["budget", "budget"]
    assert results.fits["passes"].tolist() == [5, 5]
    assert results.fits["start_scheme"].tolist() == ["given", "given"]


def test_counts_and_truth() -> None:
    rng = np.random.default_rng(0)
    x = np.where(rng.random(80) < 0.5, rng.normal(-2, 1, 80), rng.normal(2, 1, 80)).round(1)
    values, counts = np.unique(x, return_counts=True)
    by_counts = compare(MODEL, values, ["em"], n_starts=1, counts=counts).fits
    by_rows = compare(MODEL, x, ["em"], n_starts=1).fits
    assert by_counts["loglik"][0] == pytest.approx(by_rows["loglik"][0], abs=1e-6)
    truth = Theta([0.5, 0.5], means=[[-2], [2]], covariances=[[[1]], [[1]]])
    known = compare(MODEL, Dataset(x, truth=truth), ["em"], n_starts=1)
    assert '"kl"' in known.fits["metrics"][0]
    assert not known.accuracy().empty
    assert by_rows["metrics"][0] == "{}"


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"methods": ["em", "em"]}, SpecError, '"em" twice'),
        ({"methods": []}, SpecError, "at least one"),
        ({"methods": ["emm"]}, SpecError, 'Did you mean "em"'),
        ({"starts": "mixd"}, SpecError, 'Did you mean "mixed"'),
        ({"starts": 3}, SpecError, "start scheme or points"),
        ({"n_starts": 0}, SpecError, "n_starts: expected a whole number of at least 1"),
        ({"budget": -1}, SpecError, "positive"),
        ({"data": [1.0, float("nan"), 2.0]}, DataError, "missing"),
        ({"starts": Theta([0.5, 0.6], means=[0, 1], covariances=[1, 1])}, DataError, "sum to 1.1"),
        ({"starts": Theta([1.0], means=[0], covariances=[1])}, DataError, "2 components"),
    ],
)
def test_wrong_input(changed: dict, error: type, message: str) -> None:
    given = {"model": MODEL, "data": DATA, "methods": ["em"], "n_starts": 1, **changed}
    with pytest.raises(error, match=message):
        compare(**given)


def test_rows_have_the_types_of_stored_ones() -> None:
    fits = compare(MODEL, DATA, ["study_outsiders:Unable"], n_starts=1).fits
    assert pd.isna(fits["theta"][0])
    assert fits["loglik"].dtype == float
    assert pd.isna(fits["said_success"][0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mc.fit("gaussian", DATA), SpecError, r'MixtureModel\("gaussian", 2\), got str'),
        (lambda: mc.fit_many("gaussian", DATA), SpecError, "got str"),
        (lambda: mc.compare("gaussian", DATA), SpecError, "got str"),
        (lambda: mc.verify("gaussian", DATA, POINT), SpecError, "got str"),
        (lambda: mc.standard_errors("gaussian", DATA, POINT), SpecError, "got str"),
        (lambda: mc.fit(MODEL, DATA, start=3), SpecError, "starts by its name, got 3"),
        (lambda: mc.verify(MODEL, DATA, POINT.to_dict()), DataError, "Theta, got dict.*from_dict"),
        (lambda: mc.MixtureModel(3, 2), SpecError, "families by its name, got 3"),
    ],
)
def test_other_things_than_models_points_and_names_are_told_apart(call, error, message):
    with pytest.raises(error, match=message):
        call()
