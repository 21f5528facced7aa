"""Mixture likelihoods and their gradients in numbers of 60 digits, from the textbook formulas.

Written by family name and apart from the package: densities of one observation under one component, and
the way from unconstrained coordinates to natural parameters. Nothing here is meant to be fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import pytest
from mpmath import mp, mpf

DIGITS = 60
STEP = "1e-20"
"""Of the central differences: their error is about the square of it, relatively."""

Component = dict[str, Any]
"""Natural parameters of one component: numbers, lists, and matrices as lists of lists."""
Density = Callable[[Sequence[Any]], Any]


class Exact(NamedTuple):
    """What the reference found at a point.

    Parameters
    ----------
    loglik : float
        Nats.
    gradient : ndarray, shape (q,)
        In the unconstrained coordinates.
    terms : ndarray, shape (q,)
        sum_i c_i sum_k r_ik |d log(w_k f_k(x_i)) / dz|: the magnitude of what adds up to the gradient.
    """

    loglik: float
    gradient: np.ndarray
    terms: np.ndarray


# -- densities ------------------------------------------------------------------------------------


def _factor(matrix: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The lower Cholesky factor."""
    d = len(matrix)
    L = [[mpf(0)] * d for _ in range(d)]
    for i in range(d):
        for j in range(i + 1):
            rest = matrix[i][j] - sum((L[i][m] * L[j][m] for m in range(j)), mpf(0))
            L[i][j] = mp.sqrt(rest) if i == j else rest / L[j][j]
    return L


def _distance(L: list[list[Any]], mean: Sequence[Any], x: Sequence[Any]) -> Any:
    """(x - m)' (L L')^-1 (x - m)."""
    e: list[Any] = []
    for i, row in enumerate(L):
        e.append((x[i] - mean[i] - sum((row[j] * e[j] for j in range(i)), mpf(0))) / row[i])
    return sum(v * v for v in e)


def gaussian(p: Component, options: Mapping[str, Any]) -> Density:
    L, d = _factor(p["covariances"]), len(p["means"])
    constant = d * mp.log(2 * mp.pi) / 2 + sum(mp.log(L[i][i]) for i in range(d))
    return lambda x: -_distance(L, p["means"], x) / 2 - constant


def student_t(p: Component, options: Mapping[str, Any]) -> Density:
    L, d, v = _factor(p["scales"]), len(p["means"]), p["df"]
    constant = mp.loggamma((v + d) / 2) - mp.loggamma(v / 2) - d * mp.log(v * mp.pi) / 2
    constant -= sum(mp.log(L[i][i]) for i in range(d))
    return lambda x: constant - (v + d) / 2 * mp.log(1 + _distance(L, p["means"], x) / v)


def bernoulli(p: Component, options: Mapping[str, Any]) -> Density:
    return lambda x: sum(mp.log(q if v == 1 else 1 - q) for v, q in zip(x, p["probs"], strict=True))


def categorical(p: Component, options: Mapping[str, Any]) -> Density:
    first = options["first"]
    return lambda x: sum(mp.log(q[int(v) - first]) for v, q in zip(x, p["probs"], strict=True))


def binomial(p: Component, options: Mapping[str, Any]) -> Density:
    m, q = options["n_trials"], p["probs"]
    return lambda x: mp.log(mp.binomial(m, x[0])) + x[0] * mp.log(q) + (m - x[0]) * mp.log(1 - q)


def poisson(p: Component, options: Mapping[str, Any]) -> Density:
    return lambda x: x[0] * mp.log(p["rates"]) - p["rates"] - mp.log(mp.factorial(x[0]))


def exponential(p: Component, options: Mapping[str, Any]) -> Density:
    return lambda x: mp.log(p["rates"]) - p["rates"] * x[0]


def gamma(p: Component, options: Mapping[str, Any]) -> Density:
    a, b = p["shapes"], p["rates"]
    constant = a * mp.log(b) - mp.loggamma(a)
    return lambda x: constant + (a - 1) * mp.log(x[0]) - b * x[0]


# -- from unconstrained coordinates to components -------------------------------------------------


