"""Time as clients see it, so that a test can let hours pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


def _wait(seconds: float, stop: threading.Event) -> None:
    stop.wait(seconds)


@dataclass(frozen=True)
class Clock:
    """A clock.

    Attributes:
        monotonic: seconds since some moment.
        sleep: waits for so many seconds, or until the event is set.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float, threading.Event], None] = _wait
