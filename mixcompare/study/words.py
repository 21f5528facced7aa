"""Numbers and lists as plain English, correct for none, one and many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NATURAL = {
    "weights": "weight",
    "means": "mean",
    "covariances": "covariance",
    "sds": "sd",
    "correlations": "correlation",
    "scales": "scale",
    "probs": "probability",
    "rates": "rate",
    "shapes": "shape",
}
"""Names of natural parameters in print; others stand as they are."""


def number_of(n: int, noun: str, plural: str = "") -> str:
    """For example "no fits", "1 fit", "1,200 fits"."""
    count = f"{n:,}" if n else "no"
    return f"{count} {noun if n == 1 else plural or noun + 's'}"


def of(k: int, n: int) -> str:
    """For example "18 of 20", "all 20", "both", "none of 20"; "1 of 1" and "0 of 1"."""
    if n > 1 and k in (0, n):
        return f"none of {n:,}" if not k else "both" if n == 2 else f"all {n:,}"
    return f"{k:,} of {n:,}"


def spelled(n: int) -> str:
    """A number as a word up to twelve, so that it can stand before digits: "all six 95 % intervals"."""
    return _WORDS[n] if n < len(_WORDS) else f"{n:,}"


_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
          "twelve")  # fmt: skip


def times(n: int) -> str:
    """For example "once", "twice", "3 times"."""
    return "once" if n == 1 else "twice" if n == 2 else f"{n:,} times"


def value(found: float | str | None) -> str:
    """A number without a needless tail; words as they are."""
    return (
        f"{found:.10g}" if isinstance(found, float) else "no value" if found is None else str(found)
    )


def listed(items: Sequence[str]) -> str:
    """For example "a", "a and b", "a, b and c"; "" for none."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def quoted(label: str) -> str:
    """A method's label, in quotation marks where a comma in it would break up a list."""
    return f'"{label}"' if ", " in label else label


def finding(name: str) -> str:
    """A finding in words: "not stationary"."""
    return name.replace("_", " ") or "not verified"


def nats(value: float) -> str:
    """A log-likelihood with three decimals."""
    return f"{value:.3f}"


def gap(value: float) -> str:
    """A difference in nats with three significant digits, "less than 0.001" below that."""
    return "less than 0.001" if abs(value) < 1e-3 else three(value)


def three(value: float) -> str:
    """Three significant digits, zeros among them: "0.150", "12.0", "1,234"."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:#.3g}".rstrip(".")


def with_error(value: float, mcse: float) -> str:
    """An estimate and its Monte Carlo error, to two digits of the error."""
    if not np.isfinite(mcse) or mcse <= 0:
        return f"{value:.3g}"
    decimals = max(0, 1 - int(np.floor(np.log10(mcse))))
    return f"{value:.{decimals}f} ± {mcse:.{decimals}f}"


def percent(share: float) -> str:
    """For example "95 %", with a decimal where it is no whole number; 0.9996 does not become 100 %."""
    text = f"{100 * share:.1f}"
    if text in ("0.0", "100.0") and share not in (0.0, 1.0):
        return "less than 0.1 %" if share < 0.5 else "more than 99.9 %"
    return f"{text.removesuffix('.0')} %"
