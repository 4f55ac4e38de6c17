"""The open connections of an HTTP client, so that a thread that waits on one can be freed by another thread.

Closing a client leaves such a thread waiting for its timeout. Works with `httpx` and with `httpx2`, and loads neither.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

_OPENED = ("connect_tcp.complete", "start_tls.complete")


class Lines:
    """Knows every connection that the clients with its `hooks` have open. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()

    @property
    def hooks(self) -> dict[str, list[Callable[..., Any]]]:
        """What a client takes as `event_hooks`."""
        return {"request": [self._watch]}

    def hang_up(self) -> None:
        """Break every connection; whoever waits for an answer gets an error at once."""
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            line = stream.get_extra_info("socket")
            if line is not None:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def _watch(self, request: Any) -> None:
        request.extensions["trace"] = self._take

    def _take(self, event: str, details: Mapping[str, Any]) -> None:
        if event.endswith(_OPENED):
            with self._lock:
                self._streams.add(details["return_value"])
