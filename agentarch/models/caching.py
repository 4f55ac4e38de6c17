"""Keeps replies on disk, so that the same question is not paid for twice. Is a cache, never the truth.

JSON only: what `diskcache` would unpickle is refused. A cache that is damaged or cannot be written costs money, not
the run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_PICKLE

from agentarch.models.contract import Ask, Books, Client, Reply, Usage
from agentarch.models.wire import count

LOCK_SECONDS = 5.0
_BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, sqlite3.Error, diskcache.Timeout)

log = logging.getLogger(__name__)


class _JSONOnly(diskcache.JSONDisk):  # type: ignore[misc]  # the library has no types
    """Reads what is there as JSON, and never as a pickle, whatever the row says."""

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode == MODE_PICKLE:
            raise ValueError("the cache holds something that is no JSON")
        return super().fetch(mode, filename, value, read)


class CachingClient:
    """A `Client` that answers from a folder what was answered before, and asks another client for the rest.

    Args:
        inner: is asked for the rest.
        folder: where replies are; several threads and processes may share it.
        books: are told of each answer that cost nothing.
    """

    def __init__(self, inner: Client, folder: Path, books: Books) -> None:
        self._inner = inner
        self._books = books
        self._lock = threading.Lock()
        self._has_warned = False
        self._cache: Any = None
        try:
            self._cache = diskcache.Cache(str(folder), timeout=LOCK_SECONDS, disk=_JSONOnly)
        except _BROKEN as error:
            self._warn(error)

    def ask(self, ask: Ask) -> Reply:
        """See `Client.ask`; only whole answers are kept."""
        key = _key(ask)
        kept = self._get(key)
        if kept is not None:
            self._books.from_cache(ask, kept)
            return kept
        reply = self._inner.ask(ask)
        if reply.finish == "stop" and reply.text.strip():
            self._set(key, reply)
        return reply

    def close(self) -> None:
        """See `Client.close`."""
        self._inner.close()
        if self._cache is not None:
            self._cache.close()

    def _get(self, key: str) -> Reply | None:
        if self._cache is None:
            return None
        try:
            kept = self._cache.get(key)
            if kept is None:
                return None
            usage = Usage(*(count(tokens) for tokens in kept["usage"]))
            reply = Reply(kept["text"], usage, kept["model"], is_cached=True)
        except Exception as error:  # zlib, sqlite and json each fail in their own way
            self._warn(error)
            return None
        return reply if isinstance(reply.text, str) and isinstance(reply.model, str) else None

    def _set(self, key: str, reply: Reply) -> None:
        if self._cache is None:
            return
        usage = reply.usage
        tokens = [usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.cache_written_tokens]
        try:
            self._cache.set(key, {"text": reply.text, "model": reply.model, "usage": tokens})
        except _BROKEN as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        with self._lock:
            if not self._has_warned:
                log.warning("replies of models are not kept for later: %s", error)
            self._has_warned = True


def _key(ask: Ask) -> str:
    asked = [
        ask.model,
        ask.system,
        ask.prompt,
        ask.schema,
        ask.max_output_tokens,
        ask.sample,
        ask.temperature,
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
