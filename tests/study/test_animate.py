"""The key `animate`: the fit that the report shows in motion."""

from pathlib import Path

import pytest

from mixcompare.errors import SpecError
from mixcompare.study.spec import load_study, parse_study

STUDY = """
title = "In motion"
seed = 3
starts = { scheme = "random", n = 3 }
history = { starts = 2, methods = ["em", "nuts"] }
animate = { ANIMATE }
quick = { leave_out = ["em"] }

[[data]]
name = "geyser"
dataset = "old_faithful"

[[data]]
name = "heights"
dataset = "davis_heights"

[[model]]
family = "gaussian"
n_components = [2, 3]
data = ["geyser"]

[[model]]
family = "gaussian"
n_components = 2
options = { covariance = "tied" }
data = ["heights"]

[[method]]
name = "em"

[[method]]
name = "bfgs"
data = ["heights"]

[[method]]
name = "nuts"
"""


def written(folder: Path, animate: str) -> Path:
    path = folder / "motion.toml"
    path.write_text(STUDY.replace("{ ANIMATE }", animate))
    return path


@pytest.mark.parametrize(
    "animate",
    [
        '{ data = "heights", method = "em" }',
        '{ data = "heights", method = "em", start = 1, model = "gaussian K=2 tied" }',
        '{ data = "geyser", method = "em", model = "gaussian K=3 full" }',
    ],
)
def test_a_fit_whose_history_is_kept(tmp_path: Path, animate: str):
    file = load_study(written(tmp_path, animate)).file
    assert file.animate is not None
    assert file.animate.method == "em"


@pytest.mark.parametrize(
    ("animate", "said"),
    [
        ('{ data = "height", method = "em" }', 'animate.data: unknown data "height".*heights'),
        ('{ data = "heights", method = "e m" }', 'animate.method: unknown method "e m"'),
        (
            '{ data = "geyser", method = "em" }',
            "expected a model, for several are fitted to geyser",
        ),
        (
            '{ data = "heights", method = "em", model = "gaussian K=2 full" }',
            'animate.model: unknown model "gaussian K=2 full": expected one of gaussian K=2 tied',
        ),
        ('{ data = "heights", method = "em", start = 3 }', "start: expected one of 0 to 2, got 3"),
        ('{ data = "heights", method = "em", start = 2 }', "history is kept.*from start 2 is not"),
        ('{ data = "heights", method = "bfgs" }', "history is kept, but that of bfgs"),
        ('{ data = "heights", method = "nuts" }', "history is kept, but that of nuts"),
        ('{ data = "heights", method = "em", frames = 3 }', "frames"),
        ('{ data = "heights" }', "method"),
    ],
)
def test_what_cannot_be_shown_is_named(tmp_path: Path, animate: str, said: str):
    with pytest.raises(SpecError, match=f"(?s){said}"):
        load_study(written(tmp_path, animate))


def test_no_fit_depends_on_it():
    one, other = (
        parse_study(
            STUDY.replace("{ ANIMATE }", f'{{ data = "{name}", method = "em" }}'), Path("a")
        )
        for name in ("heights", "geyser")
    )
    assert one.digest({}, quick=False) == other.digest({}, quick=False)
    assert other.digest({}, quick=True) != other.digest({}, quick=False)
