"""What solvers said against what their ends were found to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mixcompare.seeds import stream
from mixcompare.study.ends import LIKELIHOOD, in_order
from mixcompare.study.shares import share_interval
from mixcompare.study.summaries import METHOD, breakdown

POOLED = ["method"]
"""Groups that hold a method's fits on all data sets and models."""

CLAIM_COLUMNS = (
    "said",
    "target",
    "fits",
    "sound",
    "wrong",
    "unjudged",
    "share_wrong",
    "lower",
    "upper",
    "interval",
    "findings",
)


def judge_claims(rows: pd.DataFrame, seed: int, by: Sequence[str] = METHOD) -> pd.DataFrame:
    """One row per group (data, model and method, or as `by` names them) and word.

    Returns
    -------
    DataFrame
        `said` ("success", "failure" or "nothing"), `target` (what the method maximises), `fits` of which
        it was said, how many of these were `sound`, how many `wrong` (success said of an end that is not
        sound, or failure of one that is; nan where nothing was said, or the likelihood is not what the
        method maximises), how many `unjudged` (not verified), `share_wrong` of the judged ones (of
        success: the false-success rate; of failure: the false-failure rate) with a 95 % interval
        `lower`, `upper` and the kind of `interval` (`shares.share_interval`), `findings` in words.
    """
    lines = []
    for names, part in _with_words(rows).groupby([*by, "word", "target"], sort=False):
        *group, word, target = names
        judged = part["sound"].notna()
        counts = word != "nothing" and target == LIKELIHOOD
        wrong = part["false_success"] | part["false_failure"]
        share, lower, upper, kind = np.nan, np.nan, np.nan, ""
        if counts and judged.any():
            rng = stream(seed, "bootstrap", *map(str, [*group, word]))
            sets = part.groupby(["data", "replicate"]).ngroup()
            share, lower, upper, kind = share_interval(wrong[judged], sets[judged], rng)
        lines.append(
            (
                *group,
                word,
                target,
                len(part),
                int((part["sound"] == True).sum()),  # noqa: E712 - None is not True
                int(wrong.sum()) if counts else np.nan,
                int((~judged).sum()),
                *(share, lower, upper, kind),
                breakdown(part["finding"]),
            )
        )
    return pd.DataFrame(lines, columns=[*by, *CLAIM_COLUMNS])


def cross_tabulate(rows: pd.DataFrame, by: Sequence[str] = METHOD) -> pd.DataFrame:
    """Numbers of fits by what was said (as in `judge_claims`) and found: one column a finding that occurs.

    Columns run from the worst finding to the best; fits that were not verified are under "".
    """
    words = _with_words(rows)
    findings = in_order(list(words["finding"]))
    counts = words.groupby([*by, "word", "target", "finding"], sort=False).size()
    table = counts.unstack(fill_value=0, sort=False).reindex(columns=findings).reset_index()
    table.columns.name = None
    return table.rename(columns={"word": "said"})


def _with_words(rows: pd.DataFrame) -> pd.DataFrame:
    said = rows["said"].map({True: "success", False: "failure"}).fillna("nothing")
    return rows.assign(word=said)
