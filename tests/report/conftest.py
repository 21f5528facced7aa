"""Hand-made results with every column of the store: no fit is run, so the report is tested alone."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from figure_rules import faults

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.report import svg
from mixcompare.study.results import Results
from mixcompare.theta import Theta

STUDY = {
    "title": "Three data sets & <two> models",
    "question": "Do they agree, and does each know it?",
    "seed": 20,
    "data": [{"name": "waiting"}, {"name": "two normals"}, {"name": "three coins"}],
    "model": [
        {"family": "gaussian", "n_components": [2]},
        {"family": "bernoulli", "n_components": [2]},
    ],
    "method": [
        {"name": "em"},
        {"name": "bfgs[naive]"},
        {"name": "bfgs"},
        {"name": "l-bfgs-b[bounded]", "options": {"bounds": {"means": [40, 100]}}},
        {"name": "nuts"},
    ],
    "expect": [
        {
            "quantity": "best_loglik",
            "where": {"data": "waiting", "method": "em"},
            "value": -1034.0018,
            "tolerance": 1e-3,
            "source": "mclust & mixtools_100%",
        },
        {"quantity": "best_loglik", "where": {"data": "waiting", "method": "em"}, "value": -1.0},
        {
            "quantity": "best_loglik",
            "where": {"data": "waiting", "method": "bfgs"},
            "value": -1034.0018,
            "tolerance": 1e-3,
            "at": "full",
        },
    ],
    "run": {"versions": {"mixcompare": "0.1", "numpy": "2"}},
}

WAITING = Theta([0.3609, 0.6391], means=[[54.61], [80.09]], covariances=[[[34.47]], [[34.43]]])
NORMALS = Theta([0.3, 0.7], means=[[0.0], [0.6]], covariances=[[[0.0064]], [[0.0144]]])
COINS = Theta([0.46, 0.54], probs=[[0.53], [0.66]])


def two_normals(replicate):
    rng = np.random.default_rng(replicate)
    first = rng.random(200) < 0.3
    x = np.where(first, rng.normal(0, 0.08, 200), rng.normal(0.6, 0.12, 200))
    return Dataset(x, name="two normals", source="simulated", truth=NORMALS)


def wald(theta):
    with np.errstate(divide="ignore"):  # the weight of an only component
        logits = np.log(theta.weights / (1 - theta.weights))
    scale = {"logit_weights": logits, "means": theta.means}
    scale["log_sds"] = 0.5 * np.log(theta.covariances[..., 0])
    return {name: [(v - 0.2).tolist(), (v + 0.2).tolist()] for name, v in scale.items()}


def row(data, model, method, index, theta, loglik, finding="maximum", said=True, **more):
    """One row of the store; JSON where the store holds JSON."""
    family = model.split()[0]
    sound = finding in ("maximum", "boundary", "ridge")
    values = {
        "key": f"{data}-{more.get('replicate', 0)}-{method}-{index}",
        "data": data,
        "replicate": 0,
        "model": model,
        "family": family,
        "n_components": 2,
        "method": method,
        "start_scheme": "random",
        "start_index": index,
        "seed": 1,
        "digest": "0123456789abcdef",
        "theta": json.dumps(theta.to_dict()) if theta else None,
        "permutation": "[0, 1]",
        "start": None,
        "loglik": loglik,
        "said_success": said,
        "said_status": "0",
        "said_message": "done",
        "said_counts": "{}",
        "finding": finding,
        "flags": json.dumps([finding]),
        "narrow": False,
        "null_directions": "[]",
        "edges": "[]",
        "curvature": "[]",
        "polished": json.dumps(theta.to_dict()) if theta and sound else None,
        "polished_loglik": loglik if sound else np.nan,
        "wald": json.dumps(wald(theta)) if theta and finding == "maximum" else "{}",
        "thresholds": json.dumps({"stationary": 1e-4, "rhat": 1.01}),
        "margins": "{}",
        "verdict_message": f"found {finding} at {loglik:.3f}",
        "verify_passes": 10.0,
        "passes": 30.0 + index,
        "seconds": 0.01,
        "compile_seconds": 0.0,
        "basis": "metered",
        "non_finite": 0,
        "notes": "[]",
        "error": "",
        "diagnostics": "{}",
        "posterior_intervals": "{}",
        "intervals": "{}",
        "prior": None,
        "draws": None,
        "metrics": "{}",
        "version": 1,
    }
    return values | {
        name: json.dumps(v) if isinstance(v, (dict, list)) else v for name, v in more.items()
    }


def point_rows():
    rows = []
    for method in ("em", "bfgs[naive]", "bfgs"):
        for index in range(4):
            rows.append(row("waiting", "gaussian K=2 full", method, index, WAITING, -1034.0018))
    far = Theta([0.5, 0.5], means=[[60.0], [75.0]], covariances=[[[90.0]], [[90.0]]])
    out = Theta([0.5, 0.5], means=[[60.0], [75.0]], covariances=[[[-1.0]], [[90.0]]])
    rows[5] |= {
        "theta": json.dumps(far.to_dict()),
        "loglik": -1090.0,
        "finding": "not_stationary",
        "polished": None,
        "polished_loglik": np.nan,
        "wald": "{}",
    }
    rows[6] |= {
        "theta": json.dumps(out.to_dict()),
        "loglik": np.nan,
        "finding": "out_of_domain",
        "said_success": False,
    }
    rows[1] |= {"margins": json.dumps({"stationary": 0.8, "flat": 1e5, "ascent": None})}
    rows[2] |= {"margins": json.dumps({"stationary": 0.5, "flat": 2e5})}
    rows[7] |= {
        "theta": None,
        "loglik": np.nan,
        "finding": "error",
        "said_success": None,
        "error": "ValueError: 100% of <x_1> & {y} are ~bad^2 #1 $3 \\ [0]",
    }
    metrics = {
        "kl": 0.01,
        "errors": {
            "logit_weights": [0.1, -0.1],
            "means": [[0.01], [0.02]],
            "log_sds": [[0.1], [0.2]],
        },
        "intervals": {
            "wald": {"covered": {"means": [[1.0], [0.0]]}, "width": {"means": [[0.4], [0.5]]}}
        },
        "predictive": {"plug-in": -0.01},
    }
    for replicate in range(3):
        for method, gap in (("em", 0.0), ("l-bfgs-b[bounded]", 300.0 * (replicate == 1))):
            loglik = 50.0 + replicate - gap
            finding = "not_stationary" if gap else "maximum"
            scaled = {**metrics, "kl": 0.01 + 0.001 * replicate}
            rows.append(
                row(
                    "two normals",
                    "gaussian K=2 full",
                    method,
                    0,
                    NORMALS,
                    loglik,
                    finding,
                    replicate=replicate,
                    metrics=scaled,
                )
            )
    for method, weight in (("em", 0.46), ("bfgs", 0.4)):
        theta = Theta([weight, 1 - weight], probs=[[0.55], [(0.6 - weight * 0.55) / (1 - weight)]])
        flat = ["weight 1 against probability 2", "weight 1 against probability 1"]
        found = {"null_directions": flat, "curvature": [0.0, 1e-9, 1.28]}
        rows.append(
            row("three coins", "bernoulli K=2", method, 0, theta, -6.730117, "ridge", **found)
        )
    return rows


def nuts_rows():
    rng = np.random.default_rng(1)
    w = np.clip(0.36 + 0.03 * rng.standard_normal((2, 60)), 0.1, 0.9)
    draws = {
        "weights": np.stack([w, 1 - w], -1),
        "means": WAITING.means + 0.5 * rng.standard_normal((2, 60, 2, 1)),
        "covariances": WAITING.covariances * np.exp(0.1 * rng.standard_normal((2, 60, 2, 1, 1))),
    }
    group = xr.Dataset(
        {
            name: (["chain", "draw", *[f"{name}_{i}" for i in range(value.ndim - 2)]], value)
            for name, value in draws.items()
        }
    )
    tree = xr.DataTree.from_dict({"posterior": group})
    made = row(
        "waiting",
        "gaussian K=2 full",
        "nuts",
        0,
        WAITING,
        -1034.4,
        "verified",
        said=None,
        posterior_intervals=wald(WAITING),
        wald={},
        draws="draws/one",
        prior={"form": "weak"},
        flags=["label_switching"],
        basis="reported",
    )
    coins, drawn = coin_draws(60)
    trees = {"draws/one": tree, "draws/coins": drawn}
    return [made, coins], trees


UNIFORM = {"form": "weak", "a": 1.0, "b": 1.0, "weights": 1.0}
"""The prior under which the weight of a coin and both its probabilities are uniform."""


def coin_draws(size, seed=3):
    """A row of nuts on the three coins, and 2 x size draws from their posterior under the uniform prior.

    The likelihood is m^6 (1 - m)^4 with m the probability of a head, so draws of the prior that are drawn
    again with that weight are draws of the posterior.
    """
    rng = np.random.default_rng(seed)
    w, p, q = rng.random((3, 100 * size))
    m = w * p + (1 - w) * q
    likelihood = m**6 * (1 - m) ** 4
    kept = rng.choice(m.size, 2 * size, p=likelihood / likelihood.sum()).reshape(2, size)
    draws = {
        "weights": np.stack([w, 1 - w], -1)[kept],
        "probs": np.stack([p, q], -1)[kept][..., None],
    }
    group = xr.Dataset(
        {
            "weights": (["chain", "draw", "component"], draws["weights"]),
            "probs": (["chain", "draw", "component", "item"], draws["probs"]),
        }
    )
    mean = Theta(draws["weights"].mean((0, 1)), probs=draws["probs"].mean((0, 1)))
    made = row(
        "three coins",
        "bernoulli K=2",
        "nuts",
        0,
        mean,
        -6.75,
        "verified",
        said=None,
        posterior_intervals={"logits": [[[-2.0], [-2.0]], [[2.0], [2.0]]]},
        wald={},
        draws="draws/coins",
        flags=["verified", "unidentified"],
        prior=UNIFORM,
        basis="reported",
    )
    return made, xr.DataTree.from_dict({"posterior": group})


def paths(rows):
    lines = []
    for made in rows:
        if made["basis"] == "reported" or not np.isfinite(made["loglik"]):
            continue
        passes = np.arange(1, 12)
        lines.append(
            pd.DataFrame(
                {
                    "key": made["key"],
                    "passes": passes,
                    "loglik": made["loglik"] - 100 * np.exp(-passes),
                }
            )
        )
    empty = pd.DataFrame({"key": [], "passes": [], "loglik": []})
    return pd.concat(lines, ignore_index=True) if lines else empty


def datasets():
    waiting = load_dataset("old_faithful", "waiting")
    coins = load_dataset("li_hang_coins")
    return {
        ("waiting", 0): waiting,
        ("two normals", 0): two_normals(0),
        ("three coins", 0): Dataset(coins.x, columns=coins.columns, name="three coins"),
    }


def make_results(rows=None, quick=False, study=None):
    drawn, trees = nuts_rows()
    made = [*point_rows(), *drawn] if rows is None else rows
    fits = pd.DataFrame(made)
    return Results(fits, paths(made), study or STUDY, datasets(), trees.get, quick)


@pytest.fixture(scope="module", autouse=True)
def ruled():
    """Every figure that a test of this room prints is held to the rules of all figures.

    For a module: for the session it would hold on in other rooms.
    """
    printed = svg.document

    def document(figure, name, title):
        text = printed(figure, name, title)
        assert faults(figure) == [], name
        return text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(svg, "document", document)
        yield


@pytest.fixture(scope="session")
def make():
    return make_results


@pytest.fixture
def one_row():
    return row


@pytest.fixture
def coins():
    return coin_draws


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A report of everything, and its folder."""
    from mixcompare.report.build import build

    folder = tmp_path_factory.mktemp("report")
    build(make_results(), folder)
    return folder
