"""The option that lets the benchmarks run."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
BENCHMARKS = TESTS / "benchmarks"
BAYES = TESTS / "bayes"
STUDIES = TESTS / "studies"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--benchmark",
        action="store_true",
        help="run tests/benchmarks, which time this project beside its peers (make bench)",
    )


def asked(config: pytest.Config) -> bool:
    return bool(config.getoption("benchmark"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Timing needs a quiet machine and minutes: it is done when asked for, never in passing."""
    if BENCHMARKS in (collection_path, *collection_path.parents) and not asked(config):
        return True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What goes to one worker together: a file, but all of tests/bayes, and each run of a study alone.

    The files of tests/bayes share compiled PyMC models, one a family and process; runs of studies share
    nothing and take a minute each.
    """
    for item in items:
        room = item.path.parent
        together = item.nodeid if room == STUDIES else str(room if room == BAYES else item.path)
        item.add_marker(pytest.mark.xdist_group(together))


def pytest_report_header(config: pytest.Config) -> str | None:
    if asked(config):
        return None
    return "tests/benchmarks are left out: they are run with --benchmark, or make bench"
