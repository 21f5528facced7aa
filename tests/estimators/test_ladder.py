"""What each rung of the ladder changes, in numbers: the findings of the reference collection."""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from test_direct import BOX, MODEL, RNG, START, draws, loglik, optimum, run

from mixcompare.datasets import load_dataset
from mixcompare.estimators.base import make_estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.starts.base import make_start
from mixcompare.theta import Theta

REFERENCE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "direct_reference.json").read_text("utf-8")
)
BOUNDED, CLASSES = REFERENCE["bounded_lbfgsb"], REFERENCE["four_classes"]
SOME = tuple(range(0, 200, 2))
"""A hundred of the two hundred draws; studies/direct_maximisation_draws.toml has all."""


@cache
def ends(method: str, seeds: tuple[int, ...], boxed: bool = False) -> dict[str, set[int]]:
    """Seeds of the draws where the end is the best, or more than 0.1 nats below; what was said; met."""
    found: dict[str, set[int]] = {"best": set(), "wrong": set(), "said": set(), "non_finite": set()}
    for seed in seeds:
        claim, problem = run(method, draws(seed), **({"bounds": BOX} if boxed else {}))
        gap = optimum(seed) - loglik(claim, draws(seed))
        kept = {
            "best": gap <= 1e-3,
            "wrong": gap > 0.1,
            "said": bool(claim.solver.success),
            "non_finite": problem.non_finite > 0,
        }
        for name, holds in kept.items():
            if holds:
                found[name].add(seed)
    return found


@pytest.mark.slow
def test_most_false_successes_of_bounded_lbfgsb_come_from_underflow():
    """32 of 35, by the reference; the last digits of the processor's exp decide two or three."""
    seeds = tuple(BOUNDED["wrong"])
    plain = ends("l-bfgs-b[bounded]", seeds, boxed=True)
    cured = ends("l-bfgs-b[bounded+logsumexp]", seeds, boxed=True)
    divided = ends("l-bfgs-b[bounded+logsumexp+scaled]", seeds, boxed=True)
    assert len(plain["wrong"]) >= len(seeds) - 4
    assert plain["said"] == set(seeds)
    under = plain["wrong"] & plain["non_finite"]
    assert abs(len(under) - BOUNDED["wrong_with_non_finite_evaluations"]) <= 4
    assert not cured["non_finite"]
    assert len(under & cured["wrong"]) <= 1
    assert len(cured["wrong"]) <= BOUNDED["wrong_with_logsumexp"] + 2
    assert len(plain["wrong"] - cured["wrong"]) >= 28
    assert not divided["wrong"]
    # the rung of that name is the same as the combination
    assert ends("l-bfgs-b[logsumexp]", seeds, boxed=True) == cured


def test_the_first_simplex_on_a_logit_of_zero_has_no_length():
    """scipy moves a coordinate by 5 %, but by 0.00025 where it is zero."""
    problem = Problem(MODEL, draws(4))
    task = make_estimator("nelder-mead[unconstrained]")
    evaluated: list[np.ndarray] = []
    original = problem.value_of

    def watch(weights: np.ndarray, parameters: object, point: np.ndarray) -> float:
        evaluated.append(np.array(point))
        return original(weights, parameters, point)

    problem.value_of = watch  # type: ignore[method-assign, assignment]
    claim = task.fit(problem, START, RNG)
    first = np.array(evaluated[: evaluated[0].size + 1])
    edges = np.abs(first[1:] - first[0]).max(axis=1)
    assert first[0][0] == 0
    assert edges[0] == pytest.approx(0.00025)
    assert (edges[1:] > 0.009).all()
    assert claim.solver.success is True
    assert optimum(4) - loglik(claim, draws(4)) > 10
    sound, _ = run("nelder-mead", draws(4))
    assert loglik(sound, draws(4)) == pytest.approx(optimum(4), abs=1e-4)


@pytest.mark.slow
def test_nelder_mead_gets_worse_on_the_logit_scale_and_better_with_a_proper_simplex():
    raw, free = ends("nelder-mead[naive]", SOME), ends("nelder-mead[unconstrained]", SOME)
    sound = ends("nelder-mead", SOME)
    assert len(raw["best"]) == len(sound["best"]) == len(SOME)
    share = REFERENCE["unconstrained"]["nelder_mead_wrong"] / REFERENCE["draws"]
    assert len(free["wrong"]) / len(SOME) == pytest.approx(share, abs=0.07)
    assert free["said"] == set(SOME)


