"""The answer in short: what to believe of each data set, and every method on all of them in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mixcompare.report.document import Items, Paragraph, Section, Tabular
from mixcompare.report.tables import Column, Table, share, text, typeset
from mixcompare.report.view import Case, View, slug

MOST = 8
"""Cases up to which each has a line and a column of its own; of more, those of the same data share one."""

BROKEN = "Not reproduced: "
"""How sentences about expectations begin that were not met."""


@dataclass(frozen=True)
class Overview:
    """Sentences about the whole study, one about each case, and a row a method."""

    answer: list[str]
    general: list[str]
    cases: list[tuple[str, str]]
    columns: list[Column]
    rows: list[dict[str, Any]]


def compute(view: View) -> Overview:
    """Gather the sentences, and the hits of each method on each case."""
    general = [s for s in view.results.sentences() if _subject(view, s) is None]
    cases = [] if _many(view) else [(title(view, case), _advice(view, case)) for case in view.cases]
    columns, rows = _table(view)
    told = [typeset(s) for s in general if not s.startswith("Asked: ")]
    return Overview([typeset(p) for p in view.results.answer()], told, cases, columns, rows)


def draw(overview: Overview) -> Section:
    """Make the section that opens the report."""
    made, rest = overview.general[:1], overview.general[1:]
    blocks: list[Any] = [Paragraph(text_) for text_ in (*overview.answer, *made)]
    blocks += [Paragraph(sentence, about=name) for name, sentence in overview.cases]
    broken = [sentence for sentence in rest if sentence.startswith(BROKEN)]
    blocks += [Paragraph(sentence) for sentence in rest if sentence not in broken]
    if broken:
        blocks.append(Items(broken))
    if overview.rows:
        caption = (
            "Ends at the best known optimum, of all fits (of a sampler: draws found sound), and how often "
            "the solver's own word was wrong. Details and definitions below."
        )
        blocks.append(Tabular(Table("overview", caption, overview.columns, overview.rows)))
    return Section("answer", "In short", blocks)


def of_case(view: View, case: Case) -> list[str]:
    """The sentences about one case, without its name at their beginning."""
    name = title(view, case)
    mine = [s for s in view.results.sentences() if _subject(view, s) == name]
    rest = [_advice(view, case)] if _many(view) else []
    rest += [typeset(s[len(name) :].lstrip(":, ")) for s in mine]
    return [s if s.startswith(tuple(case.methods)) else s[:1].upper() + s[1:] for s in rest]


def _many(view: View) -> bool:
    """Whether there are too many cases for a line and a column each."""
    return len(view.cases) > MOST


def _advice(view: View, case: Case) -> str:
    return typeset(view.results.advice(case.data, case.model_name, brief=True))


def title(view: View, case: Case) -> str:
    """The data, and the model where the study fits several to it; as the sentences call a case."""
    alone = sum(other.data == case.data for other in view.cases) == 1
    return case.data if alone else f"{case.data} ({case.model_name})"


def _subject(view: View, sentence: str) -> str | None:
    """The case that a sentence is about."""
    names = sorted((title(view, case) for case in view.cases), key=len, reverse=True)
    return next((name for name in names if sentence.startswith((f"{name}: ", f"{name}, "))), None)


def _table(view: View) -> tuple[list[Column], list[dict[str, Any]]]:
    rows: dict[str, dict[str, Any]] = {}
    columns = [Column("method", "method", text, number=False)]
    for case in view.cases:
        key, heading = (
            (slug(case.data), case.data) if _many(view) else (case.slug, title(view, case))
        )
        if key not in [column.key for column in columns]:
            columns.append(Column(key, heading, share, beside=(f"{key}-fits",)))
        for line in view.of("summary", case):
            row = rows.setdefault(line["method"], {"method": line["method"]})
            hits = line["at_best"] if line["at_best"] is not None else line["verified"]
            row[key] = row.get(key, 0) + hits
            row[f"{key}-fits"] = row.get(f"{key}-fits", 0) + line["fits"]
            for word in ("success", "failure"):
                if line[f"false_{word}"] is not None:  # the word was about the likelihood
                    row[word] = row.get(word, 0) + line[f"false_{word}"]
                row[f"said_{word}"] = row.get(f"said_{word}", 0) + line[f"said_{word}"]
    for word in ("success", "failure"):
        heading = f"{word} said, wrongly"
        columns.append(Column(word, heading, share, beside=(f"said_{word}",), alarm=True))
    return columns, sorted(rows.values(), key=lambda row: view.place(row["method"]))
