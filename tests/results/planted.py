"""Rows planted by hand, so that every number read off them can be checked by hand."""

import json

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.study.results import Results

NAN = float("nan")


def theta(m1=0.0, m2=5.0, s1=1.0, s2=1.0, w=0.5):
    return {"weights": [w, 1 - w], "means": [[m1], [m2]], "covariances": [[[s1**2]], [[s2**2]]]}


def swapped(values):
    return {key: value[::-1] for key, value in values.items()}


BEST = theta()
LOWER = theta(m1=2.0, m2=3.0)
NARROW = theta(m2=1.0, s2=0.001)


def row(method, finding, loglik=NAN, said=None, end=None, **other):
    optimum = finding in ("maximum", "boundary", "ridge", "duplicate")
    cells = {
        "data": "planted",
        "replicate": 0,
        "model": "gaussian K=2 full",
        "family": "gaussian",
        "n_components": 2,
        "method": method,
        "start_scheme": "random",
        "start_index": 0,
        "finding": finding,
        "loglik": loglik,
        "polished_loglik": loglik if optimum else NAN,
        "polished": json.dumps(end or BEST) if optimum else None,
        "theta": json.dumps(end or BEST) if np.isfinite(loglik) else None,
        "said_success": said,
        "said_message": "",
        "narrow": False,
        "passes": 10.0,
        "seconds": 0.5,
        "non_finite": 0,
        "error": "",
    }
    return {**cells, **other}


def results(rows, study=None, quick=False, data=None):
    table = pd.DataFrame(rows)
    table["key"] = [f"key{k}" for k in range(len(rows))]
    x = Dataset(np.linspace(-2, 7, 30), name="planted")
    return Results(
        table,
        pd.DataFrame(),
        study or {},
        {("planted", 0): x} if data is None else data,
        quick=quick,
    )


def several(method, *ends, **common):
    """Rows of one method from starts 0, 1, ...; each end is (finding, loglik, said, extra)."""
    return [
        row(method, finding, loglik, said, **{"start_index": k, **common, **extra})
        for k, (finding, loglik, said, extra) in enumerate(ends)
    ]


def waiting():
    """em: 4 fits, 3 at the best; naive: a lower maximum, a saddle and a maximum misjudged, an error."""
    em = several(
        "em",
        ("maximum", -100.0, True, {}),
        ("maximum", -100.00005, True, {"polished": json.dumps(swapped(BEST))}),
        ("maximum", -100.0, True, {}),
        ("maximum", -103.0, True, {"end": LOWER}),
    )
    naive = several(
        "bfgs[naive]",
        ("maximum", -100.0, False, {"passes": 20.0}),
        ("saddle", -110.0, True, {"passes": 30.0, "non_finite": 2}),
        ("maximum", -98.0, True, {"end": NARROW, "narrow": True, "passes": 40.0}),
        ("error", NAN, False, {"passes": 50.0, "non_finite": 1, "error": "ValueError: no"}),
    )
    return [*em, *naive]
