"""The standing texts of a report: what findings, flags, formulations, thresholds and columns mean."""

from __future__ import annotations

from mixcompare.study.words import NATURAL as NATURAL

FINDINGS = {
    "maximum": "A strict local maximum inside the parameter space: stationary, and curved downwards in "
    "every direction.",
    "boundary": "A maximum at the edge of the parameter space: some parameter sits on its limit, and "
    "moving it inwards gains nothing.",
    "ridge": "A maximum, but flat along the directions named: the data do not identify these parameters, "
    "and other ends on the ridge are exactly as good.",
    "duplicate": "Components coincide and no way of splitting them gains: effectively fewer components "
    "than asked for.",
    "saddle": "Stationary, but not a maximum: the log-likelihood rises along some direction (splitting "
    "equal components included).",
    "not_stationary": "Not an optimum at all: more nats are within reach of a short walk uphill from there.",
    "singular": "A component has collapsed onto tied observations, where the likelihood has no bound; "
    "its value means nothing.",
    "out_of_domain": "Outside the parameter space, for example a negative standard deviation or weights "
    "that do not sum to one.",
    "non_finite": "The end, or the log-likelihood there, is not a finite number.",
    "error": "The method raised an exception; the message is listed under failures.",
    "unsupported": "The method cannot fit this model; the reason is listed under failures.",
    "verified": "Draws with nothing wrong: chains agree, mix, and cover the mode an optimiser finds.",
    "chains_in_different_modes": "Chains sit in different modes: they disagree on quantities that do not "
    "depend on labels.",
    "main_mode_missed": "No draw comes near a mode that holds a substantial share of the posterior.",
    "divergences": "The sampler left the region it can follow (divergent transitions).",
    "tree_depth": "Trajectories were cut off at the depth limit too often.",
    "low_energy_mixing": "The energy changes too slowly from draw to draw (E-BFMI).",
    "not_mixed": "R-hat is too high, or the effective number of draws too small, after relabelling.",
}

SHORT = {
    "not_stationary": "not stationary",
    "out_of_domain": "out of domain",
    "non_finite": "non-finite",
    "chains_in_different_modes": "chains in different modes",
    "main_mode_missed": "main mode missed",
    "tree_depth": "tree depth",
    "low_energy_mixing": "low-energy mixing",
    "not_mixed": "not mixed",
    "label_switching": "label switching",
}
"""Findings in print where they are not their own word."""

FLAGS = {
    "narrow": "rests on a handful of nearly tied observations; kept apart and never the best known",
    "unidentified": "the posterior is about as wide as the prior and the information matrix is singular",
    "label_switching": "chains exchanged labels; harmless after relabelling",
    "approximate": "draws of an approximation to the posterior; how near it is was not checked",
}

FORMULATIONS = {
    "naive": "exactly what a newcomer writes: raw parameters, the logarithm of a sum of densities from "
    "scipy.stats, finite differences, the solver's default options",
    "bounded": "the naive formulation with a box for every raw parameter; alone in brackets, like every "
    "name that follows, with all rungs of this ladder up to it that the solver can use",
    "logsumexp": "the log-likelihood from log-densities by log-sum-exp, which does not underflow",
    "unconstrained": "coordinates in which every point is allowed, in place of a box (logarithms of scales, "
    "log-ratios of weights, Cholesky factors)",
    "gradient": "the exact gradient",
    "scaled": "data standardised and the objective taken per observation, with tolerances to suit; joined "
    "by a plus, names mean these changes alone",
    "penalised": "EM with a penalty that keeps components from collapsing",
    "old-means": "EM whose variances are taken about the previous means",
}

PLAIN = (
    "what a plain name means: for the optimisers log-sum-exp, unconstrained coordinates, the exact "
    "gradient by Fisher's identity where the solver can use one, data standardised; for EM the textbook "
    "iteration; for samplers proper priors and relabelled draws"
)

PRIORS = (
    "They are proper, and a posterior mean is no maximum-likelihood estimate: it need not be near one where "
    "the data say little."
)

OTHER_PRIORS = (
    "Samplers with different priors have different posteriors, and neither is wrong to differ."
)

THRESHOLDS = {
    "stationary": "nats that a Newton step predicts, or a polish gains, above which an end is not stationary",
    "polish_steps": "steps of the verifier's polish at most",
    "ascent": "nats gained along a direction of negative curvature, or by splitting, that make a saddle",
    "flat": "curvature per observation below which a direction is flat",
    "edge": "nats lost by moving a parameter to its edge, below which it counts as being there",
    "coincide": "difference of two components' log-densities below which they coincide",
    "collapsed": "spread, in sds of the data, below which a component has collapsed",
    "contracting": "next variance over variance below which a suspect component is collapsing",
    "suspect": "spread, in sds of the data, from which a collapse is looked for",
    "rhat_modes": "R-hat of label-free quantities above which chains are in different modes",
    "rhat": "R-hat after relabelling above which draws are not mixed",
    "ess_per_chain": "effective draws a chain below which draws are not mixed",
    "tree_depth_share": "share of draws at the depth limit",
    "bfmi": "E-BFMI below which energy mixes too slowly",
    "prior_sd_share": "posterior over prior sd above which a parameter counts as unidentified",
    "missed_mass": "share of posterior mass that makes a missed mode matter",
}

PARAMETERS = {
    "logit_weights": "weight (logit)",
    "means": "mean",
    "log_sds": "sd (log)",
    "log_scales": "scale (log)",
    "log_df": "df (log)",
    "correlations": "correlation (Fisher z)",
    "logits": "probability (logit)",
    "log_rates": "rate (log)",
}
"""Names of the reporting scale in print; others stand as they are."""

INTERVALS = {"wald": "Wald", "profile": "profile likelihood"}
"""Kinds of intervals in print; others stand as they are."""


def labelled(column: str, unit: str) -> str:
    """A column with its unit, said once: "waiting (min)", and "height (cm)" of height_cm."""
    return f"{column.removesuffix(f'_{unit}')} ({unit})" if unit else column


def finding(name: str) -> str:
    """A finding in words."""
    return SHORT.get(name, name)


def named(shown: str) -> str:
    """The name of a finding that may be in words; other texts as they are."""
    name = shown.replace(" ", "_").replace("-", "_")
    return name if name in FINDINGS else shown
