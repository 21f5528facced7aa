"""One thread for scikit-learn: how many there are would change the order of its sums, and the last digits."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """A block in which scikit-learn and numpy use one thread."""
    return _libraries().limit(limits=1)


@cache
def _libraries() -> ThreadpoolController:
    """The thread pools of this process, looked for once, which takes as long as a small fit."""
    import sklearn.cluster  # noqa: F401 - its own pool is there from now on

    return ThreadpoolController()
