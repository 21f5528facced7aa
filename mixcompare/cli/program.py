"""The program that all commands belong to: its exit codes, and the kinds of value that options take."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click

from mixcompare import __version__
from mixcompare.cli.terminal import complain
from mixcompare.errors import MixcompareError, nearest


class Program(click.Group):
    """Turns every way a command can end into one exit code and at most one message."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run, and exit with the code."""
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra) or 0
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = 2
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "mixcompare"
            code = complain(f'{error.format_message()} (See "{path} --help".)')
        except click.ClickException as error:
            code = complain(error.format_message())
        except MixcompareError as error:
            code = complain(str(error))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            code = complain(f"{where}{error.strerror or error}")
        except (click.Abort, KeyboardInterrupt):
            click.echo("mixcompare: interrupted", err=True)
            code = 130
        sys.exit(code)


class Name(click.ParamType):
    """One of a few names; a wrong one is told the nearest."""

    name = "name"

    def __init__(self, options: Iterable[str]) -> None:
        self.options = tuple(options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See click."""
        if value not in self.options:
            self.fail(
                f'expected one of {", ".join(self.options)}, got "{value}".{nearest(value, self.options)}',
                param,
                ctx,
            )
        return str(value)


class NumberOr(click.ParamType):
    """A number, or one word that stands for something else."""

    name = "number"

    def __init__(self, word: str) -> None:
        self.word = word

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """See click."""
        try:
            return self.word if value == self.word else float(value)
        except ValueError:
            self.fail(f'expected a number or "{self.word}", got "{value}"', param, ctx)


class List(click.ParamType):
    """Values of one type, separated by commas."""

    name = "list"

    def __init__(self, item: click.ParamType = click.STRING) -> None:
        self.item = item

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[Any]:
        """See click."""
        if isinstance(value, list):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(parts):
            self.fail(f'expected values separated by commas, got "{value}"', param, ctx)
        return [self.item.convert(part, param, ctx) for part in parts]


@click.group(
    cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="mixcompare", message="%(prog)s %(version)s")
def main() -> None:
    """Compare estimators of mixture models, and check what each of them really found."""
