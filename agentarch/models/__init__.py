"""Language models behind one protocol: adapters, retries, a cache, prices. Loads no SDK until one is asked."""

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

__all__ = [
    "Ask",
    "Books",
    "BudgetSpent",
    "Client",
    "Intent",
    "ModelFault",
    "NoAnswer",
    "Refused",
    "Reply",
    "Settlement",
    "Stopped",
    "Unavailable",
    "Usage",
]
