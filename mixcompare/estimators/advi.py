"""Variational inference: the normal distribution with independent coordinates nearest to the posterior.

ADVI (Kucukelbir, Tran, Ranganath, Gelman and Blei 2017, JMLR 18(14), 1-45) as PyMC has it: stochastic ascent
of the evidence lower bound (ELBO) in the unconstrained coordinates. It is an approximation, and no number of
draws makes it better: it sits on one mode, and its spreads are too small wherever coordinates depend on each
other.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import SpecError
from mixcompare.estimators.posterior import declare, shared
from mixcompare.estimators.sampled import LABELS, Drawn, GraphSampler, chain, from_variables
from mixcompare.estimators.unconstrained import MODE, Density, unconstrained
from mixcompare.families.base import Family
from mixcompare.prior import ModelPrior
from mixcompare.records import Solver
from mixcompare.theta import Theta

FIRST_SD = 0.1
"""Of all coordinates at the start: small enough for the start to decide the mode."""

AVERAGED = 0.25
"""Last share of the iterates whose mean is the end: they jitter about it by about the learning rate.

Dhaka et al. 2020, Robust, accurate stochastic optimization for variational inference, NeurIPS 33.
"""

APPROXIMATION = (
    "an approximation: a normal distribution with independent coordinates about one mode, its spreads too "
    "small wherever coordinates depend on each other"
)

RATIOS = 1000
"""Importance ratios of each approximation that are looked at."""

HISTORY = 500
"""Most numbers kept of the course of the bound, each a mean of as many iterations."""


@dataclass(frozen=True)
class ADVI(GraphSampler):
    """Mean-field ADVI: one approximation a chain, each from its start, and independent draws of each.

    Parameters
    ----------
    draws, n_chains, priors, labels, likelihood
        See `GraphSampler`; draws are those of the approximation, and cost next to nothing.
    iterations : int
        Steps of Adam, each with the gradient at one random point.
    learning_rate : float
        Of Adam.

    Notes
    -----
    Passes are gradient evaluations, one an iteration.
    """

    iterations: int = 10_000
    learning_rate: float = 0.02

    name: ClassVar[str] = "advi"
    exact: ClassVar[bool] = False
    least: ClassVar[Mapping[str, int]] = {**GraphSampler.least, "iterations": 100}
    label_choices: ClassVar[tuple[str, ...]] = LABELS

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.learning_rate < 1:
            raise SpecError(
                f"learning_rate: expected a number between 0 and 1, got {self.learning_rate!r}"
            )

    def _draw(
        self, prior: ModelPrior, data: Dataset, starts: Sequence[Theta], seeds: np.ndarray
    ) -> Drawn:
        began = time.perf_counter()
        structure = self.structure(prior)
        functions, steps = unconstrained(*structure), climber(*structure)
        compile_seconds = time.perf_counter() - began
        given = shared(prior.model, data, prior, self.likelihood)
        ends = []
        for index, (start, seed) in enumerate(zip(starts, seeds, strict=True)):
            with chain(index, self.n_chains):
                first = functions.place(prior, prior.model.canonical(start)[0])
                ends.append(steps.run(given, first, int(seed), self.iterations, self.learning_rate))
        z = np.stack(
            [end.sample(self.draws, [int(seed), 1]) for end, seed in zip(ends, seeds, strict=True)]
        )
        bounds = np.stack([end.bounds for end in ends]) - data.n * prior.frame.log_volume
        densities = functions.densities(given)
        share = min(_share(end, densities, int(s)) for end, s in zip(ends, seeds, strict=True))
        diagnostics = {**_of_bounds(bounds), "importance_share": share}
        return Drawn(
            from_variables(prior, functions.at(z)),
            {},
            self._said(diagnostics),
            self.n_chains * self.iterations,
            compile_seconds,
            histories={"elbo": _thinned(bounds)},
            diagnostics=diagnostics,
            notes=(APPROXIMATION,),
        )

    def _said(self, found: Mapping[str, float]) -> Solver:
        """It makes no claim of success: it finished, and counted."""
        message = (
            f"{self.n_chains} approximations of {self.iterations} iterations each; bound on the log marginal "
            f"likelihood {found['elbo']:.3f}, lowest {found['elbo_lowest']:.3f}, moved by "
            f"{found['elbo_change']:+.3f} in the last tenth; importance weights keep "
            f"{found['importance_share']:.0%} of the draws"
        )
        counts = {"iterations": self.n_chains * self.iterations}
        return Solver(None, "finished", message, counts)


@dataclass(frozen=True)
class Normal:
    """The approximation: independent normal coordinates, and the bound at each iteration (frame, nats)."""

    mean: np.ndarray
    sd: np.ndarray
    bounds: np.ndarray

    def sample(self, size: int, seed: Sequence[int]) -> np.ndarray:
        """Draws (size, q)."""
        noise = np.random.default_rng(seed).standard_normal((size, self.mean.size))
        return self.mean + self.sd * noise

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """log q at z (m, q)."""
        constant = self.mean.size * np.log(2 * np.pi) / 2
        scaled = (z - self.mean) / self.sd
        return -0.5 * (scaled**2).sum(axis=1) - np.log(self.sd).sum() - constant


@dataclass(frozen=True)
class Climber:
    """One compiled step of ascent, its state in shared variables that `run` sets anew.

    Parameters
    ----------
    step : callable
        Takes no argument, moves the state, and gives the bound at a random point with its sign changed.
    model : pymc.Model
        Holds the data.
    mean, rho, rate, random : shared variables
        Means and spreads (softplus of rho) of the coordinates, learning rate, random generator.
    memory : tuple
        The optimiser's own variables, each with what it is at the first step.
    order : ndarray, shape (q,)
        Where PyMC keeps each coordinate.
    """

    step: Any
    model: Any
    mean: Any
    rho: Any
    rate: Any
    random: Any
    memory: tuple[tuple[Any, np.ndarray], ...]
    order: np.ndarray

    def run(
        self,
        given: Mapping[str, np.ndarray],
        first: np.ndarray,
        seed: int,
        iterations: int,
        rate: float,
    ) -> Normal:
        """The approximation from a place; FloatingPointError if the bound is not a number."""
        for variable in self.model.data_vars:
            variable.set_value(np.asarray(given[variable.name], dtype=float))
        for variable, value in self.memory:
            variable.set_value(value)
        place = np.empty(first.size)
        place[self.order] = first
        self.mean.set_value(place)
        self.rho.set_value(np.full(first.size, np.log(np.expm1(FIRST_SD))))
        self.rate.set_value(rate)
        self.random.set_value(np.random.default_rng(seed))
        bounds, kept = np.empty(iterations), int(iterations * (1 - AVERAGED))
        mean, rho = np.zeros((2, first.size))
        for i in range(iterations):
            bounds[i] = -self.step()
            if i >= kept:
                mean += self.mean.get_value(borrow=True)
                rho += self.rho.get_value(borrow=True)
        if not np.isfinite(bounds).all():
            raise FloatingPointError(
                f"the bound is {bounds[~np.isfinite(bounds)][0]} at iteration "
                f"{int(np.argmin(np.isfinite(bounds)))}: try a smaller learning_rate"
            )
        n = iterations - kept
        return Normal((mean / n)[self.order], np.log1p(np.exp(rho / n))[self.order], bounds)


@cache
def climber(
    family: Family, n_components: int, n_features: int, form: str, ordered: bool, likelihood: str
) -> Climber:
    """The compiled step of a posterior, from this process's cache; takes seconds the first time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _compiled(declare(family, n_components, n_features, form, ordered, likelihood))


