"""Which modes the draws of a posterior visited, named from the registry of optima of the same data.

Computed when rows are read: an optimum that was found after a posterior was judged still tells that its
draws missed a mode. A draw belongs to the nearest optimum (verify/modes.py, `distances`: blind to labels), or
better to the posterior's mode above it, to which a prior has moved it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixcompare.data import Dataset
from mixcompare.draws import Draws, from_tree, log_likelihoods
from mixcompare.mixture import MixtureModel
from mixcompare.prior import Prior
from mixcompare.study.ends import CASE, parse
from mixcompare.theta import Theta
from mixcompare.verify.modes import Mode, Search, comes_near, distances, shares
from mixcompare.verify.policy import Policy

KEPT = 1000
"""Draws at most that are told apart, evenly spread over each chain."""

MOST = 20
"""Optima at most that draws are compared with: the highest, narrow ones last."""

OUTSIDE = 1e-3
"""Share of the draws of a normal posterior that would count as elsewhere, by their distance alone."""

ELSEWHERE = 0
"""The rank of no optimum."""

MODES_COLUMNS = [
    *CASE,
    *("method", "key", "rank", "standing", "finding", "narrow", "loglik"),
    *("mass", "share", "chains", "n_chains", "crossings", "nearest", "missed"),
]


@dataclass(frozen=True)
class Visits:
    """Where the draws of one posterior went.

    Parameters
    ----------
    places : ndarray, shape (chains, kept)
        Rank of the optimum that each draw belongs to, 0 elsewhere.
    every : int
        One draw in so many was kept.
    ranks : ndarray, shape (m,)
        The optima compared with.
    masses : ndarray, shape (m,)
        Share of the Laplace mass of the mode above each; nan where it has none of its own.
    nearest : ndarray, shape (m,)
        Nats by which the nearest draw is away from each.
    missed : ndarray, shape (m,)
        Whether it holds at least a tenth of the mass, is not narrow, and no draw comes near it.
    """

    places: np.ndarray
    every: int
    ranks: np.ndarray
    masses: np.ndarray
    nearest: np.ndarray
    missed: np.ndarray

    def share(self, rank: int) -> float:
        """Of the draws."""
        return float((self.places == rank).mean())

    def chains(self, rank: int) -> int:
        """How many chains have been there."""
        return int((self.places == rank).any(axis=1).sum())

    def crossings(self, rank: int) -> int:
        """How often a chain came there from another optimum, whatever it passed elsewhere."""
        count = 0
        for chain in self.places:
            named = chain[chain != ELSEWHERE]
            count += int(((named[1:] == rank) & (named[:-1] != rank)).sum())
        return count


def visit(
    model: MixtureModel, data: Dataset, prior: Any, tree: Any, optima: pd.DataFrame
) -> Visits | None:
    """Where draws went among some optima of the same model and data; None if a draw is not finite.

    Parameters
    ----------
    prior : mapping or None
        Of the posterior, as its row has it.
    tree : xarray.DataTree
        The draws.
    optima : DataFrame
        Lines of `find_optima` of this data set and model.
    """
    draws = from_tree(model, data.n_features, tree)
    if not draws.is_finite:
        return None
    policy = Policy()
    search = Search(Prior.of(prior).on(model, data), data, policy)
    best = optima.sort_values(["narrow", "rank"], kind="stable").head(MOST)
    thetas: list[Theta] = list(best["theta"])
    above = _own_modes(search, thetas)
    places = np.array(
        [
            model.log_density(search.data.x, theta) if mode is None else mode.density
            for theta, mode in zip(thetas, above, strict=True)
        ]
    )
    every = max(1, -(-draws.shape[0] * draws.shape[1] // KEPT))
    away = _distances(search, places, draws, every)
    nearest = away.min(axis=(0, 1))
    masses = _masses(search, above, draws, away, every)
    large = (np.nan_to_num(masses) >= policy.missed_mass) & ~best["narrow"].to_numpy(bool)
    missed = np.array(
        [
            bool(large[i]) and nearest[i] > search.limit and not _visited(search, mode, draws)
            for i, mode in enumerate(above)
        ]
    )
    ranks = best["rank"].to_numpy(int)
    inside = away.min(axis=2) <= _radius(model.n_parameters(data.n_features))
    where = np.where(inside, ranks[away.argmin(axis=2)], ELSEWHERE)
    return Visits(where, every, ranks, masses, nearest, missed)


def read(rows: pd.DataFrame, find: Callable[[], pd.DataFrame], stored: Any) -> dict[str, Visits]:
    """The visits of every posterior by key, of those whose draws and data are at hand (`Stored`).

    `find` gives the optima, which take their time: it is not called where there are no draws.
    """
    found = {}
    for _, row in rows[rows["sampler"]].iterrows():
        at, place = (row["data"], row["replicate"]), row["draws"]
        if at not in stored.data or not isinstance(place, str) or not place:
            continue
        optima = find()
        known = optima[(optima[CASE] == [row[name] for name in CASE]).all(axis=1)]
        dataset = stored.data[at]
        model = stored.model_on(row["model"], dataset)
        tree = None if known.empty or model is None else stored.tree(place)
        if model is None or tree is None:
            continue
        seen = visit(model, dataset, parse(row["prior"]), tree, known)
        if seen is not None:
            found[str(row["key"])] = seen
    return found


def table(rows: pd.DataFrame, optima: pd.DataFrame, visits: Mapping[str, Visits]) -> pd.DataFrame:
    """One line per posterior and optimum that its draws visited or that holds mass, and one for elsewhere.

    Returns
    -------
    DataFrame
        data, replicate, model, method, key; `rank` of the optimum (0: elsewhere), its `standing`,
        `finding`, `narrow`, `loglik` (nats); `mass`, its share of the Laplace mass of all modes known,
        nan where the posterior has no mode of its own above it; `share` of the draws; `chains` that have
        been there, of `n_chains`; `crossings` from another optimum to it (at least: draws are thinned);
        `nearest`, nats from it to the nearest draw; `missed`: a tenth of the mass or more, not narrow, and
        no draw near.
    """
    lines: list[dict[str, Any]] = []
    known = {tuple(line[name] for name in (*CASE, "rank")): line for line in _mappings(optima)}
    for row in _mappings(rows[rows["key"].isin(list(visits))]):
        seen, case = visits[row["key"]], [row[name] for name in CASE]
        common = {name: row[name] for name in (*CASE, "method", "key")}
        for i, rank in enumerate(seen.ranks.tolist()):
            line = known[(*case, rank)]
            share, mass = seen.share(rank), float(seen.masses[i])
            if not (share or np.nan_to_num(mass) >= LEAST or line["standing"] == "global"):
                continue
            lines.append(
                {
                    **common,
                    **{name: line[name] for name in MODES_COLUMNS if name in line},
                    "mass": mass,
                    **_counts(seen, rank),
                    "nearest": float(seen.nearest[i]),
                    "missed": bool(seen.missed[i]),
                }
            )
        if seen.share(ELSEWHERE):
            gone = {"rank": ELSEWHERE, "standing": "", "finding": "", "narrow": False}
            lines.append({**common, **gone, **_counts(seen, ELSEWHERE), "missed": False})
    return pd.DataFrame(lines, columns=MODES_COLUMNS)


LEAST = 0.01
"""Share of the mass from which an optimum that no draw visited is in the table."""


def missed(found: pd.DataFrame) -> dict[str, str]:
    """Key of each posterior that missed a mode -> which, in words; from the lines of `table`."""
    text: dict[str, str] = {}
    lines = found[found["missed"].astype(bool)].sort_values("mass", ascending=False, kind="stable")
    for line in _mappings(lines):
        text.setdefault(
            line["key"],
            f"no draw comes near optimum {line['rank']} (log-likelihood {line['loglik']:.3f}), above which "
            f"lies a mode with {line['mass']:.0%} of the posterior mass",
        )
    return text


def _own_modes(search: Search, thetas: Sequence[Theta]) -> list[Mode | None]:
    """The mode above each point; None where it has none, or one that is above an earlier point too."""
    found: list[Mode | None] = []
    for theta in thetas:
        found.append(search.mode_above(theta, found))
    return found


def _distances(search: Search, places: np.ndarray, draws: Draws, every: int) -> np.ndarray:
    """Nats (chains, kept, m) by which kept draws are away from each place."""
    chains, size = draws.shape
    return np.array(
        [
            [
                distances(
                    search.data,
                    places,
                    search.model.log_density(search.data.x, draws.theta(chain, draw)),
                )
                for draw in range(0, size, every)
            ]
            for chain in range(chains)
        ]
    )


def _masses(
    search: Search, above: Sequence[Mode | None], draws: Draws, away: np.ndarray, every: int
) -> np.ndarray:
    """Shares of the mass (m,), of a sum that holds the modes above far draws too; nan for no mode."""
    farthest = [int(chain.min(axis=1).argmax()) * every for chain in away]
    own = [mode for mode in above if mode is not None]
    modes = search.joined(own, [draws.theta(c, draw) for c, draw in enumerate(farthest)])
    share = iter(shares(modes))
    return np.array([np.nan if mode is None else next(share) for mode in above])


def _visited(search: Search, mode: Mode | None, draws: Draws) -> bool:
    """Whether any draw at all comes near a mode."""
    if mode is None:
        return False
    return comes_near(search, mode, draws, log_likelihoods(search.posterior.problem, draws))


def _radius(q: int) -> float:
    """Nats within which all but `OUTSIDE` of the draws of a normal posterior in q dimensions lie."""
    from scipy.special import chdtri

    return 0.5 * float(chdtri(q, OUTSIDE))


def _counts(seen: Visits, rank: int) -> dict[str, Any]:
    return {
        "share": seen.share(rank),
        "chains": seen.chains(rank),
        "n_chains": len(seen.places),
        "crossings": seen.crossings(rank),
    }


def _mappings(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in line.items()} for line in frame.to_dict("records")]
