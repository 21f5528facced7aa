"""Memory of a large fit: the data and a tenth, measured as the peak of a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import numpy as np
import mixcompare as mc

def fitted(n):
    x = np.empty(n)
    for start in range(0, n, 100_000):  # no temporary of the size of the data
        part = x[start : start + 100_000]
        np.random.default_rng(start).standard_normal(out=part)
        part += 5.0 * (np.arange(part.size) % 4)
    start = mc.Theta([.25] * 4, means=[[0], [5], [10], [15]], covariances=[[[1]]] * 4)
    record = mc.fit(mc.MixtureModel("gaussian", 4), x, "em", start=start, max_iter=20)
    return x.nbytes, record.verdict.finding

def resident(which):  # ru_maxrss would start with the peak of the process that started this one
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(which))

fitted(10_000)  # imports and compiled code
before = resident("VmRSS")
size, finding = fitted(5_000_000)
print(finding, (resident("VmHWM") - before) / size)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own numbers")
def test_five_million_observations_fit_into_the_data_and_a_tenth():
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
    )
    finding, ratio = done.stdout.split()
    assert finding == "maximum"
    assert 1.0 < float(ratio) < 1.1
