"""Numbers out of the diagnostics of a posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mixcompare.study.ends import parse


def rhat(diagnostics: Mapping[str, Any]) -> float:
    """The largest R-hat among diagnostics, that of raw labels (which may switch) left out; else nan."""
    names = {k: k.lower().replace("_", "").replace("-", "") for k in diagnostics}
    values = [diagnostics[k] for k, name in names.items() if "rhat" in name and "raw" not in name]
    return float(max((float(v) for v in values if v is not None), default=np.nan))


def divergences(diagnostics: Mapping[str, Any]) -> float:
    """The number of divergent transitions, or nan."""
    values = [v for k, v in diagnostics.items() if k.lower().startswith("diverg") and v is not None]
    return float(values[0]) if values else np.nan


def effective(cell: Any) -> float:
    """The smallest bulk effective sample size in a cell of diagnostics, JSON or read; else nan."""
    value = (parse(cell) or {}).get("ess_bulk")
    return np.nan if value is None else float(value)
