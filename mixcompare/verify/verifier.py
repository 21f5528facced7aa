"""Verifier: the verdicts on the ends of one model on one data set, points and draws alike."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from mixcompare.data import Dataset, as_dataset
from mixcompare.mixture import MixtureModel, require_model
from mixcompare.prior import Prior
from mixcompare.records import Posterior, Verdict
from mixcompare.theta import Theta
from mixcompare.verify.draws import judge_draws
from mixcompare.verify.modes import Search
from mixcompare.verify.points import judge_point
from mixcompare.verify.policy import Policy


class Verifier:
    """Judges ends from data and estimate alone; equal ends are judged once.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset
    policy : Policy
    seed : int
        Root seed of the small EM that looks for modes a sampler missed.
    """

    def __init__(
        self, model: MixtureModel, data: Dataset, policy: Policy | None = None, seed: int = 0
    ):
        self.data, self.policy, self.seed = data, policy or Policy(), seed
        self._declared = model
        self._judged: dict[bytes, Verdict] = {}
        self._searches: dict[str, Search] = {}

    @cached_property
    def model(self) -> MixtureModel:
        """The model on this data; DataError if it cannot be fitted to them."""
        return self._declared.on(self.data)

    def point(self, theta: Theta | None) -> Verdict:
        """The verdict on a point; None is an end without a point, `non_finite`."""
        if theta is None:
            return Verdict("non_finite", ("non_finite",), message="there is no finite end")
        key = b"".join(value.tobytes() for value in theta.values())
        if key not in self._judged:
            self._judged[key] = judge_point(self.model, self.data.compact, theta, self.policy)
        return self._judged[key]

    def draws(self, posterior: Posterior, theta: Theta | None) -> Verdict:
        """The verdict on a posterior."""
        return judge_draws(self._search(Prior.of(posterior.prior)), self.data, posterior, theta)

    def _search(self, prior: Prior) -> Search:
        """The search for modes that samplers may have missed, shared by all that have this prior."""
        key = repr(prior)
        if key not in self._searches:
            bound = prior.on(self.model, self.data)
            self._searches[key] = Search(bound, self.data, self.policy, self.seed)
        return self._searches[key]


def verify(model: MixtureModel, data: Any, theta: Theta, counts: Any = None) -> Verdict:
    """The verdict on any point from anywhere.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    theta : Theta
        Any point of fitting shapes; one outside the parameter space is a finding, not an error.
    counts : array (n,), optional
        Multiplicities of the rows.

    Raises
    ------
    DataError
        The data do not suit the model, or the names or shapes of `theta` do not.
    """
    require_model(model)
    dataset = as_dataset(data, counts)
    verifier = Verifier(model, dataset)
    return verifier.point(verifier.model.conform(theta, dataset.n_features))
