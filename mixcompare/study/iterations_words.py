"""Sentences about the way to the end: plateaus, fits stopped early, and what methods printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mixcompare.study import words
from mixcompare.study.asked import by_label
from mixcompare.study.case import Case
from mixcompare.study.ends import NO_END, parse, parse_theta
from mixcompare.study.iterations import (
    Plateau,
    Printed,
    Run,
    places,
    plateaus,
    printed,
    readable,
    runs,
)
from mixcompare.study.parameter_words import label
from mixcompare.study.words import listed, number_of, quoted

FEW = 6
"""Fits whose numbers are listed one by one; of more, the range is given."""


def tell(case: Case) -> Iterator[str]:
    """What the kept histories of one case say."""
    kept = runs(case.results, case.points)
    methods = _grouped(kept, lambda run: run.method)
    several = len(kept) > len(methods)
    typed = _typed(case)
    for group in _grouped(kept, lambda run: typed.get(run.method, run.method)).values():
        yield from (f"{case.name}: {text}" for text in _plateau(group, several))
    for method, group in methods.items():
        yield from (f"{case.name}: {text}" for text in _printed(method, group, several))
    yield from (f"{case.name}: {text}" for text in _stopped(case, methods))


def summed(results: Any) -> Iterator[str]:
    """The plateau of the fit that the study shows in motion, if it met one."""
    film = results.study.get("animate")
    if not film:
        return
    rows = results.rows
    for key in ("data", "model"):
        rows = rows[rows[key] == film[key]] if film.get(key) else rows
    if rows.empty:
        return
    case = Case(results, str(film["data"]), str(rows["model"].iloc[0]), rows)
    wanted = (film["method"], film.get("start", 0))
    for run in runs(results, case.points):
        if (run.method, run.start) == wanted:
            name = f"{case.name[:1].upper()}{case.name[1:]}"
            yield from (f"{name}: {text}" for text in _plateau([run], several=False))
            return


def _grouped(kept: Sequence[Run], name: Callable[[Run], str]) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in kept:
        groups.setdefault(name(run), []).append(run)
    return groups


def _typed(case: Case) -> dict[str, str]:
    """What each label of a method stands for: methods that differ in their options have the same."""
    return {method: block["name"] for method, block in by_label(case.results.study).items()}


# -- plateaus -------------------------------------------------------------------------------------


def _plateau(group: Sequence[Run], several: bool) -> Iterator[str]:
    """The most costly plateau, by its length and what came after it, and from how many starts one was met.

    Runs that left no estimate climb where values mean nothing. What a rule would have done is said of
    iterations only: of evaluations many are not meant to gain.
    """
    group = [run for run in group if run.row["finding"] not in NO_END]
    found = [(run, plateau) for run in group for plateau in plateaus(run.history, run.unit)]
    if not found:
        return
    run, one = max(found, key=lambda pair: (round(pair[1].length * pair[1].later), pair[0].last))
    met, starts = ({_start(r) for r in some} for some in ([r for r, _ in found], group))
    start = f"from start {run.start} " if several else ""
    rule = f"; a rule that stops at gains below {one.fooled:g} nats would have stopped there"
    also = f"; {_more(len(met) - 1, len(starts) - 1)} met a plateau too" if len(met) > 1 else ""
    yield (
        f"{start}{quoted(run.method)} sat on a plateau near {_near(one)} nats for "
        f"{number_of(one.length, run.unit)} ({one.first} to {one.last}), gaining "
        f"{words.gap(one.gained)} nats, and then gained {words.gap(one.later)} more"
        f"{rule if run.unit == 'iteration' else ''}{also}."
    )


def _start(run: Run) -> tuple[int, int]:
    return int(run.row["replicate"]), run.start


def _more(k: int, n: int) -> str:
    """Other runs on plateaus of their own."""
    return "the run from the other start" if n == 1 else f"{words.of(k, n)} runs from other starts"


def _near(plateau: Plateau) -> str:
    """The log-likelihood with as many decimals as it did not lose on the plateau."""
    decimals = max(0, int(np.ceil(-np.log10(plateau.gained)))) if plateau.gained > 0 else 3
    return f"{plateau.loglik:.{min(decimals, 6)}f}"


# -- what was printed -----------------------------------------------------------------------------


def _printed(method: str, group: Sequence[Run], several: bool) -> Iterator[str]:
    """Printed values that are not the log-likelihood of the parameters beside them."""
    compared = [(run, printed(run.history)) for run in group]
    wrong = [(run, one) for run, one in compared if one is not None and one.what != "same"]
    if not wrong:
        return
    run, one = max(wrong, key=lambda pair: abs(pair[1].said - pair[1].loglik))
    start = f" from start {run.start}" if several else ""
    yield f"what {quoted(method)} printed{start} {denial(one, run.unit)}."


def denial(one: Printed, unit: str) -> str:
    """Of printed values that are not the log-likelihood: what they are not, with the worst of them."""
    if one.what == "before":
        return (
            f"at each {unit} is the log-likelihood of the parameters before it, and not of those beside it: "
            f"{words.nats(one.said)} against {words.nats(one.loglik)} nats at {unit} {one.step}"
        )
    return (
        f"is not the log-likelihood of these parameters: {words.nats(one.said)} against "
        f"{words.nats(one.loglik)} nats at {unit} {one.step}"
    )


# -- fits that were stopped early -----------------------------------------------------------------


def _stopped(case: Case, methods: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Ends that are no optimum, beside where the same method goes from the same start."""
    for method, group in methods.items():
        pairs = [(run, longer) for run in group for longer in _longer(case, run)]
        if pairs:
            other = pairs[0][1]["method"]
            same = [pair for pair in pairs if pair[1]["method"] == other]
            yield _short(case, same, method, str(other))


