"""Known groups beside the components that were found without them: agreement, and what it costs in nats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.starts.groups import from_groups
from mixcompare.study.ends import CASE, each
from mixcompare.study.shares import wilson
from mixcompare.theta import Theta

GROUP_COLUMNS = [
    *CASE,
    *("point", "rank", "standing", "narrow", "nearest", "loglik", "gap", "n", "agree"),
    *("share", "lower", "upper", "rand", "used", "groups", "matched", "theta"),
]

ModelOn = Callable[[str, Dataset], MixtureModel | None]


def tabulate(
    optima: pd.DataFrame, model_on: ModelOn, data: Mapping[tuple[str, int], Dataset]
) -> pd.DataFrame:
    """One line a distinct optimum, the best first, for each data set with labels; then two points beside.

    An observation belongs to its most probable component. Components and groups are matched one to one
    so that the most observations agree (Kuhn 1955, by scipy); a component or group left over, where
    there are more of one than of the other, agrees with nothing.

    Parameters
    ----------
    optima : DataFrame
        Of `find_optima`.
    model_on : callable(name, dataset) -> MixtureModel or None
    data : mapping
        (name, replicate) -> Dataset; replicates that are not at hand have no lines.

    Returns
    -------
    DataFrame
        data, replicate, model; `point`: "optimum", "labels" (each group's own estimates, where there are
        K groups) or "truth" (what the data were drawn from, where it has K components); of optima `rank`,
        `standing` and `narrow`; `nearest`: the optimum with the highest agreement, narrow ones only if
        there are no others; `loglik` and `gap` (nats below the best known; nan if there is none); `agree` of
        `n` observations and their `share` with Wilson's 95 % interval from `lower` to `upper`; `rand`, the
        adjusted Rand index (Hubert and Arabie 1985; 0 by chance, 1 for the same partition); `used`, how many
        components are the most probable one of any observation; `groups`, their names
        ("true 1", ... of simulated data); `matched`, the group
        of each component, "" for none or where it is the most probable one of no observation; `theta`.
    """
    lines: list[tuple[Any, ...]] = []
    for case, part in optima.groupby(CASE, sort=False):
        name, replicate, model_name = (part[key].iloc[0] for key in CASE)
        dataset = data.get((name, replicate))
        model = None if dataset is None else model_on(model_name, dataset)
        if dataset is None or model is None or not comparable(dataset, model):
            continue
        lines += [(*case, *line) for line in _lines(part, model, dataset)]
    table = pd.DataFrame(index=range(len(lines)))
    for k, name in enumerate(GROUP_COLUMNS):
        table[name] = pd.Series([line[k] for line in lines], dtype=_DTYPES.get(name))
    return table


_DTYPES: dict[str, Any] = dict.fromkeys(("groups", "matched", "theta"), object)


def comparable(dataset: Dataset, model: MixtureModel) -> bool:
    """Whether there are two groups or more, two components or more, and whole multiplicities."""
    if dataset.labels is None or model.n_components < 2:
        return False
    whole = bool((dataset.weights == np.round(dataset.weights)).all())
    return whole and np.unique(dataset.labels).size > 1


def _lines(part: pd.DataFrame, model: MixtureModel, dataset: Dataset) -> Iterator[tuple[Any, ...]]:
    names, labels = np.unique(np.asarray(dataset.labels), return_inverse=True)
    groups = tuple(f"true {k}" for k in range(1, len(names) + 1))
    if dataset.truth is None:
        groups = tuple(map(str, names))
    optima = list(each(part))
    judged = [_judge(model, dataset, row.theta, labels, groups) for row in optima]
    order = [
        (not row.narrow, j[0], j[4], -k)
        for k, (row, j) in enumerate(zip(optima, judged, strict=True))
    ]
    nearest = order.index(max(order))
    for k, (row, found) in enumerate(zip(optima, judged, strict=True)):
        standing = ("optimum", row.rank, row.standing, bool(row.narrow), k == nearest)
        yield *standing, row.loglik, row.gap, dataset.n, *found, row.theta
    best = next((row.loglik for row in optima if row.standing == "global"), np.nan)
    for point, theta in _beside(model, dataset, labels, groups):
        loglik = model.log_likelihood(dataset, theta)
        found = _judge(model, dataset, theta, labels, groups)
        standing = (point, 0, "", False, False)
        yield *standing, loglik, best - loglik, dataset.n, *found, theta


def _beside(
    model: MixtureModel, dataset: Dataset, labels: np.ndarray, groups: tuple[str, ...]
) -> Iterator[tuple[str, Theta]]:
    """The groups' own estimates and the truth, where they have K components."""
    if len(groups) == model.n_components:
        yield "labels", from_groups(model, dataset, labels)
    truth = dataset.truth
    if truth is not None and truth.n_components == model.n_components:
        shapes = model.family.shapes(dataset.n_features)
        if set(truth.parameters) == set(shapes):
            yield "truth", truth


def _judge(
    model: MixtureModel, dataset: Dataset, theta: Theta, labels: np.ndarray, groups: tuple[str, ...]
) -> tuple[Any, ...]:
    """Agreement of the most probable components with labels 0, 1, ...: see `tabulate`."""
    from scipy.optimize import linear_sum_assignment  # slow to import, as is scikit-learn
    from sklearn.metrics import adjusted_rand_score

    most_probable = classify(model, dataset, theta)
    counts = dataset.weights.astype(int)
    table = np.zeros((model.n_components, len(groups)))
    np.add.at(table, (most_probable, labels), counts)
    components, matches = linear_sum_assignment(table, maximize=True)
    agree = int(table[components, matches].sum())
    matched = [""] * model.n_components
    for component, match in zip(components, matches, strict=True):
        if table[component].any():
            matched[component] = groups[match]
    rand = float(adjusted_rand_score(np.repeat(labels, counts), np.repeat(most_probable, counts)))
    lower, upper = wilson(agree, int(dataset.n))
    used = int((table.sum(axis=1) > 0).sum())
    return agree, agree / dataset.n, lower, upper, rand, used, groups, tuple(matched)


def classify(model: MixtureModel, dataset: Dataset, theta: Theta) -> np.ndarray:
    """The most probable component (n,) of each row, the first of equally probable ones."""
    point = model.conform(theta, dataset.n_features)
    return np.argmax(model.joint_log_density(dataset.x, point), axis=1)
