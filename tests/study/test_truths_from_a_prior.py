"""Calibration from a study file to its report: every replicate has a truth and ranks of its own."""

import json
from pathlib import Path

import pytest

from mixcompare.errors import SpecError
from mixcompare.prior import Prior
from mixcompare.study.plan import plan
from mixcompare.study.run import load_results, run_study
from mixcompare.study.spec import load_study

STUDIES = Path(__file__).parents[2] / "studies"

SMALL = """
title = "Counts"
seed = 3
replicates = 6
starts = { scheme = "from-data", n = 1 }

[[data]]
name = "counts"
scenario = "prior"
parameters = { family = "poisson", n_components = 2, n = 30, priors = { form = "weak", shape = 2, mean = 5 } }

[[model]]
family = "poisson"
n_components = 2

[[method]]
name = "gibbs"
options = { draws = 150, tune = 50, thin = 3, n_chains = 2, priors = { form = "weak", shape = 2, mean = 5 } }

[[method]]
name = "gibbs"
label = "gibbs, another prior"
options = { draws = 150, tune = 50, n_chains = 2, priors = { form = "weak", shape = 2, mean = 6 } }

[[expect]]
quantity = "n_unclean"
where = { method = "gibbs" }
min = 0
max = 6
"""


def test_the_study_of_both_samplers_gives_each_the_prior_of_its_data():
    study = load_study(STUDIES / "calibration.toml")
    assert sum(len(chunk.tasks) for chunk in plan(study)) == 3000
    tasks = [task for chunk in plan(study, quick=True) for task in chunk.tasks]
    assert len(tasks) == 5 * 8  # one sampler is left out when quick
    for task in tasks[::8]:
        truths = task.source.load(task.root, 0).prior
        assert task.estimator.prior(task.model) == Prior.of(truths)
        assert not task.estimator.supports(task.model, task.source.load(task.root, 0).n_features)


@pytest.mark.slow
def test_a_small_study_from_its_file_to_its_report(tmp_path):
    path = tmp_path / "counts.toml"
    path.write_text(SMALL)
    run_study(path, out=tmp_path / "out", workers=1)
    results = load_results(tmp_path / "out")
    digests = results.fits.groupby("replicate")["digest"].unique()
    assert all(len(found) == 1 for found in digests)
    assert len({found[0] for found in digests}) == 6
    cells = [json.loads(cell) for cell in results.fits["metrics"]]
    assert all(0 < cell["ranks"]["loglik"] < 1 for cell in cells)
    table = results.calibration()
    assert list(table["method"]) == ["gibbs"] * 6 + ["gibbs, another prior"] * 6
    assert list(table["same_prior"]) == [True] * 6 + [False] * 6
    assert (table["ranked"] == 6).all()
    assert Prior.of(results.dataset("counts").prior).given == {"shape": 2.0, "mean": 5.0}
    assert list(results.expectations()["status"]) == ["reproduced"]
    report = results.report(tmp_path / "report", formats=("md",))
    assert "## Calibration of the samplers" in report.read_text()


def test_a_prior_scaled_by_the_data_is_refused_before_anything_runs(tmp_path):
    path = tmp_path / "counts.toml"
    path.write_text(SMALL.replace("shape = 2, mean = 5 } }\n\n[[model", "shape = 2 } }\n\n[[model"))
    with pytest.raises(
        SpecError, match=r"data\[1\]\.scenario: .*expected a fixed prior.*give mean"
    ):
        load_study(path)
