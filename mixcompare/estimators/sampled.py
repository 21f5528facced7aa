"""What all samplers share: their settings, and everything that follows the draws.

A sampler says how draws are taken (`_draw`); relabelling, the summary, its words and notes are here, so that
draws of different samplers differ in nothing but how they were taken.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from mixcompare import draws as summaries
from mixcompare.data import Dataset
from mixcompare.draws import Draws
from mixcompare.errors import DataError, SpecError, nearest
from mixcompare.estimators.base import Estimator
from mixcompare.estimators.likelihoods import check_name, unsupported
from mixcompare.families.base import Family
from mixcompare.mixture import MixtureModel
from mixcompare.prior import ModelPrior, Prior
from mixcompare.problem import Problem
from mixcompare.records import Claim, Posterior, Solver
from mixcompare.relabel import relabel
from mixcompare.theta import Theta

EMPIRICAL = "priors are scaled by the data (empirical Bayes)"

LABELS = ("free", "ordered")
"""Components as they come, renumbered afterwards; or held in the order of their locations while drawing."""


@dataclass(frozen=True)
class Drawn:
    """What a sampler hands over.

    Parameters
    ----------
    draws : Draws
        In the data's own units, labels as sampled.
    statistics : mapping
        What the sampler said of each draw, by ArviZ's names: (chains, draws, ...). It need not have any.
    solver : Solver
        Its own words.
    passes : float
        Evaluations of the likelihood (and its gradient, where it takes one), warm-up included.
    compile_seconds : float
    histories : mapping
        What it said of its way, name -> (chains, m), shorter ones filled up with nan: a bound, a schedule.
    diagnostics : mapping
        Numbers that only this sampler has.
    notes : tuple of str
    """

    draws: Draws
    statistics: Mapping[str, np.ndarray]
    solver: Solver
    passes: float
    compile_seconds: float = 0.0
    histories: Mapping[str, np.ndarray] = field(default_factory=dict)
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sampler(Estimator):
    """Several chains on one core, chain i from the i-th start.

    Parameters
    ----------
    draws : int
        Draws kept a chain.
    n_chains : int
    priors : str or mapping, optional
        A form ("weak", "richardson-green", "flat"), or a table {form = .., mean = .., ..} whose numbers, in
        the data's units, stand in for those scaled by the data (prior.py, families/priors/). Without it the
        family's first form.
    labels : {"free", "ordered"}
        "free": components are renumbered after sampling (relabel.py). "ordered": the sampler keeps their
        locations (of the first feature) in ascending order, and their numbers are those it gave.

    Notes
    -----
    A budget does not stop a chain: a posterior cut short is not one. Draws that have just not mixed are
    taken once more by the driver, twice as many; without a budget alone. The point is the mean of the
    relabelled draws in natural parameters. A chain that fails takes the fit with it: its record says
    which, and why.
    """

    draws: int = 1000
    n_chains: int = 4
    priors: Any = None
    labels: str = "free"

    kind: ClassVar[str] = "sampler"
    exact: ClassVar[bool] = True
    """Whether draws come from the posterior itself, given time enough; False for an approximation."""
    least: ClassVar[Mapping[str, int]] = {"draws": 4, "n_chains": 1}
    """Settings that count something, and the least of each."""
    label_choices: ClassVar[tuple[str, ...]] = ("free",)
    """Those of `LABELS` that it can keep to."""
    uses_starts: ClassVar[bool] = True
    """Whether chains begin at the starts; otherwise they bring their own."""

    def __post_init__(self) -> None:
        for name, least in self.least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(
                    f"{name}: expected a whole number of at least {least}, got {value!r}"
                )
        if self.labels not in LABELS:
            raise SpecError(
                f'labels: expected "free" or "ordered", got {self.labels!r}.'
                f"{nearest(str(self.labels), LABELS)}"
            )
        Prior.of(self.priors)

    @property
    def chains(self) -> int:
        """n_chains: as many starts are used."""
        return self.n_chains

    def longer(self) -> Sampler:
        """See `Estimator`: seeds being the same, the same chains run on."""
        return replace(self, draws=2 * self.draws)

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """Families that state such a prior, and labels that the sampler and the family can keep to."""
        if self.labels not in self.label_choices:
            return f"{self.name} has no way to keep components in order while it draws"
        prior = self.prior(model)
        reason = prior.unsupported(model, n_features)
        if reason or self.labels == "free":
            return reason
        return model.family.component_prior(prior.form, n_features).unordered

    def prior(self, model: MixtureModel) -> Prior:
        """The prior for a model: what was asked for, the family's first form where none was."""
        asked = Prior.of(self.priors)
        first = next(iter(model.family.prior_forms), "")
        return asked if asked.form else replace(asked, form=first)

    def fit(self, problem: Problem, start: Theta, rng: np.random.Generator) -> Claim:
        """All chains from one start; see `run`."""
        return self.run(problem, [start], rng)

    def run(self, problem: Problem, starts: Sequence[Theta], rng: np.random.Generator) -> Claim:
        """All chains; starts are used in turn if there are fewer than chains.

        DataError for a start at which the likelihood is not finite.
        """
        data, model = problem.lend("the sampler evaluates its own graph"), problem.model
        used = [starts[i % len(starts)] for i in range(self.n_chains)]
        if self.uses_starts:
            for number, start in enumerate(used, 1):
                _check_start(model, data, start, number)
        seeds = rng.integers(2**32, size=self.n_chains)
        prior = self.prior(model).on(model, data)
        drawn = self._draw(prior, data, used, seeds)
        posterior, theta = _summarised(prior, data, drawn, self.labels == "free", self.exact)
        return Claim(
            theta=theta,
            solver=drawn.solver,
            posterior=posterior,
            passes=float(drawn.passes),
            compile_seconds=drawn.compile_seconds,
            notes=(*self._notes(problem, used, prior), *drawn.notes),
        )

    @abstractmethod
    def _draw(
        self, prior: ModelPrior, data: Dataset, starts: Sequence[Theta], seeds: np.ndarray
    ) -> Drawn:
        """All chains, chain i from starts[i] with seeds[i] alone: a prefix of chains is the same chains."""

    def _notes(
        self, problem: Problem, starts: Sequence[Theta], prior: ModelPrior
    ) -> tuple[str, ...]:
        notes = [EMPIRICAL] if prior.depends_on_data else []
        if self.labels == "ordered":
            notes.append(
                "components are numbered as the sampler's constraint has them, not relabelled"
            )
        if self.uses_starts and self.n_chains > 1 and all(s == starts[0] for s in starts):
            notes.append("all chains start at the same point, which can hide other modes")
        if problem.budget.passes is not None or problem.budget.seconds is not None:
            notes.append("a budget does not stop a sampler: all draws were taken")
        return tuple(notes)


