"""The table that the benchmarks fill, printed at the end of the run; one thread for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from side_by_side import Row, table
from threadpoolctl import threadpool_limits

ROWS = pytest.StashKey[list[Row]]()


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> list[Row]:
    """Where a benchmark puts what it measured."""
    return request.config.stash.setdefault(ROWS, [])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Numerical libraries that are loaded later are met by OMP_NUM_THREADS=1 of make bench."""
    import sklearn.mixture  # noqa: F401 - so that its thread pools are there to be limited

    with threadpool_limits(1):
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = terminalreporter.config.stash.get(ROWS, [])
    if found:
        terminalreporter.section(
            "side by side: CPU time, one thread, medians of interleaved rounds"
        )
        terminalreporter.write_line(table(found))
