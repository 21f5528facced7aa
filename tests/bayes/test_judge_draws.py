"""The verifier on draws: each finding on draws planted to deserve it, none of them sampled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from planted_draws import normal_draws, posterior

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.estimators.base import Estimator
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.problem import Problem
from mixcompare.records import DRAW_FINDINGS, Claim, Posterior, Solver, Verdict
from mixcompare.theta import Theta
from mixcompare.verify.modes import Search
from mixcompare.verify.policy import Policy
from mixcompare.verify.verifier import Verifier

MODEL = MixtureModel("gaussian", 2)
COINS = MixtureModel("bernoulli", 2)
SHAPE = (4, 400)


@pytest.fixture(scope="module")
def waiting() -> Dataset:
    return load_dataset("old_faithful", columns=["waiting"])


@pytest.fixture(scope="module")
def maximum(waiting: Dataset) -> Theta:
    problem = Problem(MODEL, waiting)
    theta = MODEL.as_start(Theta([0.5, 0.5], means=[55, 80], covariances=[25, 25]), waiting)
    for _ in range(300):
        theta = problem.maximise(problem.statistics(theta)[1])
    return theta


@pytest.fixture
def good(waiting: Dataset, maximum: Theta) -> list[list[Theta]]:
    return normal_draws(MODEL, waiting, maximum, np.random.default_rng(0), SHAPE)


def judge(
    data: Dataset, chains: list[list[Theta]], model: MixtureModel = MODEL, **statistics
) -> Verdict:
    return Verifier(model, data).draws(*posterior(chains, **statistics))


def one_broad(rng: np.random.Generator) -> Theta:
    """Nearly all weight on one component for everything: where Old Faithful's flat prior gets stuck."""
    w = rng.uniform(0.001, 0.01)
    means = [[rng.normal(20, 20)], [rng.normal(70.9, 0.8)]]
    variances = np.square([rng.uniform(5, 30), rng.normal(13.6, 0.6)])[:, None, None]
    return Theta([w, 1 - w], means=means, covariances=variances)


def test_draws_about_the_only_mode_are_verified(waiting, maximum, good):
    verdict = judge(waiting, good)
    assert verdict.finding == "verified", verdict
    assert verdict.flags == ("verified",)
    assert verdict.loglik == pytest.approx(-1034.0018, abs=0.5)
    low, high = verdict.intervals["means"]
    assert (low < maximum.means).all()
    assert (maximum.means < high).all()
    assert verdict.passes > 1600
    assert verdict.polished is None
    assert verdict.thresholds["rhat"] == 1.01


def test_chains_in_different_modes(waiting, good):
    rng = np.random.default_rng(1)
    verdict = judge(waiting, [*good[:3], [one_broad(rng) for _ in range(400)]])
    assert verdict.finding == "chains_in_different_modes"
    assert "not_mixed" in verdict.flags
    assert "main_mode_missed" not in verdict.flags
    assert verdict.margins["rhat_modes"] > 1


def test_all_chains_in_one_wrong_mode_miss_the_main_one(waiting):
    rng = np.random.default_rng(2)
    verdict = judge(waiting, [[one_broad(rng) for _ in range(400)] for _ in range(4)])
    assert verdict.finding == "main_mode_missed"
    assert "mode" in verdict.message
    assert verdict.margins["missed_mass"] > 1


def test_a_missed_mode_of_equal_height_is_found_by_its_place():
    # two far clusters of three, K = 2 tied: either the outlier pair or the two clusters can be split
    # off; draws that know one of two equally good splits are near the one and not the other
    x = np.array([-10.0, -10.3, -9.7, 0.0, 0.3, -0.3, 10.0, 10.3, 9.7] * 4)
    data = Dataset(np.sort(x + np.tile(np.linspace(-0.2, 0.2, 4), 9)))
    model = MixtureModel("gaussian", 2)
    modes, shares, _ = Search(Prior().on(model, data), data, Policy()).among()
    heights = sorted(mode.loglik for mode, share in zip(modes, shares, strict=True) if share > 0.1)
    assert len(heights) == 2
    assert heights[1] - heights[0] < 0.1
    first = modes[int(np.argmax(shares))]
    rng = np.random.default_rng(0)

    def about(theta: Theta) -> Theta:
        return Theta(
            theta.weights,
            means=theta.means + rng.normal(0, 0.1, theta.means.shape),
            covariances=theta.covariances * np.exp(rng.normal(0, 0.02, (2, 1, 1))),
        )

    verdict = judge(data, [[about(first.theta) for _ in range(400)] for _ in range(4)], model)
    assert verdict.finding == "main_mode_missed", verdict


