"""What families of counts and codes have in common."""

from __future__ import annotations

from typing import ClassVar

from mixcompare.families.fused import ExponentialFamily
from mixcompare.families.unscaled import Unscaled


class DiscreteFamily(Unscaled, ExponentialFamily):
    """An exponential family of discrete observations: counts and codes have no unit, nothing collapses.

    Rates and probabilities at the end of their range are edges (`Family.edges`), where the likelihood
    is finite.
    """

    discrete: ClassVar[bool] = True
