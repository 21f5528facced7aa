"""What commands need of the machine and the terminal: CPUs, width, messages, progress."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import click

WIDTH = 100
"""Columns of what is printed, at most."""


def complain(message: str) -> int:
    """One message on standard error; the exit code of wrong input."""
    click.echo(f"mixcompare: error: {' '.join(message.split())}", err=True)
    return 2


def cpus() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def listed(rows: list[tuple[str, str]], width: int) -> str:
    """Names on the left, their descriptions wrapped on the right."""
    import textwrap

    left = max(len(name) for name, _ in rows) + 2
    return "\n".join(
        textwrap.fill(text, width, initial_indent=f"{name:{left}}", subsequent_indent=" " * left)
        for name, text in rows
    )


def width() -> int:
    """Columns of the terminal, at most WIDTH; WIDTH where there is none."""
    import shutil

    return max(60, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


class Progress:
    """Fits ended of fits planned, on standard error: a bar on a terminal, else a line now and then.

    A line is written at the end, and before that when two seconds and a tenth of the fits, or ten
    seconds, have passed since the last.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._terminal = sys.stderr.isatty()
        self._shown, self._total, self._time = 0, 0, time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def __call__(self, done: int, total: int, label: str) -> None:
        """`done` of `total` fits have ended, the last of them those of `label`; another total begins anew."""
        if total != self._total or done < self._shown:
            self._close()
            self._shown, self._total = 0, total
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
