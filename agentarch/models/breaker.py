"""Stops asking a model that is down, and finds out, with one request at a time, when it is up again.

The circuit breaker of Nygard, "Release It!" (2007). Knows nothing of requests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


class Open(Exception):
    """The model is taken to be down.

    Attributes:
        seconds: after which it may be asked again.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"taken to be down for another {seconds:.0f} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Pass:
    """Leave to send one request, to be handed back with what came of it.

    Attributes:
        is_probe: whether it finds out for everybody else if the model is up.
    """

    is_probe: bool


class Breaker:
    """One model's state: closed (asked freely), open (not asked), half open (asked by one). Thread safe.

    Args:
        threshold: failures in a row that open it.
        first_pause_seconds: before the first probe; each probe that fails doubles it.
        most_pause_seconds: it grows no longer.
        monotonic: the clock.
    """

    def __init__(
        self,
        threshold: int,
        first_pause_seconds: float,
        most_pause_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._threshold = threshold
        self._first_pause_seconds = first_pause_seconds
        self._most_pause_seconds = most_pause_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._pause_seconds = 0.0
        self._probe_at: float | None = None  # None while closed
        self._is_probed = False

    def enter(self) -> Pass:
        """Ask for leave to send a request.

        Raises:
            Open: not now.
        """
        with self._lock:
            if self._probe_at is None:
                return Pass(is_probe=False)
            seconds = self._probe_at - self._monotonic()
            if seconds > 0:
                raise Open(seconds)
            if self._is_probed:
                raise Open(self._first_pause_seconds)
            self._is_probed = True
            return Pass(is_probe=True)

    def succeeded(self, leave: Pass) -> None:
        """Say that the model answered."""
        with self._lock:
            self._end(leave)
            self._failures, self._pause_seconds, self._probe_at = 0, 0.0, None

    def failed(self, leave: Pass) -> None:
        """Say that it did not."""
        with self._lock:
            self._end(leave)
            self._failures += 1
            is_open = self._probe_at is not None
            # One that was under way when it opened tells nothing new.
            if leave.is_probe or (not is_open and self._failures >= self._threshold):
                doubled = 2 * self._pause_seconds or self._first_pause_seconds
                self._pause_seconds = min(doubled, self._most_pause_seconds)
                self._probe_at = self._monotonic() + self._pause_seconds

    def left(self, leave: Pass) -> None:
        """Say that the request tells nothing, or was not sent."""
        with self._lock:
            self._end(leave)

    def _end(self, leave: Pass) -> None:
        if leave.is_probe:
            self._is_probed = False
