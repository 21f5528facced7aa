"""The results folder: rows appended as fits end, whole whenever the process is killed, one writer.

    study.toml  run.json            the study as run; its size, versions and digest
    fits/  trajectories/            Parquet parts; one of each after a finished run
    histories/                      the same, of fits whose parameters were kept on their way
    draws/KEY.zarr                  posteriors, in ArviZ's own format
    data/                           what the fits saw
    modules/                        contestants of the study's own
    slices/NAME.parquet  NAME.json  what starts all over a slice reached; what the slice is

A part of `fits` is the last thing written of a batch, so a batch is there or it is not.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixcompare.data import Dataset
from mixcompare.errors import StoreError
from mixcompare.store.data_files import Datasets, read_data, write_data
from mixcompare.store.files import (
    LOCK,
    UNFINISHED,
    alone,
    read_draws,
    remove,
    remove_unfinished,
    write_draws,
    write_table,
    write_text,
    written,
)
from mixcompare.store.rows import (
    FITS,
    HISTORIES,
    TRAJECTORIES,
    fits_table,
    frame,
    histories_table,
    trajectories_table,
)
from mixcompare.store.slice_files import SliceFile, keep_slices, read_slices, write_slice

TABLES = ("fits", "trajectories", "histories")
"""Folders of Parquet parts; those of one batch have one name, and that of `fits` is written last."""

OURS = (
    "study.toml",
    "fits",
    "trajectories",
    "histories",
    "draws",
    "modules",
    "data",
    "slices",
    "report.html",
    "report.md",
    "summary.json",
    ".report",
    "tables",
    "figures",
)
"""What a results folder holds beside run.json, and what --fresh removes."""


class Pieces(NamedTuple):
    """What `Results` is made of, in its order."""

    fits: pd.DataFrame
    trajectories: pd.DataFrame
    study: dict[str, Any]
    data: dict[tuple[str, int], Dataset]
    draws: Callable[[str], Any]
    quick: bool
    histories: pd.DataFrame
    slices: dict[str, SliceFile]


class Store:
    """A results folder. Nothing is read or written before a method is called.

    Every method that reads raises StoreError if the folder is none of results, or holds a file that
    cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    # -- writing ----------------------------------------------------------------------------------

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder if it is not there, and be its one writer while the block lasts.

        Raises StoreError if another run is writing to it, or if it holds things of other origin.
        """
        self._require_ours()
        with ExitStack() as held:
            with self._creating():
                self.path.mkdir(parents=True, exist_ok=True)
                held.enter_context(alone(self.path))
            yield

    def create(self, text: str, run: Mapping[str, Any], fresh: bool = False) -> None:
        """Begin a results folder for the study `text`, or go on with the one that is there.

        `run` holds at least `title`, `digest` (of all that fits depend on), `quick` and `versions`.
        Raises StoreError if the folder holds another study (unless `fresh`) or things of other origin
        (always: they are not ours to remove).
        """
        with self._creating():
            self._claim(dict(run), fresh)
            write_text(json.dumps(dict(run), indent=1), self.path / "run.json")
            write_text(text, self.path / "study.toml")
            for name in (*TABLES, "draws"):
                (self.path / name).mkdir(exist_ok=True)
                remove_unfinished(self.path / name)
        for part in self._without_trajectories():
            part.unlink()  # half a batch, by another hand than ours: its fits are done anew
        committed = {part.name for part in self._parts("fits")}
        for name in TABLES[1:]:
            for part in self._parts(name):
                if part.name not in committed:
                    part.unlink()

    def write_modules(self, modules: Mapping[str, str]) -> None:
        """Keep the study's own contestants: name of a file -> its text."""
        with written(self.path):
            for name, text in modules.items():
                (self.path / "modules").mkdir(exist_ok=True)
                write_text(text, self.path / "modules" / name)

    def write_data(self, datasets: Datasets) -> None:
        """Keep the data: (name, replicate) -> Dataset, its truth included."""
        with written(self.path):
            write_data(self.path / "data", datasets)

    def keep_slices(self, digests: Mapping[str, str]) -> set[str]:
        """Names of the slices that are there with these digests (by name); others are removed."""
        return keep_slices(self.path / "slices", digests)

    def write_slice(self, facts: Mapping[str, Any], table: pa.Table | None) -> None:
        """Keep a slice: its facts, `name` and `digest` among them, and its table if it has one."""
        with written(self.path):
            write_slice(self.path / "slices", facts, table)

    def append(
        self,
        rows: Sequence[Mapping[str, Any]],
        trajectories: Mapping[str, tuple[np.ndarray, np.ndarray]],
        draws: Mapping[str, Any],
        histories: Mapping[str, Sequence[Mapping[str, Any]]] = {},
    ) -> None:
        """Keep a batch of ended fits; afterwards all of it is there, before that nothing counts.

        `trajectories`, `draws` and `histories` are by key; a row whose key has draws gets their path.
        """
        if not rows:
            return
        places = {key: f"draws/{key}.zarr" for key in draws}
        with written(self.path):
            for key, place in places.items():
                write_draws(draws[key], self.path / place)
        stored = [{**row, "draws": places.get(row["key"])} for row in rows]
        kept = histories_table({key: lines for key, lines in histories.items() if lines})
        self._write(fits_table(stored), trajectories_table(trajectories), kept)

    def compact(self) -> None:
        """Bring all parts into one of each kind, in the study's order."""
        fits, trajectories, histories = self._fits(), self._trajectories(), self._histories()
        old = [part for name in TABLES for part in self._parts(name)]  # fits first: see `create`
        positions = fits["position"].to_pylist()
        if len(self._parts("fits")) == 1 and positions == sorted(positions):
            return
        self._write(fits, trajectories, histories)
        for part in old:
            part.unlink()

    def _write(self, fits: pa.Table, trajectories: pa.Table, histories: pa.Table) -> None:
        numbers = [int(part.stem.rpartition("-")[2]) for part in self._parts("fits")]
        name = f"part-{max(numbers, default=0) + 1:06d}.parquet"
        with written(self.path):
            if histories.num_rows:
                write_table(histories, self.path / "histories" / name)
            write_table(trajectories, self.path / "trajectories" / name)
            write_table(fits, self.path / "fits" / name)

    @contextmanager
    def _creating(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"{self.path}: expected a folder to write results into, got: {error.strerror}. Choose "
                f"another one with --out."
            ) from error

    def _require_ours(self) -> None:
        """Raise StoreError if the folder is there and holds anything but results."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise StoreError(
                f"{self.path}: expected a folder for the results, got a file. Choose another --out."
            )
        if not (self.path / "run.json").exists():
            others = [
                path.name
                for path in self.path.iterdir()
                if path.name != LOCK and not path.name.endswith(UNFINISHED)
            ]
            if others:
                raise StoreError(
                    f"{self.path}: expected a new or empty folder, or one of results, got one that holds "
                    f"{others[0]} and no run.json: nothing was changed. Choose another folder with --out."
                )

    def _claim(self, run: dict[str, Any], fresh: bool) -> None:
        """Make the folder, or make sure that it is one this study may go on in."""
        self._require_ours()
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self.path / "run.json").exists():
            return
        if fresh:
            for name in ("run.json", *OURS):
                remove(self.path / name)
            return
        _same_study(self.path, self.run(), run)

    # -- reading ----------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """What run.json holds: title, digest, quick, versions, number of planned fits."""
        try:
            content: dict[str, Any] = json.loads(
                (self.path / "run.json").read_text(encoding="utf-8")
            )
        except (OSError, ValueError) as error:
            what = (
                "no folder of this name"
                if not self.path.exists()
                else "no run.json that can be read: choose another, or run the study again with --fresh"
            )
            raise StoreError(
                f"{self.path}: expected a folder of results, as mixcompare run --out makes it, got {what}"
            ) from error
        return content

    def keys(self) -> set[str]:
        """Keys of the fits that have ended."""
        self.run()
        return {
            key for part in self._parts("fits") for key in _read(part, ["key"])["key"].to_pylist()
        }

    def read(self) -> Pieces:
        """All there is, for `Results`; `study` is the study file with the run's facts under "run"."""
        run = self.run()
        try:
            study = tomllib.loads((self.path / "study.toml").read_text(encoding="utf-8"))
            data = read_data(self.path / "data")
            slices = read_slices(self.path / "slices")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self.path}: expected a whole folder of results, but a part of it cannot be read: {error}. "
                f"Run the study again with --fresh."
            ) from error
        return Pieces(
            frame(self._fits()),
            frame(self._trajectories()),
            {**study, "run": run},
            data,
            self.draws,
            bool(run["quick"]),
            frame(self._histories()),
            slices,
        )

    def draws(self, place: str) -> Any:
        """The draws of one fit, an xarray.DataTree as ArviZ makes it; `place` as its row has it."""
        return read_draws(self.path / place)

    def _parts(self, kind: str) -> list[Path]:
        return sorted((self.path / kind).glob("*.parquet"))

    def _without_trajectories(self) -> list[Path]:
        """Parts of fits whose trajectories, which are written first, are not there."""
        there = {part.name for part in self._parts("trajectories")}
        return [part for part in self._parts("fits") if part.name not in there]

    def _fits(self) -> pa.Table:
        """All rows in the study's order; of a key that is there twice (a kill while compacting), one."""
        table = _concatenated(self._parts("fits"), FITS)
        first = dict(
            reversed(list(zip(table["key"].to_pylist(), range(table.num_rows), strict=True)))
        )
        return table.take(pa.array(sorted(first.values()), pa.int64())).sort_by("position")

    def _trajectories(self) -> pa.Table:
        """All trajectories that belong to a row, in the order of the rows."""
        for part in self._without_trajectories():
            raise StoreError(
                f"{self.path / 'trajectories' / part.name}: expected the trajectories of the fits in the "
                f"part of the same name, got none. Run the study again: only these fits are done anew."
            )
        return self._along("trajectories", TRAJECTORIES, "passes")

    def _histories(self) -> pa.Table:
        """All histories that belong to a row, in the order of the rows."""
        return self._along("histories", HISTORIES, "step")

    def _along(self, kind: str, schema: pa.Schema, order: str) -> pa.Table:
        """All lines of one kind that belong to a row, in the order of the rows, then by `order`."""
        committed = {part.name for part in self._parts("fits")}
        parts = [part for part in self._parts(kind) if part.name in committed]
        table = _concatenated(parts, schema).group_by(schema.names).aggregate([])
        place = pc.index_in(table["key"], self._fits()["key"].combine_chunks())
        by = [("place", "ascending"), (order, "ascending")]
        return table.append_column("place", place).sort_by(by).drop_columns("place").cast(schema)


