"""Gibbs sampling by data augmentation, the Bayesian sister of EM, in compiled code.

Diebolt and Robert (1994, J. R. Statist. Soc. B 56, 363-375), after Tanner and Wong (1987, J. Am. Statist.
Assoc. 82, 528-540). Where EM takes expected components of the observations, a sweep draws them; where EM
takes the parameters that maximise given those, a sweep draws weights and parameters from their full
conditionals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.errors import DataError
from mixcompare.estimators.gibbs_loop import make_gibbs
from mixcompare.estimators.sampled import Drawn, Sampler, chain
from mixcompare.families.core import made
from mixcompare.families.fused_pass import FusedPass
from mixcompare.mixture import MixtureModel
from mixcompare.prior import ModelPrior, Prior
from mixcompare.records import Solver
from mixcompare.runs import QUANTUM
from mixcompare.theta import Theta

State = tuple[np.ndarray, np.ndarray]
"""Where a chain is: the table of parameters (K, p) in the frame, and the logarithms of the weights (K,)."""


@dataclass(frozen=True)
class Gibbs(Sampler):
    """Several chains of data augmentation, chain i from the i-th start.

    Parameters
    ----------
    draws, tune : int
        Draws kept a chain, and sweeps before them.
    thin : int
        Sweeps for one draw, of which the last is kept: sweeps are cheap and autocorrelated, and what is done
        with a draw costs more.
    priors : str or mapping, optional
        As for every sampler, but conjugate: without it the first of the family's forms that is.

    Notes
    -----
    Passes are sweeps, those that are not kept included. Labels are left as they come: no
    permutation is drawn, so a chain may never switch them, and draws are renumbered afterwards like those
    of other samplers. Counts must be whole numbers (DataError): each observation is allocated by itself.
    """

    draws: int = 2000
    tune: int = 500
    thin: int = 1

    name: ClassVar[str] = "gibbs"
    least: ClassVar[Mapping[str, int]] = {"draws": 4, "tune": 1, "thin": 1, "n_chains": 1}

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Families and priors whose full conditionals can be drawn from."""
        reason = super().supports(model, n_features)
        form, known = self.prior(model).form, _conjugate(model)
        if reason or form in known:
            return reason
        if known:
            return (
                f'the prior "{form}" of the {model.family.name} family is not conjugate, so its parameters '
                f"cannot be drawn given the components of the observations: expected {' or '.join(known)}"
            )
        return (
            f"the {model.family.name} family states no conjugate prior, so its parameters cannot be drawn "
            "given the components of the observations"
        )

    def prior(self, model: MixtureModel) -> Prior:
        """See `Sampler`; without a form the first of the family's that is conjugate."""
        asked, known = Prior.of(self.priors), _conjugate(model)
        return replace(asked, form=known[0]) if known and not asked.form else super().prior(model)

    def _draw(
        self, prior: ModelPrior, data: Dataset, starts: Sequence[Theta], seeds: np.ndarray
    ) -> Drawn:
        _check_counts(data)
        began = time.perf_counter()
        sweeper = Sweeper.of(prior, data)
        compile_seconds = time.perf_counter() - began
        kept = []
        for index, (start, seed) in enumerate(zip(starts, seeds, strict=True)):
            with chain(index, self.n_chains):
                rng, state = np.random.default_rng(seed), sweeper.at(start)
                sweeper.run(state, rng, self.tune)
                kept.append(sweeper.run(state, rng, self.draws, self.thin))
        points, log_weights, loglik = (np.stack(arrays) for arrays in zip(*kept, strict=True))
        message = (
            f"{self.n_chains} chains of {self.draws * self.thin} sweeps after {self.tune} sweeps each"
            + (f", one in {self.thin} kept" if self.thin > 1 else "")
        )
        sweeps = (self.tune + self.draws * self.thin) * self.n_chains
        return Drawn(
            draws=Draws(np.exp(log_weights), sweeper.parameters(points)),
            statistics={"loglik": loglik},
            solver=Solver(None, "finished", message, {"sweeps": sweeps}),
            passes=float(sweeps),
            compile_seconds=compile_seconds,
        )


@dataclass(frozen=True)
class Sweeper:
    """The compiled loop on one data set; `prior` is as the loop takes it."""

    fused: FusedPass
    loop: Callable[..., int]
    prior: tuple[float, np.ndarray]

    @classmethod
    def of(cls, prior: ModelPrior, data: Dataset) -> Sweeper:
        """Compiled, too, by a call without a sweep."""
        components, model = prior.components, prior.model
        fused = model.family.begin(data, model.n_components)
        assert isinstance(fused, FusedPass)
        loop = made(make_gibbs, fused.core, components.conjugate)
        numbers = components.packed(data.n_features, prior.numbers)
        sweeper = cls(fused, loop, (prior.concentration, numbers))
        P = np.zeros_like(fused.P)
        sweeper._sweep((P, np.zeros(len(P))), np.random.default_rng(0), sweeper._room(0), 1)
        return sweeper

    def at(self, theta: Theta) -> State:
        """The state of a chain that begins at a point."""
        with np.errstate(divide="ignore"):
            return self.fused.table(theta.parameters), np.log(theta.weights)

    def run(
        self, state: State, rng: np.random.Generator, draws: int, thin: int = 1
    ) -> tuple[np.ndarray, ...]:
        """Points (draws, K, p) in the frame, log weights (draws, K), log-likelihoods (draws,).

        The state goes on by draws * thin sweeps; of every thin the point from which the last one starts is
        kept. ArithmeticError if a log-likelihood is not finite.
        """
        kept = self._room(draws)
        each = self.fused.x.shape[1] * self.fused.K * (self.fused.M + 8) * thin
        step = max(1, int(QUANTUM / each))
        for first in range(0, draws, step):  # in parts, because compiled code hears no interrupt
            part = tuple(array[first : first + step] for array in kept)
            last = self._sweep(state, rng, part, thin) - 1
            if not np.isfinite(part[2][last]):
                raise ArithmeticError(
                    f"the log-likelihood is {part[2][last]} at draw {first + last + 1}"
                )
        return kept

    def parameters(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Natural parameters (..., K, ...) in the data's units of points (..., K, p)."""
        family, frame = self.fused.family, self.fused.frame
        flat = family.untable(points.reshape(-1, points.shape[-1]), frame.scale.size)
        shape = points.shape[:-1]
        framed = {name: value.reshape(*shape, *value.shape[1:]) for name, value in flat.items()}
        return family.from_frame(framed, frame)

    def _room(self, sweeps: int) -> tuple[np.ndarray, ...]:
        K, p = self.fused.P.shape
        return np.empty((sweeps, K, p)), np.empty((sweeps, K)), np.empty(sweeps)

    def _sweep(
        self, state: State, rng: np.random.Generator, kept: tuple[np.ndarray, ...], thin: int
    ) -> int:
        fused = self.fused
        return self.loop(rng, fused.data, fused.layout, self.prior, state, fused.S, kept, thin)


def _conjugate(model: MixtureModel) -> list[str]:
    """The family's forms that are conjugate, which no number of features changes."""
    family = model.family
    return [form for form in family.prior_forms if family.component_prior(form, 1).conjugate]


def _check_counts(data: Dataset) -> None:
    """Refuse multiplicities that count no observations (DataError)."""
    broken = np.flatnonzero(data.weights != np.rint(data.weights))
    if broken.size:
        raise DataError(
            f"{data.name}: expected whole counts, got {data.weights[broken[0]]:g} in row {broken[0] + 1}: "
            "gibbs draws a component for each observation. Use nuts, which takes any weights."
        )
