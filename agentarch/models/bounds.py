"""The most that a request can count, before it is sent. Knows no tokenizer: none makes more tokens than bytes."""

from __future__ import annotations

import json

from agentarch.models.contract import Ask

WRAPPING_TOKENS = 1024
"""What providers write around a question: roles, and instructions for a tool or a schema."""
SCHEMA_COPIES = 3
"""A schema may be sent laid out, and shown to the model another time."""


def most_input_tokens(ask: Ask) -> int:
    """Return an upper bound of the input tokens of one request, in whatever form its schema is asked for."""
    size = len(ask.system.encode("utf-8", "replace")) + len(ask.prompt.encode("utf-8", "replace"))
    if ask.schema is not None:
        size += SCHEMA_COPIES * len(json.dumps(ask.schema).encode()) + len(ask.schema_name.encode())
    return size + WRAPPING_TOKENS
