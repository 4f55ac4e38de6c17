"""Turns whatever went wrong with a request into one record: what to do about it, and what it may have cost.

The one place that knows the errors of the SDKs. It loads none of them: they agree on `status_code` and `response`, and
the names of what they raise for a lost connection are told apart by words.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from agentarch.models.contract import Usage
from agentarch.models.places import Place, nothing_answers
from agentarch.models.secrets import Secrets
from agentarch.models.wire import Draft, Garbled, Told, mapping
from agentarch.text import one_line

MOST_REASON_CHARACTERS = 300
MOST_AFTER_SECONDS = 3600.0
"""Whoever asks us to wait for longer is asked again after this."""


class Decision(StrEnum):
    """What to do after a request that failed."""

    RETRY = "retry"
    """Ask again after a pause."""
    DEGRADE = "degrade"
    """The question is not accepted like this: ask for the schema in a weaker form."""
    REFUSE = "refuse"
    """Do not ask this model again: somebody must do something first."""


class Fault(Exception):
    """One request that gave no answer. The message is one line without any secret.

    Attributes:
        decision: what to do.
        outcome: as in `Settlement.outcome`: `failed` or `unknown`.
        is_outage: whether it counts as a sign that the provider is down; being limited does not.
        after_seconds: how long the provider asks to wait; None when it does not say.
        usage: as far as the provider has told.
        text: what had come of an answer.
    """

    def __init__(
        self,
        message: str,
        decision: Decision,
        outcome: str,
        *,
        is_outage: bool = False,
        after_seconds: float | None = None,
        draft: Draft | None = None,
    ) -> None:
        super().__init__(message)
        self.decision = decision
        self.outcome = outcome
        self.is_outage = is_outage
        self.after_seconds = after_seconds
        self.usage: Usage = (draft and draft.usage) or Usage()
        self.text = draft.text if draft else ""


_FAILED_STATUSES = {429, 500, 503, 529}
"""The provider says that it did nothing. What stands between us and it says other numbers, and knows less."""
_NOT_ACCEPTED = {400, 404, 413, 422}
_OURS = (ImportError, TypeError, AttributeError, LookupError, NameError)
"""A library stumbles over the question itself, and would do so again."""
_LOST = {"TransportError", "APIConnectionError"}
_NOBODY_THERE = {"ConnectError", "ConnectTimeout", "ConnectionRefusedError", "gaierror"}
_PASSING_KINDS = (
    "overloaded",
    "rate_limit",
    "api_error",
    "server_error",
    "timeout",
    "unavailable",
    "internal",
)
_UNKNOWN_MODEL_WORDS = ("not found", "not exist", "unknown model", "not_found", "no such", "invalid model")


def understood(error: Exception, place: Place, secrets: Secrets, draft: Draft | None = None) -> Fault:
    """Return what to do about an error.

    Args:
        error: what an SDK or the reading of its answer raised.
        place: who was asked.
        secrets: what must not be said.
        draft: what had come.
    """
    said = secrets.scrub(f"{place.model}: {_message(error, secrets)}")
    if isinstance(error, Garbled):
        return _retry(said, "unknown", draft)
    if isinstance(error, Told):
        return _told_in_answer(error, said, draft)
    if isinstance(error, _OURS):
        return Fault(said, Decision.DEGRADE, "unknown", draft=draft)
    causes = list(_causes(error))
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if names & _NOBODY_THERE:  # so nothing was sent
        silent = f"{place.model}: {nothing_answers(place)}; start the server again"
        return _retry(silent if place.base_url else said, "failed", draft)
    status = getattr(error, "status_code", None)
    has_response = any(getattr(cause, "response", None) is not None for cause in causes)
    is_made_up = not has_response or bool(names & _LOST)  # litellm gives a status to everything
    if not isinstance(status, int) or status < 300 or is_made_up:
        return _retry(said, "unknown", draft)
    return _from_status(error, status, place, secrets, draft)


def _from_status(error: Exception, status: int, place: Place, secrets: Secrets, draft: Draft | None) -> Fault:
    message = _message(error, secrets)
    said = secrets.scrub(f"{place.model}: {status}: {message}")
    if status in (401, 403):
        hint = (
            f"set {place.key_variable}"
            if place.key_variable
            else "set the key that litellm reads for this provider"
        )
        return Fault(f"{said}; {hint} to a valid key; `agentarch resume` goes on", Decision.REFUSE, "failed")
    if status == 402:
        return Fault(f"{said}; pay, then `agentarch resume` goes on", Decision.REFUSE, "failed")
    if status == 404 and _is_unknown_model(error, message):
        told = f"{said}; correct --model or --base-url; `agentarch resume` goes on"
        return Fault(told, Decision.REFUSE, "failed")
    if status in _NOT_ACCEPTED:
        return Fault(said, Decision.DEGRADE, "failed")
    if status in (408, 409, 425, 429) or status >= 500:
        outcome = "failed" if status in _FAILED_STATUSES else "unknown"
        after = _after_seconds(_headers(error))
        return _retry(said, outcome, draft, is_outage=status != 429, after_seconds=after)
    return Fault(f"{said}; `agentarch resume` goes on once this is put right", Decision.REFUSE, "failed")


def _told_in_answer(error: Told, said: str, draft: Draft | None) -> Fault:
    if any(kind in error.kind for kind in _PASSING_KINDS) or (draft and (draft.text or draft.usage)):
        has_begun = bool(draft and (draft.text or draft.usage))
        return _retry(
            said, "unknown" if has_begun else "failed", draft, is_outage="rate_limit" not in error.kind
        )
    return Fault(said, Decision.DEGRADE, "failed", draft=draft)


def _retry(
    said: str,
    outcome: str,
    draft: Draft | None,
    *,
    is_outage: bool = True,
    after_seconds: float | None = None,
) -> Fault:
    return Fault(said, Decision.RETRY, outcome, is_outage=is_outage, after_seconds=after_seconds, draft=draft)


def _message(error: BaseException, secrets: Secrets) -> str:
    """Return the sentence that the provider wrote, or else what the SDK did.

    It is scrubbed before it is cut, for of a key across the cut a part would be left.
    """
    body = mapping(getattr(error, "body", None))
    details = mapping(body.get("error")) or body
    said = details.get("message") or getattr(error, "message", None) or str(error) or type(error).__name__
    if not isinstance(error, Garbled | Told) and not isinstance(getattr(error, "status_code", None), int):
        deepest = list(_causes(error))[-1]
        said = f"{said} ({type(deepest).__name__}: {deepest})" if deepest is not error else said
    return one_line(secrets.scrub(str(said)), MOST_REASON_CHARACTERS)


def _is_unknown_model(error: Exception, message: str) -> bool:
    body = mapping(getattr(error, "body", None))
    details = mapping(body.get("error")) or body
    kinds = f"{details.get('code')} {details.get('type')}".lower()
    words = message.lower()
    return (
        "model_not_found" in kinds
        or "not_found_error" in kinds
        or ("model" in words and any(word in words for word in _UNKNOWN_MODEL_WORDS))
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _headers(error: Exception) -> Mapping[str, Any]:
    litellm_headers = getattr(error, "litellm_response_headers", None)
    found = litellm_headers or getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return {str(name).lower(): found[name] for name in found}
    except (TypeError, KeyError):
        return {}


def _after_seconds(headers: Mapping[str, Any]) -> float | None:
    """Return how many seconds `Retry-After` or `retry-after-ms` asks to wait; None without either."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, MOST_AFTER_SECONDS)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return min(seconds, MOST_AFTER_SECONDS)
    if value is None:
        return None
    try:
        until = email.utils.parsedate_to_datetime(str(value)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    try:  # the provider's own clock, for ours may differ
        now = email.utils.parsedate_to_datetime(str(headers.get("date"))).timestamp()
    except (ValueError, TypeError, OverflowError):
        now = time.time()
    return min(max(0.0, until - now), MOST_AFTER_SECONDS)


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None
