"""The command line: parse, call, exit code.

Nothing but click is imported until a command runs, so that help is immediate. Exit codes: 0 done; 1 the
study ran but an expectation did not hold; 2 the input is wrong, one message on standard error; 130
interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mixcompare import __version__
from mixcompare.errors import DataError, MixcompareError, SpecError, StoreError, nearest

if TYPE_CHECKING:
    from mixcompare.data import Dataset
    from mixcompare.mixture import MixtureModel

WIDTH = 100
KINDS = ("families", "methods", "starts", "datasets", "scenarios", "metrics", "figures", "studies")
FORMATS = ("html", "md", "tex", "csv")


class _Program(click.Group):
    """Turns every way a command can end into one exit code and at most one message."""

    def main(self, *args: Any, **extra: Any) -> Any:
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra) or 0
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = 2
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "mixcompare"
            code = _complain(f'{error.format_message()} (See "{path} --help".)')
        except click.ClickException as error:
            code = _complain(error.format_message())
        except MixcompareError as error:
            code = _complain(str(error))
        except OSError as error:
            if error.filename is None:
                raise
            code = _complain(f"{error.filename}: {error.strerror}")
        except (click.Abort, KeyboardInterrupt):
            click.echo("mixcompare: interrupted", err=True)
            code = 130
        sys.exit(code)


class _Name(click.ParamType):
    """One of a few names; a wrong one is told the nearest."""

    name = "name"

    def __init__(self, options: Iterable[str]) -> None:
        self.options = tuple(options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.options:
            self.fail(
                f'expected one of {", ".join(self.options)}, got "{value}".{nearest(value, self.options)}',
                param,
                ctx,
            )
        return str(value)


class _NumberOr(click.ParamType):
    """A number, or one word that stands for something else."""

    name = "number"

    def __init__(self, word: str) -> None:
        self.word = word

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        try:
            return self.word if value == self.word else float(value)
        except ValueError:
            self.fail(f'expected a number or "{self.word}", got "{value}"', param, ctx)


class _List(click.ParamType):
    """Values of one type, separated by commas."""

    name = "list"

    def __init__(self, item: click.ParamType = click.STRING) -> None:
        self.item = item

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[Any]:
        if isinstance(value, list):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(parts):
            self.fail(f'expected values separated by commas, got "{value}"', param, ctx)
        return [self.item.convert(part, param, ctx) for part in parts]


@click.group(
    cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="mixcompare", message="%(prog)s %(version)s")
def main() -> None:
    """Compare estimators of mixture models, and check what each of them really found."""


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
    with _Progress() as progress:
        results = run_study(
            study,
            out=out,
            workers=workers or _cpus(),
            scheduler=scheduler,
            quick=quick,
            fresh=fresh,
            progress=progress,
        )
        progress.say("writing the report")
        page = results.report(out)
    from mixcompare.report.terminal import study_text

    click.echo(study_text(results, _width()))
    click.echo(f"\nReport: {page}")
    return int((results.expectations()["status"] == "not reproduced").any())


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format", "formats", type=_List(_Name(FORMATS)), help="What to write [html,md,tex,csv]."
)
def report(folder: Path, formats: list[str] | None) -> None:
    """Write a report again.

    DIR is the results folder of a study. Nothing is fitted.
    """
    from mixcompare.study.run import load_results

    page = load_results(folder).report(folder, tuple(formats or FORMATS))
    click.echo(f"Report: {page}")


# -- fit and verify -------------------------------------------------------------------------------


def _model_options(command: Any) -> Any:
    """The options that name data columns and a model; `fit` and `verify` share them."""
    for option in (
        click.option(
            "--df",
            type=_NumberOr("free"),
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
            "--columns", type=_List(), help="Columns to use, separated by commas [all numeric]."
        ),
        click.argument("source", metavar="DATA"),
    ):
        command = option(command)
    return command


@main.command()
@_model_options
@click.option(
    "--methods", type=_List(), default="em,bfgs,l-bfgs-b", show_default=True, help="What to try."
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
@click.option("--priors", metavar="NAME", help="Priors of a sampler [weak].")
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

    with _Progress() as progress:
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
        page = None if out is None else results.report(out)
    click.echo(fit_text(results, data, model, _width()))
    if page is not None:
        click.echo(f"\nReport: {page}")


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

    click.echo(verdict_text(judge(model, data, _theta(theta_file)), data, model, _width()))


# -- list -----------------------------------------------------------------------------------------


@main.command(name="list")
@click.argument("kind", type=_Name(KINDS), metavar="KIND")
def list_names(kind: str) -> None:
    """List the names there are.

    KIND is one of families, methods, starts, datasets, scenarios, metrics, figures, studies.
    """
    rows = {"datasets": _datasets, "studies": _studies}.get(kind, lambda: _registered(kind))()
    click.echo(_listed(rows, _width()) if rows else f"There are no {kind} here.")


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
        return read_csv(path, columns, counts)
    except DataError as error:
        hint = "" if path.exists() else nearest(path.stem, available())
        if not hint:
            raise
        hint = hint.replace(
            "Did you mean", "Or did you mean the data set that comes with mixcompare,"
        )
        raise DataError(f"{error}{hint}") from error


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


# -- the terminal ---------------------------------------------------------------------------------


def _complain(message: str) -> int:
    click.echo(f"mixcompare: error: {' '.join(message.split())}", err=True)
    return 2


def _cpus() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _listed(rows: list[tuple[str, str]], width: int) -> str:
    """Names on the left, their descriptions wrapped on the right."""
    import textwrap

    left = max(len(name) for name, _ in rows) + 2
    return "\n".join(
        textwrap.fill(text, width, initial_indent=f"{name:{left}}", subsequent_indent=" " * left)
        for name, text in rows
    )


def _width() -> int:
    """Columns of the terminal, at most WIDTH; WIDTH where there is none."""
    import shutil

    return max(60, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


class _Progress:
    """Fits ended of fits planned, on standard error: a bar on a terminal, else a line now and then.

    A line is written at the end, and before that when two seconds and a tenth of the fits, or ten
    seconds, have passed since the last.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._terminal = sys.stderr.isatty()
        self._shown, self._time = 0, time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def __call__(self, done: int, total: int, label: str) -> None:
        """`done` of `total` fits have ended, the last of them those of `label`."""
        if self._terminal:
            if self._bar is None:
                self._bar = click.progressbar(
                    length=total, label="Fits", file=sys.stderr, show_pos=True
                )
            self._bar.update(done - self._shown)
            self._shown = done
            return
        waited = time.monotonic() - self._time
        if done == total or waited >= 10 or (waited >= 2 and done - self._shown >= total / 10):
            click.echo(f"{done} of {total} fits ({label})", err=True)
            self._shown, self._time = done, time.monotonic()

    def say(self, text: str) -> None:
        """A line about what comes next."""
        self._close()
        click.echo(text, err=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None
