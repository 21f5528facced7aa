"""Where the data of a study come from: by name, so that a task needs no arrays to be sent along."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mixcompare.data import Dataset, rescaled
from mixcompare.datasets import load_dataset, read_csv
from mixcompare.errors import DataError
from mixcompare.scenarios.base import make_scenario
from mixcompare.seeds import integer


@dataclass(frozen=True)
class Source(ABC):
    """Data under the name they have in a study. Final subclasses say how they are obtained."""

    name: str

    @property
    def simulated(self) -> bool:
        """Whether every replicate is another draw."""
        return False

    @abstractmethod
    def load(self, root: int, replicate: int) -> Dataset:
        """The data of one replicate under the study's root seed, called `name`."""

    def seed(self, root: int, replicate: int) -> int:
        """Seed of the starts and fits on one replicate: of the data's name and never of a method."""
        return integer(root, "fits", self.name, replicate)


@dataclass(frozen=True)
class BuiltIn(Source):
    """A data set that comes with mixcompare."""

    dataset: str
    columns: tuple[str, ...] | None = None
    rescale: str = ""

    def load(self, root: int, replicate: int) -> Dataset:
        """See `Source`."""
        dataset = replace(load_dataset(self.dataset, self.columns), name=self.name)
        return rescaled(dataset, self.rescale) if self.rescale else dataset


@dataclass(frozen=True)
class File(Source):
    """A csv file of the user's; `digest` is that of the data when the study was read, if known.

    Raises DataError if the file has changed since: the rows of one table must have seen the same data.
    """

    path: Path
    columns: tuple[str, ...] | None = None
    counts: str | None = None
    rescale: str = ""
    digest: str = ""

    def load(self, root: int, replicate: int) -> Dataset:
        """See `Source`."""
        dataset = replace(read_csv(self.path, self.columns, self.counts), name=self.name)
        if self.rescale:
            dataset = rescaled(dataset, self.rescale)
        if self.digest and dataset.digest != self.digest:
            raise DataError(
                f"{self.path}: expected the data that were there when the study began, got others: the "
                f"file was changed during the run. Run the study again with --fresh."
            )
        return dataset


@dataclass(frozen=True)
class Simulated(Source):
    """A scenario with its parameters; replicate r is drawn by the scenario's own generator."""

    scenario: str
    parameters: Mapping[str, Any]

    @property
    def simulated(self) -> bool:
        """See `Source`."""
        return True

    def load(self, root: int, replicate: int) -> Dataset:
        """See `Source`."""
        scenario = make_scenario(self.scenario, **self.parameters)
        return scenario.draw(scenario.rng(root, self.name, replicate), self.name)


@dataclass(frozen=True, eq=False)
class Kept(Source):
    """Data of a file as they were kept with the results, wherever the file is now."""

    dataset: Dataset

    def load(self, root: int, replicate: int) -> Dataset:
        """See `Source`."""
        return self.dataset


@dataclass(frozen=True, eq=False)
class InMemory(Source):
    """Data handed over in Python: they travel with the tasks.

    Its seed is the root seed itself, so that a row of `compare` is what `fit` gives with the same seed.
    """

    dataset: Dataset

    def load(self, root: int, replicate: int) -> Dataset:
        """See `Source`."""
        return self.dataset

    def seed(self, root: int, replicate: int) -> int:
        """See `Source`."""
        return root
