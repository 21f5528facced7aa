"""The data a study was run on, kept beside its results: a report never needs where they came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixcompare.data import Dataset
from mixcompare.store.files import readable, write_table, write_text
from mixcompare.store.rows import to_json
from mixcompare.theta import Theta

COUNTS = "_count"
"""Column of the multiplicities, in the files of data that have them."""

LABELS = "_label"
"""Column of the known groups, in the files of data that have them."""

Datasets = Mapping[tuple[str, int], Dataset]


def write_data(folder: Path, datasets: Datasets) -> None:
    """One file for each (name, replicate); index.json has all else of it, and n and d."""
    folder.mkdir(exist_ok=True)
    index = []
    for (name, replicate), data in datasets.items():
        file = f"{readable(name)}-{replicate}.parquet"
        columns = dict(zip(data.columns, data.x.T, strict=True))
        if data.counts is not None:
            columns[COUNTS] = data.counts
        if data.labels is not None:
            columns[LABELS] = data.labels
        write_table(pa.table(columns), folder / file)
        index.append(_entry(name, replicate, file, data))
    write_text(json.dumps({"data": index}, indent=1), folder / "index.json")


def read_data(folder: Path) -> dict[tuple[str, int], Dataset]:
    """The inverse of `write_data`."""
    found = {}
    for entry in json.loads((folder / "index.json").read_text(encoding="utf-8"))["data"]:
        table = pq.read_table(folder / entry["file"])
        x = table.select(entry["columns"]).to_pandas().to_numpy(dtype=float)
        counts = table[COUNTS].to_numpy() if entry["counts"] else None
        labels = table[LABELS].to_numpy() if LABELS in table.column_names else None
        truth = None if entry["truth"] is None else Theta.from_dict(entry["truth"])
        found[entry["name"], entry["replicate"]] = Dataset(
            x,
            counts,
            labels,
            columns=tuple(entry["columns"]),
            name=entry["name"],
            source=entry["source"],
            truth=truth,
            units=tuple(entry.get("units", ())),
            prior=entry.get("prior"),
            rescaling=entry.get("rescaling", ""),
        )
    return found


def _entry(name: str, replicate: int, file: str, data: Dataset) -> dict[str, Any]:
    return {
        "name": name,
        "replicate": replicate,
        "file": file,
        "columns": list(data.columns),
        "units": list(data.units),
        "counts": data.counts is not None,
        "source": data.source,
        "rescaling": data.rescaling,
        "n": data.n,
        "d": data.n_features,
        "digest": data.digest,
        "truth": None if data.truth is None else json.loads(to_json(data.truth.to_dict())),
        "prior": data.prior and json.loads(to_json(data.prior)),
    }