@dataclass(frozen=True)
class GraphSampler(Sampler):
    """A sampler of a declared PyMC model (posterior.py).

    Parameters
    ----------
    draws, n_chains, priors, labels
        See `Sampler`.
    likelihood : {"", "fused", "graph"}
        "fused": the family's own compiled pass gives log-likelihood and gradient. "graph": PyMC's
        operations do, for any family. "": "fused" for families that have it.
    """

    likelihood: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name(self.likelihood)

    def supports(self, model: MixtureModel, n_features: int) -> str:
        """See `Sampler`; and families that have such a likelihood."""
        return super().supports(model, n_features) or unsupported(model.family, self.likelihood)

    def structure(self, prior: ModelPrior) -> tuple[Family, int, int, str, bool, str]:
        """What fixes the model that is declared and compiled, as `posterior.declare` takes it."""
        model = prior.model
        form, ordered = prior.components.form, self.labels == "ordered"
        return model.family, model.n_components, prior.n_features, form, ordered, self.likelihood


@contextmanager
def chain(index: int, n_chains: int) -> Iterator[None]:
    """Around one chain: what it raises says which chain it was, and becomes the fit's error."""
    try:
        yield
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise RuntimeError(f"chain {index + 1} of {n_chains} failed: {words}") from error


def from_variables(prior: ModelPrior, values: Mapping[str, np.ndarray]) -> Draws:
    """Draws of the declared variables (chains, draws, ...), in the frame, as draws of the mixture."""
    framed = prior.components.from_draws(values)
    parameters = prior.model.family.from_frame(framed, prior.frame)
    shape = next(iter(parameters.values())).shape[:2]
    return Draws(values["w"] if "w" in values else np.ones((*shape, 1)), parameters)


