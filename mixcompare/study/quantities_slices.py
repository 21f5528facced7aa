"""Quantities read off slices, and off samples from the best known optimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mixcompare.study.quantity import NoAnswer, Quantity, Selection

if TYPE_CHECKING:
    from mixcompare.study.basins import Basins


def _basins(s: Selection) -> Basins:
    found = s.results.slices.get(s.where["slice"])
    if found is None or found.basins is None:
        raise NoAnswer(f'there are no basins of a slice "{s.where["slice"]}"')
    basins: Basins = found.basins
    return basins


def _share(s: Selection) -> float:
    basins, method = _basins(s), s.where["method"]
    if method not in basins.maps:
        raise NoAnswer(f"{method} has no map: expected one of {', '.join(basins.maps)}")
    wanted = {key: s.where[key] for key in ("finding", "standing") if key in s.where}
    meant = [
        all(getattr(what, key) == value for key, value in wanted.items()) for what in basins.reached
    ]
    return float(np.array(meant)[basins.maps[method]].mean())


def _agreement(s: Selection) -> float:
    return float((_basins(s).disagreement() == 1).mean())


def _outside(s: Selection) -> float:
    features = s.results.predictive_check(s.where["data"], s.where["model"])
    if not features:
        raise NoAnswer(
            "there is no best known optimum to draw samples from, or the data are discrete"
        )
    return float(np.mean([feature.outside for feature in features]))


SLICES = {
    "slice_share": Quantity(
        "share of the starts on a slice from which a method ends at a finding, or at an optimum of a "
        "standing (global: the best that any method reaches there)",
        ("slice", "method", "finding", "standing"),
        _share,
        ("slice", "method"),
    ),
    "slice_agreement": Quantity(
        "share of the starts on a slice from which all methods reach the same",
        ("slice",),
        _agreement,
        ("slice",),
    ),
    "quantiles_outside": Quantity(
        "share of the quantiles of the data that leave the envelope of samples from the best known optimum",
        ("data", "model"),
        _outside,
        ("data", "model"),
    ),
}
