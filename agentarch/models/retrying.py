"""Gets an answer out of models that fail now and then: pauses, repeats, falls back, and books every single request.

`tenacity` owns the repeating. Knows no SDK; each request is one call of an adapter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import tenacity

from agentarch.clock import Clock
from agentarch.models.adapter import Adapter
from agentarch.models.breaker import Breaker
from agentarch.models.contract import (
    Ask,
    Books,
    Refused,
    Reply,
    Stopped,
    Unavailable,
)
from agentarch.models.faults import Decision, Fault
from agentarch.models.question import Question
from agentarch.models.secrets import Secrets
from agentarch.models.standing import Standing
from agentarch.models.wire import well_formed

LEAST_SHARE_LEFT = 0.1
"""Of a question's deadline: with less left, no request begins, for it would be paid for and cut."""


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        deadline_seconds: for one question to one model, every attempt and pause included, but for waits until the
            books have room.
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
        patience = self._patience
        seconds = patience.deadline_seconds
        question = Question(ask, self._adapter_of, standing, self._books, self._secrets, seconds, self._clock)
        grows = tenacity.wait_exponential(patience.first_pause_seconds, patience.most_pause_seconds)
        by_chance = tenacity.wait_random(
            0, patience.first_pause_seconds
        )  # so that threads do not come all at once

        def pause(state: tenacity.RetryCallState) -> float:
            fault = state.outcome.exception() if state.outcome else None
            if not isinstance(fault, Fault) or fault.decision is Decision.DEGRADE:
                return 0.0
            return max(grows(state), fault.after_seconds or 0.0) + by_chance(state)

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
            raise Unavailable(
                str(fault), max(fault.after_seconds or 0.0, patience.most_pause_seconds)
            ) from None

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