def _matrix(z: Iterator[Any], kind: str, d: int) -> list[list[Any]]:
    """One matrix from its coordinates, as many as its kind has."""
    if kind == "spherical":
        variance = mp.exp(2 * next(z))
        return [[variance * (i == j) for j in range(d)] for i in range(d)]
    if kind == "diag":
        variances = [mp.exp(2 * next(z)) for _ in range(d)]
        return [[variances[i] * (i == j) for j in range(d)] for i in range(d)]
    L = [[mpf(0)] * d for _ in range(d)]
    for i in range(d):
        for j in range(i + 1):
            L[i][j] = mp.exp(next(z)) if i == j else next(z)
    return [[sum(L[i][m] * L[j][m] for m in range(d)) for j in range(d)] for i in range(d)]


def _located(name: str) -> Callable[..., list[Component]]:
    """Means, then matrices called `name`: one if they are tied."""

    def components(z: Iterator[Any], K: int, d: int, options: Mapping[str, Any]) -> list[Component]:
        means = [[next(z) for _ in range(d)] for _ in range(K)]
        kind = options.get("covariance", "full")
        if kind == "tied":
            matrices = [_matrix(z, kind, d)] * K
        else:
            matrices = [_matrix(z, kind, d) for _ in range(K)]
        return [{"means": m, name: S} for m, S in zip(means, matrices, strict=True)]

    return components


def student_t_at(z: Iterator[Any], K: int, d: int, options: Mapping[str, Any]) -> list[Component]:
    found, fixed = _located("scales")(z, K, d, options), options["df"]
    for component in found:  # z = -log(1 / v - 1 / 200)
        component["df"] = 1 / (mp.exp(-next(z)) + mpf(1) / 200) if fixed is None else mpf(fixed)
    return found


