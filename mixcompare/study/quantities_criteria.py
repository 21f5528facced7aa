"""Quantities about the choice of model: criteria of single models, and what each criterion chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixcompare.study.quantity import FITS, NoAnswer, Quantity, Selection

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = (
    "aic",
    "bic",
    "icl",
    "separation",
    "loglik",
    "q",
    "elpd_loo",
    "elpd_loo_se",
    "p_loo",
    "bad_k",
)
"""Numbers of a model that can be expected; the criteria among them choose."""


def _table(s: Selection) -> pd.DataFrame:
    """Criteria of the selected fits; of one data set and replicate."""
    data = list(dict.fromkeys(s.fits["data"]))
    if len(data) > 1:
        raise NoAnswer(f"{len(data)} values of data are selected: name one in where")
    table = s.pick(s.results.criteria(data[0]), FITS)
    replicates = table["replicate"].nunique()
    if replicates > 1:
        raise NoAnswer(f"{replicates} values of replicate are selected: name one in where")
    return table


def _criterion(s: Selection) -> float:
    from mixcompare.study.criteria import OF_DRAWS, rank

    table, name = _table(s), s.where["criterion"]
    if name not in NUMBERS:
        raise NoAnswer(f'there is no criterion "{name}": expected one of {", ".join(NUMBERS)}')
    ranked = rank(table, OF_DRAWS[0] if name in _OF_DRAWS else "loglik")
    if ranked.empty:
        raise NoAnswer("; ".join(dict.fromkeys(table["refused"])) or "no method has this criterion")
    if len(ranked) > 1:
        raise NoAnswer(f"{len(ranked)} models are selected: name one in where")
    return float(ranked[name].iloc[0])


_OF_DRAWS = ("elpd_loo", "elpd_loo_se", "p_loo", "bad_k")


def _chosen(s: Selection) -> str:
    from mixcompare.study.criteria import OF_DRAWS, OF_POINTS, rank

    name = s.where["criterion"]
    if name not in (*OF_POINTS, *OF_DRAWS):
        known = ", ".join((*OF_POINTS, *OF_DRAWS))
        raise NoAnswer(f'"{name}" chooses no model: expected one of {known}')
    ranked = rank(_table(s), name)
    if ranked.empty:
        raise NoAnswer("no model has this criterion")
    return str(ranked["model"].iloc[0])


CRITERIA: dict[str, Quantity] = {
    "criterion": Quantity(
        "a number of a model at the best verified optimum that is not narrow (aic, bic, icl, which are "
        "smaller the better, separation, loglik, q), or of a posterior (elpd_loo, elpd_loo_se, p_loo, bad_k)",
        (*FITS, "criterion"),
        _criterion,
        ("criterion",),
    ),
    "chosen": Quantity(
        "name of the model that a criterion prefers among those fitted to the data: aic, bic, icl, elpd_loo",
        ("data", "method", "replicate", "criterion"),
        _chosen,
        ("criterion",),
    ),
}
