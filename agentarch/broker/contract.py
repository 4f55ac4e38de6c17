"""What a broker hands on to a model, and what comes back: plain records, and the one protocol of those who answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Call:
    """One sample that a design asks for: it has been checked and has room in its budget.

    Attributes:
        model: who is asked; one that the run allows.
        prompt: the question; hostile text.
        system: instructions that go before; hostile text.
        temperature: of sampling; None for the model's own.
        max_tokens: no answer is longer.
        repeat: how many samples of the same call the question has had before; each of them is the same whenever it is
            asked for.
        salt: what the names in the question are hidden by; empty for none. See `agentarch.embedded.Salt`.
        world: the closed world that the question is about; empty for none.
        key: of the question, so that chance differs from one to the next.
    """

    model: str
    prompt: str
    system: str
    temperature: float | None
    max_tokens: int
    repeat: int
    salt: bytes = b""
    world: str = ""
    key: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Attributes:
        text: hostile; empty where the model had nothing to say, which costs what it costs.
        prompt_tokens: sent.
        output_tokens: written.
        dollars: None where the price is not known.
    """

    text: str
    prompt_tokens: int
    output_tokens: int
    dollars: float | None = None


class Backend(Protocol):
    """Answers calls. Used from as many threads at once as it names.

    Attributes:
        batch: so many calls it takes at a time.
        workers: so many batches at a time.
    """

    batch: int
    workers: int

    def answer(self, calls: Sequence[Call]) -> Sequence[Answer | Exception]:
        """Answer some calls, each on its own account: a fault of one is in its place and spoils no other.

        Waits out what passes by itself, such as a provider that is down. An exception is a fault of ours or of the
        provider's, never of the design's.
        """
        ...

    def close(self) -> None:
        """Let go of connections, and end every wait."""
        ...
