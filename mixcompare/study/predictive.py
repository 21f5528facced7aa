"""Log predictive density on fresh data, methods and posteriors paired over replicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.metrics.fresh import PLUG_IN, mean_mcse
from mixcompare.study.accuracy import answers_by_replicate
from mixcompare.study.summaries import METHOD

COLUMNS = [
    *METHOD,
    *("density", "estimate", "mcse", "n_used", "n_planned"),
    *("than", "difference", "difference_mcse", "n_pairs"),
]


def compare_predictive(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per data, model, method and density that was put on fresh data.

    Returns
    -------
    DataFrame
        `density` ("plug-in": at the method's answer; "posterior predictive": mean over the draws),
        `estimate`, the mean over replicates of its log density on fresh data less that of the truth (nats
        per observation), with `mcse`, `n_used` of `n_planned`; `difference`, the mean over the `n_pairs`
        replicates that both have of the same less that of the plug-in density of the method `than`, the
        first one with a point estimate, and its standard error `difference_mcse`, from the paired
        differences.
    """
    lines = []
    for names, methods in answers_by_replicate(rows):
        values = {
            (method, density): of
            for method, cells in methods.items()
            for density, of in _values(cells).items()
        }
        points = [method for method in methods if set(_values(methods[method])) == {PLUG_IN}]
        than = next(iter(points or methods))
        base = values.get((than, PLUG_IN), {})
        for (method, density), of in values.items():
            estimate = mean_mcse(np.array(list(of.values()))) if of else (np.nan, np.nan)
            pairs = [of[r] - base[r] for r in of if r in base]
            itself = (method, density) == (than, PLUG_IN)
            difference = mean_mcse(np.array(pairs)) if pairs and not itself else (np.nan, np.nan)
            lines.append(
                (
                    *(*names, method, density, *estimate, len(of), len(methods[method])),
                    *("" if itself else than, *difference, 0 if itself else len(pairs)),
                )
            )
    return pd.DataFrame(lines, columns=COLUMNS)


def _values(cells: Mapping[int, Mapping[str, Any]]) -> dict[str, dict[int, float]]:
    """Density -> replicate -> value, from a method's metrics by replicate; values not finite are left out."""
    densities: Sequence[str] = list(
        dict.fromkeys(name for cell in cells.values() for name in cell.get("predictive", {}))
    )
    return {
        name: {
            replicate: float(cell["predictive"][name])
            for replicate, cell in cells.items()
            if cell.get("predictive", {}).get(name) is not None
        }
        for name in densities
    }
