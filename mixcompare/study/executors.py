"""Where chunks are executed: here, in processes, or on a dask cluster. All have one signature.

`executor(chunks, where)` yields (index of the chunk, outcomes) as they come; a chunk may come in several
pieces. Closing the generator, as an interrupt does, stops what is still going on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mixcompare.study.execute import Outcome, execute, outcomes
from mixcompare.study.plan import Chunk
from mixcompare.study.workers import in_processes, on_cluster

Executed = Iterator[tuple[int, Sequence[Outcome]]]


def serial(chunks: Sequence[Chunk], workers: int = 1) -> Executed:
    """In this process, one fit after the other, each handed over when it has ended."""
    for index, chunk in enumerate(chunks):
        for outcome in outcomes(chunk):
            yield index, [outcome]


def processes(chunks: Sequence[Chunk], workers: int) -> Executed:
    """In `workers` processes of this machine, each with one thread, chunks in their order.

    A fit is handed over when it has ended, not when its chunk has, which may take minutes: what had ended
    is what an interrupt keeps.
    """
    return in_processes(_one_by_one, chunks, workers)


def _one_by_one(chunk: Chunk) -> Iterator[list[Outcome]]:
    return ([outcome] for outcome in outcomes(chunk))


def distributed(chunks: Sequence[Chunk], address: str) -> Executed:
    """On the dask cluster whose scheduler has this address."""
    return on_cluster(execute, chunks, address)
