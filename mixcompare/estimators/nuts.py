"""NUTS, the No-U-Turn sampler (Hoffman and Gelman 2014, JMLR 15, 1593-1623), as nutpie has it.

Priors are weak and scaled by the data (prior.py); labels are free, and draws are relabelled afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare import draws as summaries
from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.base import Estimator
from mixcompare.estimators.posterior import Compiled, compiled
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import Claim, Posterior, Solver
from mixcompare.relabel import relabel
from mixcompare.theta import Theta

STATISTICS = {
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "mean_tree_accept": "acceptance_rate",
    "logp": "lp",
    "diverging": "diverging",
    "energy": "energy",
    "n_steps": "n_steps",
    "step_size": "step_size",
}
"""What is kept of nutpie's statistics, and ArviZ's names for it."""

EMPIRICAL = "priors are weak and scaled by the data (empirical Bayes)"


@dataclass(frozen=True)
class NUTS(Estimator):
    """Several chains of the No-U-Turn sampler on one core, chain i from the i-th start.

    Parameters
    ----------
    draws, tune : int
        Draws kept a chain, and tuning steps before them.
    n_chains : int
    target_accept : float
        Acceptance rate to which the step size is tuned.
    priors : {"weak"}
        See `Family.pymc_components` and prior.py.

    Notes
    -----
    Passes are leapfrog steps, warm-up included. A budget does not stop a chain: a posterior cut short
    is not one. The point is the mean of the relabelled draws in natural parameters.
    """

    draws: int = 1000
    tune: int = 1000
    n_chains: int = 4
    target_accept: float = 0.9
    priors: str = "weak"

    name: ClassVar[str] = "nuts"

    def __post_init__(self) -> None:
        for name, least in (("draws", 4), ("tune", 10), ("n_chains", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(
                    f"{name}: expected a whole number of at least {least}, got {value!r}"
                )
        if not 0 < self.target_accept < 1:
            raise SpecError(
                f"target_accept: expected a number between 0 and 1, got {self.target_accept!r}"
            )
        if self.priors != "weak":
            raise SpecError(
                f'priors: expected "weak", got "{self.priors}".{nearest(self.priors, ["weak"])}'
            )

    @property
    def chains(self) -> int:
        """n_chains: as many starts are used."""
        return self.n_chains

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Families that state priors."""
        if model.family.priors_text:
            return ""
        return (
            f"the {model.family.name} family states no priors: a posterior needs its priors_text, "
            f"pymc_components, from_draws, to_draws, log_prior and prior_sd"
        )

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """All chains from one start; see `run`."""
        return self.run(problem, [start], rng)

    def run(self, problem: Problem, starts: Sequence[Theta], rng: np.random.Generator) -> Claim:
        """All chains; starts are used in turn if there are fewer than chains."""
        data, model = problem.lend("the sampler evaluates its own graph"), problem.model
        began = time.perf_counter()
        graph = compiled(model.family, model.n_components, data.n_features)
        compile_seconds = time.perf_counter() - began
        used = [starts[i % len(starts)] for i in range(self.n_chains)]
        seeds = rng.integers(2**32, size=self.n_chains)
        trees = self._sample(graph.on(model, data), model, data, used, seeds)
        raw = _natural(model, data, trees)
        statistics = {
            name: np.concatenate([tree["sample_stats"][old].values for tree in trees])
            for old, name in STATISTICS.items()
        }
        steps = sum(
            int(tree[group]["n_steps"].values.sum())
            for tree in trees
            for group in ("sample_stats", "warmup_sample_stats")
        )
        posterior, theta = _posterior(model, data, raw, statistics, steps)
        return Claim(
            theta=theta,
            solver=self._said(statistics, steps),
            posterior=posterior,
            passes=float(steps),
            compile_seconds=compile_seconds,
            notes=self._notes(problem, used),
        )

    def _sample(
        self,
        graph: Compiled,
        model: MixtureModel,
        data: Dataset,
        starts: Sequence[Theta],
        seeds: np.ndarray,
    ) -> list[Any]:
        """One ArviZ object a chain. Chains are sampled one by one, because each has a start of its own."""
        import nutpie

        settings = {"draws": self.draws, "tune": self.tune, "target_accept": self.target_accept}
        fixed = {"chains": 1, "cores": 1, "progress_bar": False, "blocking": False}
        trees = []
        for start, seed in zip(starts, seeds, strict=True):
            sampler = nutpie.sample(
                graph.at(model, start, data), seed=int(seed), **settings, **fixed
            )
            try:
                trees.append(sampler.wait())
            except KeyboardInterrupt:  # nutpie's blocking call would take it for the chain's end
                sampler.cancel()
                raise
            except BaseException as error:
                if isinstance(error, Exception | SystemExit):
                    raise
                # a panic of compiled code is no Exception, but it is one fit's failure all the same
                raise RuntimeError(f"nutpie panicked: {error}") from error
        return trees

    def _said(self, statistics: dict[str, np.ndarray], steps: int) -> Solver:
        """A sampler makes no claim of success: it finished, and counted."""
        divergences = int(statistics["diverging"].sum())
        deepest = int(statistics["reached_max_treedepth"].sum())
        message = (
            f"{self.n_chains} chains of {self.draws} draws after {self.tune} tuning steps each; "
            f"{divergences} divergences, {deepest} draws at the tree depth limit"
        )
        counts = {"steps": steps, "divergences": divergences, "max_depth": deepest}
        return Solver(None, "finished", message, counts)

    def _notes(self, problem: Problem, starts: Sequence[Theta]) -> tuple[str, ...]:
        notes = [EMPIRICAL]
        if self.n_chains > 1 and all(start == starts[0] for start in starts):
            notes.append("all chains start at the same point, which can hide other modes")
        if problem.budget.passes is not None or problem.budget.seconds is not None:
            notes.append("a budget does not stop a sampler: all draws were taken")
        return tuple(notes)


