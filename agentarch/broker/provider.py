"""Serves real language models to designs, through the run's own clients: booked, cached and retried like every request.

A provider that is down is waited for: no design fails because of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from agentarch.broker.contract import Answer, Call
from agentarch.models import Ask, Client, Reply, Stopped, Unavailable, Usage

ROLE = "solve"
LONGEST_PAUSE_SECONDS = 60.0


class ProviderBackend:
    """Asks one model; see `agentarch.broker.Backend`.

    Args:
        model: the provider and its name for the model, as `agentarch.models.Ask.model`.
        client: that asks it.
        cost_of: what a request costs in dollars; None where the price is not known.
        stopped: set when the run is being stopped.
        workers: so many requests at a time.
    """

    batch = 1

    def __init__(
        self,
        model: str,
        client: Client,
        cost_of: Callable[[str, Usage], float | None],
        stopped: threading.Event,
        workers: int = 32,
    ) -> None:
        self._model, self._client, self._cost_of = model, client, cost_of
        self._stopped, self.workers = stopped, workers

    def answer(self, calls: Sequence[Call]) -> Sequence[Answer | Exception]:
        """Answer a call, one request a sample."""
        return [self._one(call) for call in calls]

    def close(self) -> None:
        """End every wait."""
        self._stopped.set()

    def _one(self, call: Call) -> Answer | Exception:
        texts: list[str] = []
        written: list[int] = []
        sent, dollars = 0, 0.0
        is_priced = True
        for sample in range(call.n):
            try:
                reply = self._asked(
                    Ask(
                        model=self._model,
                        role=ROLE,
                        system=call.system,
                        prompt=call.prompt,
                        max_output_tokens=call.max_tokens,
                        temperature=call.temperature,
                        sample=call.repeat + sample,
                    )
                )
            except Exception as error:
                return error
            price = self._cost_of(reply.model, reply.usage)
            is_priced, dollars = is_priced and price is not None, dollars + (price or 0.0)
            texts.append(reply.text)
            written.append(reply.usage.output_tokens)
            sent += reply.usage.input_tokens
        return Answer(tuple(texts), sent, tuple(written), dollars if is_priced else None)

    def _asked(self, ask: Ask) -> Reply:
        """Ask until there is an answer, or none can be had."""
        while True:
            try:
                return self._client.ask(ask)
            except Unavailable as error:
                if self._stopped.wait(min(max(error.seconds, 0.1), LONGEST_PAUSE_SECONDS)):
                    raise Stopped from None
