"""Every registered method on every registered family: one record each, honest meter, same twice."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from family_cases import cases, families, label

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.estimators.base import Estimator, make_estimator
from mixcompare.families.base import Family
from mixcompare.families.blockwise import BlockPass
from mixcompare.families.fused_pass import FusedPass
from mixcompare.families.passes import Pass
from mixcompare.fit import run_fit
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.records import FINDINGS, OPTIMA, FitRecord
from mixcompare.seeds import stream
from mixcompare.starts.base import make_start
from mixcompare.verify.verifier import Verifier

ELSEWHERE = {
    **dict.fromkeys(
        ("nuts", "smc", "advi"),
        "compiles a model for seconds; tests/bayes runs it on every family",
    ),
    "gibbs": "a sampler, which no budget stops; tests/bayes/test_gibbs.py runs it on every family",
}
"""Methods whose matrix is not here, and why."""

MAY_RAISE = ("naive", "bounded", "logsumexp")
"""Formulations in raw parameters: `scipy.stats.multivariate_normal` raises at a matrix that is no covariance,
and TNC at a start outside the box."""


def _normal(rng: np.random.Generator, d: int) -> np.ndarray:
    return rng.normal(size=(90, d)) + np.repeat([[0.0], [4.0], [9.0]], 30, axis=0)


def _binary(rng: np.random.Generator, d: int) -> np.ndarray:
    return (rng.random((90, d)) < np.repeat([[0.2], [0.5], [0.9]], 30, axis=0)).astype(float)


def _counts(rng: np.random.Generator, d: int) -> np.ndarray:
    return rng.poisson(np.repeat([[1.0], [6.0], [20.0]], 30, axis=0), size=(90, d)).astype(float)


def _successes(rng: np.random.Generator, d: int) -> np.ndarray:
    return rng.binomial(7, np.repeat([[0.1], [0.4], [0.9]], 30, axis=0), (90, d)).astype(float)


def _times(rng: np.random.Generator, d: int) -> np.ndarray:
    return rng.exponential(np.repeat([[0.1], [2.0], [30.0]], 30, axis=0), size=(90, d))


def _tailed(rng: np.random.Generator, d: int) -> np.ndarray:
    return rng.standard_t(1.3, size=(90, d)) + np.repeat([[0.0], [3.0], [6.0]], 30, axis=0)


def _sizes(rng: np.random.Generator, d: int) -> np.ndarray:
    return rng.gamma(4.0, np.repeat([[0.3], [1.0], [9.0]], 30, axis=0), size=(90, d))


def _codes(rng: np.random.Generator, d: int) -> np.ndarray:
    """Items of three and of two levels in turn."""
    tops = np.where(np.arange(d) % 2, 1, 2)
    return rng.binomial(tops, np.repeat([[0.2], [0.5], [0.8]], 30, axis=0), (90, d)).astype(float)


MAKERS = {
    "gaussian": _normal,
    "student_t": _tailed,
    "bernoulli": _binary,
    "poisson": _counts,
    "binomial": _successes,
    "exponential": _times,
    "gamma": _sizes,
    "categorical": _codes,
}
"""How to make three groups of thirty (90, d): a family registered without a line here fails the tests."""


FORMS = ("l-bfgs-b", "bfgs[naive]", "nelder-mead[naive]")
"""Of the direct methods, whose forms are in every matrix: one that can use all rungs, and a newcomer's."""


def _methods() -> list[str]:
    """Every registered method, and those of its forms that `FORMS` names."""
    plain = [name for name in registry.NAMES["methods"] if name not in ELSEWHERE]
    return plain + [form for form in _forms() if form.partition("[")[0] in FORMS or form in FORMS]


def _forms() -> list[str]:
    """Every registered method with each of its modifiers."""
    return [
        f"{name}[{modifier}]"
        for name in registry.NAMES["methods"]
        if name not in ELSEWHERE
        for modifier in registry.load("methods", name).modifiers
    ]


