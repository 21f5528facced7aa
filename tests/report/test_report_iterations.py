"""The part on iterations: tables, figures, the film and its player."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from kept_histories import cells, em, geyser, heights, lines
from PIL import Image

from mixcompare import registry
from mixcompare.report import film
from mixcompare.report.build import build
from mixcompare.report.document import Drawing, Moving, Tabular
from mixcompare.report.figures import animation, ascent, histories, stages
from mixcompare.report.parts import iterations
from mixcompare.report.parts import stages as stages_of
from mixcompare.report.view import View
from mixcompare.study.results import Results
from mixcompare.theta import Theta

MODEL = "gaussian K=2 full"


def kept(one_row, data, *runs, **study):
    """Results of runs (method, start, loglik, points, other cells), all with a history."""
    rows, tables = [], []
    for method, start, loglik, points, more in runs:
        end = Theta.from_dict(json.loads(cells(points, loglik)["theta"]))
        made = one_row(data.name, MODEL, method, start, end, loglik[-1])
        rows.append(made | cells(points, loglik, **more))
        tables.append(lines(made["key"], loglik, points))
    found = Results(
        pd.DataFrame(rows),
        pd.DataFrame({"key": [], "passes": [], "loglik": []}),
        {"title": "Kept", "data": [{"name": data.name}], **study},
        {(data.name, 0): data},
    )
    found.histories = pd.concat(tables, ignore_index=True)
    return found


def part(results):
    view = View(results)
    (case,) = view.cases
    return iterations.PART.show(view, case)


def of(section, kind):
    return [block for block in section.blocks if isinstance(block, kind)]


@pytest.fixture(scope="module")
def davis():
    data, start = heights()
    return data, *em(data, start, 120)


@pytest.fixture(scope="module")
def faithful():
    data, start = geyser()
    return data, *em(data, start, 50)


# -- tables ---------------------------------------------------------------------------------------


def test_a_table_a_fit_with_every_parameter(one_row, davis):
    data, loglik, points = davis
    section = part(kept(one_row, data, ("em", 0, loglik[:41], points[:41], {})))
    (block,) = of(section, Tabular)
    assert block.folded
    table = block.table
    assert table.headings == [
        *("iteration", "passes", "log-likelihood", "gain"),
        *("weight 1", "weight 2", "mean 1", "mean 2", "sd 1", "sd 2"),
    ]
    assert len(table.rows) == 41
    assert table.cells()[40][2] == "−718.18363"  # reference: 002-davis_heights
    assert table.cells()[0][3] == ""
    assert table.rows[1]["gain"] == pytest.approx(loglik[1] - loglik[0])
    assert table.rows[40]["sds_1_1"] == pytest.approx(4.683273866, rel=1e-8)


@pytest.mark.parametrize("last", [5, 59, 60, 200, 612, 957, 10_000, 123_456])
def test_long_tables_keep_their_beginning_and_end(last):
    steps = np.arange(last + 1)
    shown = steps[iterations.chosen(steps)]
    assert len(shown) <= iterations.MOST_STEPS
    assert shown[-1] == last
    assert shown[: min(11, last + 1)].tolist() == list(range(min(11, last + 1)))
    if last >= iterations.MOST_STEPS:
        assert (shown[11:-1] % 10 == 0).all()
    if last == 200:
        assert shown[11:].tolist() == list(range(20, 201, 10))


def test_what_was_printed_stands_beside_the_log_likelihood(one_row, davis):
    data, loglik, points = davis
    said = {"said_values": json.dumps([225.0 + k for k in range(8)])}
    (block,) = of(part(kept(one_row, data, ("em", 0, loglik[:9], points[:9], said))), Tabular)
    assert "it printed" in block.table.headings
    assert block.table.rows[8]["said"] == 232
    assert "What it printed is not the log-likelihood of these parameters: 232.000 against" in (
        block.table.caption
    )
    right = {"said_values": json.dumps(loglik[1:9].tolist())}
    (block,) = of(part(kept(one_row, data, ("em", 0, loglik[:9], points[:9], right))), Tabular)
    assert "What it printed is the log-likelihood." in block.table.caption


def test_of_evaluations_the_better_ones_are_shown(one_row, davis):
    data, loglik, points = davis
    order = [0, 2, 1, 4, 3, 6]
    said = {"said_counts": "{}"}
    run = ("bfgs", 0, loglik[order], [points[i] for i in order], said)
    (block,) = of(part(kept(one_row, data, run)), Tabular)
    assert block.table.headings[0] == "evaluation"
    assert [row["step"] for row in block.table.rows] == [0, 1, 3, 5]


def test_no_histories_no_part(make, one_row):
    results = make([one_row("waiting", MODEL, "em", 0, None, -1.0, "error")])
    section = part(results)
    assert not section.blocks


# -- figures --------------------------------------------------------------------------------------


def test_histories_tell_components_by_lines_and_starts_by_marks(one_row, davis):
    data, loglik, points = davis
    runs = [("em", k, loglik, points, {}) for k in range(2)]
    section = part(kept(one_row, data, *runs))
    (block,) = [b for b in of(section, Drawing) if "histories" in b.name]
    axes = block.draw()
    assert [ax.get_title(loc="left") for ax in axes.flat[:3]] == [
        *("weight", f"mean ({data.units[0]})", f"sd ({data.units[0]})")
    ]
    assert axes.flat[0].get_xscale() == "symlog"  # more than a hundred iterations
    drawn = [line for line in axes.flat[1].lines if line.get_linestyle() != "None"]
    assert len({line.get_linestyle() for line in drawn}) == 2
    assert len(drawn) == 4
    key = {text.get_text() for text in axes.flat[0].figure.legends[0].get_texts()}
    assert key == {"component 1", "component 2", "start 0", "start 1"}


def test_a_run_that_only_began_as_another_has_no_figure_of_its_own(one_row, davis):
    data, loglik, points = davis
    short = ("em, 40", 0, loglik[:41], points[:41], {})
    section = part(kept(one_row, data, short, ("em", 0, loglik, points, {})))
    (block,) = [b for b in of(section, Drawing) if "histories" in b.name]
    assert block.name.endswith("histories-em")
    assert '"em, 40" went the same way as far as it went' in block.caption
    assert len(of(section, Tabular)) == 2
    section = part(kept(one_row, data, short, ("em", 1, loglik, points, {})))
    assert len([b for b in of(section, Drawing) if "histories" in b.name]) == 2  # another start


def test_the_ascent_marks_the_plateau_and_not_the_bad_start(one_row, faithful):
    data, loglik, points = faithful
    section = part(kept(one_row, data, ("em", 0, loglik, points, {})))
    (block,) = [b for b in of(section, Drawing) if "ascent" in b.name]
    ax = block.draw()
    band = next(line for line in ax.lines if line.get_label() == "plateau")
    assert band.get_xdata()[[0, -1]].tolist() == [1, 30]
    low, high = ax.get_ylim()
    assert loglik[0] < low < loglik[1]
    assert high > loglik[-1]
    assert "1 run of 1 sat on a plateau" in block.caption


def test_stages_are_every_tenth_iteration_of_a_plane(one_row, faithful):
    data, loglik, points = faithful
    section = part(kept(one_row, data, ("em", 0, loglik, points, {})))
    (block,) = [b for b in of(section, Drawing) if "stages" in b.name]
    titles = [ax.get_title(loc="left") for ax in block.draw().flat]
    assert titles == [f"iteration {step}" for step in (0, 10, 20, 30, 40, 50)]
    assert all(ax.collections for ax in block.draw().flat)


def test_stages_of_a_line_share_one_scale(one_row, davis):
    data, loglik, points = davis
    section = part(kept(one_row, data, ("em", 0, loglik[:41], points[:41], {})))
    (block,) = [b for b in of(section, Drawing) if "stages" in b.name]
    used = [ax for ax in block.draw().flat if ax.get_title(loc="left")]
    titles = [ax.get_title(loc="left") for ax in used]
    assert titles == [f"iteration {step}" for step in (0, 1, 2, 5, 10, 20, 40)]
    assert len({ax.get_ylim() for ax in used}) == 1


def test_points_outside_the_parameter_space_have_no_stage(one_row, davis):
    data, loglik, points = davis
    out = Theta([0.5, 0.5], means=[[160.0], [170.0]], covariances=[[[-1.0]], [[25.0]]])
    some = [points[0], out, *points[2:6]]
    section = part(kept(one_row, data, ("em", 0, loglik[:6], some, {})))
    (block,) = [b for b in of(section, Drawing) if "stages" in b.name]
    titles = [ax.get_title(loc="left") for ax in block.draw().flat]
    assert "iteration 1" not in titles
    assert "iteration 2" in titles


@pytest.mark.parametrize("name", ["ascent", "histories", "stages", "animation"])
def test_figures_are_registered(name):
    assert callable(registry.load("figures", name))


# -- the film -------------------------------------------------------------------------------------

ANIMATE = {"animate": {"data": "geyser", "method": "em", "start": 0}}


@pytest.fixture(scope="module")
def reel(faithful):
    """Data and history of a film of three frames."""
    data, loglik, points = faithful
    return data, loglik[::25], points[::25]


def test_a_film_has_a_frame_a_step_until_nothing_moves(one_row, faithful):
    data, loglik, points = faithful
    view = View(kept(one_row, data, ("em", 0, loglik, points, {}), **ANIMATE))
    (case,) = view.cases
    made = iterations.compute(view, case).film
    steps = [stage.step for stage in made.stages]
    still = int(np.argmax(loglik >= loglik[-1] - stages_of.SEEN))
    assert steps == [*range(still + 1), 50]
    ax = animation.draw(made, frame=3)
    assert ax.get_title(loc="left") == f"em, iteration 3: {loglik[3]:.3f} nats".replace("-", "−")


def test_long_runs_have_no_more_frames_than_allowed(one_row, davis):
    data, loglik, points = davis
    study = {"animate": {"data": data.name, "method": "em"}}
    view = View(kept(one_row, data, ("em", 0, loglik, points, {}), **study))
    (case,) = view.cases
    assert len(iterations.compute(view, case).film.stages) == stages_of.MOST_FRAMES


def test_the_same_film_has_the_same_bytes(one_row, reel):
    data, loglik, points = reel
    view = View(kept(one_row, data, ("em", 0, loglik[:2], points[:2], {}), **ANIMATE))
    (case,) = view.cases
    made = iterations.compute(view, case).film
    first, second = (film.develop(animation.frames(made)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "wanted", [{"data": "other"}, {"method": "bfgs"}, {"start": 1}, {"model": "gaussian K=3 full"}]
)
def test_only_the_fit_asked_for_is_filmed(one_row, reel, wanted):
    data, loglik, points = reel
    study = {"animate": {**ANIMATE["animate"], **wanted}}
    assert not of(part(kept(one_row, data, ("em", 0, loglik, points, {}), **study)), Moving)


def test_the_report_shows_the_film_and_forgets_it(one_row, reel, tmp_path):
    data, loglik, points = reel
    run = ("em", 0, loglik, points, {})
    build(kept(one_row, data, run, **ANIMATE), tmp_path)
    (gif,) = (tmp_path / "figures").glob("*.gif")
    image = Image.open(gif)
    assert image.n_frames == 3
    assert gif.stat().st_size < 1_000_000
    name = f"figures/{gif.name}"
    manifest = (tmp_path / ".report").read_text().splitlines()
    assert {name, name.replace(".gif", ".html")} <= set(manifest)
    html = (tmp_path / "report.html").read_text()
    assert "data:image/gif;base64,R0lGOD" in html
    assert name.replace(".gif", ".html") in html
    assert f'<img src="{name}"' in (tmp_path / "report.md").read_text()
    player = (tmp_path / name.replace(".gif", ".html")).read_text()
    assert player.count("data:image/png;base64,") == 4  # the first frame is shown at once
    assert not re.search(r"https?://", player)
    build(kept(one_row, data, run), tmp_path)
    assert not gif.exists()
    assert not list((tmp_path / "figures").glob("*.html"))


def test_frames_keep_white_white_and_hold_the_last():
    rng = np.random.default_rng(0)
    images = [np.full((40, 60, 3), 255, np.uint8) for _ in range(3)]
    for k, image in enumerate(images):
        image[5:30, 10 * k : 10 * k + 20] = rng.integers(0, 255, (25, 20, 3))
    made = film.develop(images)
    assert (made.width, made.height, len(made.frames)) == (60, 40, 3)
    gif = Image.open(io.BytesIO(made.gif))
    gif.seek(2)
    assert gif.info["duration"] == film.HOLD
    assert gif.convert("RGB").getpixel((0, 39)) == (255, 255, 255)
    first = np.asarray(Image.open(io.BytesIO(made.frames[0])).convert("RGB"))
    assert (first[35:] == 255).all()


def test_climbs_of_one_point_can_be_drawn():
    one = ascent.Climb("em", np.array([0]), np.array([-5.0]))
    assert ascent.draw([one]).get_ylabel() == "log-likelihood (nats)"
    line = histories.Line(0, 0, np.array([0]), np.array([1.0]))
    assert histories.draw(
        histories.Histories("em", "iteration", [histories.Panel("w", [line])])
    ).size
    assert stages.LEVELS[0] < stages.LEVELS[1]
