"""Keeps a few things that are dear to make, for workers that want the same ones at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """A cache of the most recently used values in which each is made once, by whoever asks first.

    Args:
        most: how many values are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, Future[T]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key, making it, or waiting for the one who does; others are not held up.

        Raises:
            Exception: whatever `make` raises, to all who wait for it; the next to ask tries again.
        """
        with self._lock:
            is_mine = key not in self._values
            value = self._values.setdefault(key, Future())
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        if is_mine:
            try:
                value.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._values.pop(key, None)
                value.set_exception(error)
        return value.result()
