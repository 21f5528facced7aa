"""Vectors of independent items with two or more levels each: latent class analysis.

Density: log f(x) = sum_j log p_{j, x_j}. Statistics: the indicators of every level of every item.
Unconstrained coordinates: continuation logits, log p_l - log(p_{l+1} + ... + p_L) for all levels but the
last (Agresti 2013, Categorical Data Analysis, section 8.3.6): at every face of the simplex just the
probabilities that are zero have infinite ones. Items may have different numbers of levels: arrays are
padded, and what is padded is 0 and no parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mixcompare.data import Dataset
from mixcompare.errors import DataError, SpecError
from mixcompare.families.base import Edge, Frame, Parameters
from mixcompare.families.categorical_core import CORE
from mixcompare.families.core import Core
from mixcompare.families.discrete import DiscreteFamily
from mixcompare.families.priors.base import ComponentPrior
from mixcompare.families.priors.probabilities import DirichletProbabilities
from mixcompare.families.refusals import refuse
from mixcompare.numerics import logit

MOST = 1000
"""Levels of one item beyond which a column holds no codes."""


@dataclass(frozen=True)
class Categorical(DiscreteFamily):
    """Items with levels, `probs` (K, d, levels); data are whole-number codes.

    Codes count from 0 (0, 1, 2: as pandas and scikit-learn code), or from 1 (1, 2, 3: as poLCA expects)
    if no 0 occurs anywhere in the data; `probs[k, j, 0]` belongs to the lowest code. A level that never
    occurs gets probability zero, which is an edge.

    Parameters
    ----------
    levels : tuple of int, optional
        Levels of each item; by default as far as its largest code goes.
    first : {0, 1}, optional
        The lowest code; by default as above.
    """

    levels: tuple[int, ...] | None = None
    first: int | None = None

    name: ClassVar[str] = "categorical"

    def __post_init__(self) -> None:
        if self.first not in (None, 0, 1):
            raise SpecError(f"first: expected the lowest code, 0 or 1, got {self.first!r}")
        if self.levels is None:
            return
        given = tuple(np.atleast_1d(np.asarray(self.levels)).tolist())
        if not given or any(not isinstance(L, int) or not 1 <= L <= MOST for L in given):
            raise SpecError(
                f"levels: expected a whole number from 1 to {MOST} for each item, got {self.levels!r}"
            )
        object.__setattr__(self, "levels", given)

    # -- the data ---------------------------------------------------------------------------------

    def on(self, data: Dataset) -> Categorical:
        """Knows the levels of each item, and the lowest code."""
        if self.levels is not None and self.first is not None:
            return self
        first = self._first(data)
        levels = self.levels or tuple(int(top) - first + 1 for top in data.x.max(axis=0))
        return replace(self, levels=levels, first=first)

    def check(self, data: Dataset) -> None:
        """Raise DataError at the first value that is no code, or beyond the levels given."""
        first, advice = self._first(data), "Recode the column, or choose another family."
        if self.levels is not None and len(self.levels) != data.n_features:
            raise DataError(
                f"{data.name}: levels are given for {len(self.levels)} items, but the data have "
                f"{data.n_features} columns. Give one number of levels for each."
            )
        top = first + np.array(self.levels or [MOST] * data.n_features) - 1
        expected = f"whole-number codes from {first}"
        expected += (
            f" to at most {top.max():.0f}" if self.levels is None else " within the levels given"
        )
        wrong = (data.x < first) | (data.x > top) | (data.x != np.floor(data.x))
        refuse(data, wrong, self, expected, advice)

    def _first(self, data: Dataset) -> int:
        return int(data.x.min() >= 1) if self.first is None else self.first

    @property
    def _known(self) -> tuple[int, ...]:
        if self.levels is None:
            raise SpecError("levels: not known before the model has seen data (MixtureModel.on)")
        return self.levels

    @property
    def _lowest(self) -> int:
        """The lowest code."""
        return self.first or 0

    @property
    def _used(self) -> np.ndarray:
        """(d, levels): which entries are probabilities, and not padding."""
        levels = np.array(self._known)
        used: np.ndarray = np.arange(levels.max()) < levels[:, None]
        return used

    # -- the parameters ---------------------------------------------------------------------------

    def shapes(self, n_features: int) -> dict[str, tuple[int, ...]]:
        """See `Family`; no levels as long as they are not known."""
        return {"probs": (n_features, max(self.levels or (0,)))}

    def n_coordinates(self, n_components: int, n_features: int) -> int:
        """K sum_j (L_j - 1)."""
        return n_components * (sum(self._known) - n_features)

    def coordinate_names(self, components: Sequence[int], columns: Sequence[str]) -> list[str]:
        """See `Family`."""
        return [
            f"probability {k} of {column} = {level + self._lowest}"
            for k in components
            for column, L in zip(columns, self._known, strict=True)
            for level in range(L - 1)
        ]

    @property
    def _free(self) -> np.ndarray:
        """(d, levels): all levels of an item but its last have a coordinate."""
        used = self._used
        free = np.zeros_like(used)
        free[:, :-1] = used[:, 1:]
        return free

    def outside(self, parameters: Parameters) -> str:
        """Probabilities must lie in [0, 1] and sum to 1 for each item; padding must be 0."""
        p = parameters["probs"]
        for k, j, level in np.argwhere((p < 0) | (p > 1) | (~self._used & (p != 0))):
            where = f"of component {k + 1}, item {j + 1}, level {level + self._lowest}"
            if not self._used[j, level]:
                return f"probability {p[k, j, level]:.6g} {where} belongs to no level: it must be 0"
            return f"probability {p[k, j, level]:.6g} {where} is not in [0, 1]"
        total = p.sum(axis=2)
        for k, j in np.argwhere(np.abs(total - 1) > 1e-6):
            return f"probabilities of component {k + 1}, item {j + 1} sum to {total[k, j]:.6g}, not to 1"
        return ""

    def edges(self, parameters: Parameters) -> list[Edge]:
        """Every probability, with 0: where one is 1, the others of its item are 0."""
        return [
            Edge(
                f"probability {k + 1} of item {j + 1} = {v + self._lowest}", k, "probs", (j, v), 0.0
            )
            for k in range(len(parameters["probs"]))
            for j, L in enumerate(self._known)
            for v in range(L if L > 1 else 0)
        ]

    def moved(self, parameters: Parameters, edge: Edge, value: float) -> dict[str, np.ndarray]:
        """The item's other probabilities keep their ratios, and all sum to 1."""
        new, (j, level) = parameters["probs"].copy(), edge.index
        item = new[edge.component, j, : self._known[j]]
        others = np.arange(item.size) != level
        rest = item[others].sum()
        share = item[others] / rest if rest > 0 else np.full(item.size - 1, 1 / (item.size - 1))
        item[level], item[others] = value, (1 - value) * share
        return {"probs": new}

    def order_key(self, parameters: Parameters) -> np.ndarray:
        """By the mean code of each item, then the probabilities."""
        p = parameters["probs"]
        return np.hstack([self.moments(parameters)[0], p.reshape(len(p), -1)])

    def report_scale(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """`logits` (K, d, levels), nan where padded."""
        several = self._used & (np.array(self._known) > 1)[:, None]
        return {"logits": np.where(several, logit(parameters["probs"]), np.nan)}

    # -- one component's density ------------------------------------------------------------------

    def log_density(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        """See `Family`; -inf for what is no code."""
        with np.errstate(divide="ignore"):
            log_p = np.log(_proper(parameters["probs"]))
        out = np.zeros((x.shape[0], len(log_p)))
        for j, L in enumerate(self._known):
            code = x[:, j] - self._lowest
            known = np.isin(code, np.arange(L))
            values = log_p[:, j, np.where(known, code, 0).astype(int)].T
            out += np.where(known[:, None], values, -np.inf)
        return out

    def sample(
        self, parameters: Parameters, labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """See `Family`."""
        upper = np.cumsum(parameters["probs"], axis=2)[labels]
        # relative to the last sum, which rounding may leave below 1; padding adds nothing to it
        u = rng.random(upper.shape[:2]) * upper[:, :, -1]
        return (u[:, :, None] >= upper).sum(axis=2).astype(float) + self._lowest

    # -- the likelihood ---------------------------------------------------------------------------

    def encode(self, x: np.ndarray, frame: Frame) -> np.ndarray:
        """Indicators (sum_j L_j, n) of the levels."""
        return self._indicators(x)

    def _indicators(self, x: np.ndarray) -> np.ndarray:
        levels = [np.arange(L)[:, None] + self._lowest for L in self._known]
        return np.vstack([(x[:, j] == codes).astype(float) for j, codes in enumerate(levels)])

    def core(self, n_features: int) -> Core:
        """See `ExponentialFamily`."""
        return CORE

    def layout(self, n_features: int) -> np.ndarray:
        """The most levels of an item, then the levels of each."""
        return np.array([max(self._known), *self._known])

    def dimension(self, n_statistics: int) -> int:
        """See `ExponentialFamily`."""
        return len(self._known)

    def n_statistics(self, n_features: int) -> int:
        """sum_j L_j."""
        return sum(self._known)

    def _table(self, statistics: np.ndarray) -> np.ndarray:
        """Expected counts (K, d, levels), 0 where padded."""
        table = np.zeros((len(statistics), *self._used.shape))
        table[:, self._used] = statistics[:, 1:]
        return table

    def pymc_natural(self, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """See `ExponentialFamily`; `probs` are those of each item with several levels in turn."""
        import pytensor.tensor as pt

        items = iter(parameters["probs"])
        logs = [pt.log(next(items)) if L > 1 else None for L in self._known]
        K = next(log for log in logs if log is not None).shape[0]
        eta = [pt.zeros((K, 1)) if log is None else log for log in logs]
        return pt.zeros(K), pt.concatenate(eta, axis=1)

    # -- starts -----------------------------------------------------------------------------------

    def components_at(self, rows: np.ndarray, data: Dataset) -> dict[str, np.ndarray]:
        """Halfway between the observation and the overall shares, a tenth spread over all levels."""
        nearest = np.rint(rows)
        own = self._shares(self._indicators(nearest).T)
        overall = self._shares((data.weights @ self._indicators(data.x).T / data.n)[None])
        return {"probs": 0.9 * (own + overall) / 2 + 0.1 * self._even}

    def random_components(
        self, n_components: int, data: Dataset, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Uniform on the simplex of each item, a tenth spread over all levels."""
        drawn = rng.standard_exponential((n_components, *self._used.shape)) * self._used
        uniform = drawn / drawn.sum(axis=2, keepdims=True)
        return {"probs": 0.9 * uniform + 0.1 * self._even}

    @property
    def _even(self) -> np.ndarray:
        """(d, levels): the same for all levels of an item."""
        return self._used / np.array(self._known)[:, None]

    def _shares(self, rows: np.ndarray) -> np.ndarray:
        """(m, d, levels) from (m, sum_j L_j)."""
        return self._table(np.column_stack([np.ones(len(rows)), rows]))

    # -- what a newcomer writes -------------------------------------------------------------------

    def naive_kinds(self, n_components: int, n_features: int) -> list[str]:
        """The probabilities of all levels of an item but the last, item by item, for each component."""
        return ["probs"] * self.n_coordinates(n_components, n_features)

    def to_naive(self, parameters: Parameters) -> np.ndarray:
        """See `Family`."""
        return parameters["probs"][:, self._free].ravel()

    def from_naive(
        self, raw: np.ndarray, n_components: int, n_features: int
    ) -> dict[str, np.ndarray]:
        """See `Family`; the last level has what the others leave, be it negative."""
        p = np.zeros((n_components, *self._used.shape))
        p[:, self._free] = raw.reshape(n_components, -1)
        p[:, self._used & ~self._free] = 1.0 - p.sum(axis=2)
        return {"probs": p}

    def naive_density(self, x: np.ndarray, raw: np.ndarray, n_components: int) -> np.ndarray:
        """Products of `multinomial.pmf` of one trial: nan where probabilities are none."""
        from scipy import stats

        p = self.from_naive(raw, n_components, x.shape[1])["probs"]
        density = np.ones((x.shape[0], n_components))
        for j, L in enumerate(self._known):
            indicators = x[:, j, None] == np.arange(L) + self._lowest
            for k in range(n_components):
                density[:, k] *= stats.multinomial.pmf(indicators, 1, p[k, j, :L])
        return density

    def naive_bounds(self, data: Dataset) -> dict[str, tuple[float, float]]:
        """Probabilities from 0.001 to 0.999."""
        return {"probs": (0.001, 0.999)}

    # -- the posterior ----------------------------------------------------------------------------

    prior_forms: ClassVar[tuple[str, ...]] = ("weak",)

    def component_prior(self, form: str, n_features: int) -> ComponentPrior:
        """See `Family`."""
        return DirichletProbabilities(tuple(int(L) for L in self._known))

    def pymc_log_density(self, x: Any, parameters: Mapping[str, Any]) -> Any:
        """See `Family`."""
        import pytensor.tensor as pt

        total = 0.0
        several = [(j, L) for j, L in enumerate(self._known) if L > 1]
        for (j, L), p in zip(several, parameters["probs"], strict=True):
            indicators = pt.eq(x[:, j, None], np.arange(L) + self._lowest)
            total = total + pt.dot(pt.cast(indicators, "float64"), pt.log(p).T)
        return total

    def moments(self, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """Those of the codes."""
        p, codes = parameters["probs"], np.arange(self._used.shape[1])
        mean = p @ codes
        return mean + self._lowest, p @ codes**2 - mean**2


def _proper(p: np.ndarray) -> np.ndarray:
    """Probabilities, nan where they are none."""
    return np.where((p >= 0) & (p <= 1), p, np.nan)
