"""What samplers share, shown by one that needs no compiler: a normal cloud about each start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cloud import Cloud

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.fit import fit
from mixcompare.mixture import MixtureModel
from mixcompare.records import FitRecord
from mixcompare.study.run import load_results, run_study
from mixcompare.theta import Theta

TWO = MixtureModel("poisson", 2)
COUNTS = Dataset(np.array([0, 1, 1, 2, 3, 9, 10, 11, 12, 14.0])[:, None])
START = Theta([0.5, 0.5], rates=[1.4, 11.2])


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
    np.testing.assert_array_equal(posterior.draws["history"]["bound"].values[0], [-3, -2, np.nan])
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


STUDY = """
title = "Clouds"
starts = {{ scheme = "quantiles", n = 2 }}

[[data]]
name = "discoveries"
dataset = "discoveries"

[[model]]
family = "poisson"
n_components = 2

[[method]]
name = "cloud:Cloud"
options = {{ draws = 40, n_chains = 2 }}

[[method]]
{method}
"""


def study(folder: Path, method: str) -> Path:
    path = folder / "clouds.toml"
    path.write_text(STUDY.format(method=method))
    return path


def test_draws_of_a_study_are_read_by_arviz_alone(tmp_path):
    import arviz

    broken = (
        'name = "cloud:Cloud"\nlabel = "broken"\noptions = { draws = 40, n_chains = 2, broken = 0 }'
    )
    results = run_study(study(tmp_path, broken), tmp_path / "out")
    rows = results.fits.set_index("method")
    assert rows.loc["broken", "finding"] == "error"
    assert "chain 1 of 2 failed" in rows.loc["broken", "error"]
    (folder,) = (tmp_path / "out" / "draws").iterdir()
    tree = arviz.from_zarr(folder)
    assert set(tree.children) == {"posterior", "sample_stats", "history"}
    posterior = tree["posterior"].to_dataset()
    assert posterior["rates"].shape == posterior["weights"].shape == (2, 40, 2)
    stored = results.draws(rows["draws"].dropna().iloc[0])
    for group in tree.children:
        for name, value in tree[group].to_dataset().items():
            np.testing.assert_array_equal(value.values, stored[group][name].values)
    assert arviz.summary(tree, var_names=["rates"]).shape[0] == 2


def test_interrupting_keeps_finished_fits(tmp_path):
    stopped = 'name = "cloud:Cloud"\nlabel = "stopped"\noptions = { draws = 40, interrupted = 1 }'
    path = study(tmp_path, stopped)
    with pytest.raises(KeyboardInterrupt):
        run_study(path, tmp_path / "out")
    kept = load_results(tmp_path / "out").fits
    assert len(kept) == 1
    assert kept["draws"].notna().all()
    assert (kept["method"] != "stopped").all()


@pytest.mark.slow
def test_interrupting_nuts_keeps_finished_fits_and_stops_its_threads(tmp_path, monkeypatch):
    import nutpie

    calls: list[str] = []
    sample = nutpie.sample

    class Pressed:
        def wait(self):
            raise KeyboardInterrupt

        def cancel(self):
            calls.append("cancelled")

    def second_is_interrupted(*args, **settings):
        calls.append("sampled")
        return sample(*args, **settings) if len(calls) == 1 else Pressed()

    monkeypatch.setattr(nutpie, "sample", second_is_interrupted)
    few = "options = {{ draws = 20, tune = 20, n_chains = {} }}"
    path = tmp_path / "nuts.toml"
    path.write_text(
        STUDY.format(method=f'name = "nuts"\nlabel = "second"\n{few.format(1)}').replace(
            'name = "cloud:Cloud"\noptions = { draws = 40, n_chains = 2 }',
            f'name = "nuts"\n{few.format(1)}',
        )
    )
    with pytest.raises(KeyboardInterrupt):
        run_study(path, tmp_path / "out")
    assert calls == ["sampled", "sampled", "cancelled"]
    kept = load_results(tmp_path / "out").fits
    assert len(kept) == 1
    assert kept["error"].eq("").all()
