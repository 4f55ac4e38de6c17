"""A run's log and the state replayed from it, changed together, by one thread at a time."""

from __future__ import annotations

import threading
from typing import Any

from agentarch.search.state import RunState
from agentarch.store import Store


class Log:
    """The store of a run with its state.

    Attributes:
        store: the run's store; whoever writes to it holds `changed`, and calls `advance` afterwards.
        state: what the store says; not to be read without holding `changed` while an engine is at work.
        changed: guards both, may be held twice by one thread, and is notified of changes.
    """

    def __init__(self, store: Store, state: RunState) -> None:
        self.store, self.state = store, state
        self.changed = threading.Condition()

    def advance(self) -> None:
        """Bring the state up to the end of the log, to what other processes have written, too."""
        with self.changed:
            before = self.state.last_event
            for event in self.store.events(after=before):
                self.state.apply(event)
            if self.state.last_event > before:
                self.changed.notify_all()

    def note(self, kind: str, /, **body: Any) -> int:
        """Record an event that changes no queue; return its number."""
        with self.changed:
            number = self.store.note(kind, **body)
            self.advance()
        return number