def _check_start(model: MixtureModel, data: Dataset, start: Theta, number: int) -> None:
    loglik = model.log_likelihood(data, start)
    if not np.isfinite(loglik):
        raise DataError(
            f"start of chain {number}: expected a point where every observation has a positive density, "
            f"but the log-likelihood there is {loglik}: start nearer to the data"
        )


def _summarised(
    prior: ModelPrior, data: Dataset, drawn: Drawn, renumber: bool, exact: bool
) -> tuple[Posterior, Theta]:
    """Relabelled draws with all that is said of them, and their mean; components in canonical order."""
    model, raw = prior.model, drawn.draws
    # a Problem of its own: these passes look back on the draws, and are no cost of drawing them
    loglik = summaries.log_likelihoods(Problem(model, data), raw)
    permutations = _numbering(model, data, raw, loglik, renumber)
    draws = raw.relabelled(permutations)
    tree = _tree(draws, {**drawn.statistics, "permutation": permutations}, drawn.histories)
    diagnostics = {
        "rhat": summaries.worst_rhat(draws.values),
        "rhat_label_free": summaries.worst_rhat(summaries.label_free(model, draws, loglik)),
        "rhat_raw": summaries.worst_rhat(raw.values),
        "ess_bulk": summaries.least_ess(draws.values, "bulk"),
        "ess_tail": summaries.least_ess(draws.values, "tail"),
        **_of_transitions(drawn.statistics),
        **drawn.diagnostics,
        "best_loglik": float(loglik.max()),
    }
    intervals = summaries.intervals(model, draws)
    spec = prior.prior.spec
    posterior = Posterior(tree, loglik, diagnostics, intervals, spec, approximate=not exact)
    return posterior, draws.mean()


def _numbering(
    model: MixtureModel, data: Dataset, raw: Draws, loglik: np.ndarray, renumber: bool
) -> np.ndarray:
    """Permutations (chains, draws, K) that give components their numbers."""
    if not renumber:
        numbers = np.arange(raw.weights.shape[-1])
        return np.broadcast_to(numbers, raw.weights.shape).copy()
    found = relabel(model, data, *raw.flat, loglik.ravel())
    permutations = found.reshape(raw.weights.shape)
    _, order = model.canonical(raw.relabelled(permutations).mean())
    return permutations[..., list(order)]


def _of_transitions(statistics: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Those of the diagnostics that need statistics which not every sampler has."""
    found = {}
    if "diverging" in statistics:
        found["divergences"] = float(statistics["diverging"].sum())
    if "reached_max_treedepth" in statistics:
        found["max_depth_share"] = float(statistics["reached_max_treedepth"].mean())
    if "energy" in statistics:
        found["bfmi"] = summaries.least_bfmi(statistics["energy"])
    return found


def _tree(
    draws: Draws, statistics: Mapping[str, np.ndarray], histories: Mapping[str, np.ndarray]
) -> Any:
    """An ArviZ object; the same draws give the same bytes, whenever they are taken."""
    import arviz
    import xarray

    tree = arviz.from_dict(
        {"posterior": draws.values, "sample_stats": dict(statistics)},
        dims={name: ["component"] for name in ("weights", "permutation")},
    )
    if histories:
        told = {name: (("chain", "step"), value) for name, value in histories.items()}
        tree["history"] = xarray.DataTree(xarray.Dataset(told))
    for node in tree.subtree:
        node.attrs.pop("created_at", None)
    return tree
