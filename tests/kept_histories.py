"""Histories of plain EM, worked out here, for rows planted by hand."""

import json

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.study.histories import COLUMNS, History
from mixcompare.theta import Theta

MODEL = MixtureModel("gaussian", 2)


def geyser():
    """Old Faithful, both columns standardised, and the notebook's start (reference: 004-faithful)."""
    raw = load_dataset("old_faithful")
    x = (raw.x - raw.x.mean(0)) / raw.x.std(0)
    start = Theta([0.5, 0.5], means=[[-1.5, 1.5], [1.5, -1.5]], covariances=[np.eye(2), np.eye(2)])
    return Dataset(x, columns=raw.columns, name="geyser"), start


def heights():
    """Davis's heights, and the notebook's second start (reference: 002-davis_heights)."""
    start = Theta([0.5, 0.5], means=[[170], [160]], covariances=[[[25]], [[25]]])
    return load_dataset("davis_heights"), start


def em(data, start, n, model=MODEL):
    """Log-likelihoods (n + 1,) and points of n iterations."""
    problem, theta, loglik, points = Problem(model, data), start, [], []
    for _ in range(n + 1):
        value, statistics = problem.statistics(theta)
        loglik.append(value)
        points.append(theta)
        theta = problem.maximise(statistics)
    return np.array(loglik), points


def history(loglik, points=(), steps=None, said=None):
    m = len(loglik)
    steps = np.arange(m) if steps is None else np.asarray(steps)
    said = np.full(m, np.nan) if said is None else np.asarray(said, dtype=float)
    return History("key", steps, steps + 1.0, np.asarray(loglik, float), tuple(points), said)


def lines(key, loglik, points):
    """The table of histories, as stored, of one fit."""
    rows = [
        (key, step, step + 1.0, value, json.dumps(theta.to_dict()))
        for step, (value, theta) in enumerate(zip(loglik, points, strict=True))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def cells(points, loglik, **more):
    """What a row of EM needs for its history to be read; components in the order of the means at the end."""
    end, order = MODEL.canonical(points[-1])
    found = {
        "theta": json.dumps(end.to_dict()),
        "polished": json.dumps(end.to_dict()),
        "permutation": json.dumps(order),
        "loglik": loglik[-1],
        "said_counts": json.dumps({"iterations": len(points) - 1}),
        "passes": float(len(points)),
    }
    return {**found, **more}