@pytest.mark.parametrize("how_many", [1, 7])
def test_divergences(waiting, good, how_many):
    diverging = np.zeros(SHAPE, dtype=bool)
    diverging[0, :how_many] = True
    verdict = judge(waiting, good, diverging=diverging)
    assert verdict.finding == "divergences"
    assert verdict.message.startswith(str(how_many))


@pytest.mark.parametrize(("share", "finding"), [(0.005, "verified"), (0.02, "tree_depth")])
def test_tree_depth(waiting, good, share, finding):
    deep = np.zeros(SHAPE, dtype=bool)
    deep[:, : int(share * 400)] = True
    assert judge(waiting, good, reached_max_treedepth=deep).finding == finding


def test_low_energy_mixing(waiting, good):
    energy = np.random.default_rng(0).normal(size=SHAPE).cumsum(axis=1)
    verdict = judge(waiting, good, energy=energy)
    assert verdict.finding == "low_energy_mixing"
    assert verdict.margins["bfmi"] < 1


def test_slow_chains_are_not_mixed(waiting, maximum):
    rng = np.random.default_rng(3)
    chains = normal_draws(MODEL, waiting, maximum, rng, SHAPE, autocorrelation=0.8)
    verdict = judge(waiting, chains)
    assert verdict.finding == "not_mixed"
    assert verdict.margins["ess_per_chain"] < 1


def test_one_chain_cannot_show_that_it_has_mixed(waiting, good):
    verdict = judge(waiting, good[:1])
    assert verdict.flags == ("not_mixed",)
    assert "take two or more" in verdict.message


def test_chains_that_never_move_are_not_verified(waiting, maximum):
    verdict = judge(waiting, [[maximum] * 400 for _ in range(4)])
    assert verdict.finding == "chains_in_different_modes"  # R-hat is undefined, which is no pass
    assert "not_mixed" in verdict.flags


def test_a_nan_draw_is_non_finite(waiting, good):
    good[2][5] = Theta([np.nan, 0.5], means=[[55], [80]], covariances=[[[25]], [[25]]])
    verdict = judge(waiting, good)
    assert verdict.finding == "non_finite"
    assert verdict.flags == ("non_finite",)


def test_a_draw_outside_the_parameter_space_is_non_finite(waiting, good):
    good[2][5] = Theta([0.5, 0.5], means=[[55], [80]], covariances=[[[25]], [[-25]]])
    assert judge(waiting, good).finding == "non_finite"


def test_label_switching_is_a_flag_not_a_finding(waiting, good):
    permutation = np.tile([0, 1], (*SHAPE, 1))
    permutation[0] = [1, 0]
    verdict = judge(waiting, good, permutation=permutation)
    assert verdict.finding == "verified"
    assert verdict.flags == ("verified", "label_switching")


def test_statistics_a_sampler_does_not_have_are_not_asked_for(waiting, good):
    claimed, theta = posterior(good)
    del claimed.draws["sample_stats"]
    assert Verifier(MODEL, waiting).draws(claimed, theta).finding == "verified"


def test_three_coins_pass_every_check_and_are_unidentified():
    data = load_dataset("li_hang_coins")
    rng = np.random.default_rng(0)
    highest = -6.730116670092564  # log-likelihood at m = 0.6: rejection from the prior is exact
    draws: list[Theta] = []
    while len(draws) < 1600:
        w, p = rng.dirichlet([2, 2]), np.sort(rng.beta(1.5, 1.5, size=2))[:, None]
        m = float(w @ p[:, 0])
        if np.log(rng.random()) < 6 * np.log(m) + 4 * np.log(1 - m) - highest:
            draws.append(Theta(w, probs=p))
    verdict = judge(data, [draws[i::4] for i in range(4)], COINS)
    assert verdict.finding == "verified", verdict
    assert verdict.flags == ("verified", "unidentified")
    assert "identify" in verdict.message


