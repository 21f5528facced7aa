"""The errors a user can meet, and the one helper that suggests the nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MixcompareError(Exception):
    """Base of all errors that mixcompare raises on purpose; its text is meant to be read by a user."""


class SpecError(MixcompareError):
    """A study, a model or an option was named or written wrongly."""


class DataError(MixcompareError):
    """Data or a start cannot be used: wrong support, missing values, wrong shape."""


class StoreError(MixcompareError):
    """A results folder cannot be read, or belongs to another study."""


class ContractError(MixcompareError):
    """An estimator, family or other part broke the protocol it implements."""


class BudgetExceeded(MixcompareError):
    """The fit has used up its budget of passes or seconds.

    Raised by `Problem` at the door to the data; an estimator may catch it to hand back what it has.
    """


def nearest(name: str, options: Iterable[str]) -> str:
    """The tail of an error message: ' Did you mean "x"?' if an option resembles the name, else ''."""
    close = difflib.get_close_matches(
        str(name), [str(option) for option in options], n=1, cutoff=0.5
    )
    return f' Did you mean "{close[0]}"?' if close else ""
