"""The verdict on posterior draws, from the draws and the data alone.

Order of questions (records.DRAW_FINDINGS): are the draws finite; do chains agree on what labels cannot
change; was a mode missed that holds a good share of the posterior; divergences; trees cut short; energy;
mixing after relabelling. Converged is not identified, and draws of an approximation converge to it: flags
say so. Of what the estimator wrote into `Posterior` beside the draws only `approximate` is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixcompare import draws as summaries
from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.mixture import MixtureModel
from mixcompare.prior import ModelPrior, finite_sd
from mixcompare.problem import Problem
from mixcompare.records import DRAW_FINDINGS, Posterior, Verdict
from mixcompare.theta import Theta
from mixcompare.verify.modes import Mode, Search, comes_near
from mixcompare.verify.points import judge_point
from mixcompare.verify.policy import Policy

FLAGS = ("unidentified", "label_switching", "approximate")

EDGE = 2.0
"""Factor of a threshold of mixing within which noise decides: one run is above it, the next below."""


@dataclass
class Evidence:
    """What has been found so far; becomes a Verdict."""

    flags: set[str] = field(default_factory=set)
    chains: int = 0
    loglik: float = np.nan
    rhat: float = np.nan
    rhat_label_free: float = np.nan
    ess: float = np.nan
    divergences: int | None = None
    """None of samplers that follow no trajectories."""
    deepest: float = 0.0
    bfmi: float = np.nan
    missed: Mode | None = None
    missed_share: float = np.nan
    best: float = np.nan
    """Highest log-likelihood of a draw."""
    intervals: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    margins: dict[str, float] = field(default_factory=dict)
    passes: float = 0.0


def judge_draws(
    search: Search, data: Dataset, posterior: Posterior, theta: Theta | None
) -> Verdict:
    """The verdict on a posterior whose summary is `theta`.

    Costs one pass a draw, and some thousands for the verifier's own search for modes, which must be one
    of the same prior.
    """
    model, policy, found = search.model, search.policy, Evidence()
    if posterior.approximate:
        found.flags.add("approximate")
    draws = summaries.from_tree(model, data.n_features, posterior.draws)
    problem = Problem(model, data)
    loglik = np.full(draws.shape, np.nan)
    if draws.is_finite:
        loglik = summaries.log_likelihoods(problem, draws)
    if theta is not None and not model.outside(theta):
        found.loglik = model.log_likelihood(data, theta)
    found.passes = problem.passes
    if not np.isfinite(loglik).all() or not np.isfinite(found.loglik):
        found.flags.add("non_finite")
        return _verdict(found, policy)
    found.best = float(loglik.max())
    found.intervals = summaries.intervals(model, draws)
    statistics = _statistics(posterior.draws)
    _judge_mixing(model, draws, loglik, statistics, found, policy)
    _judge_transitions(statistics, found, policy)
    _judge_coverage(search, draws, loglik, found, policy)
    _judge_identification(search.prior, data, draws, theta, found, policy)
    return _verdict(found, policy)


def at_the_edge(verdict: Verdict) -> bool:
    """Whether draws failed by mixing alone, and by so little that twice as many may pass."""
    if verdict.finding != "not_mixed":
        return False
    rhat, ess = verdict.margins["rhat"], verdict.margins["ess_per_chain"]
    return bool(rhat <= EDGE and ess >= 1 / EDGE)


def _statistics(tree: Any) -> dict[str, np.ndarray]:
    """The sampler's statistics by ArviZ's names; a sampler need not have them all."""
    if "sample_stats" not in tree.children:
        return {}
    stored = tree["sample_stats"].to_dataset()
    return {str(name): np.asarray(stored[name].values) for name in stored.data_vars}


def _judge_mixing(
    model: MixtureModel,
    draws: Draws,
    loglik: np.ndarray,
    statistics: dict[str, np.ndarray],
    found: Evidence,
    policy: Policy,
) -> None:
    """R-hat of label-free quantities, R-hat and effective sizes after relabelling, label switching."""
    found.rhat_label_free = summaries.worst_rhat(summaries.label_free(model, draws, loglik))
    found.rhat = summaries.worst_rhat(draws.values)
    found.ess = min(summaries.least_ess(draws.values, method) for method in ("bulk", "tail"))
    enough = policy.ess_per_chain * draws.shape[0]
    # R-hat of perfect draws is 1: what is judged is its excess
    found.margins["rhat_modes"] = (found.rhat_label_free - 1) / (policy.rhat_modes - 1)
    found.margins["rhat"] = (found.rhat - 1) / (policy.rhat - 1)
    found.margins["ess_per_chain"] = found.ess / enough
    # written so that nan, draws that never move, is a failure; so is one chain, which disagrees with none
    found.chains = draws.shape[0]
    if found.chains > 1 and not found.rhat_label_free <= policy.rhat_modes:
        found.flags.add("chains_in_different_modes")
    if not (found.rhat <= policy.rhat and found.ess >= enough):
        found.flags.add("not_mixed")
    permutations = statistics.get("permutation")
    if permutations is not None and found.rhat <= policy.rhat:
        raw = draws.relabelled(np.argsort(permutations, axis=-1))
        if summaries.worst_rhat(raw.values) > policy.rhat:
            found.flags.add("label_switching")


def _judge_transitions(statistics: dict[str, np.ndarray], found: Evidence, policy: Policy) -> None:
    """Divergences, trees cut at the depth limit, and energy."""
    if "diverging" in statistics:
        found.divergences = int(statistics["diverging"].sum())
        if found.divergences:
            found.flags.add("divergences")
    if "reached_max_treedepth" in statistics:
        found.deepest = float(statistics["reached_max_treedepth"].mean())
        found.margins["tree_depth_share"] = found.deepest / policy.tree_depth_share
        if found.deepest > policy.tree_depth_share:
            found.flags.add("tree_depth")
    if "energy" in statistics:
        found.bfmi = summaries.least_bfmi(statistics["energy"])
        found.margins["bfmi"] = found.bfmi / policy.bfmi
        if not found.bfmi >= policy.bfmi:
            found.flags.add("low_energy_mixing")


def _judge_coverage(
    search: Search, draws: Draws, loglik: np.ndarray, found: Evidence, policy: Policy
) -> None:
    """Whether every mode with a good share of the mass has a draw near it: within max(5, q / 2) nats."""
    best = [draws.theta(chain, int(row.argmax())) for chain, row in enumerate(loglik)]
    modes, shares, passes = search.among(best)
    found.passes += passes
    large = [
        i for i, mode in enumerate(modes) if shares[i] >= policy.missed_mass and not mode.narrow
    ]
    far = [i for i in large if not comes_near(search, modes[i], draws, loglik)]
    if far:
        worst = max(far, key=lambda i: shares[i])
        found.missed, found.missed_share = modes[worst], float(shares[worst])
        found.margins["missed_mass"] = found.missed_share / policy.missed_mass
        found.flags.add("main_mode_missed")


def _judge_identification(
    prior: ModelPrior,
    data: Dataset,
    draws: Draws,
    theta: Theta | None,
    found: Evidence,
    policy: Policy,
) -> None:
    """`unidentified`: a posterior as wide as its prior, and an information matrix that is singular.

    Spreads are those over all labels, because that is what the (exchangeable) prior speaks of.
    """
    model, spread = prior.model, prior.sd
    framed = model.family.to_frame(draws.parameters, prior.frame)
    ratios = [
        np.fmax.reduce(finite_sd(value, (0, 1, 2)) / spread[name][0], axis=None, initial=0.0)
        for name, value in model.report_scales(draws.weights, framed).items()
        if model.n_components > 1 or name != "logit_weights"
    ]
    found.margins["prior_sd_share"] = float(max(ratios) / policy.prior_sd_share)
    if max(ratios) <= policy.prior_sd_share or theta is None or not theta.weights.all():
        return
    singular, passes = _singular_information(model, data, theta, policy)
    found.passes += passes
    if singular:
        found.flags.add("unidentified")


def _singular_information(
    model: MixtureModel, data: Dataset, theta: Theta, policy: Policy
) -> tuple[bool, float]:
    """Whether the information matrix at the maximum above theta has a flat direction, and the passes.

    By the verdict on points, for which a probability at its edge is no flat direction.
    """
    below = judge_point(model, data, theta, policy)
    there = judge_point(model, data, below.polished or theta, policy)
    flat = {"ridge", "duplicate"} & set(there.flags)
    return bool(flat), below.passes + there.passes


def _verdict(found: Evidence, policy: Policy) -> Verdict:
    flags = [name for name in DRAW_FINDINGS if name in found.flags] or ["verified"]
    return Verdict(
        finding=flags[0],
        flags=(*flags, *(name for name in FLAGS if name in found.flags)),
        loglik=found.loglik,
        intervals=found.intervals,
        thresholds=policy.thresholds(),
        margins=found.margins,
        message=_sentence(flags[0], found),
        passes=found.passes,
    )


def _sentence(finding: str, found: Evidence) -> str:
    text = _TEXTS[finding](found)
    if "unidentified" in found.flags:
        text += "; the data do not identify the parameters, what is reported is the prior"
    if "approximate" in found.flags:
        text += (
            "; but they are draws of an approximation to the posterior: R-hat and effective sizes judge "
            "how it was drawn from, not how near it is"
        )
    return text


_TEXTS = {
    "non_finite": lambda found: "a draw, or its log-likelihood, is not finite",
    "chains_in_different_modes": lambda found: (
        "the chains sit in different modes: R-hat of quantities without labels is "
        f"{found.rhat_label_free:.3f}"
    ),
    "main_mode_missed": lambda found: (
        f"no draw comes near a mode with {found.missed_share:.0%} of the posterior mass "
        f"(log-likelihood {found.missed.loglik:.3f}, best draw {found.best:.3f})"
    ),
    "divergences": lambda found: (
        f"{found.divergences} transition{'s' if found.divergences > 1 else ''} diverged after tuning"
    ),
    "tree_depth": lambda found: f"{found.deepest:.1%} of the draws were cut off at the depth limit",
    "low_energy_mixing": lambda found: f"the energy mixes slowly: E-BFMI {found.bfmi:.2f}",
    "not_mixed": lambda found: (
        f"the chains have not mixed: R-hat {found.rhat:.3f}, {found.ess:.0f} effective draws, after "
        "relabelling"
        if found.chains > 1
        else f"one chain cannot show that it has mixed ({found.ess:.0f} effective draws): take two or more"
    ),
    "verified": lambda found: (
        f"nothing wrong with the draws: R-hat {found.rhat:.3f}, {found.ess:.0f} effective draws"
        + ("" if found.divergences is None else ", no divergences")
    ),
}
