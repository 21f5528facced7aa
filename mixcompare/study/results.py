"""Results: the rows of a study or comparison, and everything that is read off them.

A row is never changed by what is computed here. Best known values, gaps and distinct optima relate rows
to each other and are found anew at each reading (ends.py, optima.py); tables are in summaries.py and
accuracy.py, plain English in answer.py and sentences.py, expectations in expect.py.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from mixcompare import registry
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
from mixcompare.study.iterations import Run
from mixcompare.study.modes import Visits
from mixcompare.study.predictive_check import Feature
from mixcompare.study.slices import StudySlice, read_slices
from mixcompare.study.stored import Stored


class Results(Stored):
    """What a study or comparison left behind, and everything that is read off it (parameters: `Stored`)."""

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
        return ends.correct(self._related, modes.missed(self.modes()))

    def gaps(self) -> pd.Series:
        """Nats below the best known value of the same data, replicate and model, one a fit."""
        return self.rows["gap"]

    def table(self) -> pd.DataFrame:
        """One row a fit, in readable columns."""
        return summaries.fit_table(self.rows)

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
        return self._kept(
            "groups", lambda: groups.tabulate(self._optima[0], self.model_on, self.data)
        )

    def modes(self) -> pd.DataFrame:
        """Which optima the draws of each posterior visited, and what they missed (`modes.table`)."""
        optima = self._optima[0] if self.visits else pd.DataFrame()  # which take their time
        return self._kept("modes", lambda: modes.table(self._related, optima, self.visits))

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
        return modes.read(self._related, lambda: self._optima[0], self)

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
        return self._kept("from_starts", lambda: from_starts.from_starts(self))

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
        return self._kept(("passes", *asked), lambda: self._passes_to(asked))

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
        return self._kept(("criteria", data), lambda: criteria.tabulate(self, data))

    def near_thresholds(self, factor: float = margins.NEAR) -> pd.DataFrame:
        """Verdicts that hung on a threshold (`margins.near_thresholds`)."""
        return margins.near_thresholds(self.rows, factor)

    def accuracy(self) -> pd.DataFrame:
        """Simulated data: bias, RMSE, divergence, coverage, each with its error (`accuracy.measure`)."""
        return self._kept("accuracy", lambda: accuracy.measure(self.rows))

    def recovery(self) -> pd.DataFrame:
        """Simulated data: learned against true parameters, components paired (`recovery.pair`)."""
        return self._kept("recovery", lambda: recovery.pair(self.rows, self.dataset, self.model_on))

    def predictive(self) -> pd.DataFrame:
        """Simulated data: log density on fresh data, paired differences (`predictive.compare_predictive`)."""
        return predictive.compare_predictive(self.rows)

    def predictive_check(self, data: str, model: str) -> tuple[Feature, ...]:
        """Replicate 0 beside samples from the best known optimum (`predictive_check.of_case`)."""
        return predictive_check.of_case(self, data, model)

    def calibration(self) -> pd.DataFrame:
        """Truths drawn from a prior: whether their ranks are uniform (`calibration.calibrate`)."""
        return self._kept("calibration", lambda: calibration.calibrate(self.rows))

    def expectations(self) -> pd.DataFrame:
        """The study's [[expect]] blocks, each reproduced, not reproduced or not checked (`expect.check`)."""
        stated = self.study.get("expect", [])
        return self._kept("expectations", lambda: expect.check(self, stated, self.quick))

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

    # -- made once --------------------------------------------------------------------------------

    @cached_property
    def _optima(self) -> tuple[pd.DataFrame, pd.Series]:
        return optima.find_optima(self._related, self._log_density)

    def _passes_to(self, asked: tuple[float, ...]) -> pd.DataFrame:
        names = dict.fromkeys(zip(self.rows["data"], self.rows["model"], strict=True))
        q = {case: self._n_parameters(*case) for case in names}
        return passes.passes_to(self.rows, self.trajectories, q, asked)

    @cached_property
    def _tables(self) -> dict[Hashable, pd.DataFrame]:
        return {}

    def _kept(self, name: Hashable, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """A table that is made once; whoever asks has a copy of their own."""
        if name not in self._tables:
            self._tables[name] = make()
        return self._tables[name].copy()
