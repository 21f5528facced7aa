"""Every study of studies/: it loads, its numbers are the reference's, and its quick run reproduces them."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mixcompare.cli import main
from mixcompare.study.expect import each
from mixcompare.study.run import load_results, run_study
from mixcompare.study.spec import load_study

ROOT = Path(__file__).parents[2]
STUDIES = {path.stem: path for path in sorted((ROOT / "studies").glob("*.toml"))}
FAST = ("fifteen_points", "three_coins")
"""The cheapest: their quick runs, without the report, are fast tests."""


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def reference() -> dict[str, Any]:
    """The project's reference numbers by the names of their entries: notebooks, and known optima.

    criteria.json has what the list of known optima says of AIC and BIC.
    """
    optima = read(ROOT / "tests/reference_optima/optima.json")["cases"]
    criteria = read(Path(__file__).with_name("criteria.json"))
    notebooks = read(ROOT / "tests/estimators/seeds_trajectories.json")
    return {**{case["id"]: [case, criteria[case["id"]]] for case in optima}, **notebooks}


REFERENCE = reference()
GIVEN = re.compile(r"\breferences?: ")


def expectations(name: str) -> list[dict[str, Any]]:
    study = tomllib.loads(STUDIES[name].read_text(encoding="utf-8"))
    return list(each(study.get("expect", [])))


def numbers(entry: Any) -> Iterator[float]:
    """All numbers of an entry, however deep."""
    if isinstance(entry, dict):
        entry = list(entry.values())
    if isinstance(entry, list):
        for part in entry:
            yield from numbers(part)
    elif isinstance(entry, (int, float)) and not isinstance(entry, bool):
        yield float(entry)


def digits(value: float) -> str:
    """Its significant digits as written."""
    return repr(value).lower().partition("e")[0].replace(".", "").strip("-0")


def is_one_of(value: float, known: list[float]) -> bool:
    """Whether it is one of the known numbers, but for one in the last digit written, and for the sign.

    Minimisers report the negative of a log-likelihood, mclust that of BIC.
    """
    decimals = len(repr(value).partition(".")[2])
    return any(abs(abs(value) - abs(other)) <= 1.001 * 10.0**-decimals for other in known)


@pytest.mark.parametrize("name", STUDIES)
def test_it_loads_and_asks(name: str) -> None:
    study = load_study(STUDIES[name])
    assert study.file.question.endswith("?")
    assert study.file.expect


@pytest.mark.parametrize("name", STUDIES)
def test_what_is_expected_is_what_its_source_has(name: str) -> None:
    """A value of five digits or more is among the numbers of the entry that its source names."""
    for block in expectations(name):
        source, value = str(block.get("source", "")), block.get("value")
        if not GIVEN.search(source):
            continue
        # whole names only: li_hang_coins is not li_hang_coins_bernoulli_K2
        named = set(re.findall(r"[\w-]+", source)) & set(REFERENCE)
        assert named, f"{source}: names no entry of the reference"
        if isinstance(value, float) and len(digits(value)) >= 5:
            known = [number for key in named for number in numbers(REFERENCE[key])]
            if block["quantity"] in ("best_known", "best_loglik"):
                known += [-number for number in known]  # some entries hold what was minimised
            assert is_one_of(value, known), f"{value} is not in {', '.join(sorted(named))}"


def test_a_typing_error_would_be_found() -> None:
    known = list(numbers(REFERENCE["000-coins"]))
    assert is_one_of(0.461862835113919, known)
    assert is_one_of(0.46186, known)
    assert not is_one_of(0.461826835113919, known)
    assert not is_one_of(0.46188, known)


@pytest.mark.parametrize("name", FAST)
def test_quick_runs_reproduce_what_they_expect(name: str, tmp_path: Path) -> None:
    checked = run_study(STUDIES[name], tmp_path / "out", quick=True).expectations()
    late = [block.get("at") == "full" for block in expectations(name)]
    expected = ["not checked" if full else "reproduced" for full in late]
    assert checked["status"].tolist() == expected, checked.to_string()
    assert expected.count("reproduced") > 40


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_quick_runs_end_with_a_report_and_exit_code_0(name: str, tmp_path: Path) -> None:
    result = run(STUDIES[name], tmp_path / "out")
    assert result.exit_code == 0, result.output
    late = [block.get("at") == "full" for block in expectations(name)]
    statuses = load_results(tmp_path / "out").expectations()["status"].tolist()
    assert statuses == ["not checked" if full else "reproduced" for full in late]
    assert (tmp_path / "out" / "report.html").exists()


def test_an_expectation_broken_on_purpose_is_exit_code_1_and_the_report_says_so(
    tmp_path: Path,
) -> None:
    """Of the notebook's printed numbers, one digit is changed; all the others still hold."""
    shutil.copy(STUDIES["three_coins"].with_name("notebook_faults.py"), tmp_path)
    text = STUDIES["three_coins"].read_text(encoding="utf-8")
    block = 'source = "reference: 000-coins-hand"'
    right, wrong = "value = 0.531\n", "value = 0.532\n"
    assert text.count(right) == 1
    assert block in text
    path = tmp_path / "broken.toml"
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    result = run(path, tmp_path / "out")
    assert result.exit_code == 1, result.output
    assert "1 not reproduced" in " ".join(result.output.split())
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    plain = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    for shown in (re.sub(r"<[^>]+>", " ", page), plain):
        words = " ".join(shown.split())
        assert "not reproduced" in words
        assert re.search(
            r"Not reproduced: iterate.*expected 0\.532.*found 0\.531", words, re.DOTALL
        )
    assert len(re.findall(r"^\| not reproduced", plain, re.MULTILINE)) == 1


def run(path: Path, out: Path) -> Any:
    arguments = ["run", str(path), "--quick", "--workers", "1", "--out", str(out)]
    return CliRunner().invoke(main, arguments, env={"COLUMNS": "100"})
