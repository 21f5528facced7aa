"""NUTS, the No-U-Turn sampler (Hoffman and Gelman 2014, JMLR 15, 1593-1623), as nutpie has it.

What follows the draws is shared by all samplers (sampled.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.posterior import compiled
from mixcompare.estimators.sampled import (
    LABELS,
    Drawn,
    GraphSampler,
    Sampler,
    chain,
    from_variables,
)
from mixcompare.prior import ModelPrior
from mixcompare.records import Solver
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


@dataclass(frozen=True)
class NUTS(GraphSampler):
    """The No-U-Turn sampler: Hamiltonian trajectories of a length it finds by itself.

    Parameters
    ----------
    draws, n_chains, priors, labels, likelihood
        See `GraphSampler`.
    tune : int
        Tuning steps of each chain, before its draws.
    target_accept : float
        Acceptance rate to which the step size is tuned.

    Notes
    -----
    Passes are leapfrog steps, warm-up included.
    """

    tune: int = 1000
    target_accept: float = 0.9

    name: ClassVar[str] = "nuts"
    least: ClassVar[Mapping[str, int]] = {**Sampler.least, "tune": 10}
    label_choices: ClassVar[tuple[str, ...]] = LABELS

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.target_accept < 1:
            raise SpecError(
                f"target_accept: expected a number between 0 and 1, got {self.target_accept!r}"
            )

    def _draw(
        self, prior: ModelPrior, data: Dataset, starts: Sequence[Theta], seeds: np.ndarray
    ) -> Drawn:
        began, model = time.perf_counter(), prior.model
        graph = compiled(*self.structure(prior))
        compile_seconds = time.perf_counter() - began
        ready = graph.on(model, data, prior)
        trees = []
        for index, (start, seed) in enumerate(zip(starts, seeds, strict=True)):
            with chain(index, self.n_chains):
                trees.append(self._sample(ready.at(prior, start), int(seed)))
        statistics = {
            name: np.concatenate([tree["sample_stats"][old].values for tree in trees])
            for old, name in STATISTICS.items()
        }
        steps = sum(
            int(tree[group]["n_steps"].values.sum())
            for tree in trees
            for group in ("sample_stats", "warmup_sample_stats")
        )
        draws = from_variables(prior, joined(trees))
        said = self._said(statistics, steps)
        return Drawn(draws, statistics, said, steps, compile_seconds)

    def _sample(self, sampler: Any, seed: int) -> Any:
        """One chain, as nutpie has it: chains are sampled one by one, as each has a start of its own."""
        import nutpie

        running = nutpie.sample(
            sampler,
            draws=self.draws,
            tune=self.tune,
            target_accept=self.target_accept,
            seed=seed,
            chains=1,
            cores=1,
            progress_bar=False,
            blocking=False,
        )
        try:
            return running.wait()
        except KeyboardInterrupt:  # nutpie's blocking call would take it for the chain's end
            running.cancel()
            raise
        except BaseException as error:
            if isinstance(error, Exception | SystemExit):
                raise
            # a panic of compiled code is no Exception, but it is one fit's failure all the same
            raise RuntimeError(f"nutpie panicked: {error}") from error

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


def joined(trees: Sequence[Any]) -> dict[str, np.ndarray]:
    """Draws of the declared variables, (chains, draws, ...)."""
    groups = [tree["posterior"].to_dataset() for tree in trees]
    return {
        str(name): np.concatenate([group[name].values for group in groups])
        for name in groups[0].data_vars
    }
