"""The commands: run, report, index, fit, verify, replay and list."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mixcompare.cli.program import List, Name, NumberOr, main
from mixcompare.cli.terminal import Progress, cpus, listed, width
from mixcompare.errors import DataError, SpecError, StoreError, nearest

if TYPE_CHECKING:
    from mixcompare.data import Dataset
    from mixcompare.mixture import MixtureModel

KINDS = ("families", "methods", "starts", "datasets", "scenarios", "metrics", "figures", "studies")
FORMATS = ("html", "md", "tex", "csv")

# -- run and report -------------------------------------------------------------------------------


@main.command()
@click.argument("study", metavar="STUDY.toml", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Results folder [runs/STUDY, runs/STUDY-quick]."
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes [as many as CPUs may be used]."
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="A dask scheduler to use instead of own processes."
)
@click.option("--quick", is_flag=True, help="The same study at a size that ends in about a minute.")
@click.option(
    "--fresh", is_flag=True, help="Throw away what the folder holds of this study and start over."
)
def run(
    study: Path,
    out: Path | None,
    workers: int | None,
    scheduler: str | None,
    quick: bool,
    fresh: bool,
) -> int:
    """Run a study, and write its report.

    What is in the results folder already is not run again: an interrupted study goes on where it was.
    """
    if scheduler and workers:
        raise click.UsageError(
            "expected --workers or --scheduler, got both: a scheduler has its own workers"
        )
    from mixcompare.study.run import run_study

    out = out or Path("runs") / (study.stem + ("-quick" if quick else ""))
    with Progress() as progress:
        results = run_study(
            study,
            out=out,
            workers=workers or cpus(),
            scheduler=scheduler,
            quick=quick,
            fresh=fresh,
            progress=progress,
        )
        progress.say("writing the report")
        page = results.report(out)
    from mixcompare.report.terminal import study_text

    click.echo(study_text(results, width()))
    click.echo(f"\nReport: {page}")
    return int((results.expectations()["status"] == "not reproduced").any())


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format", "formats", type=List(Name(FORMATS)), help="What to write [html,md,tex,csv]."
)
def report(folder: Path, formats: list[str] | None) -> None:
    """Write a report again.

    DIR is the results folder of a study. Nothing is fitted.
    """
    from mixcompare.study.run import load_results

    page = load_results(folder).report(folder, tuple(formats or FORMATS))
    click.echo(f"Report: {page}")


@main.command(short_help="Write the index of a folder of reports.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def index(folder: Path) -> int:
    """Write the index of a folder of reports, and check what they expected.

    DIR holds the reports of studies, one folder each; README.md and index.html in it are replaced. The exit
    code is 1 if some expectation of some study was not reproduced.
    """
    from mixcompare.report.index import BROKEN, write_index

    written = write_index(folder)
    for entry in written.entries:
        if entry.summary is None:
            click.echo(f"{folder / entry.name}: written without a summary", err=True)
    click.echo(f"{written.tally}\nIndex: {written.page}")
    return int(written.count(BROKEN) > 0)


# -- fit and verify -------------------------------------------------------------------------------


def _model_options(command: Any) -> Any:
    """The options that name data columns and a model; `fit` and `verify` share them."""
    for option in (
        click.option(
            "--df",
            type=NumberOr("free"),
            metavar="V",
            help='Degrees of freedom: a number, or "free".',
        ),
        click.option(
            "--n-trials", type=click.IntRange(min=1), help="Trials of a binomial observation."
        ),
        click.option("--covariance", metavar="NAME", help="For example full or tied."),
        click.option(
            "-k", "--components", type=click.IntRange(min=1), required=True, help="How many."
        ),
        click.option(
            "--family", metavar="NAME", required=True, help='See "mixcompare list families".'
        ),
        click.option(
            "--counts", metavar="COLUMN", help="The column that says how often each row occurred."
        ),
        click.option(
            "--columns", type=List(), help="Columns to use, separated by commas [all numeric]."
        ),
        click.argument("source", metavar="DATA"),
    ):
        command = option(command)
    return command


@main.command()
@_model_options
@click.option(
    "--methods", type=List(), default="em,bfgs,l-bfgs-b", show_default=True, help="What to try."
)
@click.option(
    "--starts", type=click.IntRange(min=1), default=20, show_default=True, help="How many."
)
@click.option(
    "--start", metavar="NAME", default="mixed", show_default=True, help="Scheme of the starts."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all randomness."
)
@click.option(
    "--priors",
    metavar="NAME",
    help="Prior: weak, richardson-green or flat [the family's].",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for a full report.")
def fit(
    source: str,
    columns: list[str] | None,
    counts: str | None,
    family: str,
    components: int,
    methods: list[str],
    starts: int,
    start: str,
    seed: int,
    priors: str | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Fit one mixture by several methods.

    Says what each of them found, and what to believe. DATA is a csv file with a header, or the name of a
    data set that comes with mixcompare.
    """
    data = _read(source, columns, counts)
    model = _model(family, components, options)
    _require_names(methods, start)
    if out is not None:
        _require_folder(out)
    from mixcompare.report.terminal import fit_text
    from mixcompare.study.compare import compare

    with Progress() as progress:
        results = compare(
            model,
            data,
            methods=methods,
            n_starts=starts,
            starts=start,
            seed=seed,
            progress=progress,
            priors=priors,
        )
    click.echo(fit_text(results, data, model, width()))
    if out is not None:  # after the text, which then is there whatever befalls the report
        click.echo(f"\nReport: {results.report(out)}")


