"""The compiled pass inside a PyMC model: the pure graph's value and gradient, and what must be refused."""

from __future__ import annotations

import ctypes
import pickle

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from family_cases import BY_BLOCKS, cases, make_model
from pytensor.gradient import NullTypeGradError
from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key

from mixcompare.errors import SpecError
from mixcompare.estimators import fused_op
from mixcompare.estimators.fused_op import FusedLikelihood
from mixcompare.estimators.nuts import NUTS
from mixcompare.estimators.posterior import compiled, declare, shared
from mixcompare.families.core import run
from mixcompare.families.gaussian import Gaussian
from mixcompare.families.kernel import padded
from mixcompare.families.poisson import Poisson
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior

EXPONENTIAL = [case for case in cases(1, 3, slow=(3,)) if case.values[0].name not in BY_BLOCKS]


def fused_data(family, d, n, counts):
    """The Op, its data, and the statistics (n, M) and multiplicities (n,) that they stand for."""
    model, data = make_model(family, 1, n, d, counts=counts)
    held = model.family.fused_data(data)
    core, M = model.family.core(d), model.family.n_statistics(d)
    x, multiplicities, centre, scale, _ = held.values()
    T = np.empty((padded(M), x.shape[1]))
    run(core.statistics)(x, 0, x.shape[1], centre, scale, T)
    if not multiplicities.size:
        multiplicities = np.ones(x.shape[1])
    return FusedLikelihood.of(core.statistics), list(held.values())[:4], T[:M].T, multiplicities


@pytest.mark.parametrize(("family", "d"), EXPONENTIAL)
def test_value_and_gradient_are_those_of_the_pure_graph(family, d):
    op = fused_data(family, d, 20, False)[0]
    held = [pt.dmatrix(), pt.dvector(), pt.dvector(), pt.dvector()]
    T, multiplicities, a, eta = pt.dmatrix(), pt.dvector(), pt.dvector(), pt.dmatrix()
    fused = op(*held, a, eta)[0]
    pure = (multiplicities * pt.logsumexp(a + pt.dot(T, eta.T), axis=1)).sum()
    outputs = [g for value in (fused, pure) for g in (value, *pytensor.grad(value, [a, eta]))]
    inputs = [*held, T, multiplicities, a, eta]
    evaluate = pytensor.function(inputs, outputs, mode="FAST_COMPILE")
    for K, n, counts in ((1, 20, False), (2, 300, False), (2, 300, True), (3, 70, False)):
        _, held, T, multiplicities = fused_data(family, d, n, counts)
        rng = np.random.default_rng(K)
        for spread in (0.1, 1.0, 20.0):
            at = rng.normal(size=K), spread * rng.normal(size=(K, T.shape[1]))
            found = evaluate(*held, T, multiplicities, *at)
            # exponents are rounded to their own size; beyond some hundred, one component has it all
            nats = np.abs(at[0]).max() + (np.abs(T) @ np.abs(at[1]).T).max()
            for ours, theirs in zip(found[:3], found[3:], strict=True):
                scale = np.abs(theirs).max()
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-15 * nats * scale + 1e-12)


def test_second_derivatives_are_refused():
    op, held, _, _ = fused_data(Poisson(), 1, 20, False)
    a, eta = pt.dvector("a"), pt.dmatrix("eta")
    value, by_a, by_eta = op(*held, a, eta)
    gradient = pytensor.grad(value, a)
    for total in (gradient.sum(), by_a.sum(), by_eta.sum()):
        for wrt in (a, eta):
            with pytest.raises(NullTypeGradError):
                pytensor.grad(total, wrt)


def test_a_value_that_is_not_finite_is_nan():
    op, held, _, _ = fused_data(Poisson(), 1, 20, False)
    for a in (np.nan, np.inf):
        assert np.isnan(op.function(*held, np.array([a, 0.0]), np.zeros((2, 1)))[0])


def test_the_op_is_equal_to_itself_in_another_process():
    op = FusedLikelihood.of(Poisson().core(1).statistics)
    again = pickle.loads(pickle.dumps(op))
    assert op == again
    assert hash(op) == hash(again)
    assert op != FusedLikelihood.of(Gaussian().core(1).statistics)
    assert again.function is op.function