METHODS = pytest.mark.parametrize("method", _methods())
FAMILIES = pytest.mark.parametrize("family", families(), ids=label)
SIZES = pytest.mark.parametrize(
    ("family", "d", "K"),
    cases((1, 1), (1, 2), (2, 3), (3, 2), slow=[(2, 3)], slow_by_blocks=[(1, 1), (3, 2)]),
)


def _data(family: Family, d: int, counts: bool = False) -> Dataset:
    rng = np.random.default_rng(d)
    return Dataset(MAKERS[family.name](rng, d), counts=rng.integers(1, 4, 90) if counts else None)


def _fit(
    estimator: Estimator,
    model: MixtureModel,
    data: Dataset,
    budget: float | None = 3000,
    verifier: Verifier | None = None,
) -> FitRecord:
    start = make_start("kmeans", model, data)
    task = {"method": estimator.name}
    return run_fit(
        model,
        data,
        estimator,
        [start],
        stream(0),
        budget=Budget(budget),
        verifier=verifier,
        task=task,
    )


def test_nothing_is_left_out_in_silence():
    assert set(MAKERS) == set(registry.NAMES["families"])
    assert {family.name for family in families()} == set(MAKERS)
    assert set(ELSEWHERE) <= set(registry.NAMES["methods"])
    assert len(_methods()) >= 19
    assert len(_forms()) == 60
    assert set(FORMS) - set(registry.NAMES["methods"]) <= set(_forms())


@METHODS
@SIZES
def test_every_fit_ends_in_one_honest_record(family, method, d, K, monkeypatch):
    _one_honest_record(family, method, d, K, monkeypatch, 3000)


@pytest.mark.slow
@pytest.mark.parametrize("method", [form for form in _forms() if form not in _methods()])
@pytest.mark.parametrize(("family", "d"), cases(1, 2))
def test_every_form_ends_in_one_honest_record(family, method, d, monkeypatch):
    _one_honest_record(family, method, d, 2, monkeypatch, 300)


