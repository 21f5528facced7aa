"""The thresholds of verification, in one object: every verdict stores the numbers it was judged by."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Policy:
    """What counts as stationary, flat, equal, collapsed and mixed.

    All are free of the units of the data: nats, shares, ratios, or sds of the data.

    Parameters
    ----------
    stationary : float
        Nats that a Newton step predicts, or a polish gains, above which an end is not stationary.
    polish_steps : int
        Trust-region steps of the polish at most.
    ascent : float
        Nats gained along a direction of negative curvature or by splitting equal components, above
        which an end is a saddle.
    flat : float
        Curvature (nats per squared scaled coordinate) per observation below which a direction is flat.
    edge : float
        Nats lost by moving a coordinate to its edge, below which it counts as being there.
    coincide : float
        Root mean squared difference of two components' log-densities at the data, weighted by their
        responsibilities, below which they coincide.
    collapsed : float
        Spread in sds of the data below which a component has collapsed.
    contracting : float
        Next variance over variance below which a component with a spread under `suspect` is collapsing.
    suspect : float
        Spread in sds of the data from which a collapse is looked for.
    rhat_modes : float
        R-hat of quantities without labels above which chains are in different modes.
    rhat : float
        R-hat after relabelling above which chains have not mixed.
    ess_per_chain : float
        Bulk or tail effective draws a chain, after relabelling, below which chains have not mixed.
    tree_depth_share : float
        Share of draws at the depth limit above which trajectories are too short.
    bfmi : float
        E-BFMI below which the energy mixes too slowly.
    prior_sd_share : float
        Posterior over prior sd, on the reporting scale and over all labels, above which a parameter may
        be unidentified; it is if the information matrix is singular too.
    missed_mass : float
        Share of the Laplace mass from which a mode that no draw comes near has been missed.
    """

    stationary: float = 1e-4
    polish_steps: int = 50
    ascent: float = 1e-4
    flat: float = 1e-8
    edge: float = 1e-8
    coincide: float = 1e-3
    collapsed: float = 1e-10
    contracting: float = 0.5
    suspect: float = 1e-2
    rhat_modes: float = 1.05
    rhat: float = 1.01
    ess_per_chain: float = 100.0
    tree_depth_share: float = 0.01
    bfmi: float = 0.3
    prior_sd_share: float = 0.8
    missed_mass: float = 0.1

    def thresholds(self) -> dict[str, float]:
        """Name -> number, for the record."""
        return {name: float(value) for name, value in asdict(self).items()}
