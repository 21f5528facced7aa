"""Relabelling of posterior draws: the same mixture, component k meaning the same thing in every draw.

The likelihood and an exchangeable prior do not change when components are renumbered, so a sampler is
free to switch labels. ECR against the draw of highest likelihood (Papastamoulis and Iliopoulos 2010,
J. Comput. Graph. Statist. 19, 313-331) gives a first numbering; Stephens' algorithm (2000, JRSS B 62,
795-809) improves it by minimising the Kullback-Leibler divergence of each draw's classification
probabilities to their mean.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel

CELLS = 5_000_000
"""Most probabilities (draws x rows x components) held at once; rows are thinned to stay below it."""

FEW = 5
"""Most components whose permutations are all tried, for all draws at once."""


def relabel(
    model: MixtureModel,
    data: Dataset,
    weights: np.ndarray,
    parameters: dict[str, np.ndarray],
    loglik: np.ndarray,
) -> np.ndarray:
    """Permutations (M, K) that bring draws to a common numbering: new[t, k] = old[t, permutation[t, k]].

    Parameters
    ----------
    weights : ndarray, shape (M, K)
        Of M draws.
    parameters : mapping
        Natural parameters, name -> (M, K, ...).
    loglik : ndarray, shape (M,)
        Log-likelihoods; the best draw is the pivot.
    """
    M, K = weights.shape
    if K == 1:
        return np.zeros((M, 1), dtype=int)
    part = _thinned(data, CELLS // (M * K))
    p = model.family.classify(part, weights, parameters)
    return stephens(p, part.weights, ecr(p, part.weights, int(np.argmax(loglik))))


def reorder(values: np.ndarray, permutations: np.ndarray) -> np.ndarray:
    """Draws (..., K, *rest) renumbered: new[..., k] = old[..., permutations[..., k]]."""
    index = permutations.reshape(permutations.shape + (1,) * (values.ndim - permutations.ndim))
    return np.take_along_axis(values, index, axis=permutations.ndim - 1)


def ecr(p: np.ndarray, counts: np.ndarray, pivot: int) -> np.ndarray:
    """Permutations (M, K) that agree best with the pivot draw's classification of the rows.

    p : ndarray, shape (M, K, n)
        Classification probabilities; `counts` (n,) are the multiplicities of the rows.
    """
    M, K, _ = p.shape
    labels = p.argmax(axis=1)
    chosen = counts[:, None] * (labels[pivot][:, None] == np.arange(K))
    agreement = np.empty((M, K, K))
    for old in range(K):
        agreement[:, :, old] = (labels == old).astype(float) @ chosen
    return _assign(-agreement)


def stephens(
    p: np.ndarray, counts: np.ndarray, permutations: np.ndarray, max_iter: int = 100
) -> np.ndarray:
    """Permutations (M, K) at a fixed point of Stephens' algorithm 2, from the given ones.

    Alternates q_ki = mean over draws of p_t,perm(k),i and, draw by draw, the permutation that minimises
    sum_i c_i sum_k p_t,perm(k),i log(p_t,perm(k),i / q_ki). The cost falls until nothing changes.
    """
    M, K, n = p.shape
    for _ in range(max_iter):
        q = np.zeros((K, n))
        for old in range(K):
            q += (permutations == old).T.astype(float) @ p[:, old]
        log_q = counts * np.log(np.maximum(q / M, 1e-300))
        # sum_i p log p belongs to a component of the draw, not to its new number: it moves no assignment
        cost = -(p.reshape(M * K, n) @ log_q.T).reshape(M, K, K)
        moved = _assign(cost.swapaxes(1, 2))
        if (moved == permutations).all():
            break
        permutations = moved
    return permutations


def _assign(costs: np.ndarray) -> np.ndarray:
    """For each of the matrices (M, K, K), the column of each row (M, K) that makes the sum least."""
    M, K, _ = costs.shape
    if K <= FEW:
        every = np.array(list(itertools.permutations(range(K))))
        return every[costs[:, np.arange(K), every].sum(axis=2).argmin(axis=1)]
    from scipy.optimize import linear_sum_assignment  # slow to import, and draws are rare

    columns = np.empty((M, K), dtype=int)
    for t, cost in enumerate(costs):
        columns[t] = linear_sum_assignment(cost)[1]
    return columns


def _thinned(data: Dataset, most: int) -> Dataset:
    """Up to `most` rows, evenly spread over the sorted data, and their multiplicities."""
    if data.n_rows <= max(most, 1):
        return data
    order = np.lexsort(data.x.T[::-1])
    keep = order[np.linspace(0, data.n_rows - 1, max(most, 20)).astype(int)]
    return replace(data, x=data.x[keep], counts=data.weights[keep], labels=None)
