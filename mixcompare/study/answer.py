"""The answer to a study's question in a few short paragraphs: all data sets together, from numbers alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mixcompare.study import (
    answer_claims,
    answer_draws,
    answer_faults,
    answer_flat,
    answer_found,
    answer_truth,
    answer_why,
    calibration,
    criteria_words,
    from_starts,
    groups_words,
    iterations_words,
    lead,
    slices_words,
    stopped_words,
)


def tell(results: Any) -> list[str]:
    """Paragraphs: who found the best known optimum and knew it; why not; who is wrong; what draws say.

    The plateau of a fit that is animated and the study's `lead` open all. Before who found it come known
    groups of real data, what stopping early cost, intervals where the study asked for them, data without an
    answer where they are the first, and draws where most methods are samplers; saddles, slices and the
    choice of model come last. Each is left out where there is nothing of its kind to say. Contestants that
    are wrong on purpose have one each, and are in no other.
    """
    rows = results.rows
    if rows.empty:
        return ["There are no fits to report."]
    points = rows[~rows["sampler"] & (answer_faults.faults(rows) == "")]
    why, flat = answer_why.tell(points, results.study), list(answer_flat.tell(results))
    no_answer = answer_flat.leads(results)
    drawn = [_sentence("; ".join(phrases)) for phrases in _drawn(results) if phrases]
    mostly = _mostly_drawn(results)
    leading = list(lead.tell(results))
    found = [*_found(results, points, bool(leading)), *answer_claims.tell(points)]
    paragraphs = [
        iterations_words.summed(results),
        leading,
        [*groups_words.summed(results), *stopped_words.summed(results)],
        answer_truth.tell(results),
        flat if no_answer else [],
        drawn if mostly else [],
        found,
        [*why, *([] if no_answer else flat)],
        *([sentence] for sentence in answer_faults.tell(results)),
        [] if mostly else drawn,
        [*from_starts.summed(results), *slices_words.summed(results)],
        filter(None, [criteria_words.summed(results)]),
    ]
    return list(filter(None, map(" ".join, paragraphs)))


def headline(results: Any) -> str:
    """The one sentence of `tell` that says most: the first, of the lead where there is one.

    With where a contestant that is wrong on purpose ended, where there is one.
    """
    first = [*lead.tell(results), tell(results)[0]][0]
    wrong = answer_faults.ended(results)
    return f"{first.split('. ')[0].rstrip('.')}{f'; {wrong}' if wrong else ''}."


def _found(results: Any, points: pd.DataFrame, leading: bool) -> Iterator[str]:
    """Who found it among the fits that the lead, if there is one, is not about."""
    rest = points.drop(lead.chosen(results).index, errors="ignore") if leading else points
    yield from answer_found.tell(rest, defined=leading)
    if not leading:
        yield from answer_found.shortfalls(points)


def _drawn(results: Any) -> Iterator[list[str]]:
    rows = results.rows
    yield list(calibration.summed(results.calibration()))
    yield list(answer_draws.tell(rows[rows["sampler"]]))


def _mostly_drawn(results: Any) -> bool:
    """Whether the lead, or else the study, is about samplers more than about point methods."""
    chosen = lead.chosen(results)
    rows = results.rows if chosen.empty else chosen
    samplers = rows.loc[rows["sampler"], "method"].nunique()
    return bool(samplers > rows["method"].nunique() - samplers)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
