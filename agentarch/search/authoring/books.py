"""The ledger of a run as language model clients see it: room is reserved, and written down, before a request is sent.

Guarantees that what is spent, may have been spent, and is reserved never passes a ceiling, over all sessions of a run.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agentarch.errors import AgentarchError
from agentarch.files import write_whole_bytes
from agentarch.models import Ask, BudgetSpent, Intent, Reply, Settlement, Stopped, Usage
from agentarch.models.pricing import Price, cost, most
from agentarch.search.ledger import KILLED
from agentarch.search.log import Log

TRANSCRIPTS = "transcripts"
"""Folder of a run where what was asked and answered lies, each file named by the hash of what it holds."""

LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Ceilings:
    """What a run may spend on language models; None for no limit.

    Attributes:
        dollars: at the given prices.
        tokens: sent and written.
        requests: sent.
    """

    dollars: float | None = None
    tokens: int | None = None
    requests: int | None = None


class RunBooks:
    """The books of one run; see `agentarch.models.Books`.

    Args:
        log: of the run.
        folder: of the run.
        ceilings: that are never passed.
        price_of: the price of a model; None where it is not known.
        stopped: set when the run is being stopped.
    """

    def __init__(
        self,
        log: Log,
        folder: Path,
        ceilings: Ceilings,
        price_of: Callable[[str], Price | None],
        stopped: threading.Event,
    ) -> None:
        self._log, self._transcripts = log, folder / TRANSCRIPTS
        self._ceilings, self._price_of, self._stopped = ceilings, price_of, stopped

    def settle_what_was_killed(self) -> int:
        """Count requests that were under way when the engine was killed as spent; return how many."""
        with self._log.changed:
            under_way = dict(self._log.state.ledger.open)
            for number, asked in under_way.items():
                self._log.note(
                    "answered",
                    number=number,
                    outcome=KILLED,
                    input_tokens=asked["most_input_tokens"],
                    output_tokens=asked["most_output_tokens"],
                    cached_tokens=0,
                    dollars=asked["most_dollars"] or 0.0,
                    latency_seconds=0.0,
                    reason="the engine was killed while the request was under way",
                    transcript=None,
                )
        return len(under_way)

    def open(self, intent: Intent) -> int:
        """Reserve room and write a request down; see `agentarch.models.Books.open`."""
        price = self._price_of(intent.model)
        with self._log.changed:  # a model that once used more than it may is expected to do so again
            times = self._log.state.ledger.exceeded.get(intent.model, 1.0)
        intent = replace(
            intent,
            most_input_tokens=math.ceil(intent.most_input_tokens * times),
            most_output_tokens=math.ceil(intent.most_output_tokens * times),
        )
        body = {
            **asdict(intent),
            "most_tokens": intent.most_input_tokens + intent.most_output_tokens,
            "most_dollars": None if price is None else most(intent, price),
        }
        with self._log.changed:
            while self._lacking(body["most_tokens"], body["most_dollars"] or 0.0):
                self._log.changed.wait(
                    LOOK_SECONDS
                )  # requests under way will give back what they did not need
                if self._stopped.is_set():
                    raise Stopped
            return self._log.note("asked", **body)

    def settle(self, number: int, settlement: Settlement) -> None:
        """Write down what came of a request; see `agentarch.models.Books.settle`."""
        transcript = None if settlement.transcript is None else self._keep(settlement.transcript)
        with self._log.changed:
            price = self._price_of(self._log.state.ledger.open[number]["model"])
            self._log.note(
                "answered",
                number=number,
                outcome=settlement.outcome,
                **asdict(settlement.usage),
                dollars=0.0 if price is None else cost(settlement.usage, price),
                latency_seconds=settlement.latency_seconds,
                reason=settlement.reason,
                transcript=transcript,
            )

    def from_cache(self, ask: Ask, reply: Reply) -> None:
        """Write down that no request was needed; see `agentarch.models.Books.from_cache`."""
        self._log.note("remembered", model=reply.model, role=ask.role, proposal=ask.proposal)

    def recall(self, proposal: str, role: str, sample: int) -> Reply | None:
        """Return the answer that was paid for when an engine was killed before it used it; None where there is none.

        The question need not be the same to the letter: what is told of a run changes as it goes on.
        """
        with self._log.changed:
            found = self._log.state.ledger.answers.get((proposal, role, sample))
        if found is None:
            return None
        name, model = found
        try:
            kept = json.loads(gzip.decompress((self._transcripts / f"{name}.json.gz").read_bytes()))
            text, finish = kept["answer"], kept.get("finish", "stop")
        except (
            OSError,
            EOFError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ):  # it is lost, and paid once more
            return None
        return Reply(text, Usage(), model, finish, is_cached=True) if text.strip() else None

    def _lacking(self, tokens: int, dollars: float) -> bool:
        """Whether room for a request must be waited for.

        Raises:
            BudgetSpent: there will be none.
        """
        ledger, ceilings = self._log.state.ledger, self._ceilings
        held = ledger.open.values()
        wanted: list[tuple[str, float, float, float | None, str]] = [
            (
                "dollars",
                ledger.committed_dollars + dollars,
                sum(one["most_dollars"] or 0.0 for one in held),
                ceilings.dollars,
                "--max-usd",
            ),
            (
                "tokens",
                ledger.committed_tokens + tokens,
                sum(one["most_tokens"] for one in held),
                ceilings.tokens,
                "--max-tokens",
            ),
            ("requests", ledger.total.requests + 1, 0, ceilings.requests, "--max-requests"),
        ]
        is_waiting = False
        for what, together, reserved, ceiling, flag in wanted:
            if ceiling is None or together <= ceiling:
                continue
            if together - reserved > ceiling:
                raise BudgetSpent(
                    f"the next request may need more than is left under {flag} {ceiling:g}; "
                    f"{together - reserved:g} {what} would be committed",
                    what,
                )
            is_waiting = True
        return is_waiting

    def _keep(self, transcript: Mapping[str, object]) -> str | None:
        """Write a transcript; return its name, or None where the disk refuses: the ledger matters more."""
        text = json.dumps(transcript, sort_keys=True).encode("utf-8", "replace")
        name = hashlib.sha256(text).hexdigest()[:24]
        file = self._transcripts / f"{name}.json.gz"
        try:
            if not file.exists():
                write_whole_bytes(file, gzip.compress(text, 6, mtime=0))
        except AgentarchError:
            return None
        return name