def _longer(case: Case, run: Run) -> Iterator[Any]:
    """The sound row of the same method under another label, from the same start, if there is one."""
    if run.row["finding"] != "not_stationary":
        return
    typed = _typed(case)
    rows, name = case.points, typed.get(run.method, run.method)
    same = rows["method"].map(lambda method: typed.get(method, method)) == name
    for column in ("replicate", "start_scheme", "start_index"):
        same &= rows[column] == run.row[column]
    found = rows[same & (rows["sound"] == True) & (rows["loglik"] > run.row["loglik"])]  # noqa: E712
    if len(found):
        yield found.sort_values("loglik", kind="stable").iloc[-1]


def _short(case: Case, pairs: Sequence[tuple[Run, Any]], method: str, other: str) -> str:
    """How far below, and the parameter that had still to move most."""
    steps = {run.last for run, _ in pairs}
    after = f" stopped after {number_of(min(steps), pairs[0][0].unit)}" if len(steps) == 1 else ""
    below = [row["loglik"] - run.history.loglik[-1] for run, row in pairs]
    if len(pairs) > FEW:
        starts = f"from {len(pairs):,} starts"
        by = f"{words.gap(min(below))} to {words.gap(max(below))}"
    else:
        starts = (
            f"from start{'s' if len(pairs) > 1 else ''} {listed([str(r.start) for r, _ in pairs])}"
        )
        by = listed([words.gap(value) for value in below])
    same = "start" if len(pairs) == 1 else "starts"
    return (
        f"{quoted(method)}{after or ' ended'} {starts} at no optimum, but {by} nats below where "
        f"{quoted(other)} ends from "
        f"the same {same}{_took(pairs)}{_moved(case, pairs)}."
    )


def _took(pairs: Sequence[tuple[Run, Any]]) -> str:
    """Iterations of the longer fits, in brackets, where they count them."""
    found = [(parse(row.get("said_counts")) or {}).get("iterations") for _, row in pairs]
    counts = [int(count) for count in found if count is not None]
    if len(counts) < len(pairs):
        return ""
    taken = f"{min(counts):,} to {max(counts):,}"
    if len(counts) <= FEW:
        taken = listed([f"{count:,}" for count in counts])
    return f" ({taken} iterations)"


def _moved(case: Case, pairs: Sequence[tuple[Run, Any]]) -> str:
    """The positive parameter whose value changes most, by ratio, between the two ends; "" for none."""
    found = []
    for run, row in pairs:
        dataset = case.results.dataset(row["data"], row["replicate"])
        end = parse_theta(row["theta"])
        if dataset is None or end is None:
            continue
        ends = readable(case.results.model_on(row["model"], dataset), [end])
        for name, array in ends.items():
            for index in places(array):
                then, later = run.values[name][(-1, *index)], array[(0, *index)]
                if then > 0 and later > 0:
                    what = label(name, index, dataset.columns, array.shape[1:])
                    found.append((abs(np.log(later / then)), what, run.start, then, later))
    if not found:
        return ""
    _, what, start, then, later = max(found)
    from_ = f" from start {start}" if len(pairs) > 1 else ""
    return f"; farthest from its end was {what}{from_}, {words.three(then)} in place of {words.three(later)}"
