"""Speaks the OpenAI wire format through the `openai` SDK, which is loaded when this module is."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import openai

from agentarch.models.adapter import Answer, Form, prompt_in
from agentarch.models.contract import Ask, Usage
from agentarch.models.faults import understood
from agentarch.models.lines import Lines
from agentarch.models.places import PLACEHOLDER_KEY, Place, key_of
from agentarch.models.secrets import Secrets
from agentarch.models.wire import Draft, count, events, mapping, raise_if_told, sequence, told_count, whole

CONNECT_SECONDS = 10.0


class OpenAIAdapter:
    """An `Adapter` for the OpenAI API and for servers that speak its format.

    Args:
        place: where it is; its name is the model's.
        secrets: what must not be said.
        stall_seconds: without a byte, after which a request has failed.
        counts_tokens: whether the server counts tokens beforehand.
    """

    def __init__(
        self, place: Place, secrets: Secrets, stall_seconds: float, counts_tokens: bool = False
    ) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs URLs, and those may hold a password
        self._place = place
        self._secrets = secrets
        self._stall_seconds = stall_seconds
        self._counts_tokens = counts_tokens
        self._lines = Lines()
        direct = {f"all://{place.host}": None} if place.is_loopback else None
        self._client = openai.OpenAI(
            api_key=key_of(place)[1] or PLACEHOLDER_KEY,
            base_url=place.base_url or None,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(
                mounts=direct, follow_redirects=False, event_hooks=self._lines.hooks
            ),
        )

    def send(self, ask: Ask, form: Form, timeout_seconds: float) -> Answer:
        """See `Adapter.send`."""
        deadline = time.monotonic() + timeout_seconds
        draft = Draft()
        try:
            with self._client.chat.completions.with_streaming_response.create(
                **self._request(ask, form),
                timeout=openai.Timeout(
                    min(self._stall_seconds, timeout_seconds), connect=min(CONNECT_SECONDS, timeout_seconds)
                ),
            ) as response:
                if "event-stream" in response.headers.get("content-type", ""):
                    for event in events(response.iter_bytes(), deadline):
                        take(draft, event, "delta")
                        if draft.is_full:
                            break
                else:  # some servers do not stream
                    take(draft, whole(response.iter_bytes(), deadline), "message")
            return draft.answer()
        except Exception as error:
            if draft.finish and draft.is_usage_whole:
                return draft.answer()  # cut after all was said
            raise understood(error, self._place, self._secrets, draft) from None

    def count(self, ask: Ask, form: Form, timeout_seconds: float) -> int | None:
        """See `Adapter.count`; counted as a question to the API for responses, which holds the same texts."""
        if not self._counts_tokens:
            return None
        schema = "" if ask.schema is None else f"\n{json.dumps(ask.schema)}"
        try:
            counted = self._client.responses.input_tokens.count(
                model=self._place.name,
                instructions=ask.system,
                input=prompt_in(form, ask) + schema,
                timeout=timeout_seconds,
            )
            return counted.input_tokens
        except Exception:  # the bound holds without it
            return None

    def close(self) -> None:
        """See `Adapter.close`."""
        self._lines.hang_up()
        self._client.close()

    def _request(self, ask: Ask, form: Form) -> dict[str, Any]:
        system = [{"role": "system", "content": ask.system}] if ask.system else []
        # The API names it so since its models reason; the servers that copy it know the old name.
        limit = "max_tokens" if self._place.base_url else "max_completion_tokens"
        request: dict[str, Any] = {
            "model": self._place.name,
            "messages": [*system, {"role": "user", "content": prompt_in(form, ask)}],
            limit: ask.max_output_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if ask.temperature is not None:
            request["temperature"] = ask.temperature
        return request | schema_request(ask, form)


def schema_request(ask: Ask, form: Form) -> dict[str, Any]:
    """Return what a request holds beside its messages to be held to the schema."""
    if ask.schema is None or form is Form.TEXT:
        return {}
    name = ask.schema_name
    if form is Form.SCHEMA:
        schema = {"name": name, "strict": True, "schema": ask.schema}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    tool = {"name": name, "description": "Gives the answer.", "parameters": ask.schema}
    return {
        "tools": [{"type": "function", "function": tool}],
        "tool_choice": {"type": "function", "function": {"name": name}},
    }


def take(draft: Draft, body: Mapping[str, Any], part: str) -> None:
    """Take in one event or a whole completion.

    Args:
        draft: the answer so far.
        body: what came.
        part: what holds the text: `delta` in an event, `message` in a completion.

    Raises:
        Told: the provider says that it failed.
    """
    if isinstance(body.get("usage"), dict):
        draft.usage = usage_of(body["usage"])
        draft.is_usage_whole = draft.usage is not None
    raise_if_told(body)
    for choice in map(mapping, sequence(body.get("choices"))[:1]):
        message = mapping(choice.get(part))
        content = message.get("content")
        for piece in content if isinstance(content, list) else [content]:
            draft.write(mapping(piece).get("text") if isinstance(piece, dict) else piece)
        for call in map(mapping, sequence(message.get("tool_calls"))):
            draft.write_argument(mapping(call.get("function")).get("arguments"))
        if isinstance(message.get("refusal"), str) and message["refusal"]:
            draft.finish = "refusal"
        if isinstance(choice.get("finish_reason"), str):
            draft.finish = draft.finish or choice["finish_reason"]


def usage_of(body: Mapping[str, Any]) -> Usage | None:
    """Return the usage that a completion tells; None where either number lacks."""
    sent, written = told_count(body.get("prompt_tokens")), told_count(body.get("completion_tokens"))
    if sent is None or written is None:
        return None
    cached = mapping(body.get("prompt_tokens_details")).get("cached_tokens")
    return Usage(sent, written, count(cached))
