from __future__ import annotations

from pathlib import Path

import pytest

from mixcompare.errors import SpecError
from mixcompare.study.plan import plan
from mixcompare.study.spec import load_study

RIGHT = """
title = "Right"
question = "Does it load?"
seed = 20
starts = { scheme = "mixed", n = 4 }
replicates = 3
budget = { passes = 20000 }
quick = { starts = 2, replicates = 1, max_iter = 50 }

[[data]]
name = "waiting"
dataset = "old_faithful"
columns = ["waiting"]

[[data]]
name = "two"
scenario = "gaussian"
parameters = { n = [50, 80], weights = [0.3, 0.7], means = [0.0, 0.6], sds = [0.08, 0.12] }
starts = { given = [{ weights = [0.5, 0.5], means = [0.1, 0.5], covariances = [0.01, 0.01] }] }
replicates = 2

[[model]]
family = "gaussian"
n_components = 2

[[method]]
name = "em"
options = { max_iter = 500 }

[[method]]
name = "l-bfgs-b[bounded]"
label = "boxed"
options = { bounds = { means = [40, 100], sds = [1, 30], weights = [0.01, 0.99] } }
data = ["waiting"]

[[expect]]
quantity = "best_loglik"
where = { data = "waiting", method = "em" }
value = -1034.0018
tolerance = 1e-3
source = "mixtools normalmixEM; mclust"
at = "full"
"""

FILE = 'name = "own"\nfile = "own.csv"'


def replaced(old: str, new: str) -> str:
    assert RIGHT.count(old) >= 1, old
    return RIGHT.replace(old, new, 1)


