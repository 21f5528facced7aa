"""The study file: its keys and types, and the one readable message that a wrong one gives.

What the keys mean together (names that exist, data that load, starts that fit) is resolve.py's to check;
`load_study` does both, so that a study that loads can be planned.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
)

from mixcompare.errors import SpecError, nearest
from mixcompare.study.explain import explain

Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Text = Annotated[str, Strict(), Field(min_length=1)]
Table = dict[str, Any]


class Section(BaseModel):
    """A table of the study file: frozen, and without other keys than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Starts(Section):
    """`n` starts of a scheme, or the points `given`, one a Theta as nested lists."""

    scheme: Text | None = None
    n: Annotated[Whole, Field(ge=1)] = 1
    given: Annotated[tuple[Table, ...], Field(min_length=1)] | None = None


class BudgetLimits(Section):
    """Limits of one fit."""

    passes: Annotated[Number, Field(gt=0)] | None = None
    seconds: Annotated[Number, Field(gt=0)] | None = None


class Intervals(Section):
    """`kinds` of intervals for each method's best end on each data set, beside Wald's and posteriors'."""

    kinds: Annotated[tuple[Text, ...], Field(min_length=1)]
    replicates: Annotated[Whole, Field(ge=2)] = 500


class History(Section):
    """Fits whose parameters are kept at every evaluation: the first starts of the first replicates.

    Of all methods and data, or of those named by their labels and names; of more evaluations than
    `points`, so many.
    """

    starts: Annotated[Whole, Field(ge=1)] = 1
    replicates: Annotated[Whole, Field(ge=1)] = 1
    methods: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    data: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    points: Annotated[Whole, Field(ge=2)] = 2000


class Quick(BaseModel):
    """What --quick reduces: at most so many starts and replicates, another budget, methods' options.

    `leave_out` names methods, by their labels, that are not run. `slice_n` is the number of starts along
    each axis of a slice, at most. Every further key is an option, given to each method that has it.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    starts: Annotated[Whole, Field(ge=1)] | None = None
    replicates: Annotated[Whole, Field(ge=1)] | None = None
    budget: BudgetLimits | None = None
    slice_n: Annotated[Whole, Field(ge=2)] | None = None
    leave_out: tuple[Text, ...] = ()


class Data(Section):
    """One [[data]] block: a data set, a file or a scenario."""

    name: Text
    dataset: Text | None = None
    file: Text | None = None
    scenario: Text | None = None
    columns: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    counts: Text | None = None
    parameters: Table | None = None
    rescale: Text | None = None
    starts: Starts | None = None
    replicates: Annotated[Whole, Field(ge=1)] | None = None


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class Model(Section):
    """One [[model]] block; a list of numbers of components makes one model each."""

    family: Text
    n_components: Annotated[tuple[Whole, ...], Field(min_length=1), BeforeValidator(_listed)]
    options: Table = Field(default_factory=dict)
    data: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None


class Method(Section):
    """One [[method]] block; `replicates` limits it to the first so many of each data set."""

    name: Text
    options: Table = Field(default_factory=dict)
    label: Text | None = None
    data: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    replicates: Annotated[Whole, Field(ge=1)] | None = None


def _plain(value: Any) -> Any:
    if all(isinstance(one, (bool, str, int, float)) for one in _listed(value)) and value != []:
        return value
    raise ValueError("a number, a text in quotes, true or false, or a list of these")


class Animate(Section):
    """The fit that the report shows in motion; its history must be kept. `start` counts from 0."""

    data: Text
    method: Text
    model: Text | None = None
    start: Annotated[Whole, Field(ge=0)] = 0


WORDS = ("title", "question", "remarks", "lead", "animate", "slice", "expect")
"""Keys on which no fit depends."""


class Expect(Section):
    """One [[expect]] block: a named summary, and the value it should have or the limits it should keep.

    A list of values is as many expectations: see `expect.each`.
    """

    quantity: Text
    where: Table = Field(default_factory=dict)
    value: Annotated[Any, AfterValidator(_plain)] = None
    min: Number | None = None
    max: Number | None = None
    tolerance: Annotated[Number, Field(ge=0)] | None = None
    relative_tolerance: Annotated[Number, Field(ge=0)] | None = None
    source: str = ""
    at: Literal["full"] | None = None


class Slice(Section):
    """One [[slice]] block: a grid over two parameters, all others as in `base`; components from 1.

    `n` points along each axis; each of the `methods` (labels) is started from all of them; `paths` of the
    fits that start on the slice and whose history is kept.
    """

    name: Text
    data: Text
    model: Text | None = None
    axes: tuple[tuple[Any, ...], ...]
    ranges: tuple[tuple[Number, ...], ...]
    n: Annotated[Whole, Field(ge=2)] = 60
    base: Table
    methods: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    paths: Annotated[bool, Strict()] = False


class Lead(Section):
    """The contest that opens the report: `methods` on `data`; all there are where one is left out."""

    data: Annotated[tuple[Text, ...], Field(min_length=1), BeforeValidator(_listed)] | None = None
    methods: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None


class StudyFile(Section):
    """The whole file. `remarks` are the author's, for the report: what no number of the study can say."""

    title: Text
    question: str = ""
    remarks: tuple[Text, ...] = ()
    seed: Annotated[Whole, Field(ge=0)] = 0
    starts: Starts = Starts(scheme="mixed", n=20)
    replicates: Annotated[Whole, Field(ge=1)] = 1
    budget: BudgetLimits = BudgetLimits()
    intervals: Intervals | None = None
    history: History | None = None
    animate: Animate | None = None
    lead: Lead | None = None
    quick: Quick = Quick()
    data: Annotated[tuple[Data, ...], Field(min_length=1)]
    model: Annotated[tuple[Model, ...], Field(min_length=1)]
    method: Annotated[tuple[Method, ...], Field(min_length=1)]
    slice: tuple[Slice, ...] = ()
    expect: tuple[Expect, ...] = ()


