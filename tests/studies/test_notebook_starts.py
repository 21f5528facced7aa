"""The restarts of notebook 001 as a start scheme of a study."""

from pathlib import Path

import numpy as np

from mixcompare import registry
from mixcompare.datasets import load_dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.base import make_start
from mixcompare.study.spec import load_study

STUDIES = Path(__file__).parents[2] / "studies"
SCHEME = "notebook_starts:FourClasses"


def start(index, seed=0):
    registry.search(STUDIES)
    data = load_dataset("four_classes_200")
    return make_start(SCHEME, MixtureModel("gaussian", 4), data, seed, index).theta


def test_restarts_are_one_stream_of_draws():
    top = load_dataset("four_classes_200").x.max()
    rng = np.random.default_rng(0)
    for index in range(5):
        assert np.array_equal(start(index).means, rng.uniform(0.0, top, (4, 1)))
    assert start(3) == start(3, seed=7)
    assert start(0).weights.tolist() == [0.25] * 4


def test_the_points_of_the_study_are_its_first_restarts():
    study = load_study(STUDIES / "four_classes.toml")
    given = study.file.data[0].starts.given
    assert len(given) == 11
    for index, point in enumerate(given[1:]):
        np.testing.assert_allclose(point["means"], start(index).means.ravel(), atol=1e-6)
        assert point["covariances"] == start(index).covariances.ravel().tolist()
