"""One plain sentence for each finding about a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixcompare.verify.points import Evidence


def sentence(finding: str, found: Evidence) -> str:
    """What was found, with the numbers that decided it."""
    text = _TEXTS[finding](found)
    if found.narrow[2]:
        text += f"; narrow: {_narrow(found)}"
    return text


def _narrow(found: Evidence) -> str:
    ratio, count, _ = found.narrow
    return f"smallest/largest spread {ratio:.2g}, lightest component {count:.3g} observations"


def _components(found: Evidence) -> str:
    numbers = [str(k) for k in found.components]
    if len(numbers) == 1:
        return f"component {numbers[0]}"
    return f"components {', '.join(numbers[:-1])} and {numbers[-1]}"


def _rest(gain: float) -> str:
    return "less than 1e-9 nats are" if gain < 1e-9 else f"{gain:.1e} nats are"


def _not_stationary(found: Evidence) -> str:
    return f"not a stationary point: {max(found.attainable_gain, 0):.3g} nats more are within reach"


def _saddle(found: Evidence) -> str:
    if found.coincident:
        return (
            f"a saddle: {_components(found)} coincide, and splitting them raises the log-likelihood"
        )
    return "a saddle: stationary, but the log-likelihood rises along some direction"


_TEXTS = {
    "non_finite": lambda found: "the end, or the log-likelihood there, is not finite",
    "out_of_domain": lambda found: f"outside the parameter space: {found.outside}",
    "singular": lambda found: (
        f"{_components(found)} collapsed: the likelihood has no bound there, so its value means nothing"
    ),
    "not_stationary": _not_stationary,
    "saddle": _saddle,
    "duplicate": lambda found: (
        f"{_components(found)} coincide and no split raises the log-likelihood: effectively fewer components"
    ),
    "boundary": lambda found: (
        f"a maximum at the edge of the parameter space ({', '.join(found.edges)})"
    ),
    "ridge": lambda found: (
        f"a maximum, but flat along {len(found.null_directions)} "
        f"direction{'s' if len(found.null_directions) > 1 else ''} ({'; '.join(found.null_directions)}): "
        "the data do not determine these parameters"
    ),
    "maximum": lambda found: (
        f"a strict local maximum: {_rest(found.attainable_gain)} within reach of a polish"
    ),
}
