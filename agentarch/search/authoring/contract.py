"""What the engine and whatever writes proposals beside it need of each other. Loads nothing."""

from __future__ import annotations

from typing import Protocol

from agentarch.design import Design
from agentarch.proposers import Context


class NoRoom(Exception):
    """The budget has no room for what a proposal still needs; nothing is wrong."""


class Workshop(Protocol):
    """What the studio needs of the engine. Used from several threads at once."""

    def wants_proposal(self, writing: int) -> bool:
        """Whether another proposal should be begun, beside so many of which the log has nothing yet."""
        ...

    @property
    def is_searching(self) -> bool:
        """Whether designs are still wanted; False once the search is over."""
        ...

    def context(self, number: int) -> Context:
        """Return what the proposal of a number may be built upon."""
        ...

    def add(self, design: Design, proposal: str) -> None:
        """Record a design of a proposal, and queue its smoke run.

        Raises:
            NoRoom: the search is over, or about to be.
        """
        ...

    def accept(self, proposal: str) -> None:
        """Send a proposal to be scored."""
        ...

    def give_up(self, why: str) -> None:
        """Take note that no more proposals will come."""
        ...

    def fail(self, error: BaseException) -> None:
        """Stop the run because of an error."""
        ...


class Beside(Protocol):
    """What writes proposals while others are evaluated."""

    @property
    def paused_seconds(self) -> float:
        """How long it is until a provider that cannot be reached is tried again; 0 when none is waited for."""
        ...

    def tick(self) -> None:
        """Begin and resume what can be; called again and again by the thread that drives the run."""
        ...

    def close(self) -> None:
        """Let steps under way come to an end, or break them off; nothing that was written down is lost."""
        ...
