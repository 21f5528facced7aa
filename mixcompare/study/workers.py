"""A function on many items: here, in processes, or on a dask cluster; whatever the work is.

Closing a generator, as an interrupt does, stops what is still going on.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any

from mixcompare.errors import MixcompareError, SpecError

Progress = Callable[[int, int, str], None]
"""Called with the number of fits that have ended, the number planned, and what has just ended."""

POLL_SECONDS = 0.1
"""How often the coordinator looks whether a worker has ended or died, when nothing arrives."""

THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR", "NUMBA")
"""Libraries that read {NAME}_NUM_THREADS when they are imported."""


def each[A, B](
    work: Callable[[A], B], items: Sequence[A], workers: int = 1, scheduler: str | None = None
) -> Generator[tuple[int, B], None, None]:
    """`work`, a function of a module, on every item, wherever is asked for; (index, result) as they come."""
    if scheduler is not None:
        yield from on_cluster(work, items, scheduler)
    elif workers > 1 and len(items) > 1:
        yield from in_processes(partial(_alone, work), items, workers)
    else:
        yield from ((index, work(item)) for index, item in enumerate(items))


def in_processes[A, B](
    work: Callable[[A], Iterable[B]], items: Sequence[A], workers: int
) -> Iterator[tuple[int, B]]:
    """`work`, a function of a module, on every item; (index of the item, result) of each of its results.

    Processes are spawned, so a script that calls this needs the usual `if __name__ == "__main__":`.
    Raises MixcompareError if a process dies, as the system makes it if memory runs out.
    """
    others = set(multiprocessing.active_children())
    with _one_thread_each():
        context = multiprocessing.get_context("spawn")
        sent = context.SimpleQueue()
        pool = concurrent.futures.ProcessPoolExecutor(
            min(workers, len(items)), context, initializer=_begin_worker, initargs=(sent,)
        )
        try:
            with _interrupts_ignored():
                running = {pool.submit(_send, work, i, item) for i, item in enumerate(items)}
            yield from _received(running, _arriving(sent))
            pool.shutdown()
            sent.put(None)
        except BrokenProcessPool as error:
            raise MixcompareError(
                "a worker process died: it was killed, or memory ran out. What had ended is kept; run again "
                "to go on, with fewer workers if it was memory."
            ) from error
        except BaseException:
            _end(set(multiprocessing.active_children()) - others)
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _received(
    running: set[concurrent.futures.Future[int]], arriving: queue.SimpleQueue[tuple[int, Any]]
) -> Iterator[tuple[int, Any]]:
    """Results as they arrive, until all is done and every one of them is here; raises what work raised."""
    missing = 0
    while running or missing:
        try:
            result = arriving.get(timeout=POLL_SECONDS)
        except queue.Empty:  # what had arrived before a failure has been handed over
            ended = {future for future in running if future.done()}
            running -= ended
            missing += sum(future.result() for future in ended)
        else:
            missing -= 1
            yield result


def _arriving(sent: Any) -> queue.SimpleQueue[tuple[int, Any]]:
    """What workers send, read by a thread until None comes.

    It may wait forever for the rest of what a killed worker began to send; nothing else waits for that.
    """
    arriving: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def read() -> None:
        for result in iter(sent.get, None):
            arriving.put(result)

    threading.Thread(target=read, daemon=True).start()
    return arriving


def on_cluster[A, B](
    work: Callable[[A], B], items: Sequence[A], address: str
) -> Iterator[tuple[int, B]]:
    """`work` on every item on a dask cluster; its workers must have one thread each.

    Raises SpecError if dask is not installed or no such cluster answers.
    """
    try:
        import distributed as dask
    except ImportError as error:
        raise SpecError(
            "scheduler: expected dask to be installed, which it is not: pip install mixcompare[dask]"
        ) from error
    try:
        client = dask.Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise SpecError(
            f"scheduler: expected the address of a dask scheduler, such as tcp://host:8786, got "
            f'"{address}", where none answers ({error})'
        ) from error
    with client:
        _require_workers(client, address)
        futures = client.map(work, items, pure=False, batch_size=64)
        index = {future.key: i for i, future in enumerate(futures)}
        try:
            for future, ended in dask.as_completed(futures, client.loop, with_results=True):
                yield index[future.key], ended
                future.release()
        finally:
            client.cancel(futures)


def _require_workers(client: object, address: str) -> None:
    """Workers there are, of one thread each: warnings and times of fits in one process would mix."""
    try:
        client.wait_for_workers(1, timeout=30)  # type: ignore[attr-defined]
    except TimeoutError as error:
        raise SpecError(
            f"scheduler: expected workers at {address}, got none within 30 seconds"
        ) from error
    threads = client.nthreads()  # type: ignore[attr-defined]
    if max(threads.values()) > 1:
        raise SpecError(
            f"scheduler: expected dask workers with one thread each, got up to {max(threads.values())}: "
            f"start them with dask worker --nthreads 1 --nworkers N"
        )


def _alone[A, B](work: Callable[[A], B], item: A) -> Iterator[B]:
    yield work(item)


def _send(work: Callable[[Any], Iterable[Any]], index: int, item: Any) -> int:
    """In a worker: send each result when it is there; how many there were."""
    count = 0
    for result in work(item):
        _SENT[0].put((index, result))
        count += 1
    return count


_SENT: list[Any] = []
"""In a worker: the queue to the coordinator."""


def _begin_worker(sent: Any) -> None:
    """Leave Ctrl-C to the coordinator, and end when it ends, however that happens."""
    _SENT.append(sent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # again: Python's start-up may have set its own
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end(processes: set[multiprocessing.process.BaseProcess]) -> None:
    """Stop them, gently and then not."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(timeout=2)
        if process.is_alive():
            process.kill()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started inside ignore Ctrl-C from birth, not only once `_begin_worker` runs in them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Environment for processes started inside: their libraries read it before any code of ours runs."""
    names = [f"{name}_NUM_THREADS" for name in THREADS]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
