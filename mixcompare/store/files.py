"""Writing files so that they are whole or absent, whenever the process is killed."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixcompare.errors import StoreError

UNFINISHED = ".tmp"
"""Ending of what is being written; it becomes the file itself in one step, or is removed later."""


LOCK = ".lock"
"""File that the one writer of a folder holds; it stays there, and means nothing when nobody holds it."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the one writer of a folder while the block lasts, or until this process ends, however it does.

    StoreError if another process is. Where there are no file locks (Windows, some network file systems)
    nothing is held.
    """
    with (folder / LOCK).open("a") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(
                    f"{folder}: expected a folder that nothing else writes to, got one that another run is "
                    f"writing to now. Wait until it has ended, or choose another folder with --out."
                ) from error
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
        yield


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """Turn what the system says against writing there, such as a full disk, into a StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{folder}: expected to write results there, got: {error.strerror or error}. What was stored "
            f"before is kept: mend that, and run again to go on."
        ) from error


def write_text(text: str, path: Path) -> None:
    """Write or replace a text file in one step."""
    unfinished = _unfinished(path)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def write_table(table: pa.Table, path: Path) -> None:
    """Write or replace a Parquet file in one step."""
    unfinished = _unfinished(path)
    pq.write_table(table, unfinished)
    unfinished.replace(path)


def write_draws(draws: Any, path: Path) -> None:
    """Write an ArviZ object (xarray.DataTree) as a zarr folder in one step, over what may be there."""
    unfinished = _unfinished(path)
    shutil.rmtree(unfinished, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        draws.to_zarr(unfinished, mode="w", consolidated=True)
    shutil.rmtree(path, ignore_errors=True)
    unfinished.replace(path)


def read_draws(path: Path) -> Any:
    """The ArviZ object in a zarr folder, in memory; StoreError if it is not there."""
    import xarray  # nothing but draws needs it

    if not path.is_dir():
        raise StoreError(
            f"{path}: expected the draws of a posterior, but there are none: run the study again"
        )
    return xarray.open_datatree(path, engine="zarr").load()


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process left half-written in a folder."""
    for path in folder.glob(f"*{UNFINISHED}"):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def readable(name: str) -> str:
    """A name as part of a file's name; where it had to be changed, a hash keeps it unique."""
    plain = re.sub(r"[^A-Za-z0-9.+]+", "-", name).strip("-.")[:60]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)
