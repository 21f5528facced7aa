"""What a whole process needs: memory for ten million observations, time for `mixcompare --help`."""

from __future__ import annotations

import resource
import subprocess
import sys
from statistics import median

import pytest
from side_by_side import ROUNDS, Row, seconds

MEMORY = """
import numpy as np
import mixcompare as mc
from mixcompare.estimators.base import make_estimator
from mixcompare.problem import Problem

def status(field):
    with open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))

def fit(x):
    model = mc.MixtureModel("gaussian", 4)
    theta = mc.Theta([0.25] * 4, means=np.arange(0.0, 12.0, 3.0)[:, None], covariances=np.ones((4, 1, 1)))
    make_estimator("em", max_iter=3, tol=0).fit(Problem(model, mc.Dataset(x)), theta, None)

def draw(n):
    x = np.empty(n)
    rng = np.random.default_rng(0)
    rng.standard_normal(out=x)
    for start in range(0, n, 1000):
        x[start : start + 1000] += rng.choice(4, 1000) * 3.0
    return x

fit(draw(10_000))
before = status("VmRSS")
x = draw(10_000_000)
fit(x)
print((status("VmHWM") - before) / x.nbytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_memory_of_em_beyond_the_data(rows: list[Row]) -> None:
    """The most that the process held, less what it held after a fit of ten thousand observations.

    `ru_maxrss` would not do: a child inherits its parent's.
    """
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    times = float(done.stdout)
    rows.append(
        Row("memory of EM, d=1 K=4 n=1e7; the data", f"{times:.3f}", "1", "", "ours <= 1.1")
    )


def child_seconds(*arguments: str) -> float:
    """CPU seconds of one child process."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = spent()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    return spent() - before


def test_help(rows: list[Row]) -> None:
    found = [
        (child_seconds("-m", "mixcompare", "--help"), child_seconds("-c", "pass"))
        for _ in range(1 + ROUNDS)
    ][1:]
    ours, bare = (median(column) for column in zip(*found, strict=True))
    rows.append(
        Row("mixcompare --help; bare Python", seconds(ours), seconds(bare), "", "ours <= 0.15 s")
    )