def _one_honest_record(
    family: Family, method: str, d: int, K: int, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    calls = _count_evaluations(monkeypatch, family)
    data, estimator = _data(family, d), make_estimator(method)
    model = MixtureModel(family, K).on(data)
    record = _fit(estimator, model, data, budget)
    assert record.cost.passes == len(calls)
    assert record.cost.basis == "metered"
    assert record.cost.passes <= budget
    steps = np.diff(record.trajectory.passes, prepend=0)
    # a product with the Hessian is one evaluation, and costs two passes
    assert (steps == 2).sum() == calls.count("product") / 2
    # an evaluation that raised was paid for, but has no value
    assert len(calls) - bool(record.error) <= steps.sum() <= len(calls)
    assert np.isin(steps, (1, 2)).all()

    monkeypatch.undo()
    record = _fit(estimator, model, data, budget, Verifier(model, data))
    reason = estimator.supports(model, d)
    if reason:
        assert (record.finding, record.theta, record.cost.passes) == ("unsupported", None, 0)
        assert reason in record.solver.message
        return
    if record.error:
        assert any(rung in method for rung in MAY_RAISE), record.error
        assert record.error.startswith(("ValueError", "LinAlgError"))
        assert record.finding == "error"
        assert record.theta is None
        return
    assert record.finding in FINDINGS
    assert record.theta is not None
    assert record.start is not None
    assert {name: value.shape for name, value in record.theta.items()} == {
        name: value.shape for name, value in record.start.items()
    }
    assert sorted(record.permutation) in ([], list(range(K)))
    assert record.solver.status
    if record.finding in OPTIMA:
        exact = float(data.weights @ model.log_density(data.x, record.theta))
        assert record.loglik == pytest.approx(exact, rel=1e-12)
        start = float(data.weights @ model.log_density(data.x, record.start))
        assert record.loglik >= start - 1e-6


@pytest.mark.parametrize("method", [m for m in _methods() if "[" not in m])
@pytest.mark.parametrize(("family", "d"), cases(1, 3))
def test_plain_methods_find_the_maximum_of_one_component(family, method, d):
    data = _data(family, d, counts=True)
    model = MixtureModel(family, 1).on(data)
    family = model.family
    record = _fit(make_estimator(method), model, data, verifier=Verifier(model, data))
    closed = family.from_frame(
        family.mle(family.sums(data, np.ones((data.n_rows, 1)))), family.frame(data)
    )
    assert record.finding == "maximum"
    assert record.theta is not None
    for name, value in closed.items():
        np.testing.assert_allclose(record.theta[name], value, rtol=1e-3, atol=2e-3)


@FAMILIES
@METHODS
@pytest.mark.parametrize("passes", [1, 9])
def test_budgets_stop_every_method(family, method, passes):
    model, data = MixtureModel(family, 2), _data(family, 1)
    estimator = make_estimator(method)
    record = _fit(estimator, model, data, budget=passes, verifier=Verifier(model, data))
    assert record.cost.passes <= passes
    if record.finding == "unsupported" or record.solver.success:
        return  # done within the budget: the start was a fixed point
    assert record.error == ""
    assert record.solver.status in ("budget", "2", "3")  # scipy may give up first, in its own code
    assert record.theta is not None


@FAMILIES
@METHODS
def test_the_same_twice(family, method):
    model, data = MixtureModel(family, 2), _data(family, 1 if family.univariate else 2)
    one, two = (_fit(make_estimator(method), model, data, budget=400) for _ in range(2))
    assert one.theta == two.theta
    assert (one.solver, one.notes, one.error) == (two.solver, two.notes, two.error)
    np.testing.assert_array_equal(one.trajectory.loglik, two.trajectory.loglik)


@METHODS
def test_settings_are_frozen_and_travel(method):
    estimator = make_estimator(method)
    assert pickle.loads(pickle.dumps(estimator)) == estimator
    for field in dataclasses.fields(estimator):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(estimator, field.name, None)
    assert registry.load("methods", estimator.name) is type(estimator)


def _count_evaluations(monkeypatch: pytest.MonkeyPatch, family: Family) -> list[str]:
    """A list that grows by one with each look at all densities, whoever asks."""
    calls: list[str] = []
    naive = type(family).naive_density
    exact = type(family).log_density

    def counted(whole: Callable[..., object]) -> Callable[..., object]:
        def count_pass(self: Pass, *args: object) -> object:
            calls.append("pass")
            return whole(self, *args)

        return count_pass

    product = FusedPass.value_and_product

    def count_product(self: FusedPass, *args: object) -> object:
        calls.extend(["product", "product"])
        return product(self, *args)

    def count_naive(self: Family, *args: object) -> object:
        calls.append("naive")
        return naive(self, *args)

    def count_exact(self: Family, *args: object) -> object:
        calls.append("exact")
        return exact(self, *args)

    # What runs in compiled code cannot be watched: test_compiled_runs.py ties it to the same loops in
    # Python, which are counted here.
    for method in ("em", "squarem"):
        monkeypatch.setattr(f"mixcompare.estimators.{method}.compiles", lambda problem: False)
    for kind, method in (
        (FusedPass, "__call__"),
        (FusedPass, "_at"),
        (BlockPass, "__call__"),
        (BlockPass, "value"),
    ):
        monkeypatch.setattr(kind, method, counted(getattr(kind, method)))
    monkeypatch.setattr(FusedPass, "value_and_product", count_product)
    monkeypatch.setattr(type(family), "log_density", count_exact)
    # without a verifier the driver has a look at the end itself, which is not the method's to pay for
    monkeypatch.setitem(run_fit.__globals__, "_loglik", lambda *args: float("nan"))
    monkeypatch.setattr(type(family), "naive_density", count_naive)
    return calls
