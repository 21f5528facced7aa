"""Sequential Monte Carlo, from the prior to the posterior by tempered likelihoods, with PyMC's kernels.

Particles start all over the prior, and the likelihood is let in by degrees: p(theta) p(x | theta)^beta, beta
from 0 to 1, reweighting, resampling and moving the particles at every stage (Ching and Chen 2007, J. Eng.
Mech. 133, 816-832; Minson, Simons and Beck 2013, Geophys. J. Int. 194, 1701-1726). Modes are held in
proportion to their mass, which chains that start in one of them cannot do; the marginal likelihood comes with
it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import SpecError, nearest
from mixcompare.estimators.posterior import shared
from mixcompare.estimators.sampled import LABELS, Drawn, GraphSampler, chain, from_variables
from mixcompare.estimators.unconstrained import Density, unconstrained
from mixcompare.prior import ModelPrior
from mixcompare.records import Solver
from mixcompare.theta import Theta

KERNELS = {"independent": ("IMH", "accept_rate"), "random-walk": ("MH", "mean_accept_rate")}
"""PyMC's name of each kernel, and its name for the share of moves accepted."""


@dataclass(frozen=True)
class SMC(GraphSampler):
    """Populations of particles that move from the prior to the posterior, one population a chain.

    Parameters
    ----------
    draws : int
        Particles of each population: its draws.
    n_chains : int
        Independent populations, one after another.
    priors, labels, likelihood
        See `GraphSampler`.
    kernel : {"independent", "random-walk"}
        How particles move within a stage: Metropolis-Hastings with proposals from the normal
        distribution that fits the population, or about where they are.
    threshold : float
        Effective share of the particles that a stage must keep: the higher, the more stages.

    Notes
    -----
    Passes are evaluations of the likelihood, of the first population and of every proposal. Particles
    come from the prior, so the starts are not used.
    """

    kernel: str = "independent"
    threshold: float = 0.5

    name: ClassVar[str] = "smc"
    least: ClassVar[Mapping[str, int]] = {**GraphSampler.least, "draws": 50}
    label_choices: ClassVar[tuple[str, ...]] = LABELS
    uses_starts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel not in KERNELS:
            expected = " or ".join(f'"{name}"' for name in KERNELS)
            raise SpecError(
                f'kernel: expected {expected}, got "{self.kernel}".{nearest(self.kernel, KERNELS)}'
            )
        if not 0 < self.threshold < 1:
            raise SpecError(f"threshold: expected a number between 0 and 1, got {self.threshold!r}")

    def _draw(
        self, prior: ModelPrior, data: Dataset, starts: Sequence[Theta], seeds: np.ndarray
    ) -> Drawn:
        began = time.perf_counter()
        functions = unconstrained(*self.structure(prior))
        compile_seconds = time.perf_counter() - began
        densities = functions.densities(shared(prior.model, data, prior, self.likelihood))
        populations = []
        for index, seed in enumerate(seeds):
            with chain(index, self.n_chains):
                rng = np.random.default_rng(int(seed))
                drawn = _from_prior(prior, self.draws, rng, self.labels == "ordered")
                first = np.stack([functions.place(prior, point) for point in drawn])
                populations.append(self._population(densities, first, rng))
        z = np.stack([population.z for population in populations])
        evidence = np.array([p.log_marginal for p in populations]) - data.n * prior.frame.log_volume
        passes = self.draws * sum(1 + int(p.moves.sum()) for p in populations)
        return Drawn(
            from_variables(prior, functions.at(z)),
            {"lp": np.stack([population.lp for population in populations])},
            self._said(populations, evidence),
            passes,
            compile_seconds,
            histories={
                name: _filled_up([getattr(population, name) for population in populations])
                for name in ("beta", "moves", "acceptance")
            },
            diagnostics=_of_evidence(evidence),
            notes=("the particles come from the prior: the starts were not used",),
        )

    def _population(
        self, densities: tuple[Density, Density], first: np.ndarray, rng: np.random.Generator
    ) -> Population:
        """One population, from its places under the prior (draws, q)."""
        import pymc as pm

        name, accepted = KERNELS[self.kernel]
        # a kernel compiles the densities of its model, and ours are there already
        with pm.Model() as stand_in:
            pm.Flat("z", shape=first.shape[1])
        kernel = getattr(pm.smc.kernels, name)(
            draws=self.draws,
            start={"z": first},
            model=stand_in,
            random_seed=rng,
            threshold=self.threshold,
            compile_kwargs={"mode": "FAST_COMPILE"},
        )
        kernel.likelihood_logp_func, kernel.prior_logp_func = densities
        kernel._initialize_kernel()
        kernel.setup_kernel()
        if not np.isfinite(kernel.likelihood_logp).any():
            raise ValueError(
                "expected particles with a finite likelihood, but none of those drawn from the prior "
                "has one: give priors nearer to the data"
            )
        stages = []
        while kernel.beta < 1:
            kernel.update_beta_and_weights()
            said = kernel.step()
            stages.append((said["beta"], kernel.n_steps - 1, said[accepted]))
        beta, moves, acceptance = np.array(stages, dtype=float).T
        return Population(
            kernel.tempered_posterior,
            kernel.tempered_posterior_logp,
            float(kernel.log_marginal_likelihood),
            beta,
            moves,
            acceptance,
        )

    def _said(self, populations: Sequence[Population], evidence: np.ndarray) -> Solver:
        """A sampler makes no claim of success: it finished, and counted."""
        stages = [population.beta.size for population in populations]
        moves = [int(population.moves.sum()) for population in populations]
        lowest = min(float(population.acceptance.min()) for population in populations)
        found = _of_evidence(evidence)
        error = found.get("log_marginal_likelihood_se")
        message = (
            f"{self.n_chains} populations of {self.draws} particles in {_span(stages)} stages with "
            f"{_span(moves)} moves in all, at least {lowest:.1%} of them accepted in a stage; log marginal "
            f"likelihood {found['log_marginal_likelihood']:.3f}"
            f"{'' if error is None else f' (standard error {error:.3f})'}"
        )
        return Solver(None, "finished", message, {"stages": sum(stages), "moves": sum(moves)})


