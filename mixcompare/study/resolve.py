"""From a study file to a design: every name made into the thing it names, and everything checked."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.base import Estimator, make_estimator
from mixcompare.meter import Budget
from mixcompare.mixture import MixtureModel
from mixcompare.study import spec
from mixcompare.study.design import (
    AskedIntervals,
    Design,
    KeptHistory,
    PlannedData,
    PlannedMethod,
    PlannedModel,
)
from mixcompare.study.expect import check_names, each
from mixcompare.study.explain import at, blame, place
from mixcompare.study.resolve_data import resolve_data
from mixcompare.study.resolve_slices import resolve_slices


def make_design(study: spec.Study, quick: bool = False, kept: Mapping[str, Dataset] = {}) -> Design:
    """The design of a study, at quick size if asked; `kept` are data by name that stand in for files.

    Raises SpecError that names file and key for whatever cannot be planned: unknown names, options,
    columns and parameters, values that do not fit each other, data the model has no support for.
    """
    file = study.file
    registry.search(*study.module_folders)
    data = [
        made
        for i, block in enumerate(file.data)
        for made in resolve_data(study, i, block, quick, kept)
    ]
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
    _check_lead(study, [d.source.name for d in data], methods)
    if quick:
        methods = [m for m in methods if m.label not in file.quick.leave_out]
    limits = file.quick.budget if quick and file.quick.budget else file.budget
    design = Design(
        seed=file.seed,
        data=tuple(d.planned for d in data),
        models=tuple(models),
        methods=tuple(methods),
        budget=Budget(limits.passes, limits.seconds),
        intervals=_intervals(study),
        history=_history(study, names, methods, quick),
    )
    _check_fits(study, design, {d.source.name: d.starts_at for d in data})
    design = replace(design, slices=resolve_slices(study, design, quick))
    _check_expectations(study, design, quick)
    if not quick:
        _check_animate(study, design)
    return design


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
                    f'{self.study.path}: {place(*where, j)}: unknown data "{name}": expected a name '
                    f"of a [[data]] block: {', '.join(self.meant)}.{nearest(name, self.meant)}"
                )
        return frozenset(name for key in wanted for name in self.meant[key])


def _models(study: spec.Study, i: int, block: spec.Model, names: _Names) -> list[PlannedModel]:
    data = names.find(("model", i, "data"), block.data)
    with at(study.path, "model", i, "family"):
        registry.load("families", block.family)
    made = []
    for j, K in enumerate(block.n_components):
        with at(
            study.path, "model", i, "n_components", *((j,) if len(block.n_components) > 1 else ())
        ):
            MixtureModel(block.family, K)
        with at(study.path, "model", i, "options"):
            model = MixtureModel(block.family, K, **block.options)
            made.append(PlannedModel(model, data))
    return made


def _method(
    study: spec.Study, i: int, block: spec.Method, names: _Names, quick: bool
) -> PlannedMethod:
    data = names.find(("method", i, "data"), block.data)
    with at(study.path, "method", i, "name"):
        make_estimator(block.name)
    options = dict(block.options)
    with at(study.path, "method", i, "options"):
        estimator = make_estimator(block.name, **options)
    if quick:
        known = _options(estimator)
        options |= {
            key: v for key, v in (study.file.quick.model_extra or {}).items() if key in known
        }
        with at(study.path, "quick"):
            estimator = make_estimator(block.name, **options)
    label = block.label or block.name
    if estimator.fault and WRONG not in label:
        label = f"{label} {WRONG}"
    return PlannedMethod(label, estimator, data, block.replicates)


WRONG = "(wrong)"
"""What the label of a method that is wrong on purpose says, in every table."""


def _options(estimator: Estimator) -> list[str]:
    return [f.name for f in fields(estimator) if f.init]


def _check_quick(study: spec.Study, methods: Sequence[PlannedMethod]) -> None:
    known = [
        "starts",
        "replicates",
        "budget",
        "slice_n",
        "leave_out",
        *(key for m in methods for key in _options(m.estimator)),
    ]
    for key in study.file.quick.model_extra or {}:
        if key not in known:
            raise SpecError(
                f'{study.path}: quick: unknown key "{key}": expected starts, replicates, budget, slice_n, '
                f"leave_out, or an option of one of the study's methods.{nearest(key, known)}"
            )
    _find_methods(study, ("quick", "leave_out"), study.file.quick.leave_out, methods)


def _find_methods(
    study: spec.Study,
    where: tuple[str | int, ...],
    wanted: Sequence[str] | None,
    methods: Sequence[PlannedMethod],
) -> frozenset[str]:
    """Labels of the methods meant, all of them for None; SpecError for one that no method has."""
    labels = [method.label for method in methods]
    for j, label in enumerate(wanted or ()):
        if label not in labels:
            raise SpecError(
                f'{study.path}: {place(*where, j)}: unknown method "{label}": expected the label of a '
                f"[[method]] block: {', '.join(labels)}.{nearest(label, labels)}"
            )
    return frozenset(labels if wanted is None else wanted)


def _check_lead(study: spec.Study, data: Sequence[str], methods: Sequence[PlannedMethod]) -> None:
    """Every name in `lead` is one that fits have."""
    lead = study.file.lead or spec.Lead()
    _find_methods(study, ("lead", "methods"), lead.methods, methods)
    for j, name in enumerate(lead.data or ()):
        if name not in data:
            raise SpecError(
                f'{study.path}: {place("lead", "data", j)}: unknown data "{name}": expected one of '
                f"{', '.join(data)}.{nearest(name, data)}"
            )


def _history(
    study: spec.Study, names: _Names, methods: Sequence[PlannedMethod], quick: bool
) -> KeptHistory | None:
    block = study.file.history
    if block is None:
        return None
    left_out = set(study.file.quick.leave_out) if quick else set()
    wanted = None if block.methods is None else [m for m in block.methods if m not in left_out]
    return KeptHistory(
        block.starts,
        block.replicates,
        _find_methods(study, ("history", "methods"), wanted, methods),
        names.find(("history", "data"), block.data),
        block.points,
    )


def _intervals(study: spec.Study) -> AskedIntervals:
    block = study.file.intervals
    with at(study.path, "intervals", "kinds"):
        return AskedIntervals(block.kinds, block.replicates) if block else AskedIntervals()


# -- what must fit together -----------------------------------------------------------------------


def _check_fits(study: spec.Study, design: Design, starts_at: Mapping[str, str]) -> None:
    """Every model can be fitted to its data, and every given start is a point of its parameter space."""
    planned = False
    for data, planned_model in itertools.product(design.data, design.models):
        name, model = data.source.name, planned_model.model
        if name not in planned_model.data:
            continue
        planned = planned or any(name in method.data for method in design.methods)
        with blame(study.path, f"the model {model.name} on the data {name}"):
            model.check(data.first)
        _check_methods(study, design, name, model.on(data.first), data.first.n_features)
        sizes = {m.model.n_components for m in design.models if name in m.data}
        _check_starts(study, data, model, sizes, starts_at[name])
    if not planned:
        raise SpecError(
            f"{study.path}: expected at least one fit, got none: no data has both a model and a method "
            f"(see the keys data = [...] of the [[model]] and [[method]] blocks)"
        )


def _check_methods(
    study: spec.Study, design: Design, data: str, model: MixtureModel, n_features: int
) -> None:
    """No option of a method is wrong for the model: what it does not support is a row, and no mistake."""
    for method in design.methods:
        if data in method.data:
            with blame(study.path, f"the method {method.label} for the model {model.name}"):
                method.estimator.supports(model, n_features)


def _check_starts(
    study: spec.Study, data: PlannedData, model: MixtureModel, sizes: set[int], starts_at: str
) -> None:
    """Given starts are for the models with as many components; none may be for no model of the data."""
    if isinstance(data.starts.scheme, str):
        return
    for j, theta in enumerate(data.starts.scheme):
        if theta.n_components == model.n_components or theta.n_components not in sizes:
            where = f"{place(starts_at, 'given', j)} for the model {model.name}"
            with blame(study.path, where):
                model.as_start(theta, data.first)
    if not data.starts.of(model.n_components).n:
        raise SpecError(
            f"{study.path}: {starts_at}.given: expected a start with {model.n_components} components for "
            f"the model {model.name}, got none: add one, or take the data from the model"
        )


def _check_expectations(study: spec.Study, design: Design, quick: bool) -> None:
    known = {
        "data": [planned.source.name for planned in design.data],
        "model": [planned.model.name for planned in design.models],
        "method": [planned.label for planned in design.methods],
        "other": [planned.label for planned in design.methods],
        "slice": [planned.name for planned in design.slices],
    }
    for i, block in enumerate(study.file.expect):
        if quick and block.at == "full":
            continue  # checked with the full size, which load_study looks at too
        where = place("expect", i)
        with blame(study.path, where):
            check_names(block.quantity, block.where)
            _check_limits(block)
            meant = [one["where"] for one in each([block.model_dump()])]
        for (key, options), one in itertools.product(known.items(), meant):
            value = one.get(key)
            if value is not None and value not in options:
                raise SpecError(
                    f'{study.path}: {where}.where.{key}: unknown {key} "{value}": expected one of '
                    f"{', '.join(options)}.{nearest(str(value), options)}"
                )


def _check_animate(study: spec.Study, design: Design) -> None:
    """The fit to be shown in motion is one of those planned, and its history is kept."""
    block = study.file.animate
    if block is None:
        return
    data = {planned.source.name: planned for planned in design.data}
    methods = {planned.label: planned for planned in design.methods}
    models = [m.model.name for m in design.models if block.data in m.data]
    known = {"data": list(data), "method": list(methods), "model": models}
    for key, options in known.items():
        value = getattr(block, key)
        if value is not None and value not in options:
            raise SpecError(
                f'{study.path}: animate.{key}: unknown {key} "{value}": expected one of '
                f"{', '.join(options)}.{nearest(str(value), options)}"
            )
    with at(study.path, "animate"):
        if block.model is None and len(models) > 1:
            raise SpecError(
                f"expected a model, for several are fitted to {block.data}: {', '.join(models)}"
            )
        n, kept, method = data[block.data].starts.n, design.history, methods[block.method]
        if block.start >= n:
            raise SpecError(f"start: expected one of 0 to {n - 1}, got {block.start}")
        if block.data not in method.data or not (
            kept and kept.points_of(block.data, 0, method, block.start)
        ):
            raise SpecError(
                f"expected a fit whose history is kept, but that of {block.method} on {block.data} from "
                f"start {block.start} is not: see the key history"
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
