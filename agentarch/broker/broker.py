"""Gives every box its turn at the models: calls wait in one line for each evaluation, and lines are served in turn.

So a design that makes a thousand calls at once delays one that makes few by a turn, and not by a thousand calls.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from agentarch.broker.contract import Answer, Backend, Call

Done = Callable[[Answer | Exception], None]
"""Takes the answer to a call; called from a thread of the broker. Where it raises, it is told so in the same way."""

CLOSING_SECONDS = 5.0
"""So long are the threads of a model waited for when it is closed, all together."""

log = logging.getLogger(__name__)


class Miscounted(Exception):
    """A backend gave more or fewer answers than there were calls."""


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
        self._idle = 0  # threads that look for calls before they do anything else
        self._is_closed = False

    def submit(self, line: Hashable, waiting: _Waiting) -> None:
        with self._changed:
            if not self._is_closed:
                self._lines.setdefault(line, deque()).append(waiting)
                calls = sum(map(len, self._lines.values()))
                if calls > self._idle * self._backend.batch and len(self._threads) < self._backend.workers:
                    thread = threading.Thread(target=self._serve, daemon=True)
                    self._threads.append(thread)
                    self._idle += 1
                    thread.start()
                self._changed.notify()
                return
        _tell(waiting, Closed("the run is being stopped"))

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
            _tell(waiting, Closed("the run is being stopped"))
        deadline = time.monotonic() + CLOSING_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._lines and not self._is_closed:
                    self._changed.wait()
                self._idle -= 1
                if self._is_closed:
                    return
                taken = self._take()
            for waiting, answer in zip(taken, self._answers(taken), strict=True):
                _tell(waiting, answer)
            with self._changed:
                self._idle += 1

    def _answers(self, taken: Sequence[_Waiting]) -> Sequence[Answer | Exception]:
        """Return one answer a call, or what went wrong: it is our fault, and none waits for ever."""
        try:
            answers = self._backend.answer([waiting.call for waiting in taken])
            if len(answers) != len(taken):
                raise Miscounted(f"expected {len(taken)} answers from the backend; {len(answers)} came")
        except Exception as error:
            return [error] * len(taken)
        return answers

    def _take(self) -> list[_Waiting]:
        """Take a batch, one call of each line in turn."""
        taken: list[_Waiting] = []
        while self._lines and len(taken) < self._backend.batch:
            line, waiting = self._lines.popitem(last=False)
            taken.append(waiting.popleft())
            if waiting:
                self._lines[line] = waiting  # at the end: every other line comes first
        return taken


def _tell(waiting: _Waiting, answer: Answer | Exception) -> None:
    """Hand over an answer; where that fails, hand over why. Whoever hears it badly harms no other."""
    try:
        waiting.done(answer)
    except Exception as error:
        try:
            waiting.done(error)
        except Exception:
            log.exception("an answer to question %d could not be handed over", waiting.question)
