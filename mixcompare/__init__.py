"""The reference instrument for comparing estimators of mixture models.

Everything a user needs is a name of this module; each is loaded when it is first used, so that
`import mixcompare` and `mixcompare --help` cost next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

_PUBLIC = {
    "BudgetExceeded": "mixcompare.errors:BudgetExceeded",
    "Comparison": "mixcompare.study.results:Results",
    "ContractError": "mixcompare.errors:ContractError",
    "DataError": "mixcompare.errors:DataError",
    "Dataset": "mixcompare.data:Dataset",
    "FitRecord": "mixcompare.records:FitRecord",
    "MixcompareError": "mixcompare.errors:MixcompareError",
    "MixtureModel": "mixcompare.mixture:MixtureModel",
    "Results": "mixcompare.study.results:Results",
    "SpecError": "mixcompare.errors:SpecError",
    "StoreError": "mixcompare.errors:StoreError",
    "Theta": "mixcompare.theta:Theta",
    "UserFamily": "mixcompare.families.user:UserFamily",
    "Verdict": "mixcompare.records:Verdict",
    "basins": "mixcompare.study.basins:basins",
    "compare": "mixcompare.study.compare:compare",
    "em_rate": "mixcompare.inference.rate:em_rate",
    "fit": "mixcompare.fit:fit",
    "fit_many": "mixcompare.fit:fit_many",
    "information_criteria": "mixcompare.inference.criteria:information_criteria",
    "intervals": "mixcompare.inference.intervals:intervals",
    "load_dataset": "mixcompare.datasets:load_dataset",
    "read_csv": "mixcompare.datasets:read_csv",
    "paths": "mixcompare.study.landscape:paths",
    "replay": "mixcompare.study.run:replay",
    "run_study": "mixcompare.study.run:run_study",
    "standard_errors": "mixcompare.inference.information:standard_errors",
    "surface": "mixcompare.study.landscape:surface",
    "verify": "mixcompare.verify.verifier:verify",
}

__all__ = [
    "BudgetExceeded",
    "Comparison",
    "ContractError",
    "DataError",
    "Dataset",
    "FitRecord",
    "MixcompareError",
    "MixtureModel",
    "Results",
    "SpecError",
    "StoreError",
    "Theta",
    "UserFamily",
    "Verdict",
    "__version__",
    "basins",
    "compare",
    "em_rate",
    "fit",
    "fit_many",
    "information_criteria",
    "intervals",
    "load_dataset",
    "paths",
    "read_csv",
    "replay",
    "run_study",
    "standard_errors",
    "surface",
    "verify",
]

if TYPE_CHECKING:
    from mixcompare.data import Dataset
    from mixcompare.datasets import load_dataset, read_csv
    from mixcompare.errors import (
        BudgetExceeded,
        ContractError,
        DataError,
        MixcompareError,
        SpecError,
        StoreError,
    )
    from mixcompare.families.user import UserFamily
    from mixcompare.fit import fit, fit_many
    from mixcompare.inference.criteria import information_criteria
    from mixcompare.inference.information import standard_errors
    from mixcompare.inference.intervals import intervals
    from mixcompare.inference.rate import em_rate
    from mixcompare.mixture import MixtureModel
    from mixcompare.records import FitRecord, Verdict
    from mixcompare.study.basins import basins
    from mixcompare.study.compare import compare
    from mixcompare.study.landscape import paths, surface
    from mixcompare.study.results import Results
    from mixcompare.study.results import Results as Comparison
    from mixcompare.study.run import replay, run_study
    from mixcompare.theta import Theta
    from mixcompare.verify.verifier import verify


def __getattr__(name: str) -> Any:
    """A public name, imported on first use (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Face(ModuleType):
    """Keeps `mixcompare.fit` and `mixcompare.verify` the functions, though modules bear these names too.

    The import system sets an imported submodule as an attribute of its package; here the public name wins.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PUBLIC and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
