"""Write a report: the same results give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mixcompare.errors import SpecError, nearest
from mixcompare.report import summary
from mixcompare.report.document import Drawing, Moving, Section, Tabular
from mixcompare.report.rendering import NO_NAMES, environment, tidy, write
from mixcompare.report.sections import (
    asked,
    calibration,
    case,
    claims,
    criteria,
    expectations,
    overview,
    profiles,
    standing,
    trail,
)
from mixcompare.report.view import View

MANIFEST = ".report"
"""Names of the tables and figures that reports in this folder wrote, one a line."""

_OURS = re.compile(r"tables/[^/\\]+\.(csv|tex)|figures/[^/\\]+\.(svg|gif|html)")

FORMATS = ("html", "md", "csv", "tex")


def build(results: Any, out: str | Path, formats: Sequence[str] = FORMATS) -> Path:
    """Write the report of a `Results` into the folder `out`.

    Parameters
    ----------
    results : Results
    out : path
        Made if it does not exist. `report.html` stands alone; `report.md` shows `figures/*.svg`, and of a
        film `figures/*.gif`, which has a player beside it; every table is in `tables/` as .csv (full
        precision) and .tex (booktabs); `summary.json` is what an index needs. Files of a former report are
        replaced, each at once; tables and figures of it that this one does not have are removed. Which
        files those are is noted in `.report`: nothing else is ever removed.
    formats : sequence of {"html", "md", "csv", "tex"}

    Returns
    -------
    Path
        The main file: report.html, else report.md, else the folder of tables.

    Raises
    ------
    SpecError
        An unknown format, or none.
    """
    chosen = _formats(formats)
    folder = Path(out)
    view = View(results)
    answer, sections = overview.draw(overview.compute(view)), compose(view)
    tables = [block.table for block in _blocks([answer, *sections]) if isinstance(block, Tabular)]
    pictured = bool(chosen & {"html", "md"})
    figures = [block for block in _blocks(sections) if isinstance(block, Drawing)]
    drawings = _drawn(figures) if pictured else {}
    films = [block for block in _blocks(sections) if isinstance(block, Moving)]
    files: dict[str, str | bytes] = {}
    if "html" in chosen:
        files["report.html"] = _render("report.html.j2", view, answer, sections, drawings)
    if "md" in chosen:
        files["report.md"] = _render("report.md.j2", view, answer, sections, drawings)
    if pictured:
        files[summary.FILE] = summary.text(
            results, summary.emblem(list(drawings), next((case.slug for case in view.cases), ""))
        )
    files |= {f"tables/{table.name}.csv": table.csv() for table in tables if "csv" in chosen}
    files |= {f"tables/{table.name}.tex": table.tex() for table in tables if "tex" in chosen}
    if pictured:
        files |= {f"figures/{name}.svg": document for name, document in drawings.items()}
        files |= {f"figures/{film.name}.gif": film.reel.gif for film in films}
        files |= {f"figures/{film.name}.html": _player(film) for film in films}
    for name, content in files.items():
        write(folder / name, content)
    _forget(folder, set(files), chosen)
    return folder / next((name for name in ("report.html", "report.md") if name in files), "tables")


def compose(view: View) -> list[Section]:
    """The sections of a report in their order; what has no blocks is left out."""
    choices = criteria.compute(view)
    sections = [asked.draw(asked.compute(view)), asked.remarks(view), criteria.draw(choices)]
    for one in view.cases:
        brief = criteria.in_brief(choices, one.data, one.model_name)
        sections.append(case.draw(view, one, brief))
    sections += [
        calibration.draw(calibration.compute(view)),
        claims.draw(claims.compute(view)),
        profiles.draw(view),
        expectations.draw(expectations.compute(view)),
        standing.draw(standing.compute(view)),
        standing.formulations(view),
        trail.draw_failures(trail.failures(view)),
        trail.provenance(view),
    ]
    whole = [replace(s, parts=[part for part in s.parts if part.blocks]) for s in sections]
    return [section for section in whole if section.blocks or section.parts]


# -- rendering ------------------------------------------------------------------------------------


def _render(
    template: str, view: View, answer: Section, sections: list[Section], drawings: dict[str, str]
) -> str:
    from mixcompare.report import compact, film, svg

    figures, shapes = compact.share({name: svg.inline(text) for name, text in drawings.items()})
    made = environment(template, view.named)
    text = made.get_template(template).render(
        title=view.study.get("title") or "Comparison",
        question=view.study.get("question", ""),
        quick=_QUICK if view.results.quick else "",
        answer=answer,
        sections=sections,
        drawing=lambda block: Markup(figures[block.name]),
        shapes=Markup(shapes),
        gif=lambda block: film.uri("image/gif", block.reel.gif),
    )
    return tidy(text)


def _player(film: Moving) -> str:
    """A page with the film, to be played, stopped and stepped through; it needs nothing from outside."""
    return tidy(
        environment("player.html.j2", NO_NAMES).get_template("player.html.j2").render(film=film)
    )


_QUICK = (
    "This is the quick size of the study, fewer starts and replicates than it asks for: read it as a "
    "trial, not as a result. Expectations that hold only at full size were not checked."
)


def _drawn(blocks: Iterable[Drawing]) -> dict[str, str]:
    from mixcompare.report import style, svg

    return {
        block.name: svg.document(style.figure_of(block.draw()), block.name, block.title)
        for block in blocks
    }


def _blocks(sections: Sequence[Section]) -> Iterator[Any]:
    for section in sections:
        yield from section.blocks
        yield from _blocks(section.parts)


# -- files ----------------------------------------------------------------------------------------


def _formats(formats: Sequence[str]) -> set[str]:
    chosen = [formats] if isinstance(formats, str) else list(formats)
    for name in chosen:
        if name not in FORMATS:
            raise SpecError(
                f'format: expected one or more of {", ".join(FORMATS)}, got "{name}".{nearest(name, FORMATS)}'
            )
    if not chosen:
        raise SpecError(f"format: expected one or more of {', '.join(FORMATS)}, got none")
    return set(chosen)


def _forget(folder: Path, written: set[str], chosen: set[str]) -> None:
    """Remove tables and figures that a former report wrote in these formats and this one did not."""
    note = folder / MANIFEST
    lines = note.read_text(encoding="utf-8").splitlines() if note.is_file() else []
    former = {line for line in lines if _OURS.fullmatch(line)} - written
    kinds = chosen | ({"svg", "gif", "html"} if chosen & {"html", "md"} else set())
    gone = {name for name in former if name.rpartition(".")[2] in kinds}
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    kept = sorted((former - gone) | {name for name in written if _OURS.fullmatch(name)})
    write(note, "".join(f"{name}\n" for name in kept))
