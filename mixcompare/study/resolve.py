"""From a study file to a design: every name made into the thing it names, and everything checked."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from mixcompare import registry
from mixcompare.datasets import available
from mixcompare.errors import MixcompareError, SpecError, nearest
from mixcompare.estimators.base import Estimator, make_estimator
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Budget
from mixcompare.study import spec
from mixcompare.study.design import Design, PlannedData, PlannedMethod, PlannedModel, Starts
from mixcompare.study.expect import check_names
from mixcompare.study.sources import BuiltIn, File, Simulated, Source
from mixcompare.theta import Theta


def make_design(study: spec.Study, quick: bool = False) -> Design:
    """The design of a study, at quick size if asked.

    Raises SpecError that names file and key for whatever cannot be planned: unknown names, options,
    columns and parameters, values that do not fit each other, data the model has no support for.
    """
    file = study.file
    data = [made for i, block in enumerate(file.data) for made in _data(study, i, block, quick)]
    _unique(study, "data", [d.source.name for d in data], "give each a name of its own")
    names = _Names(
        study, {b.name: [d.source.name for d in data if d.block == b.name] for b in file.data}
    )
    models = [
        made for i, block in enumerate(file.model) for made in _models(study, i, block, names)
    ]
    _unique(study, "model", [m.model.name for m in models], "keep one of them")
    methods = [_method(study, i, block, names, quick) for i, block in enumerate(file.method)]
    _unique(study, "method", [m.label for m in methods], "give one a label of its own")
    _check_quick(study, methods)
    limits = file.quick.budget if quick and file.quick.budget else file.budget
    design = Design(
        seed=file.seed,
        data=tuple(d.planned for d in data),
        models=tuple(models),
        methods=tuple(methods),
        budget=Budget(limits.passes, limits.seconds),
    )
    _check_fits(study, design, {d.source.name: d.starts_at for d in data})
    _check_expectations(study, design)
    return design


# -- data -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Made:
    """Planned data with the name of their block, and the key that says where they start."""

    block: str
    planned: PlannedData
    starts_at: str

    @property
    def source(self) -> Source:
        return self.planned.source


def _data(study: spec.Study, i: int, block: spec.Data, quick: bool) -> list[_Made]:
    kind = _kind(study, i, block)
    sources = {"dataset": _builtin, "file": _file, "scenario": _scenarios}[kind](study, i, block)
    given = block.starts or study.file.starts
    starts_at = spec.place(*(("data", i, "starts") if block.starts else ("starts",)))
    starts = _starts(study, starts_at, given)
    made = []
    for source in sources:
        with _at(study, "data", i, kind):
            first = source.load(study.file.seed, 0)
        replicates = (block.replicates or study.file.replicates) if source.simulated else 1
        if isinstance(source, File):
            source = replace(source, digest=first.digest)
        if quick:
            replicates = min(replicates, study.file.quick.replicates or replicates)
            starts = _fewer(starts, study.file.quick.starts)
        made.append(_Made(block.name, PlannedData(source, replicates, starts, first), starts_at))
    return made


def _kind(study: spec.Study, i: int, block: spec.Data) -> str:
    """Which of the three kinds of data a block names; SpecError unless it is one, with its own keys only."""
    given = [kind for kind in ("dataset", "file", "scenario") if getattr(block, kind)]
    if len(given) != 1:
        raise SpecError(
            f"{study.path}: {spec.place('data', i)}: expected exactly one of dataset, file and scenario, got "
            f"{' and '.join(given) or 'none'}"
        )
    kind = given[0]
    foreign = {
        "dataset": ("counts", "parameters", "replicates"),
        "file": ("parameters", "replicates"),
        "scenario": ("columns", "counts"),
    }[kind]
    for key in foreign:
        if getattr(block, key) is not None:
            owner = (
                "a file" if key == "counts" else "a scenario" if key in _SIMULATED else "real data"
            )
            raise SpecError(
                f"{study.path}: {spec.place('data', i, key)}: expected only with {owner}, got it with "
                f'{kind} = "{getattr(block, kind)}": take it out'
            )
    return kind


_SIMULATED = ("parameters", "replicates")


def _builtin(study: spec.Study, i: int, block: spec.Data) -> list[Source]:
    if block.dataset not in available():
        raise SpecError(
            f'{study.path}: {spec.place("data", i, "dataset")}: unknown data set "{block.dataset}": expected '
            f'one of those that "mixcompare list datasets" shows.{nearest(block.dataset or "", available())}'
        )
    return [BuiltIn(block.name, block.dataset or "", block.columns)]


def _file(study: spec.Study, i: int, block: spec.Data) -> list[Source]:
    return [File(block.name, study.folder / Path(block.file or ""), block.columns, block.counts)]


def _scenarios(study: spec.Study, i: int, block: spec.Data) -> list[Source]:
    """One source for each combination of the parameters that are given as lists but take one value."""
    with _at(study, "data", i, "scenario"):
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
            f"{study.path}: {spec.place('data', i, 'parameters')}: expected values, got an empty list"
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
        with _at(study, where, "scheme"):
            registry.load("starts", block.scheme)
        return Starts(block.scheme, block.n)
    if "n" in block.model_fields_set:
        raise SpecError(
            f"{study.path}: {where}.n: expected only with a scheme; the number of given "
            f"starts is that of the points: take it out"
        )
    points = []
    for j, values in enumerate(block.given or ()):
        with _at(study, where, "given", j):
            points.append(Theta.from_dict(values))
    return Starts(tuple(points), len(points))


def _fewer(starts: Starts, n: int | None) -> Starts:
    n = min(n or starts.n, starts.n)
    return Starts(starts.scheme if isinstance(starts.scheme, str) else starts.scheme[:n], n)


# -- models and methods ---------------------------------------------------------------------------


class _Names:
    """The names by which other blocks can mean data: those of blocks, and those within a grid."""

    def __init__(self, study: spec.Study, blocks: Mapping[str, Sequence[str]]) -> None:
        self.study = study
        self.meant = {name: {name} for names in blocks.values() for name in names}
        self.meant.update({block: set(names) for block, names in blocks.items()})

    def find(self, where: tuple[str | int, ...], wanted: Sequence[str] | None) -> frozenset[str]:
        """All data meant; all data there are for None."""
        if wanted is None:
            return frozenset(name for names in self.meant.values() for name in names)
        for j, name in enumerate(wanted):
            if name not in self.meant:
                raise SpecError(
                    f'{self.study.path}: {spec.place(*where, j)}: unknown data "{name}": expected a name '
                    f"of a [[data]] block: {', '.join(self.meant)}.{nearest(name, self.meant)}"
                )
        return frozenset(name for key in wanted for name in self.meant[key])


def _models(study: spec.Study, i: int, block: spec.Model, names: _Names) -> list[PlannedModel]:
    data = names.find(("model", i, "data"), block.data)
    with _at(study, "model", i, "family"):
        registry.load("families", block.family)
    made = []
    for K in block.n_components:
        with _options_at(study, "model", i, *(() if K < 1 else ("options",))):
            made.append(PlannedModel(MixtureModel(block.family, K, **block.options), data))
    return made


def _method(
    study: spec.Study, i: int, block: spec.Method, names: _Names, quick: bool
) -> PlannedMethod:
    data = names.find(("method", i, "data"), block.data)
    with _at(study, "method", i, "name"):
        estimator = make_estimator(block.name)
    options = dict(block.options)
    with _options_at(study, "method", i, "options"):
        estimator = make_estimator(block.name, **options)
    if quick:
        known = _options(estimator)
        options |= {
            key: v for key, v in (study.file.quick.model_extra or {}).items() if key in known
        }
        with _options_at(study, "quick"):
            estimator = make_estimator(block.name, **options)
    return PlannedMethod(block.label or block.name, estimator, data, block.replicates)


def _options(estimator: Estimator) -> list[str]:
    return [f.name for f in fields(estimator) if f.init]


def _check_quick(study: spec.Study, methods: Sequence[PlannedMethod]) -> None:
    known = [
        "starts",
        "replicates",
        "budget",
        *(key for m in methods for key in _options(m.estimator)),
    ]
    for key in study.file.quick.model_extra or {}:
        if key not in known:
            raise SpecError(
                f'{study.path}: quick: unknown key "{key}": expected starts, replicates, budget, or an '
                f"option of one of the study's methods.{nearest(key, known)}"
            )


# -- what must fit together -----------------------------------------------------------------------


def _check_fits(study: spec.Study, design: Design, starts_at: Mapping[str, str]) -> None:
    """Every model can be fitted to its data, and every given start is a point of its parameter space."""
    planned = False
    for data, planned_model in itertools.product(design.data, design.models):
        name, model = data.source.name, planned_model.model
        if name not in planned_model.data:
            continue
        planned = planned or any(name in method.data for method in design.methods)
        with _blame(study, f"the model {model.name} on the data {name}"):
            model.check(data.first)
        given = () if isinstance(data.starts.scheme, str) else data.starts.scheme
        for j, theta in enumerate(given):
            where = f"{spec.place(starts_at[name], 'given', j)} for the model {model.name}"
            with _blame(study, where):
                model.as_start(theta, data.first)
    if not planned:
        raise SpecError(
            f"{study.path}: expected at least one fit, got none: no data has both a model and a method "
            f"(see the keys data = [...] of the [[model]] and [[method]] blocks)"
        )


def _check_expectations(study: spec.Study, design: Design) -> None:
    known = {
        "data": [planned.source.name for planned in design.data],
        "model": [planned.model.name for planned in design.models],
        "method": [planned.label for planned in design.methods],
    }
    for i, block in enumerate(study.file.expect):
        where = spec.place("expect", i)
        with _blame(study, where):
            check_names(block.quantity, block.where)
            _check_limits(block)
        for key, options in known.items():
            value = block.where.get(key)
            if value is not None and value not in options:
                raise SpecError(
                    f'{study.path}: {where}.where.{key}: unknown {key} "{value}": expected one of '
                    f"{', '.join(options)}.{nearest(str(value), options)}"
                )


def _check_limits(block: spec.Expect) -> None:
    limits = block.min is not None or block.max is not None
    if (block.value is not None) == limits:
        got = "both" if limits else "neither"
        raise SpecError(f"expected either a value, or min and max (one or both), got {got}")
    if block.tolerance is not None and block.relative_tolerance is not None:
        raise SpecError("expected either tolerance or relative_tolerance, got both: take one out")


def _unique(study: spec.Study, block: str, names: Sequence[str], remedy: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise SpecError(
                f'{study.path}: {block}: expected different [[{block}]] blocks, got "{name}" twice: {remedy}'
            )


@contextmanager
def _at(study: spec.Study, *where: str | int) -> Iterator[None]:
    """Turn what the inside finds wrong into a SpecError that names file and key."""
    with _blame(study, spec.place(*where)):
        yield


@contextmanager
def _options_at(study: spec.Study, *where: str | int) -> Iterator[None]:
    """The same around values that go to an option's owner, who may not even be able to compare them."""
    with _at(study, *where):
        try:
            yield
        except (TypeError, ValueError) as error:
            raise SpecError(f"expected another kind of value: {error}") from error


@contextmanager
def _blame(study: spec.Study, where: str) -> Iterator[None]:
    try:
        yield
    except MixcompareError as error:
        raise SpecError(f"{study.path}: {where}: {error}") from error
