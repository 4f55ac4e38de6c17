"""What a run decides: a reason to be read and the evaluations that follow; a row of the log before it is an action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agentarch.design import Design
from agentarch.evaluation import Request


class Choice(StrEnum):
    """The kinds of decisions."""

    BEGIN = "begin"
    """A design that survived its smoke run is scored."""
    CLIMB = "climb"
    """A design goes on to a higher rung."""
    REPEAT = "repeat"
    """Designs get another training seed, because a climb or the lead hangs on it."""
    RECHECK = "recheck"
    """An elite gets another training seed, so that luck washes out."""
    FINALISTS = "finalists"
    """The search is over: these designs and controls go on to the confirm split."""
    TUNE = "tune"
    """Learning rates are tried."""
    CONFIRM = "confirm"
    """Finalists and controls are scored on items that no decision has seen."""
    TEST = "test"
    """The sealed split is opened."""
    VERDICT = "verdict"
    """What the run found."""


@dataclass(frozen=True)
class Decision:
    """One decision.

    Attributes:
        kind: what was decided.
        reason: why, in one line for a person.
        requests: the evaluations that follow.
        facts: what later decisions and reports need of it, as plain JSON values.
        designs: that were made for it, e.g. a control; recorded with it.
    """

    kind: Choice
    reason: str
    requests: tuple[Request, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    designs: tuple[Design, ...] = ()