def _natural(model: MixtureModel, data: Dataset, trees: Sequence[Any]) -> Draws:
    """Draws in natural parameters and the data's units, labels as sampled."""
    groups = [tree["posterior"].to_dataset() for tree in trees]
    values = {
        str(name): np.concatenate([group[name].values for group in groups])
        for name in groups[0].data_vars
    }
    family = model.family
    parameters = family.from_frame(family.from_draws(values), family.frame(data))
    shape = next(iter(parameters.values())).shape[:2]
    return Draws(values["w"] if "w" in values else np.ones((*shape, 1)), parameters)


def _posterior(
    model: MixtureModel,
    data: Dataset,
    raw: Draws,
    statistics: dict[str, np.ndarray],
    steps: int,
) -> tuple[Posterior, Theta]:
    """Relabelled draws with all that is said of them, and their mean; components in canonical order."""
    import arviz

    # a Problem of its own: these passes look back on the draws, and are no cost of drawing them
    loglik = summaries.log_likelihoods(Problem(model, data), raw)
    flat = {name: value.reshape(-1, *value.shape[2:]) for name, value in raw.values.items()}
    permutations = relabel(model, data, flat.pop("weights"), flat, loglik.ravel())
    permutations = permutations.reshape(raw.weights.shape)
    _, order = model.canonical(raw.relabelled(permutations).mean())
    permutations = permutations[..., list(order)]
    draws = raw.relabelled(permutations)
    tree = arviz.from_dict(
        {"posterior": draws.values, "sample_stats": {**statistics, "permutation": permutations}},
        dims={name: ["component"] for name in ("weights", "permutation")},
    )
    for node in tree.subtree:  # the same draws give the same bytes, whenever they are taken
        node.attrs.pop("created_at", None)
    diagnostics = {
        "rhat": summaries.worst_rhat(draws.values),
        "rhat_label_free": summaries.worst_rhat(summaries.label_free(model, draws, loglik)),
        "rhat_raw": summaries.worst_rhat(raw.values),
        "ess_bulk": summaries.least_ess(draws.values, "bulk"),
        "ess_tail": summaries.least_ess(draws.values, "tail"),
        "divergences": float(statistics["diverging"].sum()),
        "max_depth_share": float(statistics["reached_max_treedepth"].mean()),
        "bfmi": summaries.least_bfmi(statistics["energy"]),
        "steps": float(steps),
        "best_loglik": float(loglik.max()),
    }
    posterior = Posterior(tree, loglik, diagnostics, summaries.intervals(model, draws))
    return posterior, draws.mean()
