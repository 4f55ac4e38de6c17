"""Speaks to every other provider through `litellm`, which is loaded, in seconds, when this module is."""

from __future__ import annotations

import logging
import os
from typing import Any

# Read when litellm is imported: no price list is fetched, and no `.env` of the working folder is taken in.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")
os.environ.setdefault("LITELLM_MODE", "PRODUCTION")

import litellm
from litellm.exceptions import BadRequestError

from agentarch.errors import UsageError
from agentarch.models.adapter import Answer, Form, prompt_in
from agentarch.models.contract import Ask
from agentarch.models.faults import understood
from agentarch.models.openai_adapter import schema_request, take
from agentarch.models.places import Place
from agentarch.models.secrets import Secrets
from agentarch.models.wire import Draft, Garbled, mapping

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def check_provider(model: str) -> None:
    """Make sure that litellm knows who serves a model; nothing is sent.

    Raises:
        UsageError: it does not.
    """
    _quieten()
    try:
        litellm.get_llm_provider(model)
    except BadRequestError:
        raise UsageError(
            f"nobody is known to serve a model called {model!r}; write it as PROVIDER/NAME, e.g. openai/NAME"
        ) from None


class LitellmAdapter:
    """An `Adapter` for any model string that litellm knows. It does not stream.

    Args:
        place: where it is; litellm reads the keys of its providers itself.
        secrets: what must not be said.
    """

    def __init__(self, place: Place, secrets: Secrets) -> None:
        _quieten()
        if place.is_loopback:
            _keep_loopback_from_proxies()
        self._place = place
        self._secrets = secrets

    def send(self, ask: Ask, form: Form, timeout_seconds: float) -> Answer:
        """See `Adapter.send`."""
        draft = Draft()
        system = [{"role": "system", "content": ask.system}] if ask.system else []
        try:
            completion = litellm.completion(
                model=self._place.name,
                messages=[*system, {"role": "user", "content": prompt_in(form, ask)}],
                max_tokens=ask.max_output_tokens,
                base_url=self._place.base_url or None,
                timeout=timeout_seconds,
                num_retries=0,
                max_retries=0,
                _skip_mcp_handler=True,  # or else it needs the package `mcp` for any question with a tool
                drop_params=False,  # what a model cannot do must be said, so that it is asked for otherwise
                **({} if ask.temperature is None else {"temperature": ask.temperature}),
                **schema_request(ask, form),
            )
            body: dict[str, Any] = completion.model_dump()
            if not mapping(body.get("usage")).get("prompt_tokens"):
                body["usage"] = None  # litellm writes zeros where nobody told
            take(draft, body, "message")
            if not body.get("choices"):
                raise Garbled("the answer holds no choices")
            return draft.answer()
        except Exception as error:
            raise understood(error, self._place, self._secrets, draft) from None

    def count(self, ask: Ask, form: Form, timeout_seconds: float) -> int | None:
        """Return None; see `Adapter.count`."""
        return None

    def close(self) -> None:
        """See `Adapter.close`; litellm keeps its connections, and requests end by their timeout."""


def _quieten() -> None:
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs URLs, and those may hold a password


def _keep_loopback_from_proxies() -> None:
    """Extend `NO_PROXY`, for litellm makes HTTP clients of many kinds that all read it."""
    for variable in ("NO_PROXY", "no_proxy"):
        listed = [host for host in os.environ.get(variable, "").split(",") if host]
        missing = [host for host in LOOPBACK_HOSTS if host not in listed]
        os.environ[variable] = ",".join([*listed, *missing])
