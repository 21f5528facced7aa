"""The meter of a fit: passes and seconds against its budget, and the trajectory of its evaluations."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixcompare.errors import BudgetExceeded
from mixcompare.records import Trajectory
from mixcompare.theta import Theta


@dataclass(frozen=True)
class Budget:
    """Limits of one fit; None means no limit."""

    passes: float | None = None
    seconds: float | None = None


UNLIMITED = Budget()


class Meter(ABC):
    """What is counted of one fit; see `Problem` for the attributes."""

    def __init__(self, budget: Budget, keep_points: bool) -> None:
        self.keep_points = keep_points
        self._restart(budget)

    def _restart(self, budget: Budget) -> None:
        """Nothing spent, nothing seen."""
        self.budget, self.passes, self.non_finite, self.lent = budget, 0, 0, ""
        self.best_point: Any = None
        self.read: Callable[[np.ndarray], Theta] = self.natural
        self._best = -np.inf
        self._under_way: Any = None
        self._trajectory: list[tuple[float, float]] = []
        self._booked: list[np.ndarray] = []
        self._points: list[Theta] = []
        self._started = time.perf_counter()

    @abstractmethod
    def natural(self, z: np.ndarray) -> Theta:
        """The point at an optimiser's vector, unless it says otherwise in `read`."""

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since this Problem was made."""
        return time.perf_counter() - self._started

    @property
    def trajectory(self) -> Trajectory:
        """Every evaluation so far: passes spent and log-likelihood."""
        self._close()
        table = np.concatenate([np.empty((0, 2)), *self._booked])
        return Trajectory(table[:, 0].copy(), table[:, 1].copy(), tuple(self._points))

    @property
    def raised_at(self) -> Theta | None:
        """The point of an evaluation that raised an exception, if the last one did."""
        point = self._under_way
        return self.read(point) if isinstance(point, np.ndarray) else point

    @property
    def passes_left(self) -> float:
        """Passes that the budget still has; 0 once its seconds are used up."""
        if not self.spent(0):
            return np.inf if self.budget.passes is None else self.budget.passes - self.passes
        return 0

    def spent(self, more: int = 1) -> str:
        """Which part of the budget does not allow so many more passes, in words; "" if it does."""
        if self.budget.passes is not None and self.passes + more > self.budget.passes:
            return f"the budget of {self.budget.passes:g} passes is used up"
        if self.budget.seconds is not None and self.seconds > self.budget.seconds:
            return f"the budget of {self.budget.seconds:g} seconds is used up"
        return ""

    def book(self, logliks: np.ndarray) -> None:
        """Put passes of a compiled run on the meter: the log-likelihood that each gave, in order."""
        self._close()
        passes = self.passes + 1.0 + np.arange(logliks.size)
        self._booked.append(np.column_stack([passes, logliks]))
        self.passes += logliks.size
        finite = np.isfinite(logliks)
        self.non_finite += int((~finite).sum())
        self._best = max([self._best, *logliks[finite][-1:]])

    def _close(self) -> None:
        if self._trajectory:
            self._booked.append(np.array(self._trajectory, dtype=float))
            self._trajectory = []

    def _charge(self, point: Any, passes: int = 1) -> None:
        spent = self.spent(passes)
        if spent:
            raise BudgetExceeded(spent)
        self.passes += passes
        self._under_way = point

    def _record(self, loglik: float, point: Any, theta: Theta | None) -> None:
        self._under_way = None
        self._trajectory.append((self.passes, loglik))
        if not np.isfinite(loglik):
            self.non_finite += 1
        elif loglik > self._best:
            self._best, self.best_point = loglik, point if theta is not None else np.array(point)
        if self.keep_points:
            self._points.append(self.read(point) if theta is None else theta)
