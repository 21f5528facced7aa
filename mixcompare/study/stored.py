"""What a study or comparison left behind, with the data and models that it is read with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError, StoreError
from mixcompare.mixture import MixtureModel
from mixcompare.store.slice_files import SliceFile
from mixcompare.study import ends, optima
from mixcompare.study import histories as histories_of
from mixcompare.study.histories import History
from mixcompare.study.replay import Plan, Replay, repeat
from mixcompare.theta import Theta


class Stored(ABC):
    """Rows, paths, draws and histories as they were stored; `Results` reads everything off them.

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

    @property
    @abstractmethod
    def rows(self) -> pd.DataFrame:
        """The fits with what relates them to each other."""

    @cached_property
    def _related(self) -> pd.DataFrame:
        """The fits with what relates them (`ends.relate`), posteriors as they were judged when they ran."""
        return ends.relate(self.fits)

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

    # -- data, models, draws ----------------------------------------------------------------------

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

    def _n_parameters(self, data: str, model: str) -> float:
        """Free parameters of a model on its data; nan if either is not at hand."""
        dataset = self.dataset(data)
        found = self.model_on(model, dataset)
        if dataset is None or found is None:
            return np.nan
        return found.n_parameters(dataset.n_features)

    def tree(self, place: str) -> Any:
        """Stored draws, or None."""
        try:
            return self.draws(place) if self.draws else None
        except StoreError:  # rows can be read without draws; whoever asks for the draws is told
            return None

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