def test_an_approximation_says_so_beside_its_finding(waiting, good):
    claimed, theta = posterior(good)
    verifier = Verifier(MODEL, waiting)
    verdict = verifier.draws(replace(claimed, approximate=True), theta)
    assert verdict.flags == ("verified", "approximate")
    assert "an approximation to the posterior" in verdict.message
    assert "approximation" not in verifier.draws(claimed, theta).message
    good[0][0] = Theta([np.nan, 0.5], means=[[55], [80]], covariances=[[[25]], [[25]]])
    claimed, theta = posterior(good)
    verdict = verifier.draws(replace(claimed, approximate=True), theta)
    assert verdict.flags == ("non_finite", "approximate")


@pytest.mark.parametrize("spoilt", ["draw", "mean"])
def test_what_is_not_finite_comes_before_all_else(waiting, good, spoilt):
    claimed, theta = posterior(good, diverging=np.ones(SHAPE, dtype=bool))
    if spoilt == "mean":
        theta = Theta([0.5, 0.5], means=theta.means, covariances=-theta.covariances)
    else:
        claimed.draws["posterior"]["means"][0, 0] = np.nan
    verdict = Verifier(MODEL, waiting).draws(claimed, theta)
    assert verdict.finding == "non_finite"


@dataclass(frozen=True)
class Planted(Estimator):
    """A sampler that hands over given draws, or fails as it is told."""

    claimed: Posterior
    theta: Theta
    raises: str = ""
    refuses: str = ""

    name: ClassVar[str] = "planted"
    kind: ClassVar[str] = "sampler"
    chains: ClassVar[int] = 4  # type: ignore[assignment,misc]

    def supports(self, model, n_features):
        return self.refuses

    def fit(self, problem, start, rng):
        if self.raises:
            raise RuntimeError(self.raises)
        return Claim(self.theta, Solver(None, "finished"), self.claimed, passes=1.0)


def test_a_sampler_that_raises_is_an_error_and_one_that_refuses_unsupported(waiting, good):
    claimed = posterior(good)
    record = fit(MODEL, waiting, Planted(*claimed))
    assert record.finding == "verified"
    record = fit(
        MODEL, waiting, Planted(*claimed, raises="chain 2 failed: initial energy not finite")
    )
    assert record.finding == "error"
    assert "chain 2 failed" in record.verdict.message
    record = fit(MODEL, waiting, Planted(*claimed, refuses="no conjugate prior"))
    assert record.finding == "unsupported"
    assert record.verdict.message == "no conjugate prior"


@dataclass(frozen=True)
class Slow(Estimator):
    """A sampler whose chains, which it has beforehand, move slowly."""

    every: list[list[Theta]]
    draws: int

    name: ClassVar[str] = "slow"
    kind: ClassVar[str] = "sampler"
    chains: ClassVar[int] = 4  # type: ignore[assignment,misc]

    def supports(self, model, n_features):
        return ""

    def longer(self):
        return replace(self, draws=2 * self.draws)

    def fit(self, problem, start, rng):
        claimed, theta = posterior([chain[: self.draws] for chain in self.every])
        solver = Solver(None, "finished", f"{rng.random()}")
        return Claim(theta, solver, claimed, passes=float(self.draws), compile_seconds=1.0)


@pytest.fixture(scope="module")
def slow(waiting, maximum) -> list[list[Theta]]:
    return normal_draws(
        MODEL, waiting, maximum, np.random.default_rng(4), (4, 2400), autocorrelation=0.8
    )


