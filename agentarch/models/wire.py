"""Reads what a provider sends, in bounded memory, whatever it is: events of a stream or one JSON body.

Everything in it is a claim. Knows HTTP only as chunks of bytes, and no SDK.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agentarch.models.adapter import Answer, finish_word
from agentarch.models.contract import Usage
from agentarch.text import one_line

MOST_TEXT_CHARACTERS = 1_000_000
"""A longer answer is cut, and the rest of it not read."""
MOST_WIRE_BYTES = 16_000_000
MOST_TOKENS = 10**12
"""A larger count is nonsense."""


class Garbled(Exception):
    """What came is nothing that a provider sends. The message may hold all of it, and keys."""


class Told(Exception):
    """The provider says in the middle of an answer that it failed.

    Attributes:
        kind: the provider's word for it.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Draft:
    """An answer as it comes in.

    Attributes:
        usage: as far as the provider has told; None when it has told nothing.
        is_usage_whole: whether it has told both what was sent and what was written in the end.
        finish: the provider's reason to end; empty while the answer is not complete.
    """

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.is_usage_whole = False
        self.finish = ""
        self._texts: list[str] = []
        self._arguments: list[str] = []
        self._characters = 0

    @property
    def is_full(self) -> bool:
        """Whether no more will be taken in."""
        return self._characters > MOST_TEXT_CHARACTERS

    @property
    def text(self) -> str:
        """What has come: the arguments of a tool call, or else the text."""
        whole_text = "".join(self._arguments or self._texts)[:MOST_TEXT_CHARACTERS]
        return well_formed(whole_text)

    def write(self, text: object) -> None:
        """Add to the text, if it is one."""
        if isinstance(text, str) and text:
            self._texts.append(text)
            self._characters += len(text)

    def write_argument(self, text: object) -> None:
        """Add to the arguments of the tool call, if it is text."""
        if isinstance(text, str) and text:
            self._arguments.append(text)
            self._characters += len(text)

    def answer(self) -> Answer:
        """Return the answer; one that was cut here has the finish `length`, and nobody told what it costs.

        Raises:
            Garbled: it is not complete.
        """
        if self.is_full:
            return Answer(self.text, None, "length")
        if not self.finish:
            raise Garbled("the answer ended before it was complete")
        usage = self.usage if self.is_usage_whole else None
        return Answer(self.text, usage, one_line(finish_word(self.finish), 40))


def events(chunks: Iterable[bytes], deadline: float) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON object of each server-sent event.

    Args:
        chunks: the body.
        deadline: a time of `time.monotonic` by which the stream must have ended.

    Raises:
        Garbled: an event is no JSON object, or the stream is too long.
        TimeoutError: the deadline has passed.
    """
    rest = b""
    for chunk in _bounded(chunks, deadline):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.partition(b":")
            if field != b"data":
                continue
            if value.strip() == b"[DONE]":
                return
            yield json_object(value)


def whole(chunks: Iterable[bytes], deadline: float) -> Mapping[str, Any]:
    """Return the JSON object that a whole body is.

    Raises:
        Garbled: it is none, or too long.
        TimeoutError: the deadline has passed.
    """
    return json_object(b"".join(_bounded(chunks, deadline)))


def json_object(data: bytes) -> Mapping[str, Any]:
    """Return the JSON object that bytes are.

    Raises:
        Garbled: they are none.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Garbled(f"expected a JSON object; came: {data.decode('utf-8', 'replace')}")
    return value


def well_formed(text: str) -> str:
    """Return a text with half characters, which JSON can hold and files cannot, replaced by `?`."""
    return text.encode("utf-8", "replace").decode()


def told_count(value: object) -> int | None:
    """Return a number of tokens that a provider told; None for anything that is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return min(max(value, 0), MOST_TOKENS)


def count(value: object) -> int:
    """Return a number of tokens that a provider told; 0 for anything that is none."""
    return told_count(value) or 0


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """Return a JSON array as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else []


def raise_if_told(body: Mapping[str, Any]) -> None:
    """Raise what a provider says went wrong, if it does.

    Raises:
        Told: it does.
    """
    error = body.get("error")
    if error:
        details = mapping(error)
        kind = str(details.get("type") or details.get("code") or "error")
        raise Told(str(details.get("message") or error), kind)


def _bounded(chunks: Iterable[bytes], deadline: float) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise TimeoutError("the answer took too long")
        size += len(chunk)
        if size > MOST_WIRE_BYTES:
            raise Garbled(f"expected at most {MOST_WIRE_BYTES:,} bytes; more came")
        yield chunk
