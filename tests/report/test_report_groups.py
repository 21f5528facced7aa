"""Known groups, observations by component, and learned against true parameters in reports."""

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.report.build import build
from mixcompare.report.figures import clusters as clusters_figure
from mixcompare.report.figures import groups as groups_figure
from mixcompare.report.figures import recovery as recovery_figure
from mixcompare.report.parts import clusters, groups, recovery
from mixcompare.report.view import View
from mixcompare.study.results import Results
from mixcompare.theta import Theta

NAME = "gaussian K=2 full"
NEAR = Theta([0.5, 0.5], means=[[0.0], [6.0]], covariances=[[[1.0]], [[2.0]]])
HIGH = Theta([0.2, 0.8], means=[[3.0], [3.1]], covariances=[[[0.5]], [[9.0]]])


def labelled(n=40, **more):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, n), rng.normal(6, 1.4, n)])
    return Dataset(x, labels=np.repeat(["f", "m"], n), name="planted", columns=("height",),
                   units=("cm",), **more)  # fmt: skip


@pytest.fixture
def results(one_row):
    def make(data, rows=None, study=None):
        import pandas as pd

        made = rows or [
            one_row("planted", NAME, "em", 0, HIGH, -100.0),
            one_row("planted", NAME, "em", 1, NEAR, -100.7),
        ]
        empty = pd.DataFrame({"key": [], "passes": [], "loglik": []})
        blocks = {
            "model": [{"family": "gaussian", "n_components": [2]}],
            "method": [{"name": "em"}],
        }
        return Results(pd.DataFrame(made), empty, study or blocks, {("planted", 0): data})

    return make


def sections(made):
    view = View(made)
    case = view.cases[0]
    known = groups.compute(view, case)
    return view, case, known, clusters.compute(view, case)


def test_the_highest_and_the_nearest_optimum_are_shown_by_group(results):
    _, case, known, members = sections(results(labelled()))
    assert [row["point"] for row in known.rows] == ["optimum", "optimum", "labels"]
    first, second = known.picture.panels
    assert first.title.startswith("best known optimum: agrees with")
    assert second.title.startswith("nearest to the groups, 0.7 nats lower: agrees with")
    assert [part.group for part in second.parts] == [0, 1]
    axes = groups_figure.draw(known.picture)
    assert axes[-1].get_xlabel() == "height (cm)"
    assert axes[0].get_ylim() == axes[1].get_ylim()
    labels = [t.get_text() for t in axes[1].get_legend().get_texts()]
    assert labels[:2] == ["f: 50 % of the data", "m: 50 % of the data"]
    assert "component 1: 50 %" in labels
    section = groups.draw(case, known)
    assert len(section.blocks) == 2
    assert members is None  # the histogram shows them, and there are more than thirty


def test_histograms_of_groups_add_up_to_the_data(results):
    known = sections(results(labelled()))[2]
    ax = groups_figure.draw(known.picture)[0]
    areas = {}
    for patch in ax.patches:
        values, edges, _ = patch.get_data()
        areas[patch.get_label()] = float(np.sum(values * np.diff(edges)))
    assert sum(v for k, v in areas.items() if "of the data" in k) == pytest.approx(1)


def test_no_groups_without_labels_but_clusters(results):
    data = labelled()
    view, case, known, members = sections(results(Dataset(data.x, name="planted")))
    assert known is None
    assert not groups.draw(case, known).blocks
    picture = members.picture
    assert picture.responsibilities.sum(axis=1) == pytest.approx(1)
    assert members.tables == ()
    ax = clusters_figure.draw(picture)
    drawn = sum(line.get_xdata().size for line in ax.lines if line.get_linestyle() == "None")
    assert drawn == data.n_rows
    assert view.cases[0] is case


def test_many_observations_are_thinned_and_the_caption_says_so(results, monkeypatch):
    monkeypatch.setattr(clusters, "MOST_POINTS", 25)
    _, case, _, members = sections(results(Dataset(labelled().x, name="planted")))
    assert members.drawn == 20  # every fourth of eighty
    caption = clusters.draw(case, members).blocks[0].caption
    assert "20 of 80 distinct observations" in caption


def test_larger_marks_are_less_sure():
    p = np.array([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]])
    picture = clusters_figure.Clusters(np.eye(3)[:, :2], np.ones(3), p, ("a", "b"))
    assert picture.uncertainty == pytest.approx([0.0, 1.0, 0.5])
    assert picture.most_probable.tolist() == [0, 0, 1]
    ax = clusters_figure.draw(picture)
    sizes = np.concatenate([c.get_sizes() for c in ax.collections])
    assert sizes == pytest.approx([2.2**2, 7.0**2, 4.6**2])


def test_probabilities_of_tiny_data_from_the_start_to_the_end(results, one_row):
    x = np.array([0.0, 1.0, 1.0, 6.0])
    start = NEAR.take([1, 0])
    made = one_row("planted", NAME, "em", 0, NEAR, -10.0, start=start.to_dict(),
                   permutation=[1, 0])  # fmt: skip
    _, _, _, members = sections(results(Dataset(x, name="planted"), [made]))
    (table,) = members.tables
    assert [row["x0"] for row in table.rows] == [0.0, 1.0, 6.0]
    assert [row["count"] for row in table.rows] == [1.0, 2.0, 1.0]
    for row in table.rows:  # the start is the end here, in another order
        assert row["start_1"] == pytest.approx(row["end_1"])
    assert [row["label"] for row in table.rows] == [1, 1, 2]
    f = np.exp(-0.5) / np.sqrt(2 * np.pi), np.exp(-25 / 4) / np.sqrt(4 * np.pi)
    assert table.rows[1]["end_1"] == pytest.approx(f[0] / sum(f))
    assert table.rows[1]["density"] == pytest.approx(sum(f) / 2)


def test_learned_against_true_has_a_panel_a_kind_and_a_row_a_parameter(results, one_row):
    truth = Theta([0.4, 0.6], means=[[0.0], [6.0]], covariances=[[[1.0]], [[4.0]]])
    metrics = {"match": [0, 1], "errors": {}}
    rows = [
        one_row("planted", NAME, "em", 0, NEAR, -100.0, metrics=metrics),
        one_row("planted", NAME, "em", 1, HIGH, -100.7, metrics=metrics),
    ]
    view = View(results(labelled(truth=truth), rows))
    case = view.cases[0]
    found = recovery.compute(view, case)
    assert [panel.label for panel in found.panels] == ["weights", "means (cm)", "sds (cm)"]
    assert [row["parameter"] for row in found.rows[-2:]] == ["sd 1", "sd 2"]
    assert found.rows[-1]["truth"] == pytest.approx(2)
    assert found.rows[-1]["estimate"] == pytest.approx(np.sqrt(2))
    assert found.panels[0].answer.tolist() == [True, True, False, False]
    axes = recovery_figure.draw(found.panels)
    assert axes.shape == (1, 3)
    assert len(recovery.draw(case, found).blocks) == 2


def test_nothing_is_recovered_where_no_truth_is_known(results):
    view = View(results(labelled()))
    assert recovery.compute(view, view.cases[0]) is None


def test_the_report_has_the_parts(results, tmp_path):
    build(results(labelled()), tmp_path, ("md",))
    page = (tmp_path / "report.md").read_text("utf-8")
    assert "### Known groups" in page
    assert "| optimum 2, nearest to the groups |" in page
    assert "is not the grouping into f and m" in page