@main.command()
@_model_options
@click.option(
    "--theta",
    "theta_file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="THETA.json",
    help='The point: {"weights": [..], "means": [..], ...}, as FitRecord.theta.to_dict() gives it.',
)
def verify(
    source: str,
    columns: list[str] | None,
    counts: str | None,
    family: str,
    components: int,
    theta_file: Path,
    **options: Any,
) -> None:
    """Say what a given point really is.

    A maximum, a saddle, a ridge, or no optimum at all, wherever the point came from. DATA is a csv file
    with a header, or the name of a data set that comes with mixcompare.
    """
    data = _read(source, columns, counts)
    model = _model(family, components, options)
    from mixcompare.report.terminal import verdict_text
    from mixcompare.verify.verifier import verify as judge

    click.echo(verdict_text(judge(model, data, _theta(theta_file)), data, model, width()))


# -- replay ---------------------------------------------------------------------------------------


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("key")
def replay(folder: Path, key: str) -> None:
    """Repeat one stored fit.

    Says whether it is the same, bit for bit, and where it broke if it did. DIR is the results folder of a
    study, KEY the key of one of its rows, or the beginning of one.
    """
    from mixcompare.study.card import card
    from mixcompare.study.run import load_results

    click.echo(card(load_results(folder).replay(key), width()))


# -- list -----------------------------------------------------------------------------------------


@main.command(name="list")
@click.argument("kind", type=Name(KINDS), metavar="KIND")
def list_names(kind: str) -> None:
    """List the names there are.

    KIND is one of families, methods, starts, datasets, scenarios, metrics, figures, studies.
    """
    rows = {"datasets": _datasets, "studies": _studies}.get(kind, lambda: _registered(kind))()
    click.echo(listed(rows, width()) if rows else f"There are no {kind} here.")


def _registered(kind: str) -> list[tuple[str, str]]:
    """Name and description of what the registry holds: a class says it itself, a function in its module."""
    from dataclasses import fields, is_dataclass

    from mixcompare import registry

    rows = []
    for name in registry.names(kind):
        thing = registry.load(kind, name)
        described = thing if isinstance(thing, type) else sys.modules[thing.__module__]
        text = " ".join((described.__doc__ or "").strip().split("\n\n")[0].split())
        takes = [field.name for field in fields(thing)] if is_dataclass(thing) else []
        modifiers = getattr(thing, "modifiers", ())
        text += f" Options: {', '.join(takes)}." if takes else ""
        rows.append((name, text + (f" In brackets: {', '.join(modifiers)}." if modifiers else "")))
    return rows


def _datasets() -> list[tuple[str, str]]:
    from mixcompare.datasets import catalogue

    return [
        (name, f"{entry.title}: {entry.n} observations of {', '.join(entry.observations)}.")
        for name, entry in sorted(catalogue().items())
    ]


def _studies() -> list[tuple[str, str]]:
    import tomllib

    rows = []
    for path in sorted(Path("studies").glob("*.toml")):
        try:
            title = tomllib.loads(path.read_text(encoding="utf-8")).get("title", "(no title)")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            title = f"(cannot be read: {error})"
        rows.append((str(path), str(title)))
    return rows


# -- what the user handed over, or one sentence about it ------------------------------------------


def _read(source: str, columns: list[str] | None, counts: str | None) -> Dataset:
    from mixcompare.datasets import available, load_dataset, read_csv

    path = Path(source)
    if source in available() and not path.exists():
        if counts is not None:
            raise DataError(
                f'--counts: data set "{source}" brings its own counts where it has any: leave it'
            )
        return load_dataset(source, columns)
    try:
        data = read_csv(path, columns, counts)
    except DataError as error:
        hint = "" if path.exists() else nearest(path.stem, available())
        if not hint:
            raise
        hint = hint.replace(
            "Did you mean", "Or did you mean the data set that comes with mixcompare,"
        )
        raise DataError(f"{error}{hint}") from error
    if columns is None:
        _mention_row_numbers(data)
    return data


def _mention_row_numbers(data: Dataset) -> None:
    """A line on standard error about each column that counts 1, 2, 3, ...: hardly an observation."""
    for name, values in zip(data.columns, data.x.T, strict=True):
        if len(values) > 2 and (values[1:] - values[:-1] == 1).all():
            click.echo(
                f'note: column "{name}" only numbers the rows, and is taken as an observation: name the '
                f"columns to use with --columns",
                err=True,
            )


def _model(family: str, components: int, options: dict[str, Any]) -> MixtureModel:
    from mixcompare.mixture import MixtureModel

    return MixtureModel(
        family, components, **{key: v for key, v in options.items() if v is not None}
    )


def _require_names(methods: list[str], start: str) -> None:
    from mixcompare import registry
    from mixcompare.estimators.base import make_estimator

    for method in methods:
        make_estimator(method)
        if methods.count(method) > 1:
            raise SpecError(f'--methods: expected every method once, got "{method}" more than once')
    registry.load("starts", start)


def _require_folder(out: Path) -> None:
    place = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not place.is_dir():
        raise StoreError(
            f"--out: expected a folder, got {out}, but {place} is a file: name another place"
        )
    if not os.access(place, os.W_OK):
        raise StoreError(f"--out: {place} cannot be written to: name another place")


def _theta(path: Path) -> Any:
    from mixcompare.theta import Theta

    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"--theta: expected a JSON file, but there is no {path}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"--theta: expected JSON in {path}, got: {error}") from error
    if not isinstance(values, dict):
        raise DataError(
            f'--theta: expected an object with "weights" in {path}, got a {type(values).__name__}'
        )
    return Theta.from_dict(values)
