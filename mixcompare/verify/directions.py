"""Where directions lead along which an end may rise in second order, or is flat: ascents, splits, ridges.

Curvatures alone do not decide: a step is taken along each such direction, and what a polish makes of it does.
"""

from __future__ import annotations

import itertools

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta
from mixcompare.verify.policy import Policy
from mixcompare.verify.surface import Quadratic, Surface, polish

SHIFT = 0.3
"""How far a flat direction is followed, in scaled coordinates (sds of the component, logits)."""

SHARES = (0.5, 0.05)
"""Of what two coinciding components weigh together, in which they are split anew."""


def ascent(
    surface: Surface, end: np.ndarray, local: Quadratic, flat: float, policy: Policy
) -> tuple[float, np.ndarray]:
    """The most gained along directions of ascent and flat ones, and the basis of those that stay flat."""
    # Just off the crest of a curved ridge the slope left across it shows as a pair of small curvatures of
    # either sign along it: whatever costs next to nothing within the shift is followed, and what becomes
    # of it decides.
    soft = max(flat, 2 * policy.stationary / SHIFT**2)
    upward, level = local.curvature < -soft, np.abs(local.curvature) <= soft
    gain, null = 0.0, np.empty((end.size, 0))
    for direction in local.basis[:, upward].T:
        for sign in (1, -1):
            escaped = _escape(surface, end, sign * direction, flat, local.value, policy)[0]
            gain = max(gain, escaped)
    if level.any():
        escaped, null = _follow(surface, end, local, level, flat, policy)
        gain = max(gain, escaped)
    return gain, null


def split_anew(
    model: MixtureModel,
    data: Dataset,
    theta: Theta,
    pairs: list[tuple[int, int]],
    policy: Policy,
) -> tuple[float, int]:
    """The most gained by splitting coinciding components after sharing their weight otherwise; passes.

    How it is shared changes no density, but decides which splits ascend. Two normal components of shares
    w and v = 1 - w, moved t sds apart under one variance with mean and variance of both kept, gain n
    w v ((w - v) s t^3 / 6 + (1 - 6 w v) k t^4 / 24) nats, s and k the skewness and excess kurtosis of
    the data: symmetric light tails ascend for even shares, heavy ones for uneven (the moments of a
    mixing distribution, Lindsay 1989, Ann. Statist. 17, 722-740).
    """
    gain, passes = 0.0, 0
    for (j, k), share in itertools.product(pairs, SHARES):
        weights = theta.weights.copy()
        both = weights[j] + weights[k]
        weights[j], weights[k] = share * both, (1 - share) * both
        surface = Surface(model, data, Theta(weights, **theta.parameters))
        origin = np.zeros(surface.free.size)
        local = surface.quadratic(origin)
        flat = max(policy.flat * data.n, 4 * local.noise)
        gain = max(gain, ascent(surface, origin, local, flat, policy)[0])
        passes += surface.problem.passes
        if gain > policy.ascent:
            break
    return gain, passes


def in_words(null: np.ndarray, surface: Surface) -> list[str]:
    """Flat directions in words, after reduction to as few coordinates each as possible."""
    rows, names = null.T.copy(), surface.names
    pivots: list[int] = []
    for i in range(len(rows)):
        column = int(
            np.argmax(np.where(np.isin(np.arange(rows.shape[1]), pivots), 0, np.abs(rows[i])))
        )
        pivots.append(column)
        rows[i] /= rows[i, column]
        for j in range(len(rows)):
            if j != i:
                rows[j] -= rows[j, column] * rows[i]
    words = []
    for row in rows:
        parts = [(abs(v), names[c]) for c, v in enumerate(row) if abs(v) > 0.05 * np.abs(row).max()]
        words.append(
            " against ".join(
                name for _, name in sorted(parts, key=lambda part: names.index(part[1]))
            )
        )
    return words


def _escape(
    surface: Surface,
    end: np.ndarray,
    direction: np.ndarray,
    flat: float,
    value: float,
    policy: Policy,
) -> tuple[float, np.ndarray]:
    """Nats gained by a polish from a step along a direction, and where it ended."""
    free = np.zeros((end.size, 0))
    arrived = polish(surface, end + SHIFT * direction, flat, policy.polish_steps, free)
    return surface.value(arrived) - value, arrived


def _follow(
    surface: Surface,
    end: np.ndarray,
    local: Quadratic,
    level: np.ndarray,
    flat: float,
    policy: Policy,
) -> tuple[float, np.ndarray]:
    """Step along flat directions: the most gained, and the basis (q, m) of those that stay flat.

    A direction that is flat to second order may still rise (a saddle of fourth order, as where equal
    components want to split), fall back (a maximum of fourth order) or stay level (a ridge).
    """
    basis = local.basis[:, level]
    rng = np.random.default_rng(0)
    mixed = basis @ rng.standard_normal((basis.shape[1], 4))
    trials = np.hstack([basis, -basis, mixed / np.linalg.norm(mixed, axis=0)])
    best, stayed = 0.0, []
    for direction in trials.T:
        gain, arrived = _escape(surface, end, direction, flat, local.value, policy)
        best = max(best, gain)
        if gain > -policy.stationary and np.linalg.norm(arrived - end) > SHIFT / 3:
            stayed.append(direction)
    if not stayed:
        return best, np.empty((end.size, 0))
    u, s, _ = np.linalg.svd(np.array(stayed).T, full_matrices=False)
    return best, u[:, s > 1e-6 * s[0]]
