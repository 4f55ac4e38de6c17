"""Puts together the broker of a run: the models that its agents may ask, booked in the run's own ledger."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from agentarch.broker import Backend, Broker
from agentarch.broker.embedded import NAME as EMBEDDED
from agentarch.broker.embedded import EmbeddedBackend
from agentarch.broker.provider import ProviderBackend
from agentarch.config import RunConfig
from agentarch.errors import UsageError
from agentarch.models import (
    Books,
    Clock,
    ModelSettings,
    Usage,
    check_servers,
    cost,
    make_client,
    missing_key,
)
from agentarch.models.tally import Tally
from agentarch.search.authoring.setup import open_books, prices_of, urls_of
from agentarch.search.log import Log

REPLIES = "solving"
"""Folder of a run in which answers to its agents lie, so that an evaluation that is repeated pays nothing again."""


def solver_settings(config: RunConfig) -> ModelSettings | None:
    """Return how the real models among those that agents may ask are reached; None when there is none.

    No other model steps in for one that cannot be reached: scores of two models do not compare.

    Raises:
        UsageError: a base URL is for a model that the run does not ask.
    """
    if not config.solvers:
        return None
    base_url, base_urls = urls_of(config)
    return ModelSettings(
        models=config.solvers,
        base_url=base_url,
        base_urls=base_urls,
        deadline_seconds=config.model_deadline or ModelSettings.deadline_seconds,
        stall_seconds=config.model_stall or ModelSettings.stall_seconds,
    )


def check_solvers(config: RunConfig) -> None:
    """Make sure, before anything is started, that the models which agents may ask can be asked and paid.

    Raises:
        UsageError: a name, a URL, a price or a key is wrong; the message says what to do.
    """
    settings = solver_settings(config)
    if settings is None:
        return
    price_of = prices_of(config)
    for place in settings.places:
        lacking = missing_key(place.model, place.base_url)
        if lacking is not None:
            raise UsageError(
                f"{place.model!r} needs a key: set {lacking}, or name a server of your own with --base-url; without "
                "--solve-with, agents ask the embedded model"
            )
        if config.max_usd is not None and price_of(place.model) is None:
            raise UsageError(
                f"--max-usd cannot be kept: nobody knows what {place.model!r} costs. Say it with "
                f"--price {place.model}=IN,OUT in dollars per million tokens, or leave --max-usd away"
            )
    check_servers(settings)


def make_broker(log: Log, folder: Path, config: RunConfig, clock: Clock) -> Broker:
    """Return the broker of a run.

    Raises:
        UsageError: see `check_solvers`.
    """
    return Broker(make_backends(log, folder, config, clock))


def make_backends(log: Log, folder: Path, config: RunConfig, clock: Clock) -> dict[str, Backend]:
    """Return what answers for each model that agents may ask, in the order of the settings, booked in one ledger.

    Raises:
        UsageError: see `check_solvers`.
    """
    check_solvers(config)
    stopped = threading.Event()
    books = open_books(log, folder, config, stopped) if config.solvers else None
    return _backends(config, books, folder / REPLIES, stopped, clock)


@contextlib.contextmanager
def loose_broker(config: RunConfig) -> Iterator[tuple[Broker, Tally]]:
    """Give a broker without a run, and what is spent through it.

    Raises:
        UsageError: see `check_solvers`.
    """
    check_solvers(config)
    tally = Tally(prices_of(config), config.max_usd)
    with tempfile.TemporaryDirectory(prefix="agentarch-") as folder:
        broker = Broker(_backends(config, tally, Path(folder) / REPLIES, threading.Event(), Clock()))
        try:
            yield broker, tally
        finally:
            broker.close()


def _backends(
    config: RunConfig, books: Books | None, folder: Path, stopped: threading.Event, clock: Clock
) -> dict[str, Backend]:
    backends: dict[str, Backend] = {}
    settings = solver_settings(config)
    if settings is not None and books is not None:
        price_of = prices_of(config)
        folder.mkdir(exist_ok=True)
        client = make_client(settings, books, folder, stopped, clock)

        def cost_of(model: str, usage: Usage) -> float | None:
            price = price_of(model)
            return None if price is None else cost(usage, price)

        backends = {name: ProviderBackend(name, client, cost_of, stopped) for name in config.solvers}
    if EMBEDDED in config.solve_with:
        backends[EMBEDDED] = EmbeddedBackend()
    return {name: backends[name] for name in config.solve_with}
