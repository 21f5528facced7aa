"""The registry of optima: which there are, who found them, on what evidence, and what may be unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mixcompare.report.document import Paragraph, Section, Tabular
from mixcompare.report.parts.part import Part
from mixcompare.report.tables import (
    Column,
    Table,
    findings,
    fixed,
    nats,
    number,
    share,
    text,
    typeset,
    whole,
)
from mixcompare.report.view import Case, View
from mixcompare.study.words import listed, number_of, quoted
from mixcompare.theta import Theta

MOST_OPTIMA = 12

FEWEST = 5
"""Starts of a scheme below which nothing is said of the next one."""

WIDEST = 6
"""Optima side by side at most."""


@dataclass(frozen=True)
class Optima:
    """Of the first replicate: the best optima of `n`, fits by method and optimum, evidence, chances."""

    rows: list[dict[str, Any]]
    n: int
    by_method: list[dict[str, Any]]
    evidence: dict[str, Any] | None
    chances: list[dict[str, Any]]


def compute(view: View, case: Case) -> Optima:
    """Gather what is known of the optima of the first replicate."""
    rows = view.of_first("optima", case)
    by_method: dict[str, dict[str, Any]] = {}
    for row in view.of_first("reached_by", case):
        line = by_method.setdefault(
            row["method"], {"method": row["method"], "fits": row["fits"], "others": 0}
        )
        if row["rank"] <= WIDEST:
            line[f"optimum_{row['rank']}"] = row["hits"]
        else:
            line["others"] += row["hits"]
    for line in by_method.values():
        ended = sum(value for key, value in line.items() if key.startswith("optimum_"))
        line["none"] = line["fits"] - ended - line["others"]
    evidence = next(iter(view.of_first("best_known", case)), None)
    chances = [row for row in view.of_first("discovery", case) if row["starts"] >= FEWEST]
    return Optima(rows[:MOST_OPTIMA], len(rows), list(by_method.values()), evidence, chances)


def draw(case: Case, optima: Optima) -> Section:
    """Make the part; no blocks where no optimum was found."""
    name, title = f"{case.slug}-optima", "Distinct optima"
    if not optima.rows:
        return Section(name, title, [])
    where = " of the first replicate" if case.n_replicates > 1 else ""
    more = f" The best {MOST_OPTIMA} of {optima.n}." if optima.n > MOST_OPTIMA else ""
    caption = (
        f"Distinct optima{where}, grouped by log-likelihood and fitted density. Global means the best "
        f"found here that is not narrow: best known, never proved.{more}"
    )
    any_narrow = any(row["narrow"] for row in optima.rows)
    columns = [column for column in _OPTIMA if column.key != "narrow" or any_narrow]
    blocks: list[Any] = [Tabular(Table(name, caption, columns, optima.rows))]
    if optima.evidence is not None and optima.evidence["best_known"] is not None:
        blocks.insert(0, Paragraph(_weighed(optima.evidence, where)))
    if optima.n > 1:
        blocks.append(Tabular(_by_method(case, optima, where), folded=True))
    if optima.chances:
        table = Table(f"{case.slug}-new", _chance(where), _CHANCES, optima.chances)
        blocks.append(Tabular(table, folded=True))
    return Section(name, title, blocks)


PART = Part(compute, draw)


def best_known(view: View, case: Case) -> dict[str, Any] | None:
    """The row of the first replicate's best known optimum, if there is one."""
    return next((r for r in view.of_first("optima", case) if r["standing"] == "global"), None)


def _weighed(found: dict[str, Any], where: str) -> str:
    """The evidence for the best known value, in words."""
    methods = ", ".join(f"{quoted(method)} {count}" for method, count in found["methods"].items())
    value = f"The best known value{where} is {found['best_known']:.4f} nats"
    told = (
        f"{value}: {found['fits']:,} of {number_of(found['of_fits'], 'fit')} ended there, from "
        f"{found['starts']:,} of {number_of(found['of_starts'], 'start')} (fits by method: {methods})."
    )
    if found["missed_by"]:
        told += f" No fit of {listed([quoted(method) for method in found['missed_by']])} did."
    if found["fits"] == 1:
        told += " A value that one fit alone has reached is weak evidence."
    if found["higher"]:
        ends = number_of(found["higher"], "end")
        verb = "stands" if found["higher"] == 1 else "stand"
        told += f" But {ends} that no optimum explains {verb} above it: a better one may exist."
    return typeset(told)


def _by_method(case: Case, optima: Optima, where: str) -> Table:
    shown = [row["rank"] for row in optima.rows[:WIDEST]]
    columns = [
        Column("method", "method", text, number=False),
        Column("fits", "fits", whole),
        *(Column(f"optimum_{rank}", f"optimum {rank}", whole) for rank in shown),
        *([Column("others", "other optima", whole)] if optima.n > WIDEST else []),
        Column("none", "at none", whole),
    ]
    caption = f"How often each method ended at each optimum{where}, numbered as above."
    return Table(f"{case.slug}-reached", caption, columns, optima.by_method)


def _chance(where: str) -> str:
    return (
        "The chance that the next start finds an optimum that this method has not found from this scheme"
        f"{where}, narrow ones left out: Good and Turing's f1 / n, with f1 the optima found just once. Up "
        "to: upper end of Wilson's 95 % interval, which is approximate; surely: a bound that holds whatever "
        f"the optima are. Schemes with fewer than {FEWEST} starts are left to the results."
    )


def point(value: Any) -> str:
    """A Theta in words: four digits, every parameter by name."""
    if value is None:
        return ""
    return "; ".join(
        f"{name} {_numbers(array.tolist())}" for name, array in as_theta(value).items()
    )


def as_theta(value: Any) -> Theta:
    """A Theta from one, or from the mapping it was stored as."""
    return value if isinstance(value, Theta) else Theta.from_dict(value)


def _numbers(value: Any) -> str:
    if not isinstance(value, list):
        return number(4)(value)
    if len(value) == 1:
        return _numbers(value[0])
    inner = ", ".join(_numbers(part) for part in value)
    return f"({inner})"


_OPTIMA = (
    Column("rank", "optimum", whole),
    Column("loglik", "log-likelihood (nats)", fixed(4)),
    Column("gap", "gap (nats)", nats),
    Column("standing", "standing", text, number=False),
    Column("finding", "finding", findings, number=False, badge=True),
    Column("narrow", "narrow", lambda value: "narrow" if value else "", number=False),
    Column("starts_reaching", "starts reaching", whole),
    Column("theta", "parameters", point, number=False),
    Column("methods", "fits by method", text, number=False),
)

_CHANCES = (
    Column("method", "method", text, number=False),
    Column("start_scheme", "starts", text, number=False),
    Column("starts", "n", whole),
    Column("optima", "optima found", whole),
    Column("once", "found once", share, beside=("optima",)),
    Column("chance", "chance of a new one", fixed(2)),
    Column("upper", "up to", fixed(2)),
    Column("bound", "surely up to", fixed(2)),
)