@dataclass(frozen=True)
class Population:
    """Particles at the end: places z (draws, q), log-densities (draws,), and what the stages were.

    `log_marginal` is the log marginal likelihood in the frame; `beta`, `moves` (of every particle) and
    `acceptance` have one entry a stage.
    """

    z: np.ndarray
    lp: np.ndarray
    log_marginal: float
    beta: np.ndarray
    moves: np.ndarray
    acceptance: np.ndarray


def _from_prior(
    prior: ModelPrior, size: int, rng: np.random.Generator, ordered: bool
) -> Iterator[Theta]:
    """Draws with their labels as they come: in one order, the moves would not keep the law they have."""
    weights, parameters = prior.sample(size, rng)
    for i in range(size):
        theta = Theta(weights[i], **{name: value[i] for name, value in parameters.items()})
        yield prior.model.canonical(theta)[0] if ordered else theta


def _of_evidence(log_marginal: np.ndarray) -> dict[str, float]:
    """Logarithm of the mean of the estimates, each of them unbiased, and its standard error if it has one."""
    n = log_marginal.size
    mean = float(np.logaddexp.reduce(log_marginal) - np.log(n))
    found = {"log_marginal_likelihood": mean}
    if n > 1:
        share = np.exp(log_marginal - mean)
        found["log_marginal_likelihood_se"] = float(share.std(ddof=1) / np.sqrt(n))
    return found


def _filled_up(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of any length as one array, the shorter ones filled up with nan."""
    table = np.full((len(rows), max(row.size for row in rows)), np.nan)
    for line, row in zip(table, rows, strict=True):
        line[: row.size] = row
    return table


def _span(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"
