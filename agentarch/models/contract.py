"""What a language model is asked, what it answers, and what each request costs: plain records and two protocols.

Knows no provider, no store and no prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agentarch.errors import AgentarchError


@dataclass(frozen=True)
class Ask:
    """One question to a language model.

    Attributes:
        model: the provider and its name for the model, e.g. `openai/NAME`.
        role: what the answer is for: `propose`, `reflect`, `repair` or `judge`.
        system: instructions that stay the same from one question to the next, so that providers can cache them.
        prompt: the question.
        schema: a JSON schema, strict (every property required, no others), that the answer should follow; None for
            plain text. Where a model cannot be held to it the answer may be anything: the reader must be ready.
        schema_name: letters and underscores.
        max_output_tokens: no answer is longer.
        sample: tells the same question apart when it is asked again for another answer.
        proposal: the proposal it is asked for; for the ledger.
        temperature: of sampling; None for the model's own. A model that takes none is asked without.
    """

    model: str
    role: str
    system: str
    prompt: str
    schema: Mapping[str, Any] | None = None
    schema_name: str = "answer"
    max_output_tokens: int = 8192
    sample: int = 0
    proposal: str = ""
    temperature: float | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens of one request, as the provider counted them.

    Attributes:
        input_tokens: of everything that was sent, those read from a cache included.
        output_tokens: of everything that was written, hidden reasoning included.
        cached_tokens: of the input, those that the provider read from its cache.
        cache_written_tokens: of the input, those that the provider wrote to its cache, where that costs more.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_written_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Return the tokens of both."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.cache_written_tokens + other.cache_written_tokens,
        )


@dataclass(frozen=True)
class Reply:
    """What a language model answered.

    Attributes:
        text: what it wrote; JSON text where it followed a schema. Hostile until read.
        usage: what the answer cost when it was first given.
        model: who answered, as in `Ask.model`; another than was asked when a fallback stepped in.
        finish: `stop`, `length` (cut at `max_output_tokens`), `refusal`, or the provider's own word.
        is_cached: whether our cache gave it, at no cost.
    """

    text: str
    usage: Usage
    model: str
    finish: str = "stop"
    is_cached: bool = False


@dataclass(frozen=True)
class Intent:
    """A request that is about to be sent, written down before it is.

    Attributes:
        model: who is asked.
        role: see `Ask.role`.
        proposal: see `Ask.proposal`.
        attempt: from 1; later ones are retries of the same question.
        sample: see `Ask.sample`.
        most_input_tokens: an upper bound.
        most_output_tokens: an upper bound.
    """

    model: str
    role: str
    proposal: str
    attempt: int
    most_input_tokens: int
    most_output_tokens: int
    sample: int = 0


@dataclass(frozen=True)
class Settlement:
    """What came of a request.

    Attributes:
        outcome: `answered`, `failed` (the provider said so and charges nothing), or `unknown` (it may have been
            answered and charged, and nobody told us: a cut connection, a timeout, an answer without its usage).
        usage: as far as the provider has told.
        latency_seconds: from sending to the end.
        reason: why it failed, one line without any secret.
        transcript: what was asked and answered, as plain JSON values, to be kept; None where there is nothing to keep.
    """

    outcome: str
    usage: Usage
    latency_seconds: float
    reason: str = ""
    transcript: Mapping[str, Any] | None = None


class Books(Protocol):
    """The ledger as clients see it. Used from several threads at once."""

    def open(self, intent: Intent) -> int:
        """Reserve what a request may cost and write it down, before it is sent; return its number.

        Waits while requests under way hold what this one needs.

        Raises:
            BudgetSpent: it does not fit under a ceiling.
            Stopped: the run is being stopped.
        """
        ...

    def settle(self, number: int, settlement: Settlement) -> None:
        """Write down what came of a request, and give back what it did not need."""
        ...

    def from_cache(self, ask: Ask, reply: Reply) -> None:
        """Write down that our cache answered and no request was needed."""
        ...


class Client(Protocol):
    """Answers questions, however it does it. Used from several threads at once."""

    def ask(self, ask: Ask) -> Reply:
        """Answer one question.

        Raises:
            ModelFault: see its subclasses.
            BudgetSpent: a ceiling would be passed.
            Stopped: the run is being stopped.
        """
        ...

    def close(self) -> None:
        """Let go of connections; requests under way end soon."""
        ...


class ModelFault(Exception):
    """A model gave no answer. The message is one line, without any secret."""


class Unavailable(ModelFault):
    """The provider cannot be reached, is overloaded or limits us, for longer than we wait: to be asked again later.

    Attributes:
        seconds: after which asking again makes sense.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class NoAnswer(ModelFault):
    """The provider answered, and there is nothing in it: an empty reply, a refusal. Asking another time may help.

    Attributes:
        usage: what it cost all the same, every empty reply together, as far as the provider has told.
    """

    def __init__(self, message: str, usage: Usage = Usage()) -> None:
        super().__init__(message)
        self.usage = usage


class Refused(ModelFault, AgentarchError):
    """The provider will not answer as things are: a wrong key, an unknown model. The message says what to do."""


class BudgetSpent(AgentarchError):
    """The ledger has no room for another request.

    Attributes:
        ceiling: which one: `dollars`, `tokens` or `requests`.
    """

    def __init__(self, message: str, ceiling: str) -> None:
        super().__init__(message)
        self.ceiling = ceiling


class Stopped(Exception):
    """The run is being stopped; nothing is wrong."""