@dataclass(frozen=True)
class Study:
    """A study file that was read and found right. `text` is the file, `folder` where it lies."""

    file: StudyFile
    text: str
    path: Path

    @property
    def title(self) -> str:
        """The study's title."""
        return self.file.title

    @property
    def folder(self) -> Path:
        """What relative paths in the file are relative to."""
        return self.path.parent

    @property
    def modules(self) -> dict[str, str]:
        """Files beside the study in which things are that it names as module:Class, with their texts."""
        schemes = [self.file.starts.scheme, *(b.starts.scheme for b in self.file.data if b.starts)]
        named = [b.name for b in self.file.method], [b.family for b in self.file.model], schemes
        return self._beside(name for names in named for name in names if name)

    def _beside(self, names: Iterable[str]) -> dict[str, str]:
        modules = {name.partition(":")[0] for name in names if ":" in name}
        files = [
            folder / f"{module}.py" for module in sorted(modules) for folder in self.module_folders
        ]
        return {file.name: file.read_text(encoding="utf-8") for file in files if file.is_file()}

    @property
    def module_folders(self) -> tuple[Path, Path]:
        """Where those files are: beside a study file, or kept in a folder of results."""
        return self.folder, self.folder / "modules"

    def digest(self, digests: Mapping[str, str], quick: bool) -> str:
        """SHA-256 (16 hex digits) of all that fits depend on, and so none of `WORDS`.

        `digests` are those of the real data, so that a changed file is another study; so is one whose
        own contestants have changed.
        """
        words: dict[str, Any] = dict.fromkeys(WORDS, True)
        words["quick"] = {"slice_n"} if quick else True
        fits = self.file.model_dump(mode="json", exclude=words)
        modules = self.modules
        parts = [fits, dict(digests), quick, *([modules] if modules else [])]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_study(path: str | Path) -> Study:
    """Read a study file and check everything that can be wrong with it, before anything is run.

    Raises SpecError: one message that says what was expected, what came, where, and what to do.
    """
    from mixcompare.study.resolve import make_design  # needs Study: a cycle at import otherwise

    study = parse_study(_read(Path(path)), Path(path))
    for quick in (False, True):
        make_design(study, quick)
    return study


def parse_study(text: str, path: Path) -> Study:
    """The study in a text, its keys and types checked; `path` opens every message."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(
            f"{path}: expected a study in TOML, got text that cannot be read: {error}. "
            f"Texts need quotes, lists [ ], tables {{ }}."
        ) from error
    try:
        return Study(StudyFile.model_validate(values), text, path)
    except ValidationError as error:
        raise SpecError(f"{path}: {explain(error, StudyFile)}") from None


def _read(path: Path) -> str:
    if path.is_dir():
        raise SpecError(f"{path}: expected a study file, got a folder: name the .toml file in it")
    if not path.exists():
        folder = path.parent
        names = sorted(other.name for other in folder.glob("*.toml")) if folder.is_dir() else []
        there = f"expected a study file, but there is none of this name.{nearest(path.name, names)}"
        raise SpecError(f"{path}: {there}")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{path}: expected a text file in UTF-8, got other bytes ({error.reason})"
        ) from error
    except OSError as error:
        raise SpecError(
            f"{path}: expected a file that can be read, got: {error.strerror}"
        ) from error