def test_draws_that_have_just_not_mixed_are_taken_again_twice_as_many(waiting, slow):
    record = fit(MODEL, waiting, Slow(slow, 800))
    assert record.finding == "verified", record.verdict
    assert record.posterior.draws["posterior"].sizes["draw"] == 1600
    assert record.cost.passes == 800 + 1600
    assert record.cost.compile_seconds == 2.0
    (note,) = [note for note in record.notes if "drawn again" in note]
    assert "have not mixed" in note
    alone = fit(MODEL, waiting, Slow(slow, 1600))
    assert alone.solver.message == record.solver.message  # from the same random numbers


@pytest.mark.parametrize(
    ("draws", "settings", "finding"),
    [(200, {}, "not_mixed"), (800, {"budget": 1e6}, "not_mixed"), (800, {"verify": False}, "")],
)
def test_nothing_is_taken_again_far_from_the_edge_nor_beyond_a_budget(
    waiting, slow, draws, settings, finding
):
    record = fit(MODEL, waiting, Slow(slow, draws), **settings)
    assert record.finding == finding
    assert record.posterior.draws["posterior"].sizes["draw"] == draws
    assert record.notes == () or "drawn again" not in " ".join(record.notes)


def test_flags_are_all_kept_and_the_headline_is_the_first_in_order(waiting, good):
    rng = np.random.default_rng(1)
    chains = [*good[:3], [one_broad(rng) for _ in range(400)]]
    every = np.ones(SHAPE, dtype=bool)
    energy = rng.normal(size=SHAPE).cumsum(axis=1)
    verdict = judge(waiting, chains, diverging=every, reached_max_treedepth=every, energy=energy)
    expected = ("divergences", "tree_depth", "low_energy_mixing", "not_mixed")
    assert verdict.flags == ("chains_in_different_modes", *expected)
    missed = judge(
        waiting,
        [[one_broad(rng) for _ in range(400)] for _ in range(4)],
        diverging=every,
        reached_max_treedepth=every,
        energy=energy,
    )
    assert missed.flags[:4] == ("main_mode_missed", *expected[:3])


def test_bad_labels_hide_neither_behind_switching_nor_the_other_way_round(waiting, good):
    # chains that disagree after relabelling are not excused by labels
    permutation = np.tile([0, 1], (*SHAPE, 1))
    permutation[0] = [1, 0]
    swapped = [[theta.take(np.array([1, 0])) for theta in good[0]], *good[1:]]
    verdict = judge(waiting, swapped, permutation=permutation)
    assert verdict.finding == "not_mixed"
    assert "label_switching" not in verdict.flags


def test_too_few_draws_are_not_mixed(waiting, maximum):
    chains = normal_draws(MODEL, waiting, maximum, np.random.default_rng(5), (4, 60))
    verdict = judge(waiting, chains)
    assert "not_mixed" in verdict.flags
    assert verdict.margins["ess_per_chain"] < 1


def test_a_wide_posterior_of_an_identified_model_is_not_unidentified():
    # five tosses of one coin of two say little, but the information matrix is not singular
    data = Dataset(np.array([1, 5, 0, 4], dtype=float))
    model = MixtureModel("binomial", 1, n_trials=6)
    rng = np.random.default_rng(0)
    draws = [
        [Theta([1.0], probs=[rng.beta(1.5 + 10, 1.5 + 14)]) for _ in range(400)] for _ in range(4)
    ]
    verdict = judge(data, draws, model)
    assert "unidentified" not in verdict.flags


def test_old_faithful_is_identified(waiting, good):
    assert "unidentified" not in judge(waiting, good).flags


def test_findings_keep_their_order(waiting, good):
    diverging = np.ones(SHAPE, dtype=bool)
    verdict = judge(waiting, good, diverging=diverging, reached_max_treedepth=diverging)
    assert verdict.flags == ("divergences", "tree_depth")
    assert all(flag in DRAW_FINDINGS for flag in verdict.flags)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_change_nothing(waiting, maximum, scale):
    data = Dataset(waiting.x * scale + 3 * scale)
    theta = Theta(
        maximum.weights,
        means=maximum.means * scale + 3 * scale,
        covariances=maximum.covariances * scale**2,
    )
    chains = normal_draws(MODEL, data, theta, np.random.default_rng(0), SHAPE)
    assert judge(data, chains).flags == ("verified",)
