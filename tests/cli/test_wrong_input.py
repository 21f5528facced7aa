"""Every wrong input: exit code 2, one message that helps, no traceback, nothing written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mixcompare.cli import main

GOOD = "a,b,n,group\n" + "".join(
    f"{i % 7 + 0.5 * i},{i % 2},{i % 3 + 1},g{i % 2}\n" for i in range(20)
)

FILES = {
    "good.csv": GOOD,
    "empty.csv": "",
    "header.csv": "a,b\n",
    "hole.csv": "a\n1\nNA\n3\n",
    "infinite.csv": "a\n1\ninf\n3\n",
    "words.csv": "a\nx\ny\n",
    "semicolon.csv": "a;b\n1;2\n",
    "numbers.csv": "1,2\n3,4\n",
    "ragged.csv": "a,b\n1,2\n3\n",
    "constant.csv": "a\n" + "2\n" * 9,
    "negative.csv": "a,n\n1,2\n2,-1\n",
    "binary.csv": b"\xff\xfe\x00\x01",
    "theta.json": '{"weights": [0.5, 0.5], "means": [1, 2]}',
    "list.json": "[1, 2]",
    "broken.json": "{",
    "study.toml": """
title = "Small"
[[data]]
name = "d"
file = "good.csv"
columns = ["a"]
[[model]]
family = "gaussian"
n_components = 2
[[method]]
name = "em"
""",
}

FIT = ["--family", "gaussian", "-k", "2"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        path = tmp_path / name
        path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    return tmp_path


def refused(args, *words):
    before = sorted(Path().rglob("*"))
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exit_code == 2, (result.stdout, result.stderr, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("mixcompare: error: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr
    assert sorted(Path().rglob("*")) == before
    return result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["fit", "god.csv", *FIT], ["god.csv", "good.csv"]),
        (["fit", "old_fathful", *FIT], ["old_fathful", '"old_faithful"', "comes with mixcompare"]),
        (["fit", "old_faithful.csv", *FIT], ['"old_faithful"']),
        (["fit", "nowhere/x.csv", *FIT], ["no folder"]),
        (["fit", ".", *FIT], ["folder"]),
        (["fit", "empty.csv", *FIT], ["empty.csv", "header"]),
        (["fit", "header.csv", *FIT], ["rows"]),
        (["fit", "hole.csv", *FIT], ["missing", "row 2"]),
        (["fit", "infinite.csv", *FIT], ["finite", "row 2"]),
        (["fit", "words.csv", *FIT], ["numbers"]),
        (["fit", "semicolon.csv", *FIT], ["commas"]),
        (["fit", "numbers.csv", *FIT], ["column names"]),
        (["fit", "ragged.csv", *FIT], ["line 3"]),
        (["fit", "binary.csv", *FIT], ["UTF-8"]),
        (["fit", "constant.csv", *FIT], ["distinct", "K = 2"]),
        (["fit", "good.csv", *FIT, "--columns", "aa"], ["aa", '"a"']),
        (["fit", "good.csv", *FIT, "--columns", "a,,b"], ["--columns", "commas"]),
        (["fit", "good.csv", *FIT, "--columns", "group"], ["group", "g0"]),
        (["fit", "good.csv", *FIT, "--counts", "m"], ["counts", "'m'"]),
        (["fit", "negative.csv", *FIT, "--counts", "n"], ["negative", "row 2"]),
        (["fit", "old_faithful", *FIT, "--counts", "waiting"], ["--counts"]),
        (["fit", "good.csv", "--family", "gausian", "-k", "2"], ["gausian", '"gaussian"']),
        (
            ["fit", "good.csv", "--family", "bernoulli", "-k", "2", "--columns", "a"],
            ["zeros and ones", "row"],
        ),
        (["fit", "good.csv", "--family", "gaussian"], ["-k"]),
        (["fit", "good.csv", "-k", "2"], ["--family"]),
        (["fit", "good.csv", "--family", "gaussian", "-k", "0"], ["-k", "0"]),
        (["fit", "good.csv", "--family", "gaussian", "-k", "two"], ["-k", "two"]),
        (["fit", "good.csv", "--family", "gaussian", "-k", "21"], ["K = 21"]),
        (["fit", "good.csv", *FIT, "--covariance", "ful"], ["ful", '"full"']),
        (["fit", "good.csv", *FIT, "--n-trials", "5"], ["n_trials", "covariance"]),
        (["fit", "good.csv", *FIT, "--df", "5"], ["df", "covariance"]),
        (
            [
                "fit",
                "good.csv",
                "--family",
                "bernoulli",
                "-k",
                "2",
                "--columns",
                "b",
                "--covariance",
                "full",
            ],
            ["covariance", "no options"],
        ),
        (["fit", "good.csv", *FIT, "--columns", "a", "--methods", "emm"], ["emm", '"em"']),
        (
            ["fit", "good.csv", *FIT, "--columns", "a", "--methods", "bfgs[naiv]"],
            ["naiv", '"naive"'],
        ),
        (["fit", "good.csv", *FIT, "--columns", "a", "--methods", "bfgs[naive"], ["bfgs[naive"]),
        (["fit", "good.csv", *FIT, "--columns", "a", "--methods", "em,em"], ["em", "once"]),
        (["fit", "good.csv", *FIT, "--columns", "a", "--methods", ""], ["--methods"]),
        (["fit", "good.csv", *FIT, "--columns", "a", "--start", "kmean"], ["kmean", '"kmeans"']),
        (["fit", "good.csv", *FIT, "--columns", "a", "--starts", "0"], ["--starts"]),
        (["fit", "good.csv", *FIT, "--columns", "a", "--seed", "-1"], ["--seed"]),
        (["fit", "good.csv", *FIT, "--columns", "a", "--priors", "weak"], ["priors", "bfgs"]),
        (
            ["fit", "good.csv", *FIT, "--columns", "a", "--methods", "nuts", "--priors", "wek"],
            ["wek", '"weak"'],
        ),
        (["fit", "good.csv", *FIT, "--columns", "a", "--out", "good.csv"], ["--out", "folder"]),
        (
            ["fit", "good.csv", *FIT, "--columns", "a", "--out", "good.csv/deep/er"],
            ["--out", "folder"],
        ),
        (["fit", "good.csv", *FIT, "--famly", "gaussian"], ["--famly", "--family"]),
        (["fit"], ["DATA"]),
        (["ft"], ["ft", "fit"]),
        (["--versoin"], ["--version"]),
        (["verify", "good.csv", *FIT, "--columns", "a"], ["--theta"]),
        (["verify", "good.csv", *FIT, "--columns", "a", "--theta", "no.json"], ["no.json"]),
        (
            ["verify", "good.csv", *FIT, "--columns", "a", "--theta", "list.json"],
            ["weights", "list"],
        ),
        (["verify", "good.csv", *FIT, "--columns", "a", "--theta", "broken.json"], ["JSON"]),
        (
            ["verify", "good.csv", *FIT, "--columns", "a", "--theta", "theta.json"],
            ["covariances", "means"],
        ),
        (["list", "family"], ["family", '"families"']),
        (["list"], ["KIND"]),
        (["run", "studdy.toml"], ["studdy.toml", '"study.toml"']),
        (["run", "."], ["folder"]),
        (["run", "good.csv"], ["good.csv", "TOML"]),
        (["run", "study.toml", "--workers", "0"], ["--workers"]),
        (["run", "study.toml", "--workers", "2", "--scheduler", "x"], ["--scheduler"]),
        (["run", "study.toml", "--out", "good.csv"], ["good.csv"]),
        (["report", "nowhere"], ["nowhere"]),
        (["report", "."], ["results"]),
        (["report", ".", "--format", "html,mdd"], ["mdd", '"md"']),
        (["index", "nowhere"], ["nowhere", "folder of reports", "nothing there"]),
        (["index", "good.csv"], ["good.csv", "a file"]),
        (["index", "."], ["summary.json", "mixcompare report"]),
        (["index"], ["DIR"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_one_message_and_nothing_written(place, args, words):
    refused(args, *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('title = "Small"', "titel = 'Small'"), ["titel", '"title"']),
        (('title = "Small"', ""), ["title"]),
        (('title = "Small"', "title = 3"), ["title", "3"]),
        (('title = "Small"', "title = "), ["TOML", "line"]),
        (('title = "Small"', 'title = "Small"\nseed = "x"'), ["seed", "whole number"]),
        (
            ('title = "Small"', 'title = "Small"\nstarts = { scheme = "kmens" }'),
            ["kmens", '"kmeans"'],
        ),
        (
            ('title = "Small"', 'title = "Small"\nstarts = { scheme = "kmeans", n = 0 }'),
            ["starts.n", "1"],
        ),
        (('title = "Small"', 'title = "Small"\nbudget = { pases = 9 }'), ["pases", '"passes"']),
        (('title = "Small"', 'title = "Small"\nquick = { strats = 9 }'), ["strats", '"starts"']),
        (('file = "good.csv"', 'file = "god.csv"'), ["data[1]", "god.csv", '"good.csv"']),
        (('file = "good.csv"', 'dataset = "old_fathful"'), ["data[1]", '"old_faithful"']),
        (('file = "good.csv"', 'scenario = "gausian"'), ["data[1]", "scenario"]),
        (('file = "good.csv"', 'fil = "good.csv"'), ["data[1]", "fil", '"file"']),
        (('columns = ["a"]', 'columns = ["aa"]'), ["data[1]", "aa", '"a"']),
        (('family = "gaussian"', 'family = "gausian"'), ["model[1]", "gausian", '"gaussian"']),
        (('family = "gaussian"', 'family = "bernoulli"'), ["zeros and ones"]),
        (("n_components = 2", "n_components = 0"), ["model[1]", "0"]),
        (("n_components = 2", "n_components = 21"), ["K = 21"]),
        (("n_components = 2", "n_components = 2\noptions = { covarianc = 1 }"), ['"covariance"']),
        (('name = "em"', 'name = "emm"'), ["method[1]", "emm", '"em"']),
        (('name = "em"', 'name = "em"\noptions = { tl = 1 }'), ["method[1]", "tl", '"tol"']),
        (('name = "em"', 'name = "em"\noptions = { tol = -1 }'), ["method[1]", "tol", "-1"]),
        (
            ('name = "em"', 'name = "em"\n[[expect]]\nquantity = "best_logliks"\nvalue = 1'),
            ["best_loglik"],
        ),
        (
            (
                'name = "em"',
                'name = "em"\n[[expect]]\nquantity = "best_loglik"\nvalue = 1\nwhere = { dta = "d" }',
            ),
            ["expect[1]", "dta"],
        ),
        (
            (
                'name = "em"',
                'name = "em"\n[[expect]]\nquantity = "best_loglik"\nvalue = 1\nwhere.data = "e"',
            ),
            ["expect[1]", '"e"'],
        ),
        (("[[method]]", "[[methd]]"), ["methd", '"method"']),
    ],
    ids=lambda value: value[1][-40:] if isinstance(value, tuple) else None,
)
def test_a_wrong_study_names_file_and_key(place, change, words):
    text = FILES["study.toml"]
    assert change[0] in text
    Path("wrong.toml").write_text(text.replace(*change))
    refused(["run", "wrong.toml", "--workers", "1"], "wrong.toml", *words)
    refused(["run", "wrong.toml", "--workers", "1", "--out", "new"], "wrong.toml", *words)


def test_theta_outside_the_parameter_space_is_a_finding_not_an_error(place):
    point = {"weights": [0.5, 0.5], "means": [1, 2], "covariances": [1, -1]}
    Path("point.json").write_text(json.dumps(point))
    result = CliRunner().invoke(
        main, ["verify", "good.csv", *FIT, "--columns", "a", "--theta", "point.json"]
    )
    assert result.exit_code == 0
    assert "out of domain" in result.stdout


@pytest.mark.parametrize(
    "args", [["fit", "hole.csv", *FIT], ["run", "studdy.toml"], ["fit", "--famly"], ["list", "x"]]
)
def test_the_real_command_ends_with_one_line_and_code_2(place, args):
    done = subprocess.run(
        [sys.executable, "-m", "mixcompare", *args], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("mixcompare: error: ")
    assert done.stderr.count("\n") == 1


def test_no_arguments_show_the_help(place):
    done = subprocess.run(
        [sys.executable, "-m", "mixcompare"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "Commands:" in done.stderr
