"""From [[slice]] blocks to slices of the likelihood, checked against the data, models and methods."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from mixcompare.errors import SpecError, nearest
from mixcompare.mixture import MixtureModel
from mixcompare.study import spec
from mixcompare.study.design import Design, PlannedData, PlannedMethod, PlannedSlice
from mixcompare.study.explain import at, place
from mixcompare.study.landscape import Axis, make_slice
from mixcompare.theta import Theta


def resolve_slices(study: spec.Study, design: Design, quick: bool) -> tuple[PlannedSlice, ...]:
    """The slices of a study, at quick size if asked; SpecError that names file and key."""
    made = tuple(_slice(study, design, i, quick) for i in range(len(study.file.slice)))
    names = [one.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(
                f'{study.path}: slice: expected different [[slice]] blocks, got "{name}" twice: give one '
                f"a name of its own"
            )
    return made


def _slice(study: spec.Study, design: Design, i: int, quick: bool) -> PlannedSlice:
    block = study.file.slice[i]
    data = _data(study, design, i)
    model = _model(study, design, i)
    limit = study.file.quick.slice_n if quick else None
    n = min(block.n, limit or block.n)
    with at(study.path, "slice", i, "base"):
        base = model.as_start(Theta.from_dict(block.base), data.first)
    with at(study.path, "slice", i):
        axes = [_axis(axis) for axis in block.axes]
        cut = make_slice(model, data.first, base, axes, block.ranges, n)  # type: ignore[arg-type]
    settings = [block.model_dump(mode="json"), n]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    methods = _methods(study, design, i, study.file.quick.leave_out if quick else ())
    return PlannedSlice(block.name, data, model, cut, methods, block.paths, digest)


def _data(study: spec.Study, design: Design, i: int) -> PlannedData:
    known = {planned.source.name: planned for planned in design.data}
    name = study.file.slice[i].data
    if name not in known:
        raise SpecError(
            f'{study.path}: {place("slice", i, "data")}: unknown data "{name}": expected one of '
            f"{', '.join(known)}.{nearest(name, known)}"
        )
    return known[name]


def _model(study: spec.Study, design: Design, i: int) -> MixtureModel:
    """The model named, or the only one of the data."""
    block = study.file.slice[i]
    known = {m.model.name: m.model for m in design.models if block.data in m.data}
    where = f"{study.path}: {place('slice', i, 'model')}"
    if block.model is None and len(known) == 1:
        return next(iter(known.values()))
    if block.model is None:
        got = f"{len(known)}: name one of {', '.join(known)}" if known else "none"
        raise SpecError(f'{where}: expected one model of the data "{block.data}", got {got}')
    if block.model not in known:
        raise SpecError(
            f'{where}: unknown model "{block.model}": expected one of those of the data "{block.data}": '
            f"{', '.join(known)}.{nearest(block.model, known)}"
        )
    return known[block.model]


def _methods(
    study: spec.Study, design: Design, i: int, left_out: Sequence[str]
) -> tuple[PlannedMethod, ...]:
    """Those named, as the study has them; not those that are left out of all of it."""
    known = {method.label: method for method in design.methods}
    labels = study.file.slice[i].methods or ()
    for j, label in enumerate(labels):
        if label in left_out:
            continue
        where = f"{study.path}: {place('slice', i, 'methods', j)}"
        if label not in known:
            raise SpecError(
                f'{where}: unknown method "{label}": expected the label of a [[method]] block: '
                f"{', '.join(known)}.{nearest(label, known)}"
            )
        if known[label].estimator.chains:
            raise SpecError(
                f'{where}: expected a method that goes from point to point, got "{label}"'
            )
        if label in labels[:j]:
            raise SpecError(f'{where}: expected each method once, got "{label}" twice')
    if labels and design.budget.seconds is not None:
        raise SpecError(
            f"{study.path}: {place('slice', i, 'methods')}: expected a study whose budget is a number of "
            f"passes, got a limit in seconds, which would make another map on every machine"
        )
    return tuple(known[label] for label in labels if label not in left_out)


def _axis(axis: tuple[Any, ...]) -> Axis:
    """The axis with component and indices from 0; the rest is for `make_slice` to check."""
    name, *places = axis or ("",)
    for value in places:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SpecError(
                f"axes: expected a parameter, its component and, of several features, the feature, both "
                f'from 1, as in ["means", 1], got {json.dumps(axis)}'
            )
    return (name, *(value - 1 for value in places))
