"""Every name a user can type, once: kinds, names and where the object lives.

Objects are imported when asked for, so that listing names costs nothing. A name that holds a colon,
`module:Class`, is a contestant from outside; entry points of the group `mixcompare.KIND` add names too.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from functools import cache
from pathlib import Path
from typing import Any

from mixcompare.errors import SpecError, nearest

NAMES: dict[str, dict[str, str]] = {
    "families": {
        "bernoulli": "mixcompare.families.bernoulli:Bernoulli",
        "binomial": "mixcompare.families.binomial:Binomial",
        "categorical": "mixcompare.families.categorical:Categorical",
        "poisson": "mixcompare.families.poisson:Poisson",
        "exponential": "mixcompare.families.exponential:Exponential",
        "gamma": "mixcompare.families.gamma:Gamma",
        "gaussian": "mixcompare.families.gaussian:Gaussian",
        "student_t": "mixcompare.families.student_t:StudentT",
    },
    "methods": {
        "em": "mixcompare.estimators.em:EM",
        "em[penalised]": "mixcompare.estimators.em_penalised:PenalisedEM",
        "em[old-means]": "mixcompare.estimators.em_old_means:OldMeansEM",
        "em+newton": "mixcompare.estimators.em_newton:EMNewton",
        "squarem": "mixcompare.estimators.squarem:SQUAREM",
        "cem": "mixcompare.estimators.cem:CEM",
        "sem": "mixcompare.estimators.sem:SEM",
        "daem": "mixcompare.estimators.daem:DAEM",
        "nelder-mead": "mixcompare.estimators.solvers:NelderMead",
        "powell": "mixcompare.estimators.solvers:Powell",
        "cg": "mixcompare.estimators.solvers:CG",
        "bfgs": "mixcompare.estimators.solvers:BFGS",
        "l-bfgs-b": "mixcompare.estimators.solvers:LBFGSB",
        "tnc": "mixcompare.estimators.solvers:TNC",
        "slsqp": "mixcompare.estimators.solvers:SLSQP",
        "newton-cg": "mixcompare.estimators.solvers:NewtonCG",
        "trust-ncg": "mixcompare.estimators.solvers:TrustNCG",
        "trust-constr": "mixcompare.estimators.solvers:TrustConstr",
        "nuts": "mixcompare.estimators.nuts:NUTS",
        "gibbs": "mixcompare.estimators.gibbs:Gibbs",
        "smc": "mixcompare.estimators.smc:SMC",
        "advi": "mixcompare.estimators.advi:ADVI",
    },
    "starts": {
        "kmeans": "mixcompare.starts.kmeans:KMeans",
        "random": "mixcompare.starts.random:Random",
        "from-data": "mixcompare.starts.from_data:FromData",
        "kmeans++": "mixcompare.starts.kmeans_plus_plus:KMeansPlusPlus",
        "quantiles": "mixcompare.starts.quantiles:Quantiles",
        "small-em": "mixcompare.starts.small_em:SmallEM",
        "hierarchical": "mixcompare.starts.hierarchical:Hierarchical",
        "mixed": "mixcompare.starts.mixed:Mixed",
    },
    "scenarios": {
        "gaussian": "mixcompare.scenarios.gaussian:GaussianScenario",
        "mixture": "mixcompare.scenarios.mixture:MixtureScenario",
        "prior": "mixcompare.scenarios.prior:PriorScenario",
    },
    "metrics": {
        "bias": "mixcompare.metrics.recovery:Bias",
        "rmse": "mixcompare.metrics.recovery:RMSE",
        "kl": "mixcompare.metrics.density:KullbackLeibler",
        "predictive": "mixcompare.metrics.density:PredictiveDensity",
        "coverage": "mixcompare.metrics.recovery:Coverage",
        "width": "mixcompare.metrics.recovery:Width",
        "rank": "mixcompare.metrics.rank:Rank",
    },
    "executors": {
        "serial": "mixcompare.study.executors:serial",
        "processes": "mixcompare.study.executors:processes",
        "dask": "mixcompare.study.executors:distributed",
    },
    "figures": {
        "density": "mixcompare.report.figures.density:draw",
        "trajectories": "mixcompare.report.figures.trajectories:draw",
        "ascent": "mixcompare.report.figures.ascent:draw",
        "histories": "mixcompare.report.figures.histories:draw",
        "stages": "mixcompare.report.figures.stages:draw",
        "animation": "mixcompare.report.figures.animation:draw",
        "posterior": "mixcompare.report.figures.posterior:draw",
        "loglik-posterior": "mixcompare.report.figures.loglik_posterior:draw",
        "ridge": "mixcompare.report.figures.ridge:draw",
        "prior-posterior": "mixcompare.report.figures.prior_posterior:draw",
        "recovery": "mixcompare.report.figures.recovery:draw",
        "clusters": "mixcompare.report.figures.clusters:draw",
        "groups": "mixcompare.report.figures.groups:draw",
        "mode-visits": "mixcompare.report.figures.mode_visits:draw",
        "findings": "mixcompare.report.figures.findings:draw",
        "calibration": "mixcompare.report.figures.calibration:draw",
        "ranks": "mixcompare.report.figures.calibration:draw_histograms",
        "densities": "mixcompare.report.figures.densities:draw",
        "gaps": "mixcompare.report.figures.gaps:draw",
        "basins": "mixcompare.report.figures.basins:draw",
        "basin-panels": "mixcompare.report.figures.basins:draw_panels",
        "disagreement": "mixcompare.report.figures.basins:draw_disagreement",
        "surface": "mixcompare.report.figures.surface:draw",
        "relief": "mixcompare.report.figures.surface:draw_relief",
        "paths": "mixcompare.report.figures.surface:draw_paths",
        "path-panels": "mixcompare.report.figures.surface:draw_path_panels",
        "quantiles": "mixcompare.report.figures.quantiles:draw",
        "sampled": "mixcompare.report.figures.quantiles:draw_sampled",
        "claims": "mixcompare.report.figures.claims:draw",
        "criteria": "mixcompare.report.figures.criteria:draw",
        "performance-profiles": "mixcompare.report.figures.performance_profiles:draw",
        "data-profiles": "mixcompare.report.figures.data_profiles:draw",
        "runtime-distributions": "mixcompare.report.figures.runtime_distributions:draw",
    },
    "parts": {
        "methods": "mixcompare.report.parts.methods:PART",
        "optima": "mixcompare.report.parts.optima:PART",
        "densities": "mixcompare.report.parts.densities:PART",
        "predictive-check": "mixcompare.report.parts.predictive_check:PART",
        "groups": "mixcompare.report.parts.groups:PART",
        "clusters": "mixcompare.report.parts.clusters:PART",
        "trajectories": "mixcompare.report.parts.trajectories:PART",
        "iterations": "mixcompare.report.parts.iterations:PART",
        "from-starts": "mixcompare.report.parts.from_starts:PART",
        "slices": "mixcompare.report.parts.slices:PART",
        "cost": "mixcompare.report.parts.cost:PART",
        "draws": "mixcompare.report.parts.draws:PART",
        "posterior": "mixcompare.report.parts.posterior:PART",
        "identification": "mixcompare.report.parts.identification:PART",
        "recovery": "mixcompare.report.parts.recovery:PART",
        "accuracy": "mixcompare.report.parts.accuracy:PART",
    },
    "reporters": {
        "html": "mixcompare.report.build:build",
    },
}


def names(kind: str) -> list[str]:
    """The names of one kind, the project's own first, then those of installed entry points."""
    own = list(NAMES[kind])
    return own + sorted(point.name for point in _points(kind) if point.name not in NAMES[kind])


