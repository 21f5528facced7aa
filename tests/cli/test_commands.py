"""What the commands print and how they end when the input is right."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import mixcompare
from mixcompare import registry
from mixcompare.cli import KINDS, main
from mixcompare.datasets import available
from mixcompare.study.results import Results

ROOT = Path(__file__).parents[2]
FAITHFUL = str(Path(mixcompare.__file__).parent / "datasets" / "files" / "old_faithful.csv")

STUDY = """
title = "Two coins of a kind"
seed = 1
starts = { scheme = "random", n = 3 }
[quick]
starts = 1
[[data]]
name = "coins"
dataset = "li_hang_coins"
[[model]]
family = "bernoulli"
n_components = 1
[[method]]
name = "em"
[[method]]
name = "bfgs"
[[expect]]
quantity = "best_loglik"
where = { data = "coins" }
value = VALUE
tolerance = 1e-6
source = "ten tosses, six heads"
"""


def invoke(*args, width=100):
    result = CliRunner().invoke(main, [str(arg) for arg in args], env={"COLUMNS": str(width)})
    assert "Traceback" not in result.output, result.output
    return result


def lines(result, width):
    shown = result.stdout.splitlines()
    assert max(map(len, shown)) <= width, [line for line in shown if len(line) > width]
    return shown


# -- list and help --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("datasets", "studies")])
def test_list_shows_every_registered_name_with_words(kind):
    result = invoke("list", kind)
    assert result.exit_code == 0
    shown = lines(result, 100)
    for name in registry.names(kind):
        assert any(re.match(rf"{re.escape(name)} +\S+ \S+", line) for line in shown), name


def test_list_datasets_gives_titles_and_sizes():
    result = invoke("list", "datasets", width=80)
    shown = "\n".join(lines(result, 80))
    assert all(re.search(rf"^{name} ", shown, re.M) for name in available())
    assert "272 observations of eruptions, waiting" in " ".join(shown.split())


def test_list_studies_gives_titles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no studies" in invoke("list", "studies").stdout
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "a.toml").write_text(STUDY.replace("VALUE", "1"))
    (tmp_path / "studies" / "b.toml").write_text("title = ")
    result = invoke("list", "studies")
    assert result.exit_code == 0
    assert "Two coins of a kind" in result.stdout
    assert "cannot be read" in result.stdout


@pytest.mark.parametrize(
    "command", [[], ["run"], ["report"], ["index"], ["fit"], ["verify"], ["list"]]
)
def test_every_command_explains_itself(command):
    result = invoke(*command, "--help")
    assert result.exit_code == 0
    assert "Usage: main" in result.stdout
    lines(result, 100)


def test_version():
    assert invoke("--version").stdout.strip() == f"mixcompare {mixcompare.__version__}"


# -- fit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 100])
def test_fit_old_faithful_waiting(width):
    result = invoke(
        "fit", FAITHFUL, "--family", "gaussian", "-k", 2, "--columns", "waiting", width=width
    )
    assert result.exit_code == 0, result.output
    shown = lines(result, width)
    for method in ("em", "bfgs", "l-bfgs-b"):
        row = next(line.split() for line in shown if re.match(rf"{re.escape(method)} +-", line))
        assert row[1:3] == ["-1034.002", "maximum"]
        assert row[3:6] != ["0", "of", "20"]
    text = " ".join(result.stdout.split())
    assert "272 observations of waiting" in text
    assert re.search(r"mean +54\.61 \[5\d\.\d+, 5\d\.\d+\] +80\.09 \[79\.\d+, 8\d\.\d+\]", text)
    assert re.search(r"sd +5\.871 \[\d", text)
    assert re.search(r"weight +0\.3609 \[0\.\d+, 0\.\d+\] +0\.6391", text)
    assert "Believe the optimum at -1034.002" in text


def test_fit_takes_all_numeric_columns_and_names_correlations():
    result = invoke(
        "fit", FAITHFUL, "--family", "gaussian", "-k", 2, "--starts", 3, "--methods", "em"
    )
    assert result.exit_code == 0
    shown = lines(result, 100)
    assert any(line.startswith("em") and "-1130.264" in line for line in shown)
    assert any(line.startswith("correlation eruptions, waiting") for line in shown)
    assert "d = 2" in result.stdout


def test_fit_of_a_named_data_set_with_a_ridge_says_what_not_to_believe():
    result = invoke("fit", "li_hang_coins", "--family", "bernoulli", "-k", 2, "--starts", 4)
    assert result.exit_code == 0
    lines(result, 100)
    assert "ridge" in result.stdout
    assert "without intervals" in result.stdout
    assert "no single parameter" in " ".join(result.stdout.split())


def test_fit_with_counts_is_fit_of_repeated_rows(tmp_path):
    counted = tmp_path / "counted.csv"
    counted.write_text("y,n\n0,4\n1,6\n")
    long = tmp_path / "long.csv"
    long.write_text("y\n" + "0\n" * 4 + "1\n" * 6)
    options = ["--family", "bernoulli", "-k", 1, "--starts", 2, "--methods", "em"]
    short = invoke("fit", counted, *options, "--counts", "n")
    full = invoke("fit", long, *options)
    assert short.exit_code == full.exit_code == 0
    assert "10 observations in 2 rows of y" in short.stdout
    assert re.search(r"em +-6\.730 +maximum", short.stdout)
    assert re.search(r"em +-6\.730 +maximum", full.stdout)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (lambda i, x: 3, "as the column b is constant: leave it out."),
        (
            lambda i, x: 1 - 2 * x,
            "as the columns a, b are linearly dependent: leave one of them out.",
        ),
    ],
)
def test_columns_without_a_spread_of_their_own_are_named(tmp_path, second, said):
    data = tmp_path / "flat.csv"
    pairs = [(x, second(i, x)) for i, x in enumerate([0.1, 1.3, 0.7, 4.2, 5.1, 4.4, 1.1, 5.3])]
    data.write_text("a,b\n" + "\n".join(f"{a},{b}" for a, b in pairs))
    result = invoke("fit", data, "--family", "gaussian", "-k", 2, "--starts", 2)
    text = " ".join(result.stdout.split())
    assert text.endswith(f"a component can collapse, and the likelihood has no bound, {said}")
    alone = invoke("fit", data, "--family", "gaussian", "-k", 2, "--columns", "a")
    assert "leave" not in alone.stdout


def test_a_column_that_numbers_the_rows_is_mentioned(tmp_path):
    data = tmp_path / "numbered.csv"
    rows = [f"{i + 1},{(i * 7) % 11}" for i in range(40)]
    data.write_text("\n".join(["id,x", *rows]))
    options = ["--family", "gaussian", "-k", 1, "--methods", "em", "--starts", 1]
    assert 'note: column "id" only numbers the rows' in invoke("fit", data, *options).stderr
    for columns in ("id,x", "x"):
        assert "note" not in invoke("fit", data, *options, "--columns", columns).stderr


def test_what_was_found_is_printed_even_if_the_report_cannot_be_written(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Results, "report", fail)
    options = ["--family", "gaussian", "-k", 1, "--methods", "em", "--out", tmp_path / "out"]
    result = invoke("fit", FAITHFUL, *options)
    assert result.exit_code == 2
    assert "Believe the optimum" in result.stdout
    assert result.stderr.endswith("mixcompare: error: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("args", [["--help"], ["list", "methods"]])
def test_output_to_a_full_disk_is_one_message(args):
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "mixcompare", *args], stdout=full, stderr=subprocess.PIPE
        )
    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("mixcompare: error: No space left on device")
    assert b"Traceback" not in ended.stderr


def test_fit_with_many_components_and_long_names_keeps_the_width():
    methods = "em,nelder-mead[bounded],l-bfgs-b[bounded]"
    options = ["--family", "gaussian", "-k", 5, "--starts", 2, "--methods", methods]
    for width in (80, 100):
        result = invoke("fit", FAITHFUL, *options, "--columns", "waiting", width=width)
        assert result.exit_code == 0
        lines(result, width)


def test_fit_writes_a_report_where_asked(tmp_path):
    out = tmp_path / "deep" / "report"
    options = ["--family", "bernoulli", "-k", 1, "--starts", 2, "--methods", "em"]
    result = invoke("fit", "li_hang_coins", *options, "--out", out)
    assert result.exit_code == 0
    assert (out / "report.html").exists()
    assert str(out) in result.stdout.replace("\n", "")


def test_verify_says_what_a_point_is(tmp_path):
    point = tmp_path / "theta.json"
    point.write_text(
        '{"weights": [0.36, 0.64], "means": [54.6, 80.1], "covariances": [34.5, 34.4]}'
    )
    options = ["--family", "gaussian", "-k", 2, "--columns", "waiting", "--theta", point]
    result = invoke("verify", "old_faithful", *options)
    assert result.exit_code == 0
    lines(result, 100)
    assert "not stationary" in result.stdout


# -- run and report -------------------------------------------------------------------------------


def study(folder, value):
    path = folder / "coins.toml"
    path.write_text(STUDY.replace("VALUE", str(value)))
    return path


def test_run_then_resume_then_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = study(tmp_path, -6.7301166700925645)
    result = invoke("run", path, "--workers", 1)
    assert result.exit_code == 0, result.output
    lines(result, 100)
    assert "Expectations: 1 reproduced." in result.stdout
    page = tmp_path / "runs" / "coins" / "report.html"
    assert page.exists()
    assert "runs/coins" in result.stdout
    page.unlink()
    again = invoke("run", path, "--workers", 1)
    assert again.exit_code == 0
    assert page.exists()
    page.unlink()
    rebuilt = invoke("report", tmp_path / "runs" / "coins")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert page.exists()


def test_quick_goes_to_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke("run", study(tmp_path, -6.7301166700925645), "--workers", 1, "--quick")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "runs" / "coins-quick" / "report.html").exists()


def test_a_broken_expectation_is_exit_code_1_and_says_which(tmp_path):
    out = tmp_path / "out"
    result = invoke("run", study(tmp_path, -6.0), "--workers", 1, "--out", out)
    assert result.exit_code == 1
    text = " ".join(result.stdout.split())
    assert "1 not reproduced" in text
    assert "best_loglik" in text
    assert (out / "report.html").exists()


def test_progress_in_plain_lines_off_a_terminal(tmp_path):
    result = invoke(
        "run", study(tmp_path, -6.7301166700925645), "--workers", 1, "--out", tmp_path / "out"
    )
    assert re.search(r"^6 of 6 fits \(", result.stderr, re.M)
    assert "\r" not in result.stderr
    assert "\x1b" not in result.output


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize(("workers", "after"), [(1, 3), (2, 0.2), (2, 3)])
def test_interrupt_ends_with_130_and_one_line(tmp_path, workers, after):
    # a fit that only waits: the study lasts most of an hour on the fastest machine
    shutil.copy(ROOT / "tests" / "study" / "study_outsiders.py", tmp_path)
    path = study(tmp_path, -6.7301166700925645)
    slow = 'name = "study_outsiders:Slow"\noptions = { pause = 1 }'
    path.write_text(path.read_text().replace('name = "em"', slow).replace("n = 3", "n = 3000"))
    args = [
        sys.executable,
        "-m",
        "mixcompare",
        "run",
        path,
        "--workers",
        str(workers),
        "--out",
        "out",
    ]
    run = subprocess.Popen(
        args,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell starts what runs in the background deaf to Ctrl-C, and its children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (tmp_path / "out").exists() and run.poll() is None:
        time.sleep(0.1)
    time.sleep(after)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=300)
    assert run.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "interrupted" in err
    assert "Report" not in out


# -- replay ---------------------------------------------------------------------------------------


def test_replay_repeats_a_stored_fit_and_an_unknown_key_is_wrong_input(tmp_path):
    study = tmp_path / "coins.toml"
    study.write_text(STUDY.replace("VALUE", "-6.7301167"))
    invoke("run", study, "--out", tmp_path / "out", "--workers", 1)
    result = invoke("replay", tmp_path / "out", "coins-0_bernoulli-K-1_em_2", width=80)
    assert result.exit_code == 0
    shown = "\n".join(lines(result, 80))
    assert "bit for bit" in shown
    assert "em on coins" in shown
    result = invoke("replay", tmp_path / "out", "coins-0_bernoulli-K-1_em_7")
    assert result.exit_code == 2
    assert "The nearest is coins-0_bernoulli-K-1_em_" in result.stderr
