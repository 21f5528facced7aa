"""The section on calibration: there where truths were drawn from a prior, and only there."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mixcompare.metrics.uniformity import band, p_value
from mixcompare.report.build import build
from mixcompare.report.figures import calibration as figures
from mixcompare.report.figures.calibration import Quantity, Ranks
from mixcompare.theta import Theta

R = 40
COUNTS = Theta([0.4, 0.6], rates=[2.0, 7.0])


def ranked_rows(one_row):
    """nuts is calibrated, gibbs shifted and once without draws."""
    rng = np.random.default_rng(6)
    for replicate in range(R):
        for method, power in (("nuts", 1.0), ("gibbs", 3.0)):
            u = rng.random(4) ** power
            ranks = {"log_rates": u[:2].tolist(), "loglik": u[2], "mixture mean": [u[3]]}
            metrics = {"ranks": ranks, "rank_draws": 99, "rank_ess": 300.0, "same_prior": True}
            failed = method == "gibbs" and replicate == 7
            yield one_row(
                "two normals",
                "poisson K=2",
                method,
                0,
                None if failed else COUNTS,
                np.nan if failed else -80.0,
                "error" if failed else "verified",
                said=None,
                replicate=replicate,
                basis="reported",
                wald={},
                metrics=json.dumps({} if failed else metrics),
                error="RuntimeError: chain 1 of 2 failed" if failed else "",
            )


@pytest.fixture
def made(make, one_row):
    results = make(rows=list(ranked_rows(one_row)))
    first = results.data["two normals", 0]
    prior = {"form": "weak", "shape": 1.5, "mean": 6.0}
    results.data["two normals", 0] = replace(first, truth=COUNTS, prior=prior)
    return results


def test_a_study_with_ranks_has_the_section(made, tmp_path):
    build(made, tmp_path)
    text = (tmp_path / "report.md").read_text()
    section = text[text.index("## Calibration of the samplers") :]
    assert "Truths were drawn from the weak prior with shape 1.5, mean 6." in section
    assert "| nuts" in section
    assert "two-normals-poisson-k-2-calibration.svg" in section
    for name in ("calibration", "ranks"):
        stem = f"two-normals-poisson-k-2-{name}"
        assert (tmp_path / "figures" / f"{stem}.svg").stat().st_size > 2000
        assert (tmp_path / "tables" / f"{stem}.csv").exists()
    table = (tmp_path / "tables" / "two-normals-poisson-k-2-calibration.csv").read_text()
    header, nuts, gibbs = (line.split(",") for line in table.split())
    assert dict(zip(header, nuts, strict=True)) | {"p": ""} == {
        **dict.fromkeys(header, ""),
        "method": "nuts",
        "ranked": "40",
        "simulations": "40",
        "unclean": "0",
        "draws": "99",
        "same_prior": "True",
        "inside": "4",
        "quantities": "4",
    }
    found = dict(zip(header, gibbs, strict=True))
    assert (found["ranked"], found["simulations"], found["unclean"]) == ("39", "40", "1")
    assert (found["inside"], float(found["p"])) == ("0", 0.0)
    assert "gibbs: over 40 truths drawn from the prior the ranks are not uniform" in text


def test_a_study_without_ranks_has_none(built):
    assert "Calibration of the samplers" not in (built / "report.md").read_text()
    assert not list((built / "figures").glob("*-ranks.svg"))


def quantities(n=60):
    rng = np.random.default_rng(1)
    even, bent = rng.random(n), rng.random(n) ** 2
    names = ("mean 1", "mean 2", "log-likelihood", "mixture mean")
    return [
        Quantity(
            name,
            [Ranks(m, v, p_value(v) > 0.05) for m, v in (("nuts", even), ("gibbs", bent))],
            band(n),
        )
        for name in names
    ]


@pytest.mark.parametrize("draw", [figures.draw, figures.draw_histograms])
def test_panels_and_their_titles(draw):
    axes = draw(quantities())
    assert axes.shape == (2, 3)
    assert [ax.get_title(loc="left") for ax in axes.flat if ax.axison] == [
        "mean 1",
        "mean 2",
        "log-likelihood",
        "mixture mean",
    ]
    (legend,) = axes.flat[0].figure.legends
    assert [entry.get_text() for entry in legend.get_texts()] == ["nuts", "gibbs"]


def test_the_curve_is_the_distribution_function_less_the_diagonal():
    values = np.array([0.2, 0.7, 0.9])
    one = Quantity("mean", [Ranks("nuts", values, True)], band(3))
    line = figures.draw([one]).flat[0].lines[-1]
    at = dict.fromkeys(np.round(line.get_xdata(), 6))
    assert sorted(at) == [0.0, 0.2, 0.7, 0.9, 1.0]
    jumps = np.column_stack(line.get_data())
    for u, k in ((0.2, 0), (0.7, 1), (0.9, 2)):
        heights = sorted(jumps[np.isclose(jumps[:, 0], u), 1])
        assert np.allclose(heights, [k / 3 - u, (k + 1) / 3 - u])


def test_histograms_count_every_truth():
    axes = figures.draw_histograms(quantities())
    for patch in axes.flat[0].patches:
        if hasattr(patch, "get_data"):
            assert patch.get_data().values.sum() == 60