# name -> (text of the study, phrases that its one message must hold)
WRONG: dict[str, tuple[str, list[str]]] = {
    "broken TOML": (replaced("seed = 20", "seed = = 20"), ["TOML", "line 4"]),
    "misspelt key": (
        replaced("question", "questiom"),
        ['unknown key "questiom"', 'Did you mean "question"?'],
    ),
    "misspelt key in a block": (
        replaced('label = "boxed"', 'labeel = "boxed"'),
        ["method[2]", 'unknown key "labeel"', 'Did you mean "label"?'],
    ),
    "misspelt key in starts": (
        replaced('scheme = "mixed", n = 4', 'scheme = "mixed", m = 4'),
        ["starts:", 'unknown key "m"', "scheme, n, given"],
    ),
    "misspelt block": (
        RIGHT.replace("[[method]]", "[[methods]]"),
        ['unknown key "methods"', 'Did you mean "method"?'],
    ),
    "missing title": (replaced('title = "Right"\n', ""), ['"title"', "add it"]),
    "no models": (
        replaced('[[model]]\nfamily = "gaussian"\nn_components = 2', ""),
        ["at least one [[model]] block"],
    ),
    "table instead of blocks": (
        replaced("[[model]]", "[model]"),
        ["model: expected blocks that begin with [[model]]"],
    ),
    "wrong type": (replaced("seed = 20", 'seed = "20"'), ["seed: expected a whole number", '"20"']),
    "seed not whole": (
        replaced("seed = 20", "seed = 2.5"),
        ["seed: expected a whole number", "2.5"],
    ),
    "replicates 0": (
        replaced("replicates = 3", "replicates = 0"),
        ["replicates", "at least 1", "got 0"],
    ),
    "replicates true": (
        replaced("replicates = 3", "replicates = true"),
        ["replicates", "a whole number"],
    ),
    "budget": (replaced("passes = 20000", "passes = -1"), ["budget.passes", "above 0", "-1"]),
    "budget key": (
        replaced("passes = 20000", "pases = 1"),
        ["budget", '"pases"', 'Did you mean "passes"?'],
    ),
    "no starts": (replaced("n = 4 }", "n = 0 }"), ["starts.n", "at least 1"]),
    "K": (
        replaced("n_components = 2", "n_components = 0"),
        ["model[1]", "n_components", "at least 1, got 0"],
    ),
    "K too large": (
        replaced("n_components = 2", "n_components = 60").replace("n = [50, 80]", "n = 70"),
        ["K = 60", "distinct observations"],
    ),
    "K as text": (
        replaced("n_components = 2", 'n_components = "2"'),
        ["model[1].n_components", "a whole number"],
    ),
    "data set": (
        replaced('"old_faithful"', '"old_faithfull"'),
        ["data[1].dataset", '"old_faithfull"', 'Did you mean "old_faithful"?'],
    ),
    "column": (
        replaced('columns = ["waiting"]', 'columns = ["waitinx"]'),
        ["data[1]", "waitinx", 'Did you mean "waiting"?'],
    ),
    "scenario": (
        replaced('scenario = "gaussian"', 'scenario = "gaussiam"'),
        ["data[2].scenario", '"gaussiam"', 'Did you mean "gaussian"?'],
    ),
    "scenario parameter": (
        replaced("weights = [0.3, 0.7], means = [0.0", "weightz = [0.3, 0.7], means = [0.0"),
        ["data[2]", '"weightz"', 'Did you mean "weights"?'],
    ),
    "scenario value": (
        replaced("weights = [0.3, 0.7]", "weights = [0.3, 0.6]"),
        ["data[2]", "weights", "sum 1"],
    ),
    "no kind of data": (
        replaced('dataset = "old_faithful"\n', ""),
        ["data[1]", "exactly one of dataset, file"],
    ),
    "key of another kind": (
        replaced('dataset = "old_faithful"', 'dataset = "old_faithful"\nparameters = { n = 3 }'),
        ["data[1].parameters", "only with a scenario", "take it out"],
    ),
    "replicates of real data": (
        replaced('columns = ["waiting"]', 'columns = ["waiting"]\nreplicates = 5'),
        ["data[1].replicates", "only with a scenario"],
    ),
    "file missing": (
        replaced('name = "waiting"\ndataset = "old_faithful"\ncolumns = ["waiting"]', FILE)
        .replace('data = ["waiting"]', "")
        .replace('data = "waiting", ', ""),
        ["data[1].file", "own.csv", "none of this name"],
    ),
    "two data of one name": (
        replaced('name = "two"', 'name = "waiting"\n').replace(" n = [50, 80]", " n = 50"),
        ["waiting", "twice"],
    ),
    "family": (
        replaced('family = "gaussian"', 'family = "gaussiam"'),
        ["model[1].family", 'Did you mean "gaussian"?'],
    ),
    "family option": (
        replaced("n_components = 2", 'n_components = 2\noptions = { covarianse = "tied" }'),
        ["model[1].options", '"covarianse"', 'Did you mean "covariance"?'],
    ),
    "family option value": (
        replaced("n_components = 2", 'n_components = 2\noptions = { covariance = "teid" }'),
        ["model[1].options", '"teid"', 'Did you mean "tied"?'],
    ),
    "model's data": (
        replaced("n_components = 2", 'n_components = 2\ndata = ["waitinx"]'),
        ["model[1].data[1]", '"waitinx"', 'Did you mean "waiting"?'],
    ),
    "model twice": (
        replaced("n_components = 2", "n_components = [2, 2]"),
        ['"gaussian K=2 full" twice'],
    ),
    "support": (
        replaced('family = "gaussian"', 'family = "bernoulli"'),
        ["model bernoulli K=2 on the data waiting"],
    ),
    "method": (
        replaced('name = "em"', 'name = "e-m"'),
        ["method[1].name", '"e-m"', 'Did you mean "em"?'],
    ),
    "method modifier": (
        replaced("l-bfgs-b[bounded]", "l-bfgs-b[boundet]"),
        ["method[2].name", '"boundet"', 'Did you mean "bounded"?'],
    ),
    "method option for the model": (
        replaced("means = [40, 100]", "mean = [40, 100]"),
        ["the method boxed for the model gaussian K=2 full", '"mean"', 'Did you mean "means"?'],
    ),
    "method option": (
        replaced("max_iter = 500", "maxiter = 500"),
        ["method[1].options", '"maxiter"', 'Did you mean "max_iter"?'],
    ),
    "method option value": (
        replaced("max_iter = 500", 'max_iter = "many"'),
        ["method[1].options", "max_iter"],
    ),
    "method twice": (
        RIGHT + '\n[[method]]\nname = "em"\n',
        ['"em" twice', "label"],
    ),
    "start scheme": (
        replaced('scheme = "mixed"', 'scheme = "mixt"'),
        ["starts.scheme", '"mixt"', 'Did you mean "mixed"?'],
    ),
    "scheme and points": (
        replaced('scheme = "mixed", n = 4', 'scheme = "mixed", given = [{ weights = [1.0] }]'),
        ["starts: expected either a scheme", "got both"],
    ),
    "given start's shape": (
        replaced("means = [0.1, 0.5], covariances", "means = [0.1, 0.5, 0.7], covariances"),
        ["data[2].starts.given[1]", "means"],
    ),
    "given start's parameter": (
        replaced("means = [0.1, 0.5], covariances", "meanz = [0.1, 0.5], covariances"),
        ["data[2].starts.given[1]", 'Did you mean "means"?'],
    ),
    "given start outside": (
        replaced("weights = [0.5, 0.5]", "weights = [0.5, 0.6]"),
        ["data[2].starts.given[1]", "sum to 1.1"],
    ),
    "no start for a model": (
        replaced("n_components = 2", "n_components = [1, 2]"),
        ["data[2].starts.given", "1 components for the model gaussian K=1"],
    ),
    "quick option": (
        replaced("max_iter = 50 }", "max_itr = 50 }"),
        ["quick", '"max_itr"', 'Did you mean "max_iter"?'],
    ),
    "expected quantity": (
        replaced('"best_loglik"', '"best_loglike"'),
        ["expect[1]", '"best_loglike"', 'Did you mean "best_loglik"?'],
    ),
    "expected of unknown data": (
        replaced('where = { data = "waiting"', 'where = { data = "waitinx"'),
        ["expect[1].where.data", '"waitinx"', 'Did you mean "waiting"?'],
    ),
    "expected of unknown method": (
        replaced('method = "em" }', 'method = "emm" }'),
        ["expect[1].where.method", '"emm"', 'Did you mean "em"?'],
    ),
    "expected of unknown key": (
        replaced('method = "em" }', 'xmethod = "em" }'),
        ["expect[1]", '"xmethod"', 'Did you mean "method"?'],
    ),
    "expected without value": (replaced("value = -1034.0018\n", ""), ["expect[1]", "neither"]),
    "expected list": (
        replaced("value = -1034.0018\n", "value = [1.0, 2.0]\n"),
        ["expect[1]", "2 values", "got none"],
    ),
    "expected nothing": (
        replaced("value = -1034.0018\n", "value = []\n"),
        ["expect[1].value", "a number, a text in quotes, true or false, or a list of these"],
    ),
    "expected of unknown methods": (
        replaced('method = "em" }\nvalue = -1034.0018', 'method = ["em", "emm"] }\nvalue = [1, 2]'),
        ["expect[1].where.method", '"emm"', 'Did you mean "em"?'],
    ),
    "expected at": (replaced('at = "full"', 'at = "ful"'), ["expect[1].at", "'full'", '"ful"']),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_study_gives_one_message(tmp_path: Path, name: str) -> None:
    text, phrases = WRONG[name]
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_study(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message.replace(text, "")
    for phrase in phrases:
        assert phrase in message, message


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "quickstart.toml").write_text(RIGHT)
    with pytest.raises(SpecError, match=r'Did you mean "quickstart.toml"\?'):
        load_study(tmp_path / "quikstart.toml")
    with pytest.raises(SpecError, match="got a folder"):
        load_study(tmp_path)


def test_file_relative_to_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "own.csv").write_text("value,times\n1.5,2\n2.5,1\n4.0,3\n")
    path = tmp_path / "studies" / "own.toml"
    path.write_text(
        f'title = "Own"\n[[data]]\n{FILE}\ncolumns = ["value"]\ncounts = "times"\n'
        '[[model]]\nfamily = "gaussian"\nn_components = 1\n[[method]]\nname = "em"\n'
    )
    monkeypatch.chdir(tmp_path)
    [chunk] = plan(load_study("studies/own.toml"))
    data = chunk.tasks[0].source.load(0, 0)
    assert data.n == 6
    assert data.name == "own"


def test_right_study_loads_with_its_grid_and_quick_size(tmp_path: Path) -> None:
    path = tmp_path / "right.toml"
    path.write_text(RIGHT)
    study = load_study(path)
    full = [task for chunk in plan(study) for task in chunk.tasks]
    quick = [task for chunk in plan(study, quick=True) for task in chunk.tasks]
    count = {
        name: sum(t.source.name == name for t in full)
        for name in ("waiting", "two n=50", "two n=80")
    }
    assert count == {"waiting": 8, "two n=50": 2, "two n=80": 2}
    assert {task.label for task in full} == {"em", "boxed"}
    assert len(quick) == 2 * 2 + 1 + 1
    assert {task.estimator.max_iter for task in quick if task.label == "em"} == {50}
    assert {task.estimator.max_iter for task in full if task.label == "em"} == {500}
