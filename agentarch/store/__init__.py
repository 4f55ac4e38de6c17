"""The truth of a run: one SQLite file with its log of events and its queue of work."""

from agentarch.store.errors import StoreDamaged, StoreFull, damaged
from agentarch.store.schema import FILE_NAME
from agentarch.store.store import DESIGNS, EVALUATIONS, PROPOSALS, REQUESTS, Event, Lease, Store

__all__ = [
    "DESIGNS",
    "EVALUATIONS",
    "FILE_NAME",
    "PROPOSALS",
    "REQUESTS",
    "Event",
    "Lease",
    "Store",
    "StoreDamaged",
    "StoreFull",
    "damaged",
]
