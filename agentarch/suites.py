"""Named sets of tasks, so that a search can be told how much to ask of a design in one word."""

from __future__ import annotations

from dataclasses import dataclass

from agentarch.errors import unknown_name


@dataclass(frozen=True)
class Suite:
    """Tasks that are scored together.

    Attributes:
        name: what stands for them.
        description: one line: what it is for.
        tasks: their names, in order.
    """

    name: str
    description: str
    tasks: tuple[str, ...]


SUITES = (
    Suite("quick", "two tasks that pull apart; for a first look", ("recall", "parity")),
    Suite(
        "standard",
        "eight tasks, one for each thing a design can be good at; for a night",
        ("recall", "parity", "fuzzy_recall", "stack", "compress", "automaton", "series", "text"),
    ),
    Suite(
        "full",
        "every task; for a verdict that is to hold everywhere",
        (
            *(
                "recall",
                "parity",
                "copy",
                "series",
                "noisy_recall",
                "fuzzy_recall",
                "compress",
                "memorize",
                "stack",
            ),
            *(
                "recursion",
                "automaton",
                "sort",
                "digits",
                "series_shuffled",
                "text",
                "graph",
                "continual",
                "table",
            ),
        ),
    ),
)
"""From the cheapest to the dearest."""


def find_suite(name: str) -> Suite:
    """Return the suite of a name.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    known = {suite.name: suite for suite in SUITES}
    if name not in known:
        raise unknown_name("suite", name, known)
    return known[name]
