"""Puts a client together. A question goes through the cache, the retries, the books and an adapter, in this order.

So every request is booked, each retry too, and what the cache answers costs nothing. An SDK is loaded when a model that
needs it is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentarch.clock import Clock
from agentarch.errors import UsageError
from agentarch.models.adapter import Adapter
from agentarch.models.contract import Ask, Books, Client, Reply
from agentarch.models.places import LITELLM, MANUAL, Place, check_reachable, key_of, place_of
from agentarch.models.secrets import Secrets


@dataclass(frozen=True)
class ModelSettings:
    """Which models are asked, where, and how patiently.

    Attributes:
        models: those that may be asked.
        fallbacks: asked in this order when one of `models` cannot answer.
        base_url: of a server that all models are at; empty for the providers' own endpoints.
        base_urls: by model; goes before `base_url`.
        deadline_seconds: for one question to one model, every attempt and pause included.
        attempts: for one question to one model, at most.
        first_pause_seconds: after a first failure; later ones are longer.
        stall_seconds: without a byte, after which a request has failed. Models that think in silence take long.
        counts_tokens: whether servers behind a base URL count tokens beforehand, as the makers' own do.
        keeps_replies: whether a question that was answered before is answered from disk.
    """

    models: tuple[str, ...]
    fallbacks: tuple[str, ...] = ()
    base_url: str = ""
    base_urls: Mapping[str, str] = field(default_factory=dict)
    deadline_seconds: float = 300.0
    attempts: int = 20
    first_pause_seconds: float = 0.5
    stall_seconds: float = 120.0
    counts_tokens: bool = False
    keeps_replies: bool = True

    @property
    def places(self) -> tuple[Place, ...]:
        """Where each model is, fallbacks included.

        Raises:
            UsageError: a model or a URL is written wrongly, or a fallback is a person.
        """
        if MANUAL in self.fallbacks:
            raise UsageError(
                f"--fallback-model {MANUAL}: a person is no fallback, for an answer would be waited for without "
                f"end while the model may be up again; name another model, or give --model {MANUAL} beside the others"
            )
        return tuple(self.place(model) for model in dict.fromkeys(self.models + self.fallbacks))

    def place(self, model: str) -> Place:
        """Return where one model is.

        Raises:
            UsageError: it or its URL is written wrongly.
        """
        return place_of(model, self.base_urls.get(model, self.base_url))


def check_servers(settings: ModelSettings) -> None:
    """See whether somebody serves each model, and a server listens at each base URL; nothing is sent, or paid.

    Raises:
        UsageError: none does, or a model or URL is written wrongly.
    """
    check_reachable(settings.places)
    for place in settings.places:
        if place.provider == LITELLM:
            from agentarch.models.litellm_adapter import check_provider  # takes seconds

            check_provider(place.name)


def make_client(
    settings: ModelSettings,
    books: Books,
    folder: Path,
    stop: threading.Event,
    clock: Clock = Clock(),  # noqa: B008 (frozen)
) -> Client:
    """Return a client for the models of the settings.

    Args:
        settings: which models.
        books: where each request is written down before it is sent.
        folder: for what clients keep: `replies/`, and `prompts/` and `answers/` of the model `manual`.
        stop: ends every pause when it is set.
        clock: tells the time and sleeps.

    Raises:
        UsageError: a model or a URL is written wrongly.
    """
    places = settings.places
    secrets = Secrets([*(key_of(place)[1] for place in places), *(place.base_url for place in places)])
    manual: Client | None = None
    if any(place.provider == MANUAL for place in places):
        from agentarch.models.manual import ManualClient

        manual = ManualClient(folder, books, stop, secrets, clock)
        if all(place.provider == MANUAL for place in places):
            return manual
    from agentarch.models.retrying import Patience, RetryingClient

    adapters = _Adapters(settings, secrets)
    patience = Patience(settings.deadline_seconds, settings.attempts, settings.first_pause_seconds)
    inner: Client = RetryingClient(adapters.of, books, stop, secrets, settings.fallbacks, patience, clock)
    if settings.keeps_replies:
        from agentarch.models.caching import CachingClient

        inner = CachingClient(inner, folder / "replies", books)
    return _Desk(inner, manual, adapters)


class _Adapters:
    """Makes one adapter for each model, when it is first asked."""

    def __init__(self, settings: ModelSettings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._lock = threading.Lock()
        self._made: dict[str, Adapter] = {}

    def of(self, model: str) -> Adapter:
        with self._lock:
            if model not in self._made:
                self._made[model] = self._make(self._settings.place(model))
            return self._made[model]

    def close(self) -> None:
        with self._lock:
            for adapter in self._made.values():
                adapter.close()

    def _make(self, place: Place) -> Adapter:
        counts_tokens = self._settings.counts_tokens or not place.base_url
        if place.provider == "openai":
            from agentarch.models.openai_adapter import OpenAIAdapter

            return OpenAIAdapter(place, self._secrets, self._settings.stall_seconds, counts_tokens)
        if place.provider == "anthropic":
            from agentarch.models.anthropic_adapter import AnthropicAdapter

            return AnthropicAdapter(place, self._secrets, self._settings.stall_seconds, counts_tokens)
        from agentarch.models.litellm_adapter import LitellmAdapter

        return LitellmAdapter(place, self._secrets)


class _Desk:
    """Sends each question to whom it is for, and closes everything together."""

    def __init__(self, models: Client, manual: Client | None, adapters: _Adapters) -> None:
        self._models = models
        self._manual = manual
        self._adapters = adapters

    def ask(self, ask: Ask) -> Reply:
        if self._manual is not None and ask.model == MANUAL:
            return self._manual.ask(ask)
        return self._models.ask(ask)

    def close(self) -> None:
        self._models.close()
        self._adapters.close()
