"""A sampler that needs no compiler, named cloud:Cloud in test studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.estimators.sampled import Drawn, Sampler, chain
from mixcompare.prior import ModelPrior
from mixcompare.records import Solver
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Cloud(Sampler):
    """Rates about the start; every second draw has its labels switched."""

    broken: int = -1
    """The chain that fails."""
    interrupted: int = -1
    """The chain during which the user presses Ctrl-C."""

    name: ClassVar[str] = "cloud"
    exact: ClassVar[bool] = False

    def _draw(
        self, prior: ModelPrior, data: Dataset, starts: Sequence[Theta], seeds: np.ndarray
    ) -> Drawn:
        chains = []
        for index, (start, seed) in enumerate(zip(starts, seeds, strict=True)):
            with chain(index, self.n_chains):
                if index == self.broken:
                    raise ArithmeticError("no energy left")
                if index == self.interrupted:
                    raise KeyboardInterrupt
                noise = np.random.default_rng(int(seed)).normal(0, 0.05, (self.draws, 2))
                rates = start.rates * np.exp(noise)
                rates[::2] = rates[::2, ::-1]
                chains.append(rates)
        rates = np.stack(chains)
        return Drawn(
            Draws(np.full(rates.shape, 0.5), {"rates": rates}),
            {"lp": rates.sum(axis=-1)},
            Solver(None, "finished", "drew"),
            passes=rates[..., 0].size,
            histories={"bound": np.tile([-3.0, -2.0, np.nan], (self.n_chains, 1))},
            diagnostics={"own": 7.0},
            notes=("of its own",),
        )
