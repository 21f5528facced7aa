"""Relabelling of posterior draws: the same mixture, component k meaning the same thing in every draw.

The likelihood and an exchangeable prior do not change when components are renumbered, so a sampler is
free to switch labels. ECR against the draw of highest likelihood (Papastamoulis and Iliopoulos 2010,
J. Comput. Graph. Statist. 19, 313-331) gives a first numbering; Stephens' algorithm (2000, JRSS B 62,
795-809) improves it by minimising the Kullback-Leibler divergence of each draw's classification
probabilities to their mean.
"""

from __future__ import annotations

import numpy as np

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.theta import Theta

CELLS = 5_000_000
"""Most probabilities (draws x rows x components) held at once; rows are thinned to stay below it."""


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
    x, counts = _thinned(data, CELLS // (M * K))
    p = np.empty((M, x.shape[0], K))
    for t in range(M):
        theta = Theta(weights[t], **{name: value[t] for name, value in parameters.items()})
        joint = model.joint_log_density(x, theta)
        share = np.exp(joint - joint.max(axis=1, keepdims=True))
        p[t] = share / share.sum(axis=1, keepdims=True)
    return stephens(p, counts, ecr(p, counts, int(np.argmax(loglik))))


def reorder(values: np.ndarray, permutations: np.ndarray) -> np.ndarray:
    """Draws (..., K, *rest) renumbered: new[..., k] = old[..., permutations[..., k]]."""
    index = permutations.reshape(permutations.shape + (1,) * (values.ndim - permutations.ndim))
    return np.take_along_axis(values, index, axis=permutations.ndim - 1)


def ecr(p: np.ndarray, counts: np.ndarray, pivot: int) -> np.ndarray:
    """Permutations (M, K) that agree best with the pivot draw's classification of the rows.

    p : ndarray, shape (M, n, K)
        Classification probabilities; `counts` (n,) are the multiplicities of the rows.
    """
    M, _, K = p.shape
    labels = p.argmax(axis=2)
    permutations = np.empty((M, K), dtype=int)
    for t in range(M):
        agreement = np.zeros((K, K))
        np.add.at(agreement, (labels[pivot], labels[t]), counts)
        permutations[t] = _assign(-agreement)
    return permutations


def stephens(
    p: np.ndarray, counts: np.ndarray, permutations: np.ndarray, max_iter: int = 100
) -> np.ndarray:
    """Permutations (M, K) at a fixed point of Stephens' algorithm 2, from the given ones.

    Alternates q_ik = mean over draws of p_t,i,perm(k) and, draw by draw, the permutation that minimises
    sum_i c_i sum_k p_t,i,perm(k) log(p_t,i,perm(k) / q_ik). The cost falls until nothing changes.
    """
    M, n, K = p.shape
    for _ in range(max_iter):
        q = np.zeros((n, K))
        for t in range(M):
            q += p[t][:, permutations[t]]
        log_q = counts[:, None] * np.log(np.maximum(q / M, 1e-300))
        # sum_i p log p belongs to a component of the draw, not to its new number: it moves no assignment
        cost = -np.matmul(log_q.T, p)
        moved = np.array([_assign(c) for c in cost])
        if (moved == permutations).all():
            break
        permutations = moved
    return permutations


def _assign(cost: np.ndarray) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment  # slow to import, and draws are rare

    columns: np.ndarray = linear_sum_assignment(cost)[1]
    return columns


def _thinned(data: Dataset, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Up to `most` rows, evenly spread over the sorted data, and their multiplicities."""
    if data.n_rows <= max(most, 1):
        return data.x, data.weights
    order = np.lexsort(data.x.T[::-1])
    keep = order[np.linspace(0, data.n_rows - 1, max(most, 20)).astype(int)]
    return data.x[keep], data.weights[keep]