def _expit(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def bernoulli_at(z: Iterator[Any], K: int, d: int, options: Mapping[str, Any]) -> list[Component]:
    return [{"probs": [_expit(next(z)) for _ in range(d)]} for _ in range(K)]


def binomial_at(z: Iterator[Any], K: int, d: int, options: Mapping[str, Any]) -> list[Component]:
    return [{"probs": _expit(next(z))} for _ in range(K)]


def categorical_at(z: Iterator[Any], K: int, d: int, options: Mapping[str, Any]) -> list[Component]:
    def item(levels: int) -> list[Any]:
        probs, left = [], mpf(1)
        for _ in range(levels - 1):  # each level's share of what those before it have left
            probs.append(left * _expit(next(z)))
            left -= probs[-1]
        return [*probs, left]

    return [{"probs": [item(levels) for levels in options["levels"]]} for _ in range(K)]


def rates_at(z: Iterator[Any], K: int, d: int, options: Mapping[str, Any]) -> list[Component]:
    return [{"rates": mp.exp(next(z))} for _ in range(K)]


def gamma_at(z: Iterator[Any], K: int, d: int, options: Mapping[str, Any]) -> list[Component]:
    """Log means, then log shapes."""
    means = [mp.exp(next(z)) for _ in range(K)]
    shapes = [mp.exp(next(z)) for _ in range(K)]
    return [{"shapes": a, "rates": a / m} for a, m in zip(shapes, means, strict=True)]


FORMULAS: dict[str, tuple[Callable[..., Density], Callable[..., list[Component]]]] = {
    "gaussian": (gaussian, _located("covariances")),
    "student_t": (student_t, student_t_at),
    "bernoulli": (bernoulli, bernoulli_at),
    "categorical": (categorical, categorical_at),
    "binomial": (binomial, binomial_at),
    "poisson": (poisson, rates_at),
    "exponential": (exponential, rates_at),
    "gamma": (gamma, gamma_at),
}
"""Density and coordinates of each family."""


def formulas(name: str) -> tuple[Callable[..., Density], Callable[..., list[Component]]]:
    if name not in FORMULAS:
        pytest.fail(
            f"the {name} family has no reference: write its density and its coordinates in "
            f"tests/reference/sixty_digits.py and add them to FORMULAS"
        )
    return FORMULAS[name]


# -- mixtures -------------------------------------------------------------------------------------


def exactly(value: Any) -> Any:
    """Every float as the very number it is."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return [exactly(v) for v in value] if isinstance(value, list) else mpf(value)


def _joint(
    density: Callable[..., Density],
    weights: Sequence[Any],
    components: Sequence[Component],
    x: Sequence[Any],
    options: Mapping[str, Any],
) -> list[list[Any]]:
    """log(w_k f_k(x_i)), n lists of K."""
    made = [density(p, options) for p in components]
    return [[mp.log(w) + f(row) for w, f in zip(weights, made, strict=True)] for row in x]


def _totals(joint: list[list[Any]]) -> list[Any]:
    return [mp.log(sum(mp.exp(v) for v in row)) for row in joint]


def log_likelihood(
    name: str,
    options: Mapping[str, Any],
    x: np.ndarray,
    counts: np.ndarray,
    weights: np.ndarray,
    parameters: Mapping[str, np.ndarray],
) -> float:
    """sum_i c_i log sum_k w_k f_k(x_i), nats, at natural parameters."""
    density, _ = formulas(name)
    with mp.workdps(DIGITS):
        lists = {key: exactly(value) for key, value in parameters.items()}
        components = [{key: v[k] for key, v in lists.items()} for k in range(len(weights))]
        totals = _totals(_joint(density, exactly(weights), components, exactly(x), options))
        return float(mp.fdot(exactly(counts), totals))


def _joint_at(
    name: str, options: Mapping[str, Any], x: np.ndarray, K: int
) -> Callable[[list[Any]], list[list[Any]]]:
    """log(w_k f_k(x_i)), n lists of K, as a function of unconstrained coordinates."""
    density, coordinates = formulas(name)
    rows = exactly(x)

    def joint(point: list[Any]) -> list[list[Any]]:
        exponentials = [mp.exp(v) for v in point[: K - 1]] + [mpf(1)]
        weights = [v / sum(exponentials) for v in exponentials]
        rest = iter(point[K - 1 :])
        components = coordinates(rest, K, x.shape[1], options)
        assert next(rest, None) is None, "coordinates are left over"
        return _joint(density, weights, components, rows, options)

    return joint


def at_coordinates(
    name: str, options: Mapping[str, Any], x: np.ndarray, counts: np.ndarray, K: int, z: np.ndarray
) -> Exact:
    """Log-likelihood and gradient at unconstrained coordinates, of data in the same units."""
    with mp.workdps(DIGITS):
        joint = _joint_at(name, options, x, K)
        c, centre, h = exactly(counts), exactly(z), mpf(STEP)
        here = joint(centre)
        totals, gradient, terms = _totals(here), [], []
        shares = [[mp.exp(v - t) for v in row] for row, t in zip(here, totals, strict=True)]
        for j in range(len(centre)):
            up, down = (
                joint([v + side * (i == j) for v, i in zip(centre, count(), strict=False)])
                for side in (h, -h)
            )
            ends = zip(c, _totals(up), _totals(down), strict=True)
            gradient.append(float(sum(a * (b - e) for a, b, e in ends) / (2 * h)))
            terms.append(
                float(
                    sum(
                        a * r * abs(b - e) / (2 * h)
                        for a, row, above, below in zip(c, shares, up, down, strict=True)
                        for r, b, e in zip(row, above, below, strict=True)
                    )
                )
            )
        return Exact(float(mp.fdot(c, totals)), np.array(gradient), np.array(terms))


def hessian_product(
    name: str,
    options: Mapping[str, Any],
    x: np.ndarray,
    counts: np.ndarray,
    K: int,
    z: np.ndarray,
    v: np.ndarray,
) -> np.ndarray:
    """The Hessian of the log-likelihood at unconstrained coordinates times v (q,), by mixed differences."""
    with mp.workdps(DIGITS):
        joint = _joint_at(name, options, x, K)
        c, centre, along, h = exactly(counts), exactly(z), exactly(v), mpf(STEP)

        def value(side: int, j: int, other: int) -> Any:
            point = [a + h * side * b for a, b in zip(centre, along, strict=True)]
            point[j] += other * h
            return mp.fdot(c, _totals(joint(point)))

        return np.array(
            [
                float(sum(a * b * value(a, j, b) for a in (1, -1) for b in (1, -1)) / (4 * h * h))
                for j in range(len(centre))
            ]
        )
