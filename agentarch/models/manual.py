"""Any person or program as the model: each question is a file, and its answer another one.

Knows no provider. A question that is asked again, also by a later process, finds the answer that is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import threading
import time
from pathlib import Path

from agentarch.clock import Clock
from agentarch.files import write_whole
from agentarch.models.contract import Ask, Books, Intent, Reply, Settlement, Stopped, Usage
from agentarch.models.secrets import Secrets
from agentarch.models.wire import well_formed

SETTLED_SECONDS = 1.0
"""An answer that did not change for so long is whole; one that is renamed into place has its old date."""
POLL_SECONDS = 0.2
MOST_ANSWER_BYTES = 1_000_000


class ManualClient:
    """A `Client` that writes each prompt to `prompts/NAME.md` and takes `answers/NAME.md` as the answer.

    Args:
        folder: holds both folders; they are made.
        books: where each question is written down, at no tokens.
        stop: ends every wait when it is set.
        secrets: what must be in no transcript and no reply.
        clock: tells the time and sleeps.
    """

    def __init__(
        self,
        folder: Path,
        books: Books,
        stop: threading.Event,
        secrets: Secrets,
        clock: Clock = Clock(),  # noqa: B008 (frozen)
    ) -> None:
        self._prompts = folder / "prompts"
        self._answers = folder / "answers"
        self._books = books
        self._stop = stop
        self._secrets = secrets
        self._clock = clock

    def ask(self, ask: Ask) -> Reply:
        """See `Client.ask`. Waits as long as it takes.

        Raises:
            Stopped: the run is being stopped; the prompt stays, and its answer is taken later.
            AgentarchError: the prompt cannot be written.
        """
        name = _name(ask)
        number = self._books.open(Intent(ask.model, ask.role, ask.proposal, 1, 0, 0, ask.sample))
        begun = self._clock.monotonic()
        text = None
        try:
            self._answers.mkdir(parents=True, exist_ok=True)
            self._prompts.mkdir(exist_ok=True)
            if not (self._prompts / name).is_file():
                write_whole(self._prompts / name, _page(ask, name))
            text = self._secrets.scrub(self._wait_for(self._answers / name))
        finally:
            outcome, reason = ("answered", "") if text is not None else ("failed", "nobody answered yet")
            kept = self._secrets.scrub_all(
                {
                    "system": ask.system,
                    "prompt": ask.prompt,
                    "schema": ask.schema,
                    "answer": text,
                    "finish": "stop",
                }
            )
            seconds = self._clock.monotonic() - begun
            self._books.settle(number, Settlement(outcome, Usage(), seconds, reason, kept if text else None))
        return Reply(text, Usage(), ask.model)

    def close(self) -> None:
        """See `Client.close`."""

    def _wait_for(self, answer: Path) -> str:
        seen: tuple[int, int] | None = None
        since = 0.0
        while True:
            if self._stop.is_set():
                raise Stopped("the run is being stopped")
            now = _state(answer)
            if now != seen:
                seen, since = now, self._clock.monotonic()
            if now is not None:
                age = max(self._clock.monotonic() - since, time.time() - now[1] / 1e9)
                text = _read(answer) if age >= SETTLED_SECONDS else ""
                if text.strip():
                    return text
            self._clock.sleep(POLL_SECONDS, self._stop)


def _state(answer: Path) -> tuple[int, int] | None:
    try:
        found = answer.lstat()  # a link is no answer: it may lead anywhere
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) and found.st_size else None


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _read(answer: Path) -> str:
    try:
        with open(answer, "rb", opener=_without_links) as stream:
            return stream.read(MOST_ANSWER_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _name(ask: Ask) -> str:
    """Return the file name of a question; one for a proposal keeps it when the run has learnt more since it was put."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{ask.proposal} {ask.role}").strip("-")[:80]
    if ask.proposal:
        return f"{words}-{ask.sample}.md"
    asked = json.dumps([ask.system, ask.prompt, ask.schema, ask.sample], sort_keys=True)
    return f"{words or 'question'}-{hashlib.sha256(asked.encode()).hexdigest()[:10]}.md"


def _page(ask: Ask, name: str) -> str:
    parts = [f"<!-- Write the answer to ../answers/{name}, whole, or rename it into place. -->"]
    if ask.system:
        parts.append(ask.system)
    parts.append(ask.prompt)
    if ask.schema is not None:
        schema = json.dumps(ask.schema, indent=2)
        parts.append(f"Answer with JSON that follows this schema:\n\n```json\n{schema}\n```")
    return well_formed("\n\n".join(parts) + "\n")
