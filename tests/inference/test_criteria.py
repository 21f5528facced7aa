"""Information criteria against hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from inference_ends import COINS, FREE, ONE, em, normal, not_maxima, waiting

from mixcompare import mixture
from mixcompare.blocks import blocks
from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.inference import criteria
from mixcompare.inference.criteria import information_criteria
from mixcompare.theta import Theta
from mixcompare.verify import components


def test_old_faithful_by_hand() -> None:
    """l = -1034.00175, q = 5, n = 272; entropies by loops over rows and components."""
    data, theta = waiting()
    found = information_criteria(FREE, data, theta)
    assert found.loglik == pytest.approx(-1034.00175, abs=1e-5)
    assert (found.n_parameters, found.n) == (5, 272)
    assert found.aic == pytest.approx(2068.0035 + 10, abs=1e-4)
    assert found.bic == pytest.approx(2096.0325, abs=1e-4)
    soft = hard = 0.0
    for (value,) in data.x:
        parts = [
            w * np.exp(-((value - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
            for w, m, v in zip(
                theta.weights, theta.means[:, 0], theta.covariances[:, 0, 0], strict=True
            )
        ]
        shares = [part / sum(parts) for part in parts]
        soft -= sum(r * np.log(r) for r in shares if r > 0)
        hard -= np.log(max(shares))
    assert found.entropy == pytest.approx(soft, rel=1e-9)
    assert found.icl == pytest.approx(found.bic + 2 * hard, rel=1e-12)
    assert found.icl_entropy == pytest.approx(found.bic + 2 * soft, rel=1e-12)
    assert found.separation == pytest.approx(1 - soft / (272 * np.log(2)), rel=1e-9)
    assert found.bic < found.icl < found.icl_entropy
    assert not found.notes


def test_one_component_has_no_entropy() -> None:
    data, _ = waiting()
    x = data.x[:, 0]
    found = information_criteria(ONE, data, normal([1.0], [x.mean()], [x.std()]))
    n, variance = x.size, x.var()
    assert found.bic == pytest.approx(
        n * (np.log(2 * np.pi * variance) + 1) + 2 * np.log(n), rel=1e-10
    )
    assert found.icl == found.icl_entropy == found.bic
    assert found.entropy == 0
    assert np.isnan(found.separation)


def test_parameters_are_counted_and_so_are_repeated_rows() -> None:
    data = load_dataset("old_faithful")
    start = Theta([0.4, 0.6], means=[[2, 54], [4.3, 80]], covariances=[[[0.1, 0], [0, 30]]] * 2)
    found = information_criteria(FREE, data, em(FREE, data, start))
    assert found.n_parameters == 11
    assert found.bic == pytest.approx(2 * 1130.26396018 + 11 * np.log(272), abs=1e-5)
    items = load_dataset("role_conflict")
    theta = em(COINS, items, Theta([0.3, 0.7], probs=[[0.9] * 4, [0.4] * 4]))
    short = information_criteria(COINS, items, theta)
    assert short.n == 216
    assert short.bic == pytest.approx(2 * 504.4677 + 9 * np.log(216), abs=1e-3)
    repeated = Dataset(np.repeat(items.x, items.weights.astype(int), axis=0))
    long = information_criteria(COINS, repeated, theta)
    for name in ("aic", "bic", "icl", "icl_entropy", "entropy"):
        assert getattr(long, name) == pytest.approx(getattr(short, name), rel=1e-10)


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data, theta = waiting()
    whole = information_criteria(FREE, data, theta)
    for module in (criteria, mixture, components):
        monkeypatch.setattr(module, "blocks", lambda n: blocks(n, 7))
    pieces = information_criteria(FREE, data, theta)
    assert pieces.loglik == pytest.approx(whole.loglik, rel=1e-14)
    assert pieces.icl == pytest.approx(whole.icl, rel=1e-13)
    assert pieces.entropy == pytest.approx(whole.entropy, rel=1e-12)


@pytest.mark.parametrize("finding", not_maxima())
def test_other_ends_are_refused_or_noted(finding: str) -> None:
    model, data, theta = not_maxima()[finding]
    found = information_criteria(model, data, theta)
    assert found.finding == finding
    if finding in ("singular", "out_of_domain", "non_finite"):
        assert finding in found.refused
        assert np.isnan(found.bic)
    else:
        assert not found.refused
        assert np.isfinite([found.aic, found.bic, found.icl, found.icl_entropy]).all()
        assert len(found.notes) == 1
        assert ("none" in found.notes[0]) == (finding in ("not_stationary", "saddle"))
