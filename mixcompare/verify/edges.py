"""Edges of the parameter space: which coordinates of an end are there, and whether they may stay."""

from __future__ import annotations

import numpy as np

from mixcompare.data import Dataset
from mixcompare.families.base import Edge
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta
from mixcompare.verify.policy import Policy

NEAR = 1e-3
"""A probability or weight farther from its edge than this is not tried there."""


def empty_components(
    problem: Problem, theta: Theta, loglik: float, policy: Policy
) -> tuple[list[int], list[float]]:
    """Components whose weight is zero, or can be made zero at a cost below the policy's `edge`.

    And what each weight that was tried would cost, over that limit.
    """
    empty: list[int] = []
    costs = []
    for k in np.argsort(theta.weights):
        if theta.weights[k] > NEAR or len(empty) == theta.n_components - 1:
            break
        without = [j for j in range(theta.n_components) if j != k and j not in empty]
        if theta.weights[k] == 0:
            empty.append(int(k))
            continue
        costs.append((loglik - _emptied(problem, theta, without)) / policy.edge)
        if costs[-1] < 1:
            empty.append(int(k))
    return sorted(empty), costs


def _emptied(problem: Problem, theta: Theta, keep: list[int]) -> float:
    weights = np.zeros(theta.n_components)
    weights[keep] = theta.weights[keep] / theta.weights[keep].sum()
    return problem.log_likelihood(Theta(weights, **theta.parameters))


def reduced(model: MixtureModel, theta: Theta, empty: list[int]) -> tuple[MixtureModel, Theta]:
    """The model and point without the empty components, weights renormalised."""
    if not empty:
        return model, theta
    kept = theta.take([k for k in range(theta.n_components) if k not in empty])
    point = Theta(kept.weights / kept.weights.sum(), **kept.parameters)
    return MixtureModel(model.family, kept.n_components), point


def snap(
    model: MixtureModel, data: Dataset, theta: Theta, loglik: float, policy: Policy
) -> tuple[Theta, list[Edge], list[float]]:
    """The point with every scalar parameter that can go to its edge at no cost put there, and which.

    And what each parameter that was tried would cost, over the policy's `edge`.
    """
    problem = Problem(model, data)
    edges, costs = [], []
    for edge in model.family.edges(theta.parameters):
        distance = abs(theta[edge.parameter][(edge.component, *edge.index)] - edge.value)
        if distance > NEAR:
            continue
        moved = move(model, theta, edge, edge.value)
        if distance > 0:
            costs.append((loglik - problem.log_likelihood(moved)) / policy.edge)
        if distance == 0 or costs[-1] < 1:
            theta = moved
            edges.append(edge)
    return theta, edges, costs


def inward_gain(model: MixtureModel, data: Dataset, theta: Theta, edges: list[Edge]) -> float:
    """Most nats gained by moving one edge coordinate inward: a multiplier of the wrong sign; at least 0."""
    problem = Problem(model, data)
    base = problem.log_likelihood(theta)
    inside = 10.0 ** -np.arange(1.0, 8.0)
    gains = [
        problem.log_likelihood(move(model, theta, edge, abs(edge.value - step))) - base
        for edge in edges
        for step in inside
    ]
    return max([0.0, *gains])


def move(model: MixtureModel, theta: Theta, edge: Edge, value: float) -> Theta:
    """The point with one scalar parameter changed, as its family does it."""
    return Theta(theta.weights, **model.family.moved(theta.parameters, edge, value))
