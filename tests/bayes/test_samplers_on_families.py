"""SMC and ADVI on every family: one honest record each. Their graphs run uncompiled here, a few steps."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import families, label, make_model

from mixcompare.estimators import advi, smc
from mixcompare.families.base import Family
from mixcompare.fit import fit

SETTINGS = {
    "smc": {"draws": 50, "n_chains": 2},
    "advi": {"draws": 50, "n_chains": 2, "iterations": 100},
}

FAST = ("poisson",)
"""What is not marked slow."""


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling a graph by numba takes longer than these few steps; nothing of it goes into the caches."""
    for module in ("unconstrained", "advi"):
        monkeypatch.setattr(f"mixcompare.estimators.{module}.MODE", "FAST_COMPILE")
    afresh = smc.unconstrained.__wrapped__
    for module in (smc, advi):
        monkeypatch.setattr(module, "unconstrained", afresh)
    monkeypatch.setattr(advi, "RATIOS", 20)
    monkeypatch.setattr(advi, "climber", advi.climber.__wrapped__)


def _cases() -> list[pytest.ParameterSet]:
    found = []
    for family in families():
        marks = [] if label(family) in FAST else [pytest.mark.slow]
        d = 1 if family.univariate else 2
        found.append(pytest.param(family, d, id=f"{label(family)}-{d}", marks=marks))
    return found


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("method", SETTINGS)
@pytest.mark.parametrize(("family", "d"), _cases())
def test_every_family_leaves_one_honest_record(family: Family, d: int, method: str):
    model, data = make_model(family, 2, 40, d, counts=True)
    record = fit(model, data, method, start="kmeans", verify=False, **SETTINGS[method])
    assert not record.error
    assert record.posterior.approximate == (method == "advi")
    posterior = record.posterior.draws["posterior"].to_dataset()
    for name, shape in {"weights": (), **model.family.shapes(d)}.items():
        assert posterior[name].shape == (2, 50, 2, *shape)
    assert record.posterior.loglik.shape == (2, 50)
    assert np.isfinite(record.posterior.loglik).all()
    moves = record.solver.counts.get("moves", 0)
    assert record.cost.passes == (50 * (2 + moves) if method == "smc" else 200)
    # what the graph said of a place and what the family says of the draw there
    if method == "smc":
        lp = record.posterior.draws["sample_stats"]["lp"].values
        assert np.isfinite(lp).all()
        assert np.corrcoef(lp.ravel(), record.posterior.loglik.ravel())[0, 1] > 0.2
