"""Verdicts near a threshold."""

import json

import pytest
from planted import results, row


def judged(method, start=0, finding="maximum", **margins):
    thresholds = json.dumps({"stationary": 1e-4, "rhat": 1.01})
    cells = {"margins": json.dumps(margins), "thresholds": thresholds, "start_index": start}
    return row(method, finding, -1.0, **cells)


def test_margins_near_one_the_nearest_first():
    rows = [
        judged("em", stationary=0.4, flat=1e5),
        judged("em", 1, stationary=1e-9),
        judged("bfgs", 0, "not_stationary", stationary=1.25),
        judged("bfgs", 1, "ridge", flat=2.9, ascent=0.0),
    ]
    table = results(rows).near_thresholds()
    assert table["test"].tolist() == ["stationary", "stationary", "flat"]
    assert table["margin"].tolist() == [1.25, 0.4, 2.9]
    assert table["finding"].tolist() == ["not_stationary", "maximum", "ridge"]
    assert table["key"].tolist() == ["key2", "key0", "key3"]
    assert table["threshold"].tolist() == pytest.approx([1e-4, 1e-4, float("nan")], nan_ok=True)
    assert len(results(rows).near_thresholds(factor=1.3)) == 1


@pytest.mark.parametrize(
    "rows", [[], [judged("em")], [row("em", "maximum", -1.0)], [judged("em", stationary=None)]]
)
def test_nothing_near(rows):
    table = results(rows).near_thresholds()
    assert table.empty
    assert {"test", "margin", "threshold", "key"} <= set(table.columns)
