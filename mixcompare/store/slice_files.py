"""The slices of a study, kept beside its rows: what each start of each method reached."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mixcompare.store.files import readable, remove, write_table, write_text
from mixcompare.store.rows import to_json


class SliceFile(NamedTuple):
    """A slice as stored: its facts, and one row a method and start (None for a surface alone)."""

    facts: dict[str, Any]
    table: pd.DataFrame | None


def write_slice(folder: Path, facts: Mapping[str, Any], table: pa.Table | None) -> None:
    """Keep a slice under `facts["name"]`; the facts are written last, so that it is there or it is not."""
    folder.mkdir(exist_ok=True)
    stem = readable(str(facts["name"]))
    remove(folder / f"{stem}.json")
    remove(folder / f"{stem}.parquet")
    if table is not None:
        write_table(table, folder / f"{stem}.parquet")
    text = json.dumps(json.loads(to_json(facts)), indent=1, ensure_ascii=False)
    write_text(text, folder / f"{stem}.json")


def read_slices(folder: Path) -> dict[str, SliceFile]:
    """All slices by name, in the order of their names."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        table = path.with_suffix(".parquet")
        frame = pq.read_table(table).to_pandas() if table.exists() else None
        found[str(facts["name"])] = SliceFile(facts, frame)
    return found


def keep_slices(folder: Path, digests: Mapping[str, str]) -> set[str]:
    """Names of the slices that are there with these digests; others are removed."""
    kept = set()
    for path in sorted(folder.glob("*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        if digests.get(facts["name"]) == facts["digest"]:
            kept.add(str(facts["name"]))
        else:
            remove(path)
            remove(path.with_suffix(".parquet"))
    return kept
