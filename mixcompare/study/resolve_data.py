"""From [[data]] blocks to sources of data with their replicates and starts."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.datasets import available
from mixcompare.errors import SpecError, nearest
from mixcompare.study import spec
from mixcompare.study.design import PlannedData, Starts
from mixcompare.study.explain import at, place
from mixcompare.study.sources import BuiltIn, File, Kept, Simulated, Source
from mixcompare.theta import Theta


@dataclass(frozen=True, eq=False)
class Made:
    """Planned data with the name of their block, and the key that says where they start."""

    block: str
    planned: PlannedData
    starts_at: str

    @property
    def source(self) -> Source:
        """Where the data come from."""
        return self.planned.source


def resolve_data(
    study: spec.Study, i: int, block: spec.Data, quick: bool, kept: Mapping[str, Dataset]
) -> list[Made]:
    """The data of block i, several if its parameters make a grid; SpecError that names file and key.

    `kept` are data by name that stand in for files.
    """
    kind = _kind(study, i, block)
    sources = {"dataset": _builtin, "file": _file, "scenario": _scenarios}[kind](study, i, block)
    if kind == "file" and block.name in kept:
        sources = [Kept(block.name, kept[block.name])]
    given = block.starts or study.file.starts
    starts_at = place(*(("data", i, "starts") if block.starts else ("starts",)))
    starts = _starts(study, starts_at, given)
    made = []
    for source in sources:
        with at(study.path, "data", i, kind):
            first = source.load(study.file.seed, 0)
        replicates = (block.replicates or study.file.replicates) if source.simulated else 1
        if isinstance(source, File):
            source = replace(source, digest=first.digest)
        if quick:
            replicates = min(replicates, study.file.quick.replicates or replicates)
            starts = _fewer(starts, study.file.quick.starts)
        made.append(Made(block.name, PlannedData(source, replicates, starts, first), starts_at))
    return made


def _kind(study: spec.Study, i: int, block: spec.Data) -> str:
    """Which of the three kinds of data a block names; SpecError unless it is one, with its own keys only."""
    given = [kind for kind in ("dataset", "file", "scenario") if getattr(block, kind)]
    if len(given) != 1:
        raise SpecError(
            f"{study.path}: {place('data', i)}: expected exactly one of dataset, file and scenario, got "
            f"{' and '.join(given) or 'none'}"
        )
    kind = given[0]
    foreign = {
        "dataset": ("counts", "parameters", "replicates"),
        "file": ("parameters", "replicates"),
        "scenario": ("columns", "counts", "rescale"),
    }[kind]
    for key in foreign:
        if getattr(block, key) is not None:
            owner = (
                "a file" if key == "counts" else "a scenario" if key in _SIMULATED else "real data"
            )
            raise SpecError(
                f"{study.path}: {place('data', i, key)}: expected only with {owner}, got it with "
                f'{kind} = "{getattr(block, kind)}": take it out'
            )
    return kind


_SIMULATED = ("parameters", "replicates")


def _builtin(study: spec.Study, i: int, block: spec.Data) -> list[Source]:
    if block.dataset not in available():
        raise SpecError(
            f'{study.path}: {place("data", i, "dataset")}: unknown data set "{block.dataset}": expected '
            f'one of those that "mixcompare list datasets" shows.{nearest(block.dataset or "", available())}'
        )
    return [BuiltIn(block.name, block.dataset or "", block.columns, block.rescale or "")]


def _file(study: spec.Study, i: int, block: spec.Data) -> list[Source]:
    path = (study.folder / (block.file or "")).absolute()
    return [File(block.name, path, block.columns, block.counts, block.rescale or "")]


def _scenarios(study: spec.Study, i: int, block: spec.Data) -> list[Source]:
    """One source for each combination of the parameters that are given as lists but take one value."""
    with at(study.path, "data", i, "scenario"):
        cls = registry.load("scenarios", block.scenario or "")
    hints = typing.get_type_hints(cls)
    parameters = block.parameters or {}
    listed = [
        key for key, v in parameters.items() if isinstance(v, list) and hints.get(key) in _SCALARS
    ]
    sources: list[Source] = []
    for values in itertools.product(*(parameters[key] for key in listed)):
        chosen = dict(zip(listed, values, strict=True))
        suffix = "".join(f" {key}={value}" for key, value in chosen.items())
        sources.append(
            Simulated(block.name + suffix, block.scenario or "", {**parameters, **chosen})
        )
    if not sources:
        raise SpecError(
            f"{study.path}: {place('data', i, 'parameters')}: expected values, got an empty list"
        )
    return sources


_SCALARS = (int, float, str, bool)


# -- starts ---------------------------------------------------------------------------------------


def _starts(study: spec.Study, where: str, block: spec.Starts) -> Starts:
    if (block.scheme is None) == (block.given is None):
        got = "none" if block.scheme is None else "both"
        raise SpecError(
            f"{study.path}: {where}: expected either a scheme, as in "
            f'{{ scheme = "mixed", n = 20 }}, or points, as in {{ given = [...] }}, got {got}'
        )
    if block.scheme is not None:
        with at(study.path, where, "scheme"):
            registry.load("starts", block.scheme)
        return Starts(block.scheme, block.n)
    if "n" in block.model_fields_set:
        raise SpecError(
            f"{study.path}: {where}.n: expected only with a scheme; the number of given "
            f"starts is that of the points: take it out"
        )
    points = []
    for j, values in enumerate(block.given or ()):
        with at(study.path, where, "given", j):
            points.append(Theta.from_dict(values))
    return Starts(tuple(points), len(points))


def _fewer(starts: Starts, n: int | None) -> Starts:
    """At most n of a scheme, and of the given points with one number of components."""
    if n is None:
        return starts
    if isinstance(starts.scheme, str):
        return Starts(starts.scheme, min(n, starts.n))
    sizes = [theta.n_components for theta in starts.scheme]
    kept = tuple(
        theta for j, theta in enumerate(starts.scheme) if sizes[:j].count(theta.n_components) < n
    )
    return Starts(kept, len(kept))
