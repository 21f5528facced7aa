"""The lazy public face: what it offers, and that it costs nothing until it is used."""

import json
import os
import subprocess
import sys
from types import FunctionType

import pytest

import mixcompare as mc

HEAVY = (
    "numba",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "pymc",
    "arviz",
    "sklearn",
    "pyarrow",
    "dask",
)


def loaded_after(code):
    text = f"import sys, json; {code}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def cpu_seconds(args):
    """Processor time of one command, children included."""
    before = os.times()
    subprocess.run(args, check=True, capture_output=True)
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


@pytest.mark.parametrize("code", ["import mixcompare", "import mixcompare; dir(mixcompare)"])
def test_import_loads_nothing_heavy(code):
    assert not loaded_after(code) & set(HEAVY)


def test_help_loads_nothing_heavy():
    code = "from mixcompare.cli import main\ntry: main(['fit', '--help'])\nexcept SystemExit: pass"
    modules = loaded_after(f"exec({code!r})")
    assert "click" in modules
    assert not modules & set(HEAVY)


def test_names_and_data_load_no_sampler_and_no_plots():
    modules = loaded_after("import mixcompare as mc; mc.load_dataset('old_faithful'); mc.SpecError")
    assert not modules & {"numba", "pandas", "matplotlib", "pymc", "arviz", "sklearn"}


def test_fitting_loads_no_sampler_and_no_plots():
    code = (
        "import mixcompare as mc; mc.fit(mc.MixtureModel('bernoulli', 1), mc.load_dataset('li_hang_coins'),"
        " start='random')"
    )
    assert not loaded_after(code) & {"matplotlib", "pymc", "arviz", "nutpie"}


def test_help_in_under_a_third_of_a_second():
    args = [sys.executable, "-m", "mixcompare", "--help"]
    assert min(cpu_seconds(args) for _ in range(5)) < 0.3


def test_all_public_names_are_there():
    for name in mc.__all__:
        assert getattr(mc, name) is not None
        assert name in dir(mc)
    assert mc.Comparison is mc.Results
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        mc.fitt  # noqa: B018


def test_functions_win_over_modules_of_the_same_name():
    code = (
        "import mixcompare.fit, mixcompare.verify.policy, mixcompare as mc;"
        "assert type(mc.fit).__name__ == type(mc.verify).__name__ == 'function', (mc.fit, mc.verify)"
    )
    loaded_after(code)
    assert isinstance(mc.fit, FunctionType)
    assert isinstance(mc.verify, FunctionType)


def test_verify_accepts_any_point_in_short_shapes():
    data = mc.load_dataset("old_faithful", columns="waiting")
    model = mc.MixtureModel("gaussian", n_components=2)
    best = mc.Theta(
        [0.3608860738, 0.6391139262],
        means=[54.61485614, 80.0910694],
        covariances=[5.871219412**2, 5.867734424**2],
    )
    verdict = mc.verify(model, data, best)
    assert verdict.finding == "maximum"
    assert verdict.loglik == pytest.approx(-1034.00174983, abs=1e-6)
    worse = mc.Theta([0.5, 0.5], means=[54, 80], covariances=[36, 36])
    assert mc.verify(model, data.x, worse).finding == "not_stationary"
    with pytest.raises(mc.DataError, match=r"expected 2 components.*got 3"):
        mc.verify(model, data, mc.Theta([1, 0, 0], means=[1, 2, 3], covariances=[1, 1, 1]))
    with pytest.raises(mc.DataError, match="zeros and ones"):
        mc.verify(mc.MixtureModel("bernoulli", 1), data, mc.Theta([1.0], probs=[0.5]))


def test_verify_with_counts_is_verify_with_repeated_rows():
    model = mc.MixtureModel("bernoulli", 1)
    verdict = mc.verify(model, [[0.0], [1.0]], mc.Theta([1.0], probs=[0.6]), counts=[4, 6])
    long = mc.verify(model, [[0.0]] * 4 + [[1.0]] * 6, mc.Theta([1.0], probs=[0.6]))
    assert verdict.finding == long.finding == "maximum"
    assert verdict.loglik == pytest.approx(long.loglik)
