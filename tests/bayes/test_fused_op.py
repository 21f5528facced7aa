"""The compiled pass inside a PyMC graph: the pure graph's value and gradient, and what must be refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from family_cases import BY_BLOCKS, cases, make_model
from pytensor.gradient import NullTypeGradError

from mixcompare.estimators.fused_op import FusedLikelihood
from mixcompare.families.fused import run
from mixcompare.families.gaussian import Gaussian
from mixcompare.families.kernel import padded
from mixcompare.families.poisson import Poisson

EXPONENTIAL = [case for case in cases(1, 3) if case.values[0].name not in BY_BLOCKS]


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
