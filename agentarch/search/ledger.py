"""What language models have cost a run, request by request: the part of a run's state that money is about.

A request counts from the moment it is written down, before it is sent. Tokens are those that the provider told. Where
nobody told (a cut connection), what was reserved counts against every ceiling, and is shown apart. A request
that was under way when the engine was killed counts as spent, all that was reserved for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentarch.store import Event

ANSWERED, FAILED, UNKNOWN, KILLED = "answered", "failed", "unknown", "killed"
"""What comes of a request; see `agentarch.models.Settlement`, and `killed`: the engine ended before it knew."""


@dataclass
class Tally:
    """A sum over requests.

    Attributes:
        requests: that were sent, or were about to be.
        input_tokens: of everything sent, those read from the provider's cache included.
        output_tokens: of everything written.
        cached_tokens: of the input, those that the provider read from its cache.
        dollars: at the prices of the run, of those requests whose price is known.
        unpriced: requests whose price is not known.
        cache_hits: questions that our own cache answered without a request.
        retries: requests that repeated one that had failed.
        failed: requests that were not answered.
        latency_seconds: from sending to the end, summed over requests.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    dollars: float = 0.0
    unpriced: int = 0
    cache_hits: int = 0
    retries: int = 0
    failed: int = 0
    latency_seconds: float = 0.0


@dataclass
class Ledger:
    """The books of a run.

    Attributes:
        total: over everything.
        by_model: over the requests to a model.
        by_role: over those that served a purpose.
        by_proposal: over those made for a proposal.
        open: requests under way, as they were written down, by the number of that event.
        answers: where the answer to each question of a proposal is kept, and who gave it, by proposal, role and sample.
        exceeded: how many times over what was reserved for it a model's worst request went, by model.
        untold_requests: requests that may have been charged, and nobody told.
        untold_tokens: the most that they may have used.
        untold_dollars: the most that they may have cost.
    """

    total: Tally = field(default_factory=Tally)
    by_model: dict[str, Tally] = field(default_factory=dict)
    by_role: dict[str, Tally] = field(default_factory=dict)
    by_proposal: dict[str, Tally] = field(default_factory=dict)
    open: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    answers: dict[tuple[str, str, int], tuple[str, str]] = field(default_factory=dict)
    exceeded: dict[str, float] = field(default_factory=dict)
    untold_requests: int = 0
    untold_tokens: int = 0
    untold_dollars: float = 0.0
    _reserved_tokens: int = 0
    _reserved_dollars: float = 0.0

    @property
    def committed_dollars(self) -> float:
        """What is spent, may have been spent, or is reserved."""
        return self.total.dollars + self.untold_dollars + max(0.0, self._reserved_dollars)

    @property
    def committed_tokens(self) -> int:
        """Tokens that are used, may have been used, or are reserved."""
        spent = self.total.input_tokens + self.total.output_tokens
        return spent + self.untold_tokens + self._reserved_tokens

    def apply(self, event: Event) -> None:
        """Take one event of the run's log in; most are not about money."""
        body = event.body
        if event.kind == "asked":
            self._open(event.number, body)
        elif event.kind == "answered":
            self._settle(body)
        elif event.kind == "remembered":
            for tally in self._tallies(body):
                tally.cache_hits += 1

    def _open(self, number: int, body: Mapping[str, Any]) -> None:
        self.open[number] = body
        self._reserved_tokens += body["most_tokens"]
        self._reserved_dollars += body["most_dollars"] or 0.0
        for tally in self._tallies(body):
            tally.requests += 1
            tally.retries += body["attempt"] > 1
            tally.unpriced += body["most_dollars"] is None

    def _settle(self, body: Mapping[str, Any]) -> None:
        asked = self.open.pop(body["number"], None)
        if asked is None:  # it was settled before
            return
        self._reserved_tokens -= asked["most_tokens"]
        self._reserved_dollars -= asked["most_dollars"] or 0.0
        if body["outcome"] == UNKNOWN:
            used = body["input_tokens"] + body["output_tokens"]
            self.untold_requests += 1
            self.untold_tokens += max(0, asked["most_tokens"] - used)
            self.untold_dollars += max(0.0, (asked["most_dollars"] or 0.0) - body["dollars"])
        if body["outcome"] == ANSWERED and body["transcript"]:
            kept = body["transcript"], asked["model"]
            self.answers[asked["proposal"], asked["role"], asked["sample"]] = kept
        times = max(
            body["input_tokens"] / max(1, asked["most_input_tokens"]),
            body["output_tokens"] / max(1, asked["most_output_tokens"]),
        )
        if times > 1:
            self.exceeded[asked["model"]] = max(times, self.exceeded.get(asked["model"], 1.0))
        for tally in self._tallies(asked):
            tally.input_tokens += body["input_tokens"]
            tally.output_tokens += body["output_tokens"]
            tally.cached_tokens += body["cached_tokens"]
            tally.dollars += body["dollars"]
            tally.latency_seconds += body["latency_seconds"]
            tally.failed += body["outcome"] != ANSWERED

    def _tallies(self, body: Mapping[str, Any]) -> tuple[Tally, ...]:
        return (
            self.total,
            self.by_model.setdefault(body["model"], Tally()),
            self.by_role.setdefault(body["role"], Tally()),
            self.by_proposal.setdefault(body["proposal"], Tally()),
        )
