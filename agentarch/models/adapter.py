"""What an adapter does: one HTTP request for one question. Knows no retry, no ledger and no provider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agentarch.models.contract import Ask, Usage


class Form(StrEnum):
    """How a model is held to a schema, from the strictest on."""

    SCHEMA = "schema"
    """The provider follows the schema itself."""
    TOOL = "tool"
    """The model must call a tool whose parameters are the schema."""
    TEXT = "text"
    """The prompt asks for one fenced block that follows the schema."""

    @property
    def weaker(self) -> Form | None:
        """The next form to try where a model cannot do this one; None after the last."""
        forms = list(Form)
        later = forms.index(self) + 1
        return forms[later] if later < len(forms) else None


@dataclass(frozen=True)
class Answer:
    """What came back for one request.

    Attributes:
        text: what the model wrote, or the arguments of the tool it called.
        usage: as the provider counted; None where it did not say.
        finish: as in `Reply.finish`.
    """

    text: str
    usage: Usage | None
    finish: str


class Adapter(Protocol):
    """Speaks to one provider. Used from several threads at once."""

    def send(self, ask: Ask, form: Form, timeout_seconds: float) -> Answer:
        """Send one request and read its answer.

        Args:
            ask: the question.
            form: how to ask for the schema, if there is one.
            timeout_seconds: after which the answer must be complete.

        Raises:
            Fault: there is no answer; it says what to do about that.
        """
        ...

    def count(self, ask: Ask, form: Form, timeout_seconds: float) -> int | None:
        """Return the input tokens of a question as the provider counts them beforehand, at no cost.

        None where it does not count, or cannot be reached.
        """
        ...

    def close(self) -> None:
        """Let go of connections; where it can be done, whoever waits for an answer is freed at once."""
        ...


def prompt_in(form: Form, ask: Ask) -> str:
    """Return the prompt to send; in the form `text` it says what to answer with."""
    if ask.schema is None or form is not Form.TEXT:
        return ask.prompt
    wish = "Answer with one fenced ```json block, and nothing else, that follows this JSON schema:"
    return f"{ask.prompt}\n\n{wish}\n{json.dumps(ask.schema)}"


_FINISHES = {
    "end_turn": "stop",
    "function_call": "stop",
    "stop_sequence": "stop",
    "tool_calls": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "refusal",
}


def finish_word(word: str) -> str:
    """Return the word of `Reply.finish` for a provider's reason to end."""
    return _FINISHES.get(word, word)
