"""Language models behind one protocol: adapters, retries, a cache, prices. Loads no SDK until one is asked."""

from agentarch.clock import Clock
from agentarch.models.bounds import most_input_tokens
from agentarch.models.contract import (
    Ask,
    Books,
    BudgetSpent,
    Client,
    Intent,
    ModelFault,
    NoAnswer,
    Refused,
    Reply,
    Settlement,
    Stopped,
    Unavailable,
    Usage,
)
from agentarch.models.factory import ModelSettings, check_servers, make_client
from agentarch.models.places import MANUAL, missing_key
from agentarch.models.pricing import Price, cost, given_price, known_price, most, parse_price

__all__ = [
    "MANUAL",
    "Ask",
    "Books",
    "BudgetSpent",
    "Client",
    "Clock",
    "Intent",
    "ModelFault",
    "ModelSettings",
    "NoAnswer",
    "Price",
    "Refused",
    "Reply",
    "Settlement",
    "Stopped",
    "Unavailable",
    "Usage",
    "check_servers",
    "cost",
    "given_price",
    "known_price",
    "make_client",
    "missing_key",
    "most",
    "most_input_tokens",
    "parse_price",
]
