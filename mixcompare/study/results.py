"""Results: the rows of a study or comparison, and everything that is read off them.

A row is never changed by what is computed here. Best known values, gaps and distinct optima relate rows
to each other and are found anew at each reading (ends.py, optima.py); tables are in summaries.py and
accuracy.py, plain English in answer.py and sentences.py, expectations in expect.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixcompare import registry
from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError, StoreError
from mixcompare.mixture import MixtureModel
from mixcompare.store.slice_files import SliceFile
from mixcompare.study import (
    accuracy,
    advice,
    answer,
    calibration,
    claims,
    criteria,
    diagnostics,
    discovery,
    ends,
    expect,
    from_starts,
    groups,
    iterations,
    margins,
    modes,
    optima,
    pairs,
    passes,
    predictive,
    predictive_check,
    recovery,
    sentences,
    summaries,
)
from mixcompare.study import histories as histories_of
from mixcompare.study.histories import History
from mixcompare.study.iterations import Run
from mixcompare.study.modes import Visits
from mixcompare.study.predictive_check import Feature
from mixcompare.study.replay import Plan, Replay, repeat
from mixcompare.study.slices import StudySlice, read_slices
from mixcompare.theta import Theta


class Results:
    """What a study or comparison left behind.

    Parameters
    ----------
    fits : DataFrame
        One row a planned fit, in study order, as stored.
    trajectories : DataFrame
        Long: key, passes, loglik (the running best, nats).
    study : mapping
        The study file as parsed: title, question, seed, data, model, method, expect.
    data : mapping
        (name, replicate) -> Dataset; of a scenario at least replicate 0. A Dataset's `truth` may be None.
    draws : callable
        Relative path of a row's draws -> ArviZ object.
    quick : bool
        Whether it was run at quick size: expectations `at = "full"` are then not checked.
    histories : DataFrame
        Long: key, step, passes, loglik, theta (JSON, in the method's own order); of fits whose parameters
        were kept at every evaluation.
    slices : mapping
        Name -> slice as stored.
    plan : callable
        Returns the tasks behind the rows, for `replay`.
    """

    def __init__(
        self,
        fits: pd.DataFrame,
        trajectories: pd.DataFrame,
        study: Mapping[str, Any] | None = None,
        data: Mapping[tuple[str, int], Dataset] | None = None,
        draws: Callable[[str], Any] | None = None,
        quick: bool = False,
        histories: pd.DataFrame | None = None,
        slices: Mapping[str, SliceFile] | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.fits = fits
        self.trajectories = trajectories
        self.study: dict[str, Any] = dict(study or {})
        self.data = dict(data or {})
        self.draws = draws
        self.quick = quick
        self.histories = (
            pd.DataFrame(columns=histories_of.COLUMNS) if histories is None else histories
        )
        self._slices = dict(slices or {})
        self._plan = plan
        self._passes: dict[tuple[float, ...], pd.DataFrame] = {}
        self._criteria: dict[str | None, pd.DataFrame] = {}

    def __repr__(self) -> str:
        kinds = [self.rows[name].nunique() for name in ("data", "model", "method")]
        return "Results({} fits: {} data, {} models, {} methods)".format(len(self.rows), *kinds)

    # -- rows -------------------------------------------------------------------------------------

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The fits with what relates them: said, sound, gap, reached, ... (`ends.relate`).

        A posterior whose draws missed a mode that some fit has found since is no longer sound
        (`ends.correct`).
        """
        return ends.correct(self._related, modes.missed(self._modes))

    def gaps(self) -> pd.Series:
        """Nats below the best known value of the same data, replicate and model, one a fit."""
        return self.rows["gap"]

    def table(self) -> pd.DataFrame:
        """One row a fit, in readable columns."""
        return summaries.fit_table(self.rows)

    def replay(self, key: str) -> Replay:
        """One fit again, from its row: the record now, and a card that compares it with then.

        `key` is that of a row, or its beginning. Raises SpecError if no row, or more than one, has it, or
        if these rows came without their plan.
        """
        if self._plan is None:
            raise SpecError(
                "replay: expected results of run_study, load_results or compare, got rows"
            )
        ran = self.study.get("run", {}).get("versions") or {}
        return repeat(key, self.fits, self.trajectories, self._plan, ran)

    def history(self, key: str) -> History:
        """Every evaluation of a fit whose parameters were kept; SpecError for any other key."""
        return histories_of.read(self.fits, self.histories, key)

    # -- tables -----------------------------------------------------------------------------------

    def iterations(self) -> pd.DataFrame:
        """Parameters at every step kept, one line each, as people read them (`iterations.table`)."""
        return iterations.table(self)

    def summary(self) -> pd.DataFrame:
        """One row per data, model and method (`summaries.summarise`)."""
        return summaries.summarise(self.rows)

    def optima(self) -> pd.DataFrame:
        """Distinct verified optima (`optima.find_optima`)."""
        return self._optima[0].copy()

    def groups(self) -> pd.DataFrame:
        """Known groups beside the components of each distinct optimum (`groups.tabulate`)."""
        return self._groups.copy()

    def modes(self) -> pd.DataFrame:
        """Which optima the draws of each posterior visited, and what they missed (`modes.table`)."""
        return self._modes.copy()

    def diagnostics(self) -> pd.DataFrame:
        """R-hat, effective sizes and cost of each posterior (`diagnostics.tabulate`)."""
        return diagnostics.tabulate(self.rows)

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Every fit whose parameters were kept, by key, as people read them (`iterations.read`)."""
        return iterations.read(self)

    @cached_property
    def visits(self) -> dict[str, Visits]:
        """Where the draws of each posterior went, by key; of posteriors whose draws and data are at hand."""
        rows, found = self._related, {}
        for _, row in rows[rows["sampler"]].iterrows():
            at, place = (row["data"], row["replicate"]), row["draws"]
            if at not in self.data or not isinstance(place, str) or not place:
                continue
            optima = self._optima[0]
            known = optima[(optima[ends.CASE] == [row[name] for name in ends.CASE]).all(axis=1)]
            dataset = self.data[at]
            model = self.model_on(row["model"], dataset)
            tree = None if known.empty or model is None else self.tree(place)
            if model is None or tree is None:
                continue
            seen = modes.visit(model, dataset, ends.parse(row["prior"]), tree, known)
            if seen is not None:
                found[str(row["key"])] = seen
        return found

    @cached_property
    def slices(self) -> dict[str, StudySlice]:
        """The study's slices of the likelihood by name: surface, basins, paths (`slices.read_slices`)."""
        return read_slices(self, self._slices)

    def reached_by(self) -> pd.DataFrame:
        """How often each method ended at each distinct optimum (`discovery.count_reached`)."""
        return discovery.count_reached(self.rows, *self._optima)

    def best_known(self) -> pd.DataFrame:
        """Best known values and their evidence: who reached them, how often (`discovery.weigh_best`)."""
        return discovery.weigh_best(self.rows)

    def discovery(self) -> pd.DataFrame:
        """The chance that one more random start finds a new optimum (`discovery.estimate_new`)."""
        return discovery.estimate_new(self.rows, *self._optima)

    def from_starts(self) -> pd.DataFrame:
        """Kept histories: how long each fit took from its start (`from_starts.from_starts`)."""
        return self._from_starts.copy()

    def claims(self, pooled: bool = False) -> pd.DataFrame:
        """What solvers said against what was found, with rates and intervals (`claims.judge_claims`).

        One row per data, model, method and word; `pooled`: per method and word, over all data and models.
        """
        by = claims.POOLED if pooled else summaries.METHOD
        return claims.judge_claims(self.rows, int(self.study.get("seed", 0)), by)

    def claimed_and_found(self, pooled: bool = False) -> pd.DataFrame:
        """Numbers of fits by word (rows) and finding (columns) (`claims.cross_tabulate`)."""
        return claims.cross_tabulate(self.rows, claims.POOLED if pooled else summaries.METHOD)

    def pairs(self, event: str = "reached") -> pd.DataFrame:
        """Two methods from the same starts: exact McNemar, paired differences (`pairs.compare_pairs`)."""
        return pairs.compare_pairs(self.rows, event)

    def passes_to(self, tolerances: Sequence[float] = passes.TOLERANCES) -> pd.DataFrame:
        """Passes until each fit was within so many nats of the best known value (`passes.passes_to`)."""
        asked = tuple(tolerances)
        if asked not in self._passes:
            q = {names: self._n_parameters(*names) for names in self._cases}
            self._passes[asked] = passes.passes_to(self.rows, self.trajectories, q, asked)
        return self._passes[asked].copy()

    def cost(self, tolerances: Sequence[float] = passes.TOLERANCES) -> pd.DataFrame:
        """Cost in passes, one row per data, model, method and tolerance (`passes.summarise_cost`)."""
        return passes.summarise_cost(self.passes_to(tolerances))

    def performance_profiles(self, tolerances: Sequence[float] = passes.TOLERANCES) -> pd.DataFrame:
        """Dolan and More's, over all data and models (`passes.performance_profiles`)."""
        return passes.performance_profiles(self.passes_to(tolerances))

    def data_profiles(self, tolerances: Sequence[float] = passes.TOLERANCES) -> pd.DataFrame:
        """More and Wild's, over all data and models (`passes.data_profiles`)."""
        return passes.data_profiles(self.passes_to(tolerances))

    def runtime_distributions(
        self, tolerances: Sequence[float] = passes.TOLERANCES
    ) -> pd.DataFrame:
        """Hoos and Stuetzle's, one per data, model and method (`passes.runtime_distributions`)."""
        return passes.runtime_distributions(self.passes_to(tolerances))

    def criteria(self, data: str | None = None) -> pd.DataFrame:
        """AIC, BIC, ICL and leave-one-out by model and method, of all data or some (`criteria.tabulate`)."""
        if data not in self._criteria:
            self._criteria[data] = criteria.tabulate(self, data)
        return self._criteria[data].copy()

    def near_thresholds(self, factor: float = margins.NEAR) -> pd.DataFrame:
        """Verdicts that hung on a threshold (`margins.near_thresholds`)."""
        return margins.near_thresholds(self.rows, factor)

    def accuracy(self) -> pd.DataFrame:
        """Simulated data: bias, RMSE, divergence, coverage, each with its error (`accuracy.measure`)."""
        return self._accuracy.copy()

    def recovery(self) -> pd.DataFrame:
        """Simulated data: learned against true parameters, components paired (`recovery.pair`)."""
        return self._recovery.copy()

    def predictive(self) -> pd.DataFrame:
        """Simulated data: log density on fresh data, paired differences (`predictive.compare_predictive`)."""
        return predictive.compare_predictive(self.rows)

    def predictive_check(self, data: str, model: str) -> tuple[Feature, ...]:
        """Each feature of replicate 0 beside samples from the best known optimum (`predictive_check.check`).

        Nothing where there is no such optimum, or the data are discrete or too many.
        """
        found = self._optima[0]
        best = found[(found[["data", "model", "replicate"]] == [data, model, 0]).all(axis=1)]
        best = best[best["standing"] == "global"]
        dataset = self.data.get((data, 0))
        fitted = self.model_on(model, dataset)
        if best.empty or dataset is None or fitted is None:
            return ()
        theta, seed = Theta.from_dict(best["theta"].iloc[0]), int(self.study.get("seed", 0))
        return predictive_check.check(fitted, dataset, theta, seed, data, model)

    def calibration(self) -> pd.DataFrame:
        """Truths drawn from a prior: whether their ranks are uniform (`calibration.calibrate`)."""
        return self._calibration.copy()

    def expectations(self) -> pd.DataFrame:
        """The study's [[expect]] blocks, each reproduced, not reproduced or not checked (`expect.check`)."""
        return self._expectations.copy()

    # -- words ------------------------------------------------------------------------------------

    def answer(self) -> list[str]:
        """The study's answer in paragraphs: who found the best known optimum, and knew it (`answer.tell`)."""
        return answer.tell(self)

    def sentences(self) -> list[str]:
        """What was asked and what came out, in plain English (`sentences.tell`)."""
        return sentences.tell(self)

    def advice(self, data: str | None = None, model: str | None = None, brief: bool = False) -> str:
        """One plain sentence about what to believe, for one data set and model (`advice.advise`)."""
        return advice.advise(self, data, model, brief)

    def report(
        self, out: str | Path, formats: tuple[str, ...] = ("html", "md", "csv", "tex")
    ) -> Path:
        """Write the report into a folder; the path of its main file."""
        path: Path = registry.load("reporters", "html")(self, out, formats)
        return path

    # -- what the tables need ---------------------------------------------------------------------

    @cached_property
    def models(self) -> dict[str, MixtureModel]:
        """By name: those of the study file, and others as far as family and K describe them."""
        found = optima.models_of(self.study)
        for name, rows in self._related.groupby("model", sort=False):
            family, K = rows["family"].iloc[0], rows["n_components"].iloc[0]
            if name not in found and isinstance(family, str) and np.isfinite(K):
                found[str(name)] = MixtureModel(family, int(K))
        return found

    def model_on(self, name: str, dataset: Dataset | None) -> MixtureModel | None:
        """A model as it is on its data, as declared if they are not at hand; None if unknown."""
        model = self.models.get(name)
        if model is None or dataset is None:
            return model
        try:
            return model.on(dataset)
        except DataError:  # its rows say so
            return model

    def dataset(self, name: str, replicate: int = 0) -> Dataset | None:
        """The data of a replicate, else those of the first replicate at hand, else None."""
        if (name, replicate) in self.data:
            return self.data[name, replicate]
        others = sorted(key for key in self.data if key[0] == name)
        return self.data[others[0]] if others else None

    @property
    def _cases(self) -> list[tuple[str, str]]:
        """Names of data and models that were fitted together."""
        return list(dict.fromkeys(zip(self.rows["data"], self.rows["model"], strict=True)))

    def _n_parameters(self, data: str, model: str) -> float:
        """Free parameters of a model on its data; nan if either is not at hand."""
        dataset = self.dataset(data)
        found = self.model_on(model, dataset)
        if dataset is None or found is None:
            return np.nan
        return found.n_parameters(dataset.n_features)

    @cached_property
    def _related(self) -> pd.DataFrame:
        return ends.relate(self.fits)

    @cached_property
    def _optima(self) -> tuple[pd.DataFrame, pd.Series]:
        return optima.find_optima(self._related, self._log_density)

    @cached_property
    def _groups(self) -> pd.DataFrame:
        return groups.tabulate(self._optima[0], self.model_on, self.data)

    @cached_property
    def _modes(self) -> pd.DataFrame:
        optima = self._optima[0] if self.visits else pd.DataFrame()  # which take their time
        return modes.table(self._related, optima, self.visits)

    def tree(self, place: str) -> Any:
        """Stored draws, or None."""
        try:
            return self.draws(place) if self.draws else None
        except StoreError:  # rows can be read without draws; whoever asks for the draws is told
            return None

    @cached_property
    def _expectations(self) -> pd.DataFrame:
        return expect.check(self, self.study.get("expect", []), self.quick)

    @cached_property
    def _from_starts(self) -> pd.DataFrame:
        return from_starts.from_starts(self)

    @cached_property
    def _accuracy(self) -> pd.DataFrame:
        return accuracy.measure(self.rows)

    @cached_property
    def _recovery(self) -> pd.DataFrame:
        return recovery.pair(self.rows, self.dataset, self.model_on)

    @cached_property
    def _calibration(self) -> pd.DataFrame:
        return calibration.calibrate(self.rows)

    def _log_density(self, row: Any, theta: Theta) -> np.ndarray | None:
        """Fitted log-density (n,) at the data of a row.

        Of a scenario only the first replicate may be at hand: then at that, which comes from the same
        distribution and tells densities apart as well.
        """
        dataset = self.dataset(row.data, row.replicate)
        model = self.model_on(row.model, dataset)
        if dataset is None or model is None:
            return None
        return model.log_density(dataset.x, theta)
