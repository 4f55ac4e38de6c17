"""Gets an answer out of models that fail now and then: pauses, repeats, falls back, and books every single request.

`tenacity` owns the repeating. Knows no SDK; each request is one call of an adapter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tenacity

from agentarch.models.adapter import Adapter, Answer
from agentarch.models.bounds import most_input_tokens
from agentarch.models.breaker import Breaker, Open
from agentarch.models.clock import Clock
from agentarch.models.contract import (
    Ask,
    Books,
    Intent,
    NoAnswer,
    Refused,
    Reply,
    Settlement,
    Stopped,
    Unavailable,
    Usage,
)
from agentarch.models.faults import Decision, Fault
from agentarch.models.secrets import Secrets
from agentarch.models.standing import Standing
from agentarch.models.wire import well_formed

MOST_EMPTY_REPLIES = 3
LEAST_SHARE_LEFT = 0.1
"""Of a question's deadline: with less left, no request begins, for it would be paid for and cut."""


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        deadline_seconds: for one question to one model, every attempt and pause included.
        attempts: for one question to one model, at most.
        first_pause_seconds: after the first failure; it doubles with each, and a share by chance is added.
        most_pause_seconds: it grows no longer, unless the provider asks for more.
        failures_until_down: in a row, over all questions, until a model is taken to be down.
        first_probe_seconds: until one request finds out whether it is up again; it doubles with each that fails.
        most_probe_seconds: it grows no longer.
    """

    deadline_seconds: float = 300.0
    attempts: int = 20
    first_pause_seconds: float = 0.5
    most_pause_seconds: float = 30.0
    failures_until_down: int = 8
    first_probe_seconds: float = 5.0
    most_probe_seconds: float = 60.0


class RetryingClient:
    """A `Client` that repeats what fails and falls back to other models.

    Args:
        adapter_of: returns the adapter for a model; called for each attempt, from several threads at once.
        books: where each request is written down before it is sent.
        stop: ends every pause when it is set.
        secrets: what must be in no transcript and no reply.
        fallbacks: models to ask, in this order, when the one that is asked cannot answer.
        patience: how long to try.
        clock: tells the time and sleeps.
    """

    def __init__(
        self,
        adapter_of: Callable[[str], Adapter],
        books: Books,
        stop: threading.Event,
        secrets: Secrets,
        fallbacks: Sequence[str] = (),
        patience: Patience = Patience(),
        clock: Clock = Clock(),  # noqa: B008 (frozen)
    ) -> None:
        self._adapter_of = adapter_of
        self._books = books
        self._stop = stop
        self._secrets = secrets
        self._fallbacks = tuple(fallbacks)
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._standings: dict[str, Standing] = {}

    def ask(self, ask: Ask) -> Reply:
        """See `Client.ask`.

        Raises:
            Unavailable: no model that does not refuse can be reached for now.
            Refused: every model refuses.
            NoAnswer: the model answers with nothing, or does not accept this one question.
            BudgetSpent: see `Books.open`.
            Stopped: the run is being stopped.
        """
        ask = replace(ask, system=well_formed(ask.system), prompt=well_formed(ask.prompt))
        unavailable: list[Unavailable] = []
        refused: list[Refused] = []
        for model in dict.fromkeys((ask.model, *self._fallbacks)):
            try:
                return self._ask_one(replace(ask, model=model))
            except Unavailable as error:
                unavailable.append(error)
            except Refused as error:
                refused.append(error)
        message = "; ".join(str(error) for error in [*unavailable, *refused])
        if unavailable:
            raise Unavailable(message, min(error.seconds for error in unavailable))
        raise Refused(message)

    def close(self) -> None:
        """Do nothing: whoever made the adapters closes them."""

    def _ask_one(self, ask: Ask) -> Reply:
        standing = self._standing(ask.model)
        if standing.refusal:
            raise Refused(standing.refusal)
        question = _Question(
            ask, self._adapter_of, standing, self._books, self._secrets, self._patience, self._clock
        )
        patience = self._patience
        grows = tenacity.wait_exponential_jitter(
            patience.first_pause_seconds, patience.most_pause_seconds, jitter=patience.first_pause_seconds
        )

        def pause(state: tenacity.RetryCallState) -> float:
            fault = state.outcome.exception() if state.outcome else None
            if not isinstance(fault, Fault) or fault.decision is Decision.DEGRADE:
                return 0.0
            return max(grows(state), fault.after_seconds or 0.0)

        def is_over(state: tenacity.RetryCallState) -> bool:
            is_late = (
                question.seconds_left - state.upcoming_sleep < LEAST_SHARE_LEFT * patience.deadline_seconds
            )
            return is_late or state.attempt_number >= patience.attempts

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Fault),
            wait=pause,
            stop=is_over,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            self._raise_if_stopped()
            return retrying(question.attempt)
        except Fault as fault:
            seconds = max(fault.after_seconds or 0.0, patience.most_pause_seconds)
            raise Unavailable(str(fault), seconds) from None

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.sleep(seconds, self._stop)
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise Stopped("the run is being stopped")

    def _standing(self, model: str) -> Standing:
        patience = self._patience
        with self._lock:
            if model not in self._standings:
                breaker = Breaker(
                    patience.failures_until_down,
                    patience.first_probe_seconds,
                    patience.most_probe_seconds,
                    self._clock.monotonic,
                )
                self._standings[model] = Standing(breaker)
            return self._standings[model]


class _Question:
    """One question to one model, over all its attempts. Used by one thread."""

    def __init__(
        self,
        ask: Ask,
        adapter_of: Callable[[str], Adapter],
        standing: Standing,
        books: Books,
        secrets: Secrets,
        patience: Patience,
        clock: Clock,
    ) -> None:
        self._ask = ask
        self._adapter_of = adapter_of
        self._standing = standing
        self._books = books
        self._secrets = secrets
        self._clock = clock
        self._deadline = clock.monotonic() + patience.deadline_seconds
        self._form = standing.form
        self._attempts = 0
        self._empty_replies = 0

    @property
    def seconds_left(self) -> float:
        """Until its deadline."""
        return self._deadline - self._clock.monotonic()

    def attempt(self) -> Reply:
        """Send one request.

        Raises:
            Fault: another attempt may succeed.
            Unavailable, Refused, NoAnswer: none will, for now.
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
        number = self._books.open(
            Intent(ask.model, ask.role, ask.proposal, self._attempts, bound, ask.max_output_tokens)
        )
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
                raise NoAnswer(f"this question was not accepted: {fault}") from None

    def _reply(self, answer: Answer) -> Reply:
        model, text = self._ask.model, self._secrets.scrub(answer.text)
        self._standing.answered(self._form if self._ask.schema is not None else None)
        if text.strip():
            return Reply(text, answer.usage or Usage(), model, answer.finish)
        if answer.finish == "refusal":
            raise NoAnswer(f"{model}: it declined to answer")
        if answer.finish == "length":
            raise NoAnswer(
                f"{model}: all {self._ask.max_output_tokens:,} output tokens went before it wrote a word"
            )
        self._empty_replies += 1
        if self._empty_replies >= MOST_EMPTY_REPLIES:
            raise NoAnswer(f"{model}: it answered with nothing, {MOST_EMPTY_REPLIES} times")
        raise Fault(f"{model}: it answered with nothing", Decision.RETRY, "answered")

    def _transcript(self, text: str, finish: str) -> dict[str, Any]:
        ask = self._ask
        asked = {"system": ask.system, "prompt": ask.prompt, "schema": ask.schema, "form": str(self._form)}
        kept: dict[str, Any] = self._secrets.scrub_all({**asked, "answer": text, "finish": finish})
        return kept
