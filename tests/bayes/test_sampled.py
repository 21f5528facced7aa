"""What samplers share, shown by one that needs no compiler: a normal cloud about each start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.errors import SpecError
from mixcompare.estimators.sampled import Drawn, Sampler, chain
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.prior import ModelPrior
from mixcompare.records import FitRecord, Solver
from mixcompare.theta import Theta

TWO = MixtureModel("poisson", 2)
COUNTS = Dataset(np.array([0, 1, 1, 2, 3, 9, 10, 11, 12, 14.0])[:, None])
START = Theta([0.5, 0.5], rates=[1.4, 11.2])


@dataclass(frozen=True)
class Cloud(Sampler):
    """Rates about the start; every second draw has its labels switched."""

    broken: int = -1
    """The chain that fails."""

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
            histories={"bound": np.array([[-3.0, -2.0], [-3.0, np.nan]])},
            diagnostics={"own": 7.0},
            notes=("of its own",),
        )


def cloud(start: Theta = START, **settings: int | str) -> FitRecord:
    return fit(TWO, COUNTS, Cloud(**{"draws": 200, "n_chains": 2, **settings}), start=start)


def test_draws_are_relabelled_and_summed_up():
    record = cloud()
    posterior = record.posterior
    assert not record.error
    np.testing.assert_allclose(record.theta.rates, [1.4, 11.2], rtol=0.02)
    rates = posterior.draws["posterior"]["rates"].values
    assert (rates[..., 0] < rates[..., 1]).all()
    permutation = posterior.draws["sample_stats"]["permutation"].values
    assert {tuple(p) for p in permutation.reshape(-1, 2)} == {(0, 1), (1, 0)}
    assert posterior.diagnostics["rhat"] < 1.02
    assert posterior.diagnostics["own"] == 7
    assert posterior.approximate
    np.testing.assert_array_equal(posterior.draws["history"]["bound"].values[0], [-3, -2])
    assert (record.cost.passes, record.cost.basis) == (400, "reported")
    assert "of its own" in record.notes


def test_statistics_that_a_sampler_lacks_are_absent():
    diagnostics = cloud().posterior.diagnostics
    assert not {"divergences", "max_depth_share", "bfmi"} & set(diagnostics)
    assert {"rhat", "rhat_raw", "rhat_label_free", "ess_bulk", "ess_tail"} < set(diagnostics)


def test_a_chain_that_fails_leaves_its_row_with_the_reason():
    record = cloud(broken=1)
    assert record.finding == "error"
    assert record.posterior is None
    assert record.error == "RuntimeError: chain 2 of 2 failed: ArithmeticError: no energy left"


def test_an_impossible_start_is_named():
    record = cloud(Theta([0.5, 0.5], rates=[0.0, 0.0]))
    assert record.finding == "error"
    assert record.error.startswith("DataError: start of chain 1: expected a point where")


def test_labels_that_a_sampler_cannot_keep_are_unsupported():
    record = cloud(labels="ordered")
    assert record.finding == "unsupported"
    assert "in order" in record.solver.message


@pytest.mark.parametrize(
    "settings", [{"draws": 3}, {"draws": 10.5}, {"n_chains": 0}, {"priors": "wek"}, {"labels": "x"}]
)
def test_wrong_settings_say_what_was_expected(settings):
    with pytest.raises(SpecError, match=f"{next(iter(settings))}: expected"):
        Cloud(**settings)
