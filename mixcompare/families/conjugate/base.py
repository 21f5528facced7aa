"""What the draws share: the protocol of a conjugate core, chi-squares and Wishart factors.

A core is a plain function `draw(rng, S, numbers, layout, P)` marked `inlinable`. It replaces the table P
(K, p) of natural parameters in the frame by a draw from their full conditional, given the sums S (K, 1 + M)
of (1, T) over the observations allocated to each component. Where the prior is only conditionally conjugate
it goes through the blocks of parameters in turn, each given the last values of the others in P. `numbers` is
a flat array (float64), laid out as the core says; `layout` is the family's.
"""

from __future__ import annotations

import math

from mixcompare.numerics import inlinable


@inlinable
def bartlett(rng, df, d, A):  # type: ignore[no-untyped-def]
    """Lower A (d, d) with A A' ~ Wishart(df, I), df > d - 1.

    Bartlett (1933, Proc. Roy. Soc. Edinburgh 53, 260-283): roots of chi-squares on the diagonal.
    """
    for i in range(d):
        for j in range(i):
            A[i, j] = rng.standard_normal()
        A[i, i] = math.sqrt(2.0 * rng.standard_gamma(0.5 * (df - i)))
