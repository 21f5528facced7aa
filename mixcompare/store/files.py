"""Writing files so that they are whole or absent, whenever the process is killed."""

from __future__ import annotations

import hashlib
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixcompare.errors import StoreError

UNFINISHED = ".tmp"
"""Ending of what is being written; it becomes the file itself in one step, or is removed later."""


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