def load(kind: str, name: str) -> Any:
    """The object behind a name, imported now.

    Raises SpecError if the name is unknown (with the nearest right one) or `module:Class` cannot be
    imported.
    """
    if not isinstance(name, str):
        raise SpecError(f"expected one of the {kind} by its name, got {name!r}")
    if name in NAMES[kind]:
        return _import(kind, NAMES[kind][name])
    if ":" in name:
        return _import(kind, name)
    for point in _points(kind):
        if point.name == name:
            return point.load()
    known = names(kind)
    raise SpecError(
        f'unknown name "{name}" among {kind}: expected one of {", ".join(known)}, or module:Class.'
        f"{nearest(name, known)}"
    )


def search(*folders: Path) -> None:
    """Let `module:Class` be found in these folders too, after everything that is installed."""
    for folder in map(str, folders):
        if folder not in sys.path:
            sys.path.append(folder)


@cache
def _points(kind: str) -> tuple[importlib.metadata.EntryPoint, ...]:
    """Entry points of what is installed; finding them reads a file a package, four milliseconds here."""
    return tuple(importlib.metadata.entry_points(group=f"mixcompare.{kind}"))


def _import(kind: str, path: str) -> Any:
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SpecError(
            f'"{path}" among {kind} cannot be imported: {error}. Expected module:Class of an importable '
            f"module."
        ) from error