def test_machine_code_of_other_sources_is_not_taken_from_the_cache(monkeypatch):
    op = FusedLikelihood.of(Poisson().core(1).statistics)
    function, key = numba_funcify_and_cache_key(op)
    assert function is op.function
    assert numba_funcify_and_cache_key(op)[1] == key
    monkeypatch.setattr(fused_op, "SOURCES", "0123456789ab")
    assert numba_funcify_and_cache_key(op)[1] not in (None, key)


def densities_of(model, data, likelihood):
    """Log-likelihood and its gradient as a function of the value variables, and the variables."""
    form, family = model.family.prior_forms[0], model.family
    graph = declare(family, model.n_components, data.n_features, form, False, likelihood)
    prior = Prior.of(form).on(model, data)
    for name, value in shared(model, data, prior, likelihood).items():
        if name in graph:
            graph[name].set_value(value)
    (potential,) = (p for p in graph.potentials if p.name == "loglik")
    (value,) = graph.replace_rvs_by_values([potential])
    gradient = pytensor.grad(value, graph.value_vars, disconnected_inputs="ignore")
    evaluate = pytensor.function(
        graph.value_vars, [value, *gradient], mode="FAST_COMPILE", on_unused_input="ignore"
    )
    return evaluate, graph.initial_point(0)


@pytest.mark.parametrize(("family", "d"), EXPONENTIAL)
def test_the_model_is_the_same_with_either_likelihood(family, d):
    model, data = make_model(family, 2, 80, d, counts=True)
    assert family.likelihoods[0] == "fused"
    fused, start = densities_of(model, data, "")
    pure, _ = densities_of(model, data, "graph")
    rng = np.random.default_rng(1)
    for _ in range(5):
        at = [value + 0.5 * rng.normal(size=value.shape) for value in start.values()]
        for ours, theirs in zip(fused(*at), pure(*at), strict=True):
            scale = np.abs(theirs).max()
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * scale + 1e-11)


def test_three_components_and_one():
    for K in (1, 3):
        model, data = make_model(Gaussian(), K, 80)
        fused, start = densities_of(model, data, "fused")
        pure, _ = densities_of(model, data, "graph")
        at = [value + 0.1 for value in start.values()]
        for ours, theirs in zip(fused(*at), pure(*at), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-11)


def log_density(sampler, z):
    """The log-density that nutpie calls, and its gradient, at z."""
    value, gradient = np.empty(1), np.empty(z.size)
    pointers = [a.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for a in (z, gradient, value)]
    code = sampler.compiled_logp_func.ctypes(z.size, *pointers, sampler.user_data.ctypes.data)
    assert code == 0
    return value[0], gradient


@pytest.mark.slow
def test_one_pass_gives_value_and_gradient_of_any_data():
    graph = compiled(Gaussian(), 2, 1, "weak", False)
    nodes = graph.sampler.logp_func.maker.fgraph.apply_nodes
    assert sum(isinstance(node.op, FusedLikelihood) for node in nodes) == 1
    nodes = graph.sampler.expand_func.maker.fgraph.apply_nodes
    assert not any(isinstance(node.op, FusedLikelihood) for node in nodes)
    z, found, expected = np.array([-0.9, 0.7, -0.5, 0.1, 0.3]), [], []
    for n in (60, 500):
        model, data = make_model(Gaussian(), 2, n, seed=n)
        prior = Prior.of("weak").on(model, data)
        ready = graph.on(model, data, prior)
        value, gradient = log_density(ready.sampler, z)
        # the numbers of the prior are the same in either frame, so that the difference is the likelihood's
        evaluate, start = densities_of(model, data, "graph")
        sizes = np.cumsum([v.size for v in start.values()])[:-1]
        parts = [
            p.reshape(v.shape) for p, v in zip(np.split(z, sizes), start.values(), strict=True)
        ]
        by_graph = evaluate(*parts)
        found.append([value, *gradient])
        expected.append([by_graph[0], *np.concatenate([g.ravel() for g in by_graph[1:]])])
    np.testing.assert_allclose(np.subtract(*found), np.subtract(*expected), rtol=1e-11)


def test_likelihoods_that_a_family_has_not():
    with pytest.raises(SpecError, match="likelihood: expected graph or fused, got 'fussed'"):
        NUTS(likelihood="fussed")
    assert NUTS(likelihood="graph").supports(MixtureModel("student_t", 2), 1) == ""
    assert NUTS().supports(MixtureModel("student_t", 2), 1) == ""
    assert "exponential" in NUTS(likelihood="fused").supports(MixtureModel("student_t", 2), 1)
