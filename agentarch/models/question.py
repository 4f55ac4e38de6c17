"""One question to one model: each attempt is booked, sent, booked again, and judged. Knows no pause.

Whether another attempt follows is for `agentarch.models.retrying` to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agentarch.clock import Clock
from agentarch.models.adapter import Adapter, Answer
from agentarch.models.bounds import WRAPPING_TOKENS, most_input_tokens
from agentarch.models.breaker import Open
from agentarch.models.contract import (
    Ask,
    Books,
    BudgetSpent,
    Intent,
    NoAnswer,
    Refused,
    Reply,
    Settlement,
    Unavailable,
    Usage,
)
from agentarch.models.faults import Decision, Fault
from agentarch.models.secrets import Secrets
from agentarch.models.standing import Standing

MOST_EMPTY_REPLIES = 3

COUNTING_SECONDS = 20.0
COUNTING_MARGIN = 1.05
"""Providers call their count an estimate."""


class Question:
    """One question to one model, over all its attempts. Used by one thread.

    Args:
        ask: the question.
        adapter_of: returns the adapter for a model.
        standing: what is known of the model.
        books: where each request is written down before it is sent.
        secrets: what must be in no transcript and no reply.
        deadline_seconds: from now on; waiting for room in the books does not count.
        clock: tells the time.
    """

    def __init__(
        self,
        ask: Ask,
        adapter_of: Callable[[str], Adapter],
        standing: Standing,
        books: Books,
        secrets: Secrets,
        deadline_seconds: float,
        clock: Clock,
    ) -> None:
        self._ask = ask
        self._adapter_of = adapter_of
        self._standing = standing
        self._books = books
        self._secrets = secrets
        self._clock = clock
        self._deadline = clock.monotonic() + deadline_seconds
        self._form = standing.form
        self._attempts = 0
        self._empty_replies = 0
        self._usage_of_empty = Usage()

    @property
    def seconds_left(self) -> float:
        """Until its deadline."""
        return self._deadline - self._clock.monotonic()

    def attempt(self) -> Reply:
        """Send one request.

        Raises:
            Fault: another attempt may succeed.
            Unavailable: none will, for now.
            Refused: none will.
            NoAnswer: the model has nothing to say to this question.
            BudgetSpent: see `Books.open`.
            Stopped: see `Books.open`.
        """
        ask, breaker = self._ask, self._standing.breaker
        try:
            leave = breaker.enter()
        except Open as is_open:
            trouble = self._standing.trouble or ask.model
            raise Unavailable(f"{trouble} ({is_open})", is_open.seconds) from None
        tell = breaker.left
        try:
            answer = self._send()
            tell = breaker.succeeded
        except Fault as fault:
            if fault.decision is not Decision.RETRY:
                tell = breaker.succeeded  # it is up, and said no
            elif fault.is_outage:
                tell = breaker.failed
                self._standing.trouble = str(fault)
            self._give_up_or_go_on(fault)
            raise
        finally:
            tell(leave)
        return self._reply(answer)

    def _send(self) -> Answer:
        """Send one request, booked before and after."""
        ask = self._ask
        self._attempts += 1
        adapter = self._adapter_of(ask.model)
        bound = most_input_tokens(ask)
        intent = Intent(
            ask.model, ask.role, ask.proposal, self._attempts, bound, ask.max_output_tokens, ask.sample
        )
        number = self._open(intent, adapter)
        begun = self._clock.monotonic()
        settlement = Settlement("unknown", Usage(), 0.0, "this side failed")
        try:
            answer = adapter.send(ask, self._form, max(1.0, self.seconds_left))
            outcome, reason = ("answered", "") if answer.usage else ("unknown", "the provider told no usage")
            transcript = self._transcript(answer.text, answer.finish)
            settlement = Settlement(outcome, answer.usage or Usage(), 0.0, reason, transcript)
        except Fault as fault:
            partial = self._transcript(fault.text, "cut") if fault.text else None
            settlement = Settlement(fault.outcome, fault.usage, 0.0, str(fault), partial)
            raise
        finally:
            latency_seconds = self._clock.monotonic() - begun
            self._books.settle(number, replace(settlement, latency_seconds=latency_seconds))
        return answer

    def _open(self, intent: Intent, adapter: Adapter) -> int:
        """Book a request; where the bound has no room left, by what the provider counts, which is far less."""
        try:
            return self._booked(intent)
        except BudgetSpent:
            counted = adapter.count(self._ask, self._form, COUNTING_SECONDS)
            if counted is None:
                raise
            bound = min(intent.most_input_tokens, math.ceil(counted * COUNTING_MARGIN) + WRAPPING_TOKENS)
            return self._booked(replace(intent, most_input_tokens=bound))

    def _booked(self, intent: Intent) -> int:
        """Book a request. Others may hold the room for minutes, and that costs no patience."""
        begun = self._clock.monotonic()
        try:
            return self._books.open(intent)
        finally:
            self._deadline += self._clock.monotonic() - begun

    def _give_up_or_go_on(self, fault: Fault) -> None:
        """Return when another attempt may succeed."""
        if fault.decision is Decision.REFUSE:
            self._standing.refused(str(fault))
            raise Refused(str(fault)) from None
        if fault.decision is Decision.DEGRADE:
            weaker = self._form.weaker if self._ask.schema is not None else None
            if weaker is not None:
                self._form = weaker
            elif self._standing.rejected(str(fault)):
                raise Refused(f"{fault}; correct --model or --base-url; `agentarch resume` goes on") from None
            else:
                raise NoAnswer(f"this question was not accepted: {fault}", self._usage_of_empty) from None

    def _reply(self, answer: Answer) -> Reply:
        model, text = self._ask.model, self._secrets.scrub(answer.text)
        self._standing.answered(self._form if self._ask.schema is not None else None)
        if text.strip():
            return Reply(text, answer.usage or Usage(), model, answer.finish)
        self._usage_of_empty += answer.usage or Usage()
        if answer.finish == "refusal":
            raise NoAnswer(f"{model}: it declined to answer", self._usage_of_empty)
        if answer.finish == "length":
            raise NoAnswer(
                f"{model}: all {self._ask.max_output_tokens:,} output tokens went before it wrote a word",
                self._usage_of_empty,
            )
        self._empty_replies += 1
        if self._empty_replies >= MOST_EMPTY_REPLIES:
            raise NoAnswer(
                f"{model}: it answered with nothing, {MOST_EMPTY_REPLIES} times", self._usage_of_empty
            )
        raise Fault(f"{model}: it answered with nothing", Decision.RETRY, "answered")

    def _transcript(self, text: str, finish: str) -> dict[str, Any]:
        ask = self._ask
        asked = {"system": ask.system, "prompt": ask.prompt, "schema": ask.schema, "form": str(self._form)}
        kept: dict[str, Any] = self._secrets.scrub_all({**asked, "answer": text, "finish": finish})
        return kept
