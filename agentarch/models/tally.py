"""Books without a run: what a single command spends on models, under its ceilings, counted in memory."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

from agentarch.models.contract import Ask, BudgetSpent, Intent, Reply, Settlement, Usage
from agentarch.models.pricing import Price, cost, most


class Tally:
    """Books of one command; see `agentarch.models.Books`.

    Args:
        price_of: the price of a model; None where it is not known.
        max_usd: nothing is asked beyond so many dollars; None for no limit.

    Attributes:
        requests: that were sent.
        usage: tokens of all that was answered.
        dollars: that were spent, as far as prices are known.
    """

    def __init__(self, price_of: Callable[[str], Price | None], max_usd: float | None = None) -> None:
        self._price_of, self._max_usd = price_of, max_usd
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._open: dict[int, tuple[str, float]] = {}
        self.requests, self.usage, self.dollars = 0, Usage(), 0.0

    def open(self, intent: Intent) -> int:
        """Reserve what a request may cost; see `Books.open`."""
        price = self._price_of(intent.model)
        reserved = 0.0 if price is None else most(intent, price)
        with self._lock:
            held = self.dollars + sum(dollars for _, dollars in self._open.values())
            if self._max_usd is not None and held + reserved > self._max_usd:
                raise BudgetSpent(
                    f"the next request may cost more than is left of --max-usd {self._max_usd:g}", "dollars"
                )
            number = next(self._numbers)
            self._open[number] = intent.model, reserved
            self.requests += 1
        return number

    def settle(self, number: int, settlement: Settlement) -> None:
        """Count what a request used, and give back what it did not need."""
        with self._lock:
            model, _ = self._open.pop(number)
            price, used = self._price_of(model), settlement.usage
            self.usage += used
            self.dollars += 0.0 if price is None else cost(used, price)

    def from_cache(self, ask: Ask, reply: Reply) -> None:
        """Do nothing: it cost nothing."""
