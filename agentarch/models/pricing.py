"""What tokens cost, in dollars per million. Reads the price file that litellm ships, without loading litellm."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentarch.errors import UsageError
from agentarch.models.contract import Intent, Usage

PRICE_FILE = "litellm/model_prices_and_context_window_backup.json"
_MILLION = 1_000_000
_TEXT_MODES = ("chat", "completion", "responses")
_ANTHROPIC_CACHE_WRITE = 1.25
"""Times the price of input: we ask Anthropic to keep the instructions, and it charges for that."""
_LONG_PROMPT = re.compile(r"_above_(\d+)k_tokens")


@dataclass(frozen=True)
class Price:
    """What a model's tokens cost, in dollars per million.

    Attributes:
        input: tokens sent.
        output: tokens written.
        cached_input: tokens sent that the provider read from its cache.
        cache_write: tokens sent that the provider wrote to its cache.
    """

    input: float
    output: float
    cached_input: float
    cache_write: float


def parse_price(text: str) -> tuple[str, tuple[float, ...]]:
    """Read `IN,OUT[,CACHED[,STORED]]`, in dollars per million tokens; `MODEL=` may stand before it.

    Returns:
        The model it is for, empty for every model, and the two to four numbers.

    Raises:
        UsageError: it is no price.
    """
    model, _, numbers = text.rpartition("=")
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        values = []
    if len(values) not in (2, 3, 4) or not all(math.isfinite(value) and value >= 0 for value in values):
        raise UsageError(
            f"--price {text!r} is no price; expected IN,OUT or IN,OUT,CACHED or IN,OUT,CACHED,STORED in dollars per "
            "million tokens (CACHED: that the provider reads from its cache, STORED: that it writes there), "
            "e.g. 3,15 or openai/NAME=3,15"
        )
    return model.strip(), tuple(values)


def given_price(model: str, numbers: Sequence[float]) -> Price:
    """Return the price of a model for which `parse_price` read these numbers.

    Tokens read from a cache cost as much as others where the third number lacks, and so do those written to one
    where the fourth does, but for Anthropic, which asks for a quarter more.
    """
    sent, written = numbers[:2]
    cached = numbers[2] if len(numbers) > 2 else sent
    return Price(sent, written, cached, numbers[3] if len(numbers) > 3 else _usual_cache_write(model, sent))


def known_price(model: str, longest_prompt: int = 100_000) -> Price | None:
    """Return what a model costs according to litellm's price file; None where that does not say.

    Args:
        model: as the user wrote it.
        longest_prompt: in tokens; dearer prices for prompts that are longer are left alone. Of several prices that are
            left for a kind of token, it is the dearest.
    """
    provider, _, name = model.partition("/")
    entry = _price_file().get(model)
    if entry is None and provider in ("openai", "anthropic"):
        entry = _price_file().get(name)
        if entry is not None and entry.get("litellm_provider") != provider:
            return None
    if entry is None or entry.get("mode") not in _TEXT_MODES:
        return None
    sent, written = (
        _dearest(entry, "input_cost_per_token", longest_prompt),
        _dearest(entry, "output_cost_per_token", longest_prompt),
    )
    if sent is None or written is None:
        return None
    thought = _dearest(entry, "output_cost_per_reasoning_token", longest_prompt) or 0.0
    cached = _dearest(entry, "cache_read_input_token_cost", longest_prompt)
    stored = _dearest(entry, "cache_creation_input_token_cost", longest_prompt)
    return Price(
        sent,
        max(written, thought),
        sent if cached is None else cached,
        _usual_cache_write(model, sent) if stored is None else stored,
    )


def cost(usage: Usage, price: Price) -> float:
    """Return what a request cost, in dollars."""
    cached = min(usage.cached_tokens, usage.input_tokens)
    stored = min(usage.cache_written_tokens, usage.input_tokens - cached)
    plain = usage.input_tokens - cached - stored
    dollars = plain * price.input + cached * price.cached_input + stored * price.cache_write
    return (dollars + usage.output_tokens * price.output) / _MILLION


def most(intent: Intent, price: Price) -> float:
    """Return the most that a request can cost, in dollars."""
    dearest = max(price.input, price.cached_input, price.cache_write)
    return (intent.most_input_tokens * dearest + intent.most_output_tokens * price.output) / _MILLION


def _usual_cache_write(model: str, sent: float) -> float:
    return sent * _ANTHROPIC_CACHE_WRITE if model.startswith("anthropic/") else sent


def _dearest(entry: Mapping[str, Any], name: str, longest_prompt: int) -> float | None:
    """Return the price of a kind of token, or that for long prompts where it is higher; None without the first."""
    usual = _dollars(entry.get(name))
    if usual is None:
        return None
    found = [usual]
    for key in entry:
        tier = _LONG_PROMPT.fullmatch(key, len(name)) if key.startswith(name) else None
        if tier is not None and 1_000 * int(tier[1]) < longest_prompt:
            found.append(_dollars(entry[key]) or 0.0)
    return max(found)


def _dollars(value: object) -> float | None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(f"{value * _MILLION:.9g}")  # 3e-07 is 0.3 dollars, not 0.29999999999999999


@functools.cache
def _price_file() -> Mapping[str, Mapping[str, Any]]:
    try:
        found = importlib.metadata.distribution("litellm").locate_file(PRICE_FILE)
        with open(str(found), encoding="utf-8") as stream:  # noqa: PTH123 (may be any path-like)
            prices = json.load(stream)
    except (importlib.metadata.PackageNotFoundError, OSError, ValueError):
        return {}
    return prices if isinstance(prices, dict) else {}
