"""Serves real language models to designs, through the run's own clients: booked, cached and retried like every request.

A provider that is down is waited for: no design fails because of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from agentarch.broker.contract import Answer, Call
from agentarch.models import Ask, Client, NoAnswer, Reply, Stopped, Unavailable, Usage

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
        """Answer calls, one request each."""
        return [self._one(call) for call in calls]

    def close(self) -> None:
        """End every wait."""
        self._stopped.set()

    def _one(self, call: Call) -> Answer | Exception:
        ask = Ask(
            model=self._model,
            role=ROLE,
            system=call.system,
            prompt=call.prompt,
            max_output_tokens=call.max_tokens,
            temperature=call.temperature,
            sample=call.repeat,
        )
        try:
            reply = self._asked(ask)
        except NoAnswer as nothing:  # the design may ask again; what it cost is paid
            reply = Reply("", nothing.usage, self._model)
        except Exception as error:
            return error
        usage = reply.usage
        dollars = self._cost_of(reply.model, usage)
        return Answer(reply.text, usage.input_tokens, usage.output_tokens, dollars)

    def _asked(self, ask: Ask) -> Reply:
        """Ask until there is an answer, or none can be had."""
        while True:
            try:
                return self._client.ask(ask)
            except Unavailable as error:
                if self._stopped.wait(min(max(error.seconds, 0.1), LONGEST_PAUSE_SECONDS)):
                    raise Stopped from None