def _compiled(model: Any) -> Climber:
    import pymc as pm
    import pytensor

    inference = pm.ADVI(model=model, random_seed=0)
    (group,) = inference.approx.groups
    rate = pytensor.shared(0.01, "rate")
    step = inference.objective.step_function(
        score=True, obj_optimizer=pm.adam(learning_rate=rate), compile_kwargs={"mode": MODE}
    )
    mean, rho = group.shared_params["mu"], group.shared_params["rho"]
    held = [v for v in step.get_shared() if v not in {mean, rho, rate, *model.data_vars}]
    (random,) = (v for v in held if isinstance(v.get_value(), np.random.Generator))
    memory = tuple((v, np.array(v.get_value())) for v in held if v is not random)
    places = np.arange(group.ddim)
    order = np.concatenate([places[group.ordering[v.name][1]] for v in model.value_vars])
    step()  # numba compiles at the first call, which is not to be a fit's
    return Climber(step, model, mean, rho, rate, random, memory, order)


def _share(end: Normal, densities: tuple[Density, Density], seed: int) -> float:
    """Effective share of its draws as importance-weighted draws of the posterior: 1 if it is the posterior.

    (sum w)^2 / (n sum w^2) with w = p / q (Kong, Liu and Wong 1994, JASA 89, 278-288). It is stable where
    the ratios are nearly equal, and the shape of their tail means nothing.
    """
    z = end.sample(RATIOS, [seed, 2])
    log_p = np.array([sum(density(place) for density in densities) for place in z])
    ratios = log_p - end.log_density(z)
    w = np.exp(ratios - ratios.max())
    return float(w.sum() ** 2 / (w.size * (w**2).sum()))


def _of_bounds(bounds: np.ndarray) -> dict[str, float]:
    """Of the bounds (chains, iterations): the end of the highest and lowest chain, and how much it moved.

    The end is the mean over the last tenth of the iterations, the change (of the chain that moved most) from
    that of the tenth before.
    """
    tenth = bounds.shape[1] // 10
    last = bounds[:, -tenth:].mean(axis=1)
    change = last - bounds[:, -2 * tenth : -tenth].mean(axis=1)
    return {
        "elbo": float(last.max()),
        "elbo_lowest": float(last.min()),
        "elbo_change": float(change[np.argmax(np.abs(change))]),
    }


def _thinned(bounds: np.ndarray) -> np.ndarray:
    """Means of as many iterations each, at most `HISTORY`; a rest at the beginning is left out."""
    size = -(-bounds.shape[1] // HISTORY)
    kept = bounds[:, bounds.shape[1] % size :]
    return kept.reshape(len(bounds), -1, size).mean(axis=2)