def _same_study(path: Path, there: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Raise StoreError if the results that are there are not those of this run, cut short."""
    versions = [side.get("versions", {}).get("mixcompare") for side in (there, run)]
    same = there.get("digest") == run["digest"]
    if same and versions[0] == versions[1]:
        return
    size = {True: "at --quick size", False: "at full size"}
    if same:
        got = f"those that mixcompare {versions[0]} began, and this is {versions[1]}"
    elif there.get("title") != run["title"]:
        got = f'those of another one, "{there.get("title")}"'
    elif there.get("quick") != run["quick"]:
        got = f"those of it {size[bool(there.get('quick'))]}, not {size[run['quick']]}"
    else:
        got = "those of an earlier form of it: its data, models, methods or settings were changed since"
    raise StoreError(
        f'{path}: expected results of the study "{run["title"]}", got {got}. Use --fresh to replace them, '
        f"or another folder with --out."
    )


def _concatenated(parts: Iterable[Path], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *(_complete(_read(p), schema) for p in parts)])


def _complete(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of the schema; those that came after it was written are null."""
    for column in schema:
        if column.name not in table.column_names:
            table = table.append_column(column, pa.nulls(table.num_rows, column.type))
    return table.select(schema.names)


def _read(part: Path, columns: list[str] | None = None) -> pa.Table:
    try:
        return pq.read_table(part, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"{part}: expected a Parquet file of results, got one that cannot be read ({error}). "
            f"Remove it and run the study again: only its fits are done anew."
        ) from error
