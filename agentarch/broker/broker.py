"""Gives every box its turn at the models: calls wait in one line for each evaluation, and lines are served in turn.

So a design that makes a thousand calls at once delays one that makes few by a turn, and not by a thousand calls.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from agentarch.broker.contract import Answer, Backend, Call

Done = Callable[[Answer | Exception], None]
"""Takes the answer to a call; called from a thread of the broker."""


class Closed(Exception):
    """The broker was closed: nobody answers any more."""


@dataclass(frozen=True)
class _Waiting:
    question: int
    call: Call
    done: Done


class Broker:
    """Hands calls to the backends of their models.

    Args:
        backends: by the name that designs know a model by; the first is asked when a design names none.
    """

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._counters = {name: _Counter(backend) for name, backend in backends.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The models that may be asked, the one that is asked by default first."""
        return tuple(self._counters)

    def submit(self, line: Hashable, question: int, call: Call, done: Done) -> None:
        """Put a call at the end of a line and return at once.

        Args:
            line: of the evaluation that it is made for.
            question: of that evaluation.
            call: to a model of `names`.
            done: takes its answer.
        """
        self._counters[call.model].submit(line, _Waiting(question, call, done))

    def forget(self, line: Hashable, question: int) -> None:
        """Drop what still waits in a line for a question: nobody wants it any more."""
        for counter in self._counters.values():
            counter.forget(line, question)

    def close(self) -> None:
        """Answer no more; what waits is told so."""
        for counter in self._counters.values():
            counter.close()


class _Counter:
    """One backend with the lines before it, served in turn by as many threads as the backend has workers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._changed = threading.Condition()
        self._lines: OrderedDict[Hashable, deque[_Waiting]] = OrderedDict()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_closed = False

    def submit(self, line: Hashable, waiting: _Waiting) -> None:
        with self._changed:
            if not self._is_closed:
                self._lines.setdefault(line, deque()).append(waiting)
                if not self._idle and len(self._threads) < self._backend.workers:
                    thread = threading.Thread(target=self._serve, daemon=True)
                    self._threads.append(thread)
                    thread.start()
                self._changed.notify()
                return
        waiting.done(Closed("the run is being stopped"))

    def forget(self, line: Hashable, question: int) -> None:
        with self._changed:
            kept = deque(one for one in self._lines.get(line, ()) if one.question != question)
            if kept:
                self._lines[line] = kept
            else:
                self._lines.pop(line, None)

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            left = [waiting for line in self._lines.values() for waiting in line]
            self._lines.clear()
            self._changed.notify_all()
        self._backend.close()
        for waiting in left:
            waiting.done(Closed("the run is being stopped"))
        for thread in self._threads:
            thread.join(timeout=5.0)

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._lines and not self._is_closed:
                    self._changed.wait()
                self._idle -= 1
                if self._is_closed:
                    return
                taken = self._take()
            try:
                answers = self._backend.answer([waiting.call for waiting in taken])
            except Exception as error:  # ours; each who waits is told, and none waits for ever
                answers = [error] * len(taken)
            for waiting, answer in zip(taken, answers, strict=True):
                with contextlib.suppress(Exception):  # whoever hears it badly harms no other
                    waiting.done(answer)

    def _take(self) -> list[_Waiting]:
        """Take a batch, one call of each line in turn."""
        taken: list[_Waiting] = []
        while self._lines and len(taken) < self._backend.batch:
            line, waiting = self._lines.popitem(last=False)
            taken.append(waiting.popleft())
            if waiting:
                self._lines[line] = waiting  # at the end: every other line comes first
        return taken
