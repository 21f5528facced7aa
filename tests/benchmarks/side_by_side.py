"""Timing two things in turn, and the table of what came out."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tabulate import tabulate

ROUNDS = 7

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of the table: medians over rounds, and how far the ratios of single rounds went."""

    what: str
    ours: str
    peer: str
    ratio: str
    goal: str
    spread: str = ""


def cpu(work: Work) -> float:
    """CPU seconds of one call, all threads of the process together."""
    gc.collect()
    gc.disable()
    began = time.process_time()
    work()
    spent = time.process_time() - began
    gc.enable()
    return spent


def per_iteration(run: Callable[[int], object], few: int, many: int) -> Callable[[], float]:
    """CPU seconds of one iteration of `run(iterations)`: what the iterations beyond `few` take."""

    def measured() -> float:
        return (cpu(lambda: run(many)) - cpu(lambda: run(few))) / (many - few)

    return measured


def each(work: Work, times: int = 1) -> Callable[[], float]:
    """CPU seconds of one call of `work`, from so many calls."""
    return lambda: cpu(lambda: [work() for _ in range(times)]) / times


def interleaved(*measures: Callable[[], float], rounds: int = ROUNDS) -> list[list[float]]:
    """What each measure gave in each round, after one round that does not count."""
    found = [[measure() for measure in measures] for _ in range(1 + rounds)][1:]
    return [list(column) for column in zip(*found, strict=True)]


def compare(
    what: str,
    ours: Callable[[], float],
    peer: Callable[[], float],
    goal: str,
    rounds: int = ROUNDS,
) -> Row:
    """Our figure, the peer's, and the ratio peer / ours: the median of the rounds' own ratios."""
    mine, theirs = interleaved(ours, peer, rounds=rounds)
    ratios = sorted(b / a for a, b in zip(mine, theirs, strict=True))
    return Row(
        what,
        seconds(median(mine)),
        seconds(median(theirs)),
        f"{median(ratios):.3g}",
        goal,
        f"{ratios[0]:.3g} to {ratios[-1]:.3g}",
    )


def seconds(value: float) -> str:
    """A time with the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def table(rows: list[Row]) -> str:
    headers = ["what", "ours", "peer", "ratio", "goal", "ratios of the rounds"]
    cells = [[r.what, r.ours, r.peer, r.ratio, r.goal, r.spread] for r in rows]
    return tabulate(cells, headers, tablefmt="simple", disable_numparse=True)
