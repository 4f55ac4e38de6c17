"""Puts a run's studio together, from its settings and the environment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from agentarch.clock import Clock
from agentarch.config import RunConfig
from agentarch.errors import UsageError, unknown_name
from agentarch.kinds import Kind
from agentarch.meta.pack import Pack, load_pack
from agentarch.models.factory import ModelSettings, check_servers, make_client
from agentarch.models.places import MANUAL, missing_key
from agentarch.models.pricing import Price, given_price, known_price, parse_price
from agentarch.search.authoring.books import Ceilings, RunBooks
from agentarch.search.authoring.briefs import Briefs
from agentarch.search.authoring.choosing import Chooser
from agentarch.search.authoring.contract import Workshop
from agentarch.search.authoring.effects import Effects
from agentarch.search.authoring.steps import ProposalSteps
from agentarch.search.authoring.studio import Studio
from agentarch.search.log import Log
from agentarch.task import AnyTask

FREE = Price(0.0, 0.0, 0.0, 0.0)


def pack_of(config: RunConfig) -> Pack:
    """Load the prompt pack of a run.

    Raises:
        UsageError: a template is at fault; the message says which line of which file.
    """
    folder = None if config.prompts is None else Path(config.prompts)
    return load_pack(folder, config.kind, max_tokens=config.prompt_tokens)


def prices_of(config: RunConfig) -> Callable[[str], Price | None]:
    """Return the function that knows what each model costs: as was told, or else as litellm's price file says.

    Raises:
        UsageError: a price cannot be read.
    """
    told = dict(parse_price(text) for text in config.price)
    for name in told:
        if name and name not in config.models:
            raise unknown_name("model in --price", name, config.models)
    known: dict[str, Price | None] = {}
    for name in config.models:
        numbers = told.get(name) or told.get("")
        if name == MANUAL:
            known[name] = FREE
        else:
            known[name] = (
                known_price(name, config.prompt_tokens) if numbers is None else given_price(name, numbers)
            )
    return known.get


def split_url(text: str) -> tuple[str, str]:
    """Return the model that a base URL is for, empty for every model, and the URL."""
    model, mark, rest = text.partition("=http")
    return (model, f"http{rest}") if mark else ("", text)


def urls_of(config: RunConfig) -> tuple[str, dict[str, str]]:
    """Return the base URL of every model, empty for the providers' own, and those of single models.

    Raises:
        UsageError: one is for a model that the run does not ask.
    """
    urls = dict(split_url(text) for text in config.base_url)
    for name in urls:
        if name and name not in config.models:
            raise unknown_name("model in --base-url", name, config.models)
    return urls.pop("", ""), urls


def open_books(log: Log, folder: Path, config: RunConfig, stopped: threading.Event) -> RunBooks:
    """Open the books of a run, before its engine works; what was under way when another was killed counts as spent."""
    ceilings = Ceilings(config.max_usd, config.max_tokens, config.max_requests)
    books = RunBooks(log, folder, ceilings, prices_of(config), stopped)
    books.settle_what_was_killed()
    return books


def settings_of(config: RunConfig) -> ModelSettings:
    """Return which models a run asks, and where.

    Raises:
        UsageError: a base URL is for a model that the run does not ask.
    """
    base_url, urls = urls_of(config)
    return ModelSettings(
        models=config.models,
        # Of an ensemble the others step in, but for a person.
        fallbacks=config.fallback_model or tuple(name for name in config.model if name != MANUAL),
        base_url=base_url,
        base_urls=urls,
        deadline_seconds=config.model_deadline or ModelSettings.deadline_seconds,
        stall_seconds=config.model_stall or ModelSettings.stall_seconds,
    )


def check_models(config: RunConfig) -> None:
    """Make sure, before anything is started, that the models of a run can be asked and paid.

    Raises:
        UsageError: a name, a URL, a price, a key or a template is wrong; the message says what to do.
    """
    price_of = prices_of(config)
    if config.max_usd is not None:
        for name in config.models:
            if price_of(name) is None:
                raise UsageError(
                    f"--max-usd cannot be kept: nobody knows what {name!r} costs. Say it with --price IN,OUT in "
                    f"dollars per million tokens (--price {name}=IN,OUT for this model alone), or leave --max-usd away"
                )
    settings = settings_of(config)
    for place in settings.places:
        lacking = missing_key(place.model, place.base_url)
        if lacking is not None:
            raise UsageError(
                f"{place.model!r} needs a key: set {lacking}, or name a server of your own with --base-url"
            )
    check_servers(settings)
    least = min(one.parents for one in pack_of(config).operators.values())
    if least > (0 if config.placebo == "none" else 1):
        raise UsageError(
            "every operator of the prompts builds upon more designs than can be shown; add one with fewer parents"
        )


def studio_maker(
    log: Log,
    folder: Path,
    config: RunConfig,
    secret: str,
    kind: Kind,
    tasks: Sequence[AnyTask],
    clock: Clock,
) -> Callable[[Workshop], Studio]:
    """Return what makes the studio of a run for its engine; models are waited for by the clock.

    Raises:
        UsageError: see `check_models`.
    """
    check_models(config)
    pack, stopped, effects = pack_of(config), threading.Event(), Effects()
    books = open_books(log, folder, config, stopped)
    client = make_client(settings_of(config), books, folder, stopped, clock)

    def make(workshop: Workshop) -> Studio:
        steps = ProposalSteps(
            workshop=workshop,
            log=log,
            client=client,
            books=books,
            pack=pack,
            briefs=Briefs(config.kind, tasks, folder, effects),
            chooser=Chooser(config, pack),
            config=config,
            secret=secret,
            contract=kind.contract,
            stopped=stopped,
        )
        return Studio(
            workshop=workshop,
            log=log,
            folder=folder,
            steps=steps,
            books=books,
            client=client,
            in_flight=config.proposals_in_flight,
            stopped=stopped,
            clock=clock,
            review_seconds=config.review_timeout,
            on_timeout=config.on_timeout,
        )

    return make