@pytest.mark.slow
def test_bfgs_by_differences_denies_success_at_the_maximum():
    differences, exact = ends("bfgs[unconstrained]", SOME), ends("bfgs[gradient]", SOME)
    sound = ends("bfgs", SOME)
    assert len(differences["best"]) == len(exact["best"]) == len(sound["best"]) == len(SOME)
    denied = REFERENCE["unconstrained"]["bfgs_differences_success_denied"] / REFERENCE["draws"]
    assert 1 - len(differences["said"]) / len(SOME) >= denied - 0.1
    assert len(exact["said"]) > len(SOME) / 2
    assert sound["said"] == set(SOME)


@cache
def notebook_restarts() -> tuple[Theta, ...]:
    """Four hundred restarts as the notebook draws them."""
    x, rng = load_dataset("four_classes_200").x, np.random.default_rng(0)
    variances = np.reshape(CLASSES["variances"], (4, 1, 1))
    draws = [rng.uniform(0.0, x.max(), (4, 1)) for _ in range(400)]
    return tuple(Theta([0.25] * 4, means=means, covariances=variances) for means in draws)


@cache
def reaching(method: str, iterations: int | None = None) -> np.ndarray:
    """Which of the notebook's restarts lead a method to the best mode; after so many iterations if given."""
    data, model = load_dataset("four_classes_200"), MixtureModel("gaussian", 4)
    options = {} if iterations is None else {"max_iter": iterations, "tol": 0.0}
    starts, problem = notebook_restarts(), Problem(model, data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        claims = make_estimator(method, **options).fit_many(
            [problem.again() for _ in starts], starts, [RNG] * len(starts)
        )
    ends = [None if isinstance(claim, Exception) else claim.theta for claim in claims]
    values = [
        np.nan if end is None or model.outside(end) else model.log_likelihood(data, end)
        for end in ends
    ]
    return np.abs(np.array(values) - CLASSES["best"]) < 1e-2


def mcnemar(one: np.ndarray, other: np.ndarray) -> float:
    """Exact two-sided p of paired successes."""
    differ = one != other
    return float(binomtest(int(one[differ].sum()), int(differ.sum())).pvalue)


@pytest.mark.slow
def test_the_ranking_on_four_classes_flips_between_raw_and_standardised_data():
    """Of 400 restarts the notebook's 200 iterations bring 200 to the best mode, L-BFGS on raw data 70.

    On standardised data it is 235 (p = 1e-4). EM to its end brings 224, which 400 starts don't tell from it.
    """
    notebook = reaching("em[old-means]", CLASSES["iterations"])
    textbook = reaching("em", CLASSES["iterations"])
    raw, scaled, em = reaching("l-bfgs-b[gradient]"), reaching("l-bfgs-b"), reaching("em")
    assert notebook.mean() == pytest.approx(CLASSES["best_over_1000_restarts"], abs=0.06)
    counts = [reached.sum() for reached in (notebook, raw, scaled, em)]
    np.testing.assert_allclose(counts, [200, 70, 235, 224], atol=4)  # the last digits decide some
    for method in (notebook, textbook, em):
        assert raw.sum() < method.sum() / 2
        assert mcnemar(raw, method) < 1e-12
    for method in (notebook, textbook):
        assert scaled.sum() > method.sum()
        assert mcnemar(scaled, method) < 1e-3
    assert mcnemar(scaled, em) > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["random", "from-data"])
def test_lbfgs_misses_the_best_of_four_classes_on_raw_data(scheme):
    """From 50 of our starts too: less often at the best mode than EM on raw data, more often standardised."""
    data, model = load_dataset("four_classes_200"), MixtureModel("gaussian", 4)
    reached = {}
    for method in ("em", "l-bfgs-b[gradient]", "l-bfgs-b"):
        hits = 0
        for i in range(50):
            start = make_start(scheme, model, data, 0, i).theta
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theta = make_estimator(method).fit(Problem(model, data), start, RNG).theta
            if theta is not None and not model.outside(theta):
                value = float(model.log_density(data.x, theta).sum())
                hits += abs(value - CLASSES["best"]) < 1e-3
        reached[method] = hits
    assert reached["l-bfgs-b[gradient]"] < reached["em"]
    assert reached["l-bfgs-b"] > reached["l-bfgs-b[gradient]"]
    assert reached["l-bfgs-b"] >= 0.6 * reached["em"]
