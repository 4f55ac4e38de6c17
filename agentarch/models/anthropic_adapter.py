"""Speaks the Anthropic wire format through the `anthropic` SDK, which is loaded when this module is."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import anthropic

from agentarch.models.adapter import Answer, Form, prompt_in
from agentarch.models.contract import Ask, Usage
from agentarch.models.faults import understood
from agentarch.models.lines import Lines
from agentarch.models.places import PLACEHOLDER_KEY, Place, key_of
from agentarch.models.secrets import Secrets
from agentarch.models.wire import Draft, count, events, mapping, raise_if_told, sequence, told_count, whole

CONNECT_SECONDS = 10.0


class AnthropicAdapter:
    """An `Adapter` for the Anthropic API and for servers that speak its format.

    Args:
        place: where it is; its name is the model's.
        secrets: what must not be said.
        stall_seconds: without a byte, after which a request has failed.
        counts_tokens: whether the server counts tokens beforehand.
    """

    def __init__(
        self, place: Place, secrets: Secrets, stall_seconds: float, counts_tokens: bool = False
    ) -> None:
        for library in ("httpx", "httpx2"):  # they log URLs, and those may hold a password
            logging.getLogger(library).setLevel(logging.WARNING)
        self._place = place
        self._secrets = secrets
        self._stall_seconds = stall_seconds
        self._counts_tokens = counts_tokens
        variable, key = key_of(place)
        self._lines = Lines()
        direct = {f"all://{place.host}": None} if place.is_loopback else None
        credential = "auth_token" if variable == "ANTHROPIC_AUTH_TOKEN" else "api_key"
        self._client = anthropic.Anthropic(
            **{credential: key or PLACEHOLDER_KEY},  # type: ignore[arg-type]  # one text by either name
            base_url=place.base_url or None,
            max_retries=0,
            http_client=anthropic.DefaultHttpxClient(
                mounts=direct, follow_redirects=False, event_hooks=self._lines.hooks
            ),
        )

    def send(self, ask: Ask, form: Form, timeout_seconds: float) -> Answer:
        """See `Adapter.send`."""
        deadline = time.monotonic() + timeout_seconds
        draft = Draft()
        try:
            with self._client.messages.with_streaming_response.create(
                **self._request(ask, form),
                timeout=anthropic.Timeout(
                    min(self._stall_seconds, timeout_seconds), connect=min(CONNECT_SECONDS, timeout_seconds)
                ),
            ) as response:
                if "event-stream" in response.headers.get("content-type", ""):
                    for event in events(response.iter_bytes(), deadline):
                        _take_event(draft, event)
                        if draft.is_full or event.get("type") == "message_stop":
                            break
                else:  # some servers do not stream
                    _take_message(draft, whole(response.iter_bytes(), deadline))
            return draft.answer()
        except Exception as error:
            if draft.finish and draft.is_usage_whole:
                return draft.answer()  # cut after all was said
            raise understood(error, self._place, self._secrets, draft) from None

    def count(self, ask: Ask, form: Form, timeout_seconds: float) -> int | None:
        """See `Adapter.count`."""
        if not self._counts_tokens:
            return None
        request = self._request(ask, form)
        del request["max_tokens"], request["stream"]
        try:
            return self._client.messages.count_tokens(**request, timeout=timeout_seconds).input_tokens
        except Exception:  # the bound holds without it
            return None

    def close(self) -> None:
        """See `Adapter.close`."""
        self._lines.hang_up()
        self._client.close()

    def _request(self, ask: Ask, form: Form) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._place.name,
            "messages": [{"role": "user", "content": prompt_in(form, ask)}],
            "max_tokens": ask.max_output_tokens,
            "stream": True,
        }
        if ask.temperature is not None:  # the SDK no longer names it; models that take it still do
            request["extra_body"] = {"temperature": min(ask.temperature, 1.0)}
        if ask.system:
            is_cached = {"cache_control": {"type": "ephemeral"}}
            request["system"] = [{"type": "text", "text": ask.system, **is_cached}]
        if ask.schema is not None and form is Form.SCHEMA:
            request["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
        elif ask.schema is not None and form is Form.TOOL:
            name = ask.schema_name
            tool = {"name": name, "description": "Gives the answer.", "input_schema": ask.schema}
            request |= {"tools": [tool], "tool_choice": {"type": "tool", "name": name}}
        return request


def _take_event(draft: Draft, event: Mapping[str, Any]) -> None:
    _take_usage(draft, mapping(event.get("message")).get("usage"), is_last=False)
    _take_usage(draft, event.get("usage"), is_last=True)
    raise_if_told(event)
    _take_block(draft, mapping(event.get("content_block")))
    delta = mapping(event.get("delta"))
    draft.write(delta.get("text"))
    draft.write_argument(delta.get("partial_json"))
    if isinstance(delta.get("stop_reason"), str):
        draft.finish = delta["stop_reason"]


def _take_message(draft: Draft, message: Mapping[str, Any]) -> None:
    _take_usage(draft, message.get("usage"), is_last=True)
    raise_if_told(message)
    for block in map(mapping, sequence(message.get("content"))):
        _take_block(draft, block)
    if isinstance(message.get("stop_reason"), str):
        draft.finish = message["stop_reason"]


def _take_block(draft: Draft, block: Mapping[str, Any]) -> None:
    if block.get("type") == "text":
        draft.write(block.get("text"))
    if block.get("type") == "tool_use" and block.get("input"):  # empty at the start of a stream
        draft.write_argument(json.dumps(block["input"]))


def _take_usage(draft: Draft, told: object, is_last: bool) -> None:
    """Take in what a provider tells of usage; each time it tells totals, and perhaps not all of them.

    What it says was written is final only at the end: a stream begins with a number that stands for none.
    """
    if not isinstance(told, dict) or not told:
        return
    knows_input = draft.usage is not None or told_count(told.get("input_tokens")) is not None
    if not knows_input:
        return
    draft.is_usage_whole = is_last and told_count(told.get("output_tokens")) is not None
    so_far = draft.usage or Usage()
    cached, written, plain = so_far.cached_tokens, so_far.cache_written_tokens, 0
    plain = so_far.input_tokens - cached - written
    if told.get("input_tokens") is not None:
        plain = count(told["input_tokens"])
    if told.get("cache_read_input_tokens") is not None:
        cached = count(told["cache_read_input_tokens"])
    if told.get("cache_creation_input_tokens") is not None:
        written = count(told["cache_creation_input_tokens"])
    output = so_far.output_tokens
    if told.get("output_tokens") is not None:
        output = count(told["output_tokens"])
    draft.usage = Usage(plain + cached + written, output, cached, written)
