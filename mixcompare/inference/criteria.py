"""Information criteria: what a fit would lose on new data, or as a clustering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.blocks import blocks
from mixcompare.data import Dataset
from mixcompare.inference.base import End, examine
from mixcompare.mixture import MixtureModel
from mixcompare.numerics import logsumexp
from mixcompare.theta import Theta

MEANINGLESS = ("non_finite", "out_of_domain", "singular")
"""Findings at which the log-likelihood has no bound or no value, so that no criterion can be had."""


@dataclass(frozen=True)
class InformationCriteria:
    """Criteria in the -2 log-likelihood convention: smaller is better; or why there are none.

    Parameters
    ----------
    finding : str
        What the verifier found the end to be.
    refused : str
        Why there are none, in words; "" if there are. All numbers are then nan.
    loglik : float
        Nats.
    n_parameters : int
        q: free parameters, weights included.
    n : float
        Observations, multiplicities included.
    aic, bic, icl, icl_entropy : float
        See `information_criteria`.
    entropy : float
        EN = -sum_i c_i sum_k r_ik log r_ik, nats; 0 where every observation is surely of one component.
    separation : float
        1 - EN / (n log K), the "entropy R squared" of latent class analysis; nan for K = 1.
    notes : tuple of str
        What to be wary of.
    """

    finding: str
    refused: str = ""
    loglik: float = np.nan
    n_parameters: int = 0
    n: float = np.nan
    aic: float = np.nan
    bic: float = np.nan
    icl: float = np.nan
    icl_entropy: float = np.nan
    entropy: float = np.nan
    separation: float = np.nan
    notes: tuple[str, ...] = ()


def information_criteria(
    model: MixtureModel, data: Any, theta: Theta, *, counts: Any = None
) -> InformationCriteria:
    """AIC, BIC, ICL and the entropy of the classification at an estimate.

    With l the log-likelihood, q free parameters, n observations, r_ik the posterior probabilities of the
    components and k(i) the most probable one:

    - AIC = -2 l + 2 q (Akaike 1974, IEEE Trans. Autom. Control 19, 716-723);
    - BIC = -2 l + q log n (Schwarz 1978, Ann. Statist. 6, 461-464);
    - ICL = BIC - 2 sum_i c_i log r_i,k(i) (Biernacki, Celeux and Govaert 2000, IEEE Trans. Pattern Anal.
      Mach. Intell. 22, 719-725, in its BIC approximation);
    - `icl_entropy` = BIC + 2 EN, the same with the mean over labels in place of the most probable ones
      (ICL-BIC in McLachlan and Peel 2000, Finite Mixture Models, chapter 6).

    Sign: as in the literature, smaller is better. The R package mclust has the opposite sign, 2 l - q log n
    and so on: its BIC and ICL are minus these.

    Parameters
    ----------
    model : MixtureModel
    data : Dataset, array (n,) or (n, d), or data frame
    theta : Theta
    counts : array (n,), optional
        Multiplicities of the rows.

    Returns
    -------
    InformationCriteria
        With `refused` set at a singular end, or one without a finite log-likelihood; at every other end
        than a strict maximum the numbers come with a note.

    Raises
    ------
    DataError
        The data do not suit the model, or the names or shapes of `theta` do not.
    """
    return criteria_at(examine(model, data, theta, counts))


def criteria_at(end: End) -> InformationCriteria:
    """The same at an end that has been verified already; see `information_criteria`."""
    model, verdict = end.model, end.verdict
    if verdict.finding in MEANINGLESS:
        reason = (
            f"criteria need a log-likelihood that means something; this end is {verdict.finding}: "
        )
        return InformationCriteria(verdict.finding, reason + verdict.message)
    loglik, n = verdict.loglik, end.data.n
    q, K = model.n_parameters(end.data.n_features), model.n_components
    entropy, hard = _entropies(model, end.data, end.theta)
    bic = -2 * loglik + q * float(np.log(n))
    notes = []
    if verdict.finding in ("not_stationary", "saddle"):
        notes.append(f"criteria are meant for maxima, and this is none: {verdict.message}")
    elif verdict.finding != "maximum":
        notes.append(
            f"q counts every parameter, but the penalties assume that all are determined by the data and "
            f"inside the parameter space: {verdict.message}"
        )
    elif verdict.narrow:
        notes.append("the optimum is narrow: its log-likelihood rests on a handful of observations")
    return InformationCriteria(
        verdict.finding,
        loglik=loglik,
        n_parameters=q,
        n=n,
        aic=-2 * loglik + 2 * q,
        bic=bic,
        icl=bic + 2 * hard,
        icl_entropy=bic + 2 * entropy,
        entropy=entropy,
        separation=1 - entropy / (n * float(np.log(K))) if K > 1 else np.nan,
        notes=tuple(notes),
    )


def _entropies(model: MixtureModel, data: Dataset, theta: Theta) -> tuple[float, float]:
    """-sum c r log r, and -sum c log of the largest r; nats, at least 0."""
    soft = hard = 0.0
    for rows in blocks(data.n_rows):
        x, counts = data.part(rows)
        joint = model.joint_log_density(x, theta)
        log_r = joint - logsumexp(joint, axis=1)[:, None]
        r = np.exp(log_r)
        terms = np.where(r > 0, r * np.where(r > 0, log_r, 0.0), 0.0)
        soft -= float(counts @ terms.sum(axis=1))
        hard -= float(counts @ log_r.max(axis=1))
    return max(soft, 0.0), max(hard, 0.0)
