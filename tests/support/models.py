"""Clients of language models for tests: books that remember, a clock that jumps, questions."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from agentarch.models import (
    Ask,
    BudgetSpent,
    Client,
    Clock,
    Intent,
    ModelSettings,
    Reply,
    Settlement,
    Usage,
    make_client,
)
from support.model_server import ModelServer

SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
NATIVE = ("openai/small", "anthropic/small")
MODELS = (*NATIVE, "hosted_vllm/small")
"""One model string for each adapter; the last is litellm's."""


class RecordingBooks:
    """A ledger in memory."""

    def __init__(self, most_requests: int | None = None) -> None:
        self.intents: list[Intent] = []
        self.settlements: dict[int, Settlement] = {}
        self.hits: list[tuple[Ask, Reply]] = []
        self.most_requests = most_requests
        self._lock = threading.Lock()

    def open(self, intent: Intent) -> int:
        with self._lock:
            if self.most_requests is not None and len(self.intents) >= self.most_requests:
                raise BudgetSpent("no more requests", "requests")
            self.intents.append(intent)
            return len(self.intents) - 1

    def settle(self, number: int, settlement: Settlement) -> None:
        with self._lock:
            assert number not in self.settlements, "settled twice"
            self.settlements[number] = settlement

    def from_cache(self, ask: Ask, reply: Reply) -> None:
        with self._lock:
            self.hits.append((ask, reply))

    @property
    def outcomes(self) -> list[str]:
        assert len(self.settlements) == len(self.intents), "a request was not settled"
        return [self.settlements[number].outcome for number in range(len(self.intents))]

    @property
    def usage(self) -> Usage:
        told = [settlement.usage for settlement in self.settlements.values()]
        return Usage(
            sum(usage.input_tokens for usage in told),
            sum(usage.output_tokens for usage in told),
            sum(usage.cached_tokens for usage in told),
        )

    @property
    def reasons(self) -> list[str]:
        return [self.settlements[number].reason for number in range(len(self.intents))]


class JumpingClock:
    """A clock that stands still until somebody sleeps, and then is there at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def sleep(self, seconds: float, stop: threading.Event) -> None:
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)


def question(model: str, prompt: str = "What comes next?", **changes: object) -> Ask:
    """Return a question with a schema."""
    ask = Ask(model, "propose", "You design networks.", prompt, SCHEMA, proposal="p-1")
    return replace(ask, **changes)


class Asker:
    """A client with everything around it that a test looks at."""

    def __init__(
        self, client: Client, books: RecordingBooks, stop: threading.Event, clock: JumpingClock
    ) -> None:
        self.client = client
        self.ask = client.ask
        self.books = books
        self.stop = stop
        self.clock = clock


@contextmanager
def asking(
    folder: Path,
    *models: str,
    server: ModelServer | None = None,
    books: RecordingBooks | None = None,
    **settings: object,
) -> Iterator[Asker]:
    """Make a client whose pauses take no time; it asks the server, if there is one."""
    books = books or RecordingBooks()
    stop, clock = threading.Event(), JumpingClock()
    if server is not None:
        settings.setdefault("base_url", server.base_url)
    settings.setdefault("keeps_replies", False)
    settings.setdefault("stall_seconds", 20.0)
    client = make_client(ModelSettings(models, **settings), books, folder, stop, clock.clock)
    try:
        yield Asker(client, books, stop, clock)
    finally:
        client.close()
